"""`stillwatch accounts`: the review list."""

from datetime import datetime
from pathlib import Path

import click

from pipelines.cli.main import DONE, FINDINGS
from pipelines.cli.options import TIERS, fail_on_option, lake_option, period_options, reaches
from pipelines.cli.output import Output, format_option

SHOWN = (
    "account_id",
    "tier",
    "severity",
    "kind",
    "flagged_at",
    "score",
    "exchanges_before",
    "status",
    "strongest_reason",
)
"""Columns of the table; JSON and CSV hold all."""


@click.command()
@lake_option
@click.option("--tier", type=click.Choice(TIERS), help="Only this tier.")
@click.option("--kind", help="Only this kind: distillation, bulk_download, ...")
@click.option("--status", help="Only this status: new, in_progress, suppressed, resolved.")
@period_options("accounts flagged")
@click.option("--limit", type=click.IntRange(min=1), help="At most so many.")
@fail_on_option
@format_option()
def command(
    lake_path: Path,
    tier: str | None,
    kind: str | None,
    status: str | None,
    since: datetime | None,
    until: datetime | None,
    limit: int | None,
    fail_on: str | None,
    output_format: str,
) -> int:
    """Lists the flagged accounts: the surest tier first, then by severity and score.

    \b
    Examples:
      stillwatch accounts --lake lake
      stillwatch accounts --lake lake --tier act --since 2026-03-01
      stillwatch accounts --lake lake --fail-on act --format json
    """
    import polars as pl

    from pipelines.lake.lake import Lake
    from schemas.finding import KINDS, SEVERITIES, STATUSES

    for option, value, known in (("--kind", kind, KINDS), ("--status", status, STATUSES)):
        if value is not None and value not in known:
            raise click.BadParameter(f"{value!r} is none of {', '.join(known)}", param_hint=option)
    rows = Lake.open(lake_path).read("flagged_accounts")
    wanted = {"tier": tier, "kind": kind, "status": status}
    for name, value in wanted.items():
        if value is not None:
            rows = rows.filter(pl.col(name) == value)
    if since is not None:
        rows = rows.filter(pl.col("flagged_at") >= since)
    if until is not None:
        rows = rows.filter(pl.col("flagged_at") < until)
    worst_first = [pl.col("tier").cast(pl.Enum(TIERS)), pl.col("severity").cast(pl.Enum(SEVERITIES)), pl.col("score")]
    rows = rows.sort(*worst_first, "account_id", descending=[True, True, True, False])
    found = any(reaches(each, fail_on) for each in rows["tier"].unique())
    shown = rows if limit is None else rows.head(limit)
    if output_format == "table":
        shown = shown.with_columns(pl.col("reasons").list.first().alias("strongest_reason")).select(SHOWN)
    Output(output_format).frame(shown)
    click.echo(f"{shown.height:,} of {rows.height:,} flagged accounts", err=True)
    return FINDINGS if found else DONE
