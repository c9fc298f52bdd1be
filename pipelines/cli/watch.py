"""`stillwatch watch`: logs in as they are written, flagged accounts in a lake out, minutes later."""

import os
from typing import Any

import click

from pipelines.cli.backfill import WithBeamOptions, beam_options
from pipelines.cli.main import DONE, FINDINGS, QUALITY
from pipelines.cli.options import (
    engine,
    engine_options,
    fail_on_option,
    lake_option,
    reaches,
    reading_options,
    working_options,
)
from pipelines.cli.output import Output, format_option


@click.command(cls=WithBeamOptions)
@click.argument("sources", metavar="SOURCE...", nargs=-1, required=True)
@lake_option
@reading_options
@click.option("--once", is_flag=True, help="Read what is there, show what is still open, and end.")
@click.option("--complete", is_flag=True, help="At the end of --once or of stdin: nothing more will come, close all.")
@click.option(
    "--latency",
    metavar="SECONDS",
    type=click.FloatRange(min=0, min_open=True),
    help="From a record's arrival to the lake, about; in place of watch.latency_seconds of the policy.",
)
@click.option(
    "--listen",
    metavar="HOST:PORT",
    help="Answer /metrics (Prometheus), /healthz and /readyz there, for example 127.0.0.1:9464; without it nothing listens.",
)
@click.option(
    "--log",
    "log_format",
    type=click.Choice(("text", "json")),
    default="text",
    show_default=True,
    help="The story on stderr: text, or one JSON object a line.",
)
@engine_options
@working_options
@fail_on_option
@format_option(reads_sources=True)
def command(**options: Any) -> int:
    """Reads SOURCE (files, globs, folders, topics, or - for stdin) into a lake as it is written, and flags the accounts that steal.

    Files may be rotated, renamed, truncated and compressed meanwhile; what a pattern names later is read, too. A source that
    rests for watch.idle_minutes of the policy is no longer waited for. SIGTERM and SIGINT end it after the run under way, a
    second one at once; whatever stopped it, the same command goes on where it was.

    \b
    Examples:
      stillwatch watch /var/log/gateway/ --lake lake
      stillwatch watch '/var/log/nginx/access.log*' --lake lake --latency 10
      stillwatch watch logs/ --lake lake --once
      stillwatch watch kafka://broker-1:9092,broker-2:9092/calls,chats --lake lake
      tail -F calls.jsonl | stillwatch watch - --lake lake
      stillwatch watch /var/log/gateway/ --lake lake --listen 127.0.0.1:9464 --log json
    """
    policy_file, latency, quiet = options.pop("policy_file"), options.pop("latency"), options.pop("quiet")
    chosen = engine(options.pop("runner"), options.pop("scheduler"), beam_options())
    listen, is_logged = options.pop("listen"), options.pop("log_format") == "json"
    fail_on, output, is_once = options.pop("fail_on"), Output(options.pop("output_format")), options.pop("once")

    import gc
    from contextlib import nullcontext
    from dataclasses import replace
    from datetime import timedelta

    from pipelines.cli.live import LiveProgress, LoggedProgress, stopping
    from pipelines.cli.summary import show_summary
    from pipelines.request import Request
    from pipelines.sight.serving import parse_address, serving
    from pipelines.sight.view import View
    from pipelines.sources.brokers import read_config
    from pipelines.watch import watch
    from schemas.errors import StillwatchError
    from schemas.policy import Policy

    policy = Policy() if policy_file is None else Policy.read(policy_file)
    if latency is not None:
        policy = replace(policy, watch=replace(policy.watch, latency_seconds=latency))
    request = Request(
        sources=tuple(options.pop("sources")),
        lake=options.pop("lake_path"),
        accounts=options.pop("accounts_file"),
        is_complete=options.pop("complete"),
        kafka=read_config(options.pop("kafka_file"), os.environ),
        policy=policy,
        **chosen,
        **options,
    )
    progress = LoggedProgress(quiet=quiet) if is_logged else LiveProgress(quiet=quiet)
    longest = timedelta(minutes=policy.watch.longest_turn_minutes)
    view = View(longest, on_run=progress.ran, on_alert=progress.alerted, on_turn=progress.turned)
    gc.freeze()  # what was loaded stays: who looks for cycles between runs (watch.py) need not look at it again
    answering = nullcontext() if listen is None else serving(parse_address(listen), view)
    with answering, stopping(quiet=quiet or is_logged) as stop:
        try:
            summary = watch(request, progress, stop, is_once=is_once, view=view)
        except StillwatchError as error:
            progress.failed(error)
            raise
        finally:
            progress.end()
    show_summary(summary, output)
    if stop.is_set():
        return DONE
    if summary.quarantined:
        return QUALITY
    is_found = any(count and reaches(tier, fail_on) for tier, count in summary.flagged.items())
    return FINDINGS if is_found else DONE
