"""`stillwatch campaigns`: accounts that are driven as one."""

from datetime import datetime
from pathlib import Path

import click

from pipelines.cli.blocks import blocks, terminal_width
from pipelines.cli.course import course
from pipelines.cli.main import DONE, FINDINGS
from pipelines.cli.options import TIERS, fail_on_option, lake_option, period_options, reaches
from pipelines.cli.output import Output, format_option

SHOWN = (
    "campaign_id",
    "tier",
    "kind",
    "accounts",
    "exchanges",
    "exchanges_per_day",
    "damage_tier",
    "next_tier_at",
    "flagged_at",
    "exchanges_before",
    "score",
    "course",
    "strongest_evidence",
)
"""Columns of the table that --wide writes; JSON and CSV hold all."""


@click.command()
@lake_option
@click.option("--account", metavar="ACCOUNT", help="Only campaigns this account is in.")
@click.option("--tier", type=click.Choice(TIERS), help="Only this tier.")
@click.option("--kind", help="Only this kind: distillation, relay, resale, ...")
@period_options("campaigns flagged")
@click.option("--merged", is_flag=True, help="Also those that have become part of others.")
@click.option("--wide", is_flag=True, help="A table with one line a campaign instead of blocks.")
@click.option("--limit", type=click.IntRange(min=1), help="At most so many.")
@fail_on_option
@format_option()
def command(
    lake_path: Path,
    account: str | None,
    tier: str | None,
    kind: str | None,
    since: datetime | None,
    until: datetime | None,
    merged: bool,
    wide: bool,
    limit: int | None,
    fail_on: str | None,
    output_format: str,
) -> int:
    """Lists the campaigns: the surest tier first, then by what they have taken.

    In a terminal each is a block with all of its evidence; --wide writes one line each, and JSON and CSV hold every
    column and account.

    \b
    Examples:
      stillwatch campaigns --lake lake
      stillwatch campaigns --lake lake --kind distillation --since 2026-03-01
      stillwatch campaigns --lake lake --account acct-7 --format json
    """
    import polars as pl

    from pipelines.lake.lake import Lake
    from schemas.finding import KINDS

    if kind is not None and kind not in KINDS:
        raise click.BadParameter(f"{kind!r} is none of {', '.join(KINDS)}", param_hint="--kind")
    lake = Lake.open(lake_path)
    rows = lake.read("campaigns")
    for name, value in {"tier": tier, "kind": kind}.items():
        if value is not None:
            rows = rows.filter(pl.col(name) == value)
    if account is not None:
        rows = rows.filter(pl.col("account_ids").list.contains(account))
    if since is not None:
        rows = rows.filter(pl.col("flagged_at") >= since)
    if until is not None:
        rows = rows.filter(pl.col("flagged_at") < until)
    if not merged:
        rows = rows.filter(pl.col("merged_into").is_null())
    largest_first = [pl.col("tier").cast(pl.Enum(TIERS)), pl.col("exchanges")]
    rows = rows.sort(*largest_first, "campaign_id", descending=[True, True, False])
    latest_test = (
        lake.read("campaign_tests").sort("day").group_by("campaign_id").agg(latest_test=pl.struct(pl.all()).last())
    )
    rows = rows.join(latest_test, on="campaign_id", how="left", maintain_order="left")
    found = any(reaches(each, fail_on) for each in rows["tier"].unique())
    shown = rows if limit is None else rows.head(limit)
    if output_format == "table" and not wide:
        Output(output_format).text(blocks(shown.iter_rows(named=True), terminal_width()))
    elif output_format == "table":
        told = pl.Series("course", [course(row) for row in shown.iter_rows(named=True)], dtype=pl.String)
        shown = shown.with_columns(told, strongest_evidence=pl.col("evidence").list.first())
        Output(output_format).frame(shown.select(SHOWN))
    else:
        Output(output_format).frame(shown)
    click.echo(f"{shown.height:,} of {rows.height:,} campaigns", err=True)
    return FINDINGS if found else DONE
