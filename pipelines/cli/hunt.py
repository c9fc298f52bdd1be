"""`stillwatch hunt`: past days, looked at with what is known now."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipelines.cli.main import DONE, FINDINGS
from pipelines.cli.options import Moment, fail_on_option, lake_option, reaches
from pipelines.cli.output import Output, cell, format_option, iso, neutral

if TYPE_CHECKING:
    from pipelines.hunt import Hunted

_MOST = 20
"""Accounts a text tells of; JSON and CSV hold all."""


@click.command()
@lake_option
@click.option("--since", metavar="DAY", type=Moment(), required=True, help="The first UTC day to look at.")
@click.option("--until", metavar="DAY", type=Moment(), help="Only ticks that end by then; without it all closed ones.")
@click.option("--dry-run", is_flag=True, help="Only tell; the lake is only read, and may be written meanwhile.")
@click.option("--quiet", is_flag=True, help="Tell warnings and errors only.")
@fail_on_option
@format_option()
def command(
    lake_path: Path,
    since: datetime,
    until: datetime | None,
    dry_run: bool,
    quiet: bool,
    fail_on: str | None,
    output_format: str,
) -> int:
    """Hunts through past days with what is known now: thieves that live scoring could not see.

    Keys of campaigns, and of accounts judged to be thieves, are carried back over all traits that are kept: who showed them before
    anybody knew whose they are? And the windows since DAY are judged again with the newest models and references, and by the rules of today that look at windows. Accounts
    are told that are not flagged, or were flagged later, each with what it rests on, since when that is known, and how many
    exchanges it took. Live findings and scores do not change: the rows are kept in the table `hunts`, under an id that the
    same lake gives again. Accounts that the policy allows, and those an analyst has cleared, are left out.

    \b
    Examples:
      stillwatch hunt --lake lake --since 2026-03-01
      stillwatch hunt --lake lake --since 2026-03-01 --format csv
    """
    from pipelines.cli.progress import Progress
    from pipelines.hunt import HuntRequest, hunt

    done = hunt(HuntRequest(lake_path, since, until, is_recorded=not dry_run), Progress(quiet=quiet))
    output = Output(output_format)
    if output_format == "csv":
        output.frame(done.rows)
    else:
        output.record(hunted_values(done), hunted_text(done))
    return FINDINGS if any(reaches(tier, fail_on) for tier in done.rows["tier"].unique()) else DONE


def hunted_values(done: "Hunted") -> dict[str, Any]:
    """Everything, for programs."""
    return {
        "hunt_id": done.hunt_id,
        "since": done.since,
        "until": done.until,
        "policy_version": done.policy_version,
        "snapshot_id": done.snapshot_id,
        "recorded": done.recorded,
        "accounts": done.rows.to_dicts(),
        "seconds": round(done.seconds, 1),
    }


def hunted_text(done: "Hunted") -> str:
    """The same for people: the accounts not flagged first, then by what they took."""
    import polars as pl

    from pipelines.cli.progress import duration

    snapshot = done.snapshot_id or "no snapshot"
    lines = [f"hunt {done.hunt_id}: from {iso(done.since)[:10]} until {iso(done.until)}, with {snapshot}"]
    by = [pl.col("change").cast(pl.Enum(("new", "earlier"))), pl.col("exchanges"), pl.col("account_id")]
    rows = done.rows.sort(by, descending=[False, True, False])
    for (change,), some in rows.group_by("change", maintain_order=True):
        told = "not flagged" if change == "new" else "flagged later"
        lines.append(f"{told}: {some.height:,} accounts, at least {some['exchanges'].sum():,} exchanges")
        for row in some.head(_MOST).iter_rows(named=True):
            lines += _account(row)
        if some.height > _MOST:
            lines.append(f"  and {some.height - _MOST:,} more (--format json)")
    if rows.is_empty():
        lines.append("nothing that live findings do not say")
    kept = {"now": "kept in the table `hunts`", "before": "kept in the table `hunts` before", None: "nothing was kept"}
    return "\n".join([*lines, f"{kept[done.recorded]}; took {duration(done.seconds)}"])


def _account(row: dict[str, Any]) -> list[str]:
    later = ""
    if row["live_flagged_at"] is not None:
        later = f"; flagged at {iso(row['live_flagged_at'])} instead of {iso(row['decided_at'])}"
    took = f"{row['exchanges']:,} exchanges from {iso(row['first_seen'])} to {iso(row['last_seen'])}"
    score = f"score {cell(row['score'])}"
    lines = [f"  {neutral(row['account_id'])}: {row['tier']} {row['kind']}, {score}, {took}{later}"]
    for rest in row["rests_on"]:
        since = "" if rest["known_since"] is None else f", known since {iso(rest['known_since'])}"
        lines.append(f"    rests on {rest['basis']} {neutral(rest['id'])}{since}: {rest['detail']}")
    return [*lines, *[f"    {neutral(reason)}" for reason in row["reasons"][:2]]]
