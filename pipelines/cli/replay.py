"""`stillwatch replay`: reads again what was refused."""

import dataclasses
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipelines.cli.main import DONE
from pipelines.cli.options import Moment, engine, engine_options, lake_option
from pipelines.cli.output import Output, format_option, iso

if TYPE_CHECKING:
    from pipelines.replay import Replayed


@click.command()
@click.argument("what", metavar="rejects", type=click.Choice(("rejects",)))
@click.argument("sources", metavar="[SOURCE]...", nargs=-1)
@lake_option
@click.option("--source", "match", metavar="GLOB", default="*", help="Only sources whose name matches.")
@click.option("--since", metavar="DAY", type=Moment(), help="Only records completed from then on; others stay refused.")
@click.option(
    "--format",
    "input_format",
    default="auto",
    show_default=True,
    help="Format to read with; auto takes the former one.",
)
@click.option(
    "--policy",
    "policy_file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="TOML; without it the policy of the last run.",
)
@click.option("--dry-run", is_flag=True, help="Only tell which records would be read again.")
@engine_options
@click.option("--key-file", metavar="FILE", type=click.Path(path_type=Path), help="Fingerprint key; outside the lake.")
@click.option("--quiet", is_flag=True, help="Tell warnings and errors only.")
@format_option(reads_sources=True)
def command(
    what: str,
    sources: tuple[str, ...],
    lake_path: Path,
    match: str,
    since: datetime | None,
    input_format: str,
    policy_file: Path | None,
    dry_run: bool,
    runner: str,
    scheduler: str | None,
    key_file: Path | None,
    quiet: bool,
    output_format: str,
) -> int:
    """Reads refused records again, with this version and policy; those that are taken now become events.

    Each is found by its place and digest in the source it came from, plain or compressed, where that was last seen or
    among the SOURCEs named here. What becomes an event leaves `rejects`; what is refused again stays. Events of days that
    are closed are too late until `rebuild` takes them in; the command says from which day. Exactly once, however often it
    is repeated or killed.

    \b
    Examples:
      stillwatch replay rejects --lake lake --dry-run
      stillwatch replay rejects --lake lake --policy policy.toml
      stillwatch replay rejects logs/ --lake lake --source '*2026-03-01*' --format litellm
    """
    from pipelines.cli.progress import Progress
    from pipelines.replay import ReplayRequest, preview, replay
    from schemas.policy import Policy

    assert what == "rejects"  # noqa: S101 - the only choice
    chosen = engine(runner, scheduler)
    policy = None if policy_file is None else Policy.read(policy_file)
    request = ReplayRequest(lake_path, sources, match, since, input_format, policy, key_file=key_file, **chosen)
    output = Output(output_format)
    if dry_run:
        rows = [[one.name, one.rejects, one.why_not] for one in preview(request)]
        output.rows(["source", "refused records", "cannot be read because"], rows)
        return DONE
    progress = Progress(quiet=quiet)
    done = replay(request, progress)
    progress.end()
    output.record(dataclasses.asdict(done), replayed_text(done, lake_path))
    return DONE


def replayed_text(done: "Replayed", lake: Path) -> str:
    """What became of the refused records, for people."""
    from pipelines.cli.progress import duration

    there = sum(one.rejects for one in done.sources)
    lines = [f"{there:,} refused records in {len(done.sources):,} sources"]
    lines.append(f"{done.appended:,} became events, {done.ignored:,} are ignored by a stated rule")
    lines.append(f"rejects: {done.rejects:,} rows are left")
    if done.rebuild_since is not None:
        day = iso(done.rebuild_since)[:10]
        lines.append(
            f"{done.too_late:,} events belong to closed ticks: `stillwatch rebuild --lake {lake} --since {day}`"
        )
    return "\n".join([*lines, f"took {duration(done.seconds)}"])
