"""`stillwatch backtest`: what a changed policy would have flagged, against what was flagged."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipelines.cli.main import DONE, QUALITY
from pipelines.cli.options import Moment, lake_option
from pipelines.cli.output import Output, cell, format_option, iso, neutral

if TYPE_CHECKING:
    from pipelines.backtest import Backtested

_MOST = 20
"""Accounts a text names of each change; JSON and CSV hold all."""


@click.command()
@lake_option
@click.option(
    "--policy",
    "policy_file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    required=True,
    help="The changed policy, TOML.",
)
@click.option("--since", metavar="DAY", type=Moment(), help="The first UTC day to compute; without it all days.")
@click.option("--until", metavar="DAY", type=Moment(), help="Only ticks that end by then.")
@click.option(
    "--scratch",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Where the scratch lake is made; without it beside the lake.",
)
@click.option(
    "--runner", type=click.Choice(("embedded", "dask")), default="embedded", show_default=True, help="Engine."
)
@click.option("--quiet", is_flag=True, help="Tell warnings and errors only.")
@format_option()
def command(
    lake_path: Path,
    policy_file: Path,
    since: datetime | None,
    until: datetime | None,
    scratch: Path | None,
    runner: str,
    quiet: bool,
    output_format: str,
) -> int:
    """Tells what a changed policy would have flagged on the lake's history, against what was flagged.

    The days since the border before --since are computed again under FILE, in a scratch lake that is removed at the end; the
    lake is only read, and may be written meanwhile. Accounts and campaigns are told that are gained or lost, flagged earlier
    or later, or under another tier, each with its signals and with the changed keys that bear on them. A key that decides how records
    are read (`stillwatch policy FILE` says: ingest) is refused: nothing in the lake can tell what it would have done. Events that
    came too late stay out, as they did. It costs what a rebuild of these days costs. CSV holds the accounts.

    \b
    Examples:
      stillwatch backtest --lake lake --policy policy.toml
      stillwatch backtest --lake lake --policy policy.toml --since 2026-03-02 --format json
    """
    from pipelines.backtest import BacktestRequest, backtest
    from pipelines.cli.progress import Progress
    from schemas.policy import Policy

    policy = Policy.read(policy_file)
    request = BacktestRequest(lake_path, policy, str(policy_file), since, until, runner, scratch)
    done = backtest(request, Progress(quiet=quiet))
    output = Output(output_format)
    if output_format == "csv":
        output.frame(done.accounts)
    else:
        output.record(backtested_values(done), backtested_text(done))
    return QUALITY if done.quarantined else DONE


def backtested_values(done: "Backtested") -> dict[str, Any]:
    """Everything, for programs."""
    return {
        "since": done.since,
        "until": done.until,
        "policy_versions": {"before": done.policy_versions[0], "after": done.policy_versions[1]},
        "earlier_policies": done.earlier_policies,
        "changed": [change.__dict__ for change in done.changed],
        "flagged": {tier: {"before": one, "after": other} for tier, (one, other) in done.flagged.items()},
        "same": done.same,
        "accounts": done.accounts.to_dicts(),
        "campaigns": done.campaigns.to_dicts(),
        "findings": [{"day": day, "before": one, "after": other} for day, one, other in done.findings],
        "quarantined": done.quarantined,
        "seconds": round(done.seconds, 1),
    }


def backtested_text(done: "Backtested") -> str:
    """The same for people."""
    from pipelines.cli.progress import duration

    start = "the beginning" if done.since is None else iso(done.since)[:10]
    lines = [
        f"from {start} until {iso(done.until)}, policy {done.policy_versions[0]} against {done.policy_versions[1]}"
    ]
    if done.earlier_policies:
        lines.append(f"part of it was flagged under other policies: {', '.join(done.earlier_policies)}")
    lines += [f"  {change.key}: {cell(change.before)} -> {cell(change.after)}" for change in done.changed]
    if not done.changed:
        lines.append("  no key differs from the lake's policy")
    counts = [f"{tier} {one:,} -> {other:,}" for tier, (one, other) in done.flagged.items()]
    lines.append(f"accounts flagged: {', '.join(counts)}; {done.same:,} of them alike")
    days = len(done.findings)
    if days:
        were, are = [before for _, before, _ in done.findings], [after for _, _, after in done.findings]
        lines.append(
            f"new findings a day: {sum(were) / days:.1f} -> {sum(are) / days:.1f} over {days:,} days with any, "
            f"at most {max(were):,} -> {max(are):,}"
        )
    lines += _accounts(done) + _campaigns(done)
    if done.accounts.is_empty() and done.campaigns.is_empty():
        lines.append("no difference: the same accounts and campaigns at the same times")
    if done.quarantined:
        listed = ", ".join(iso(day)[:10] for day in done.quarantined)
        lines.append(f"not learned, because the audit failed: {listed}")
    return "\n".join([*lines, f"took {duration(done.seconds)}"])


def _accounts(done: "Backtested") -> list[str]:
    lines = []
    for (change,), rows in done.accounts.group_by("change", maintain_order=True):
        lines.append(f"{change}: {rows.height:,} accounts")
        for row in rows.head(_MOST).iter_rows(named=True):
            keys = ", ".join(row["policy_keys"]) or "indirectly: models learned from other accounts"
            reason = row["reasons"][0] if row["reasons"] else "no reason is recorded"
            lines.append(f"  {neutral(row['account_id'])}: {_moved(row)}")
            lines.append(f"    {neutral(reason)}")
            lines.append(f"    by {keys}")
        if rows.height > _MOST:
            lines.append(f"  and {rows.height - _MOST:,} more (--format json)")
    return lines


def _campaigns(done: "Backtested") -> list[str]:
    lines = []
    for (change,), rows in done.campaigns.group_by("change", maintain_order=True):
        lines.append(f"{change}: {rows.height:,} campaigns")
        for row in rows.head(_MOST).iter_rows(named=True):
            sizes = " -> ".join(cell(row[f"accounts_{side}"]) or "none" for side in ("before", "after"))
            lines.append(f"  {row['campaign_id']}: {_moved(row)}, {sizes} accounts")
    return lines


def _moved(row: dict[str, Any]) -> str:
    """Tier, kind and time, before and after."""
    said = []
    for side in ("before", "after"):
        tier, kind, at = (row[f"{name}_{side}"] for name in ("tier", "kind", "flagged_at"))
        said.append("not flagged" if tier is None else f"{tier} {kind} at {iso(at)}")
    return " -> ".join(said)
