"""`stillwatch backfill`: logs in, flagged accounts in a lake out."""

import os
from typing import Any

import click

from pipelines.cli.main import DONE, FAILED, FINDINGS, QUALITY
from pipelines.cli.options import (
    engine,
    engine_options,
    fail_on_option,
    lake_option,
    period_options,
    reaches,
    reading_options,
    working_options,
)
from pipelines.cli.output import Output, format_option

_BEAM = "stillwatch.beam_options"


class WithBeamOptions(click.Command):
    """A command whose arguments behind `--` go to Beam as they are."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parses what stands before `--`, and keeps the rest for `beam_options`."""
        cut = args.index("--") if "--" in args else len(args)
        ctx.meta[_BEAM] = args[cut + 1 :]
        return super().parse_args(ctx, args[:cut])

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """The usage line, with what may follow `--`."""
        return [*super().collect_usage_pieces(ctx), "[-- BEAM OPTIONS]"]


def beam_options() -> tuple[str, ...]:
    """What stood behind `--`."""
    return tuple(click.get_current_context().meta.get(_BEAM, ()))


@click.command(cls=WithBeamOptions)
@click.argument("sources", metavar="SOURCE...", nargs=-1, required=True)
@lake_option
@reading_options
@click.option("--complete", is_flag=True, help="Nothing more will come: close everything that is still open.")
@period_options("records completed")
@click.option("--dry-run", is_flag=True, help="Only tell what would be read, and estimate time and disk.")
@engine_options
@working_options
@fail_on_option
@format_option(reads_sources=True)
def command(**options: Any) -> int:
    """Reads SOURCE (files, globs, folders, topics, or - for stdin) into a lake and flags the accounts that steal.

    Sources may be plain, .gz or .zst, in any order; what was read before is not read again. Repeat the command whenever
    new files are there, or after it was interrupted: the lake is then what one run over everything would have given.

    \b
    Examples:
      stillwatch backfill logs/ --lake lake
      stillwatch backfill 'logs/2026-03-*.jsonl.gz' --lake lake --format litellm --complete
      stillwatch backfill logs/ --lake lake --dry-run
      stillwatch backfill kafka://broker:9092/calls --lake lake --kafka-config kafka.properties
      zcat calls.gz | stillwatch backfill - --lake lake --accounts accounts.csv
      stillwatch backfill logs/ --lake lake -- --direct_num_workers=2
    """
    policy_file, dry_run, quiet = options.pop("policy_file"), options.pop("dry_run"), options.pop("quiet")
    chosen = engine(options.pop("runner"), options.pop("scheduler"), beam_options())
    fail_on, output = options.pop("fail_on"), Output(options.pop("output_format"))

    from pipelines.backfill import backfill, estimate
    from pipelines.cli.progress import Progress
    from pipelines.cli.summary import show_estimate, show_summary
    from pipelines.request import Request
    from pipelines.sources.brokers import read_config
    from schemas.policy import Policy

    request = Request(
        sources=tuple(options.pop("sources")),
        lake=options.pop("lake_path"),
        accounts=options.pop("accounts_file"),
        is_complete=options.pop("complete"),
        kafka=read_config(options.pop("kafka_file"), os.environ),
        policy=Policy() if policy_file is None else Policy.read(policy_file),
        **chosen,
        **options,
    )
    progress = Progress(quiet=quiet)
    if dry_run:
        show_estimate(estimate(request, progress), output)
        return DONE
    summary = backfill(request, progress)
    progress.end()
    show_summary(summary, output)
    if summary.sources and all(source.refused_because is not None for source in summary.sources):
        return FAILED
    if summary.quarantined:
        return QUALITY
    is_found = any(count and reaches(tier, fail_on) for tier, count in summary.flagged.items())
    return FINDINGS if is_found else DONE
