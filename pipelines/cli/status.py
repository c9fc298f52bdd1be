"""`stillwatch status`: how a lake is kept up to date, told from outside."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipelines.cli.main import DONE
from pipelines.cli.options import lake_option
from pipelines.cli.output import Output, format_option, iso
from pipelines.cli.progress import duration
from pipelines.cli.summary import rates_text

if TYPE_CHECKING:
    from pipelines.sight.status import Status

_MOST_SOURCES = 20


@click.command()
@lake_option
@format_option(formats=("table", "json"))
def command(lake_path: Path, output_format: str) -> int:
    """Tells how far the lake is, what it waits for, and where it may be blind; reads only, while `watch` goes on.

    \b
    Examples:
      stillwatch status --lake lake
      stillwatch status --lake lake --format json
    """
    from datetime import UTC, datetime

    from pipelines.sight.status import sources_frame, status

    told, output = status(lake_path, datetime.now(UTC)), Output(output_format)
    if output_format == "json":
        output.record(told.to_plain(), "")
        return DONE
    output.rows(("what", "is"), _lines(told))
    if told.sources:
        click.echo()
        output.frame(sources_frame(told).head(_MOST_SOURCES))
        if len(told.sources) > _MOST_SOURCES:
            click.echo(f"and {len(told.sources) - _MOST_SOURCES:,} more sources; --format json lists all", err=True)
    if told.alerts:
        click.echo()
        output.rows(
            ("alert", "about", "since", "message"),
            [(a["kind"], a["name"], a["since"], a["message"]) for a in told.alerts],
        )
    return DONE


def _lines(told: "Status") -> list[tuple[str, str]]:
    writer, last = told.writer, told.last_run
    closed, behind = told.closed_until, told.behind_seconds
    flagged = ", ".join(f"{count:,} {tier}" for tier, count in sorted(told.flagged.items()))
    rejects = ", ".join(f"{count:,} {reason}" for reason, count in told.rejects.items())
    return [
        ("writer", "none" if writer is None else f"process {writer.pid} on {writer.host}, {writer.command}, since {writer.since}"),
        ("last run", "none" if last is None else f"{last['run_id']}, committed {iso(last['finished_at'])}"),
        ("unfinished run", told.unfinished or "none"),
        ("closed until", "nothing" if closed is None or behind is None else f"{iso(closed)}, {duration(behind)} behind the clock"),
        ("waiting events", f"{told.waiting:,}"),
        ("open accounts", f"{told.open_accounts:,}"),
        ("state", f"{told.state_bytes / 1e6:,.1f} MB"),
        ("rates by models", rates_text(told.scored_alike, told.least_alike)),
        ("flagged accounts", flagged),
        ("rejects", rejects or "none"),
        ("quarantined days", ", ".join(f"{day:%Y-%m-%d}" for day in told.quarantined) or "none"),
        ("distribution reference", _reference(told.reference)),
        ("open alerts", str(len(told.alerts))),
    ]  # fmt: skip


def _reference(told: dict[str, Any]) -> str:
    """What the distribution test compares with, for people."""
    day = "nothing yet" if told["learned_day"] is None else f"until {told['learned_day']:%Y-%m-%d}"
    if told["action"] is None:
        text = f"what the lake learns, {day}"
    else:
        since = "the first event" if told["since"] is None else f"{told['since']:%Y-%m-%d}"
        text = f"{told['name']}, {told['action']}, learned {day}, since {since}"
        text += "" if told["holds"] else " (the policy samples calls otherwise: what the lake learns holds)"
    return text if told["next"] is None else f"{text}; {told['next']} from {told['next_from']:%Y-%m-%d} on"
