"""`stillwatch explain`: why an account is flagged, or why it is not."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipelines.cli.options import lake_option
from pipelines.cli.output import Output, format_option

if TYPE_CHECKING:
    from pipelines.cli.explanation import Sources
    from pipelines.lake.lake import Lake
    from schemas.policy import Policy


@click.command()
@click.argument("account")
@lake_option
@format_option(formats=("text", "json"))
def command(account: str, lake_path: Path, output_format: str) -> None:
    """Explains one account from the lake alone.

    A flagged account: each signal with what was observed, expected and usual among peers, since when, how many
    exchanges had left, linked accounts, example calls, technique, what the source could not show, and what would have
    cleared it. Any other account: its latest and highest score, and why they did not suffice; with whom it shares keys that few others hold, and why that is no campaign.

    \b
    Examples:
      stillwatch explain ACCOUNT --lake lake
      stillwatch explain ACCOUNT --lake lake --format json
    """
    from pipelines.cli.explanation import explain, text
    from pipelines.lake.lake import Lake
    from pipelines.lake.plan import last_policy

    lake = Lake.open(lake_path)
    policy = last_policy(lake)
    sources = _read(lake, account, policy)
    if not sources.is_known:
        raise _unknown(lake, account)
    told = explain(sources, policy)
    Output(output_format).record(told, text(told))


def _read(lake: "Lake", account: str, policy: "Policy") -> "Sources":
    import polars as pl

    from pipelines.cli.explanation import Sources
    from pipelines.cli.sharing import shared_by
    from schemas.catalogue import TABLES

    versions = lake.versions()

    def rows(table: str, wanted: pl.Expr) -> list[dict[str, object]]:
        found = lake.collect(table, lake.scan(table, versions[table]).filter(wanted))
        return found.sort(list(TABLES[table].key), maintain_order=True).to_dicts()

    is_it = pl.col("account_id") == account
    flagged = rows("flagged_accounts", is_it)
    scores = rows("account_scores", is_it)
    models = []
    if scores:
        latest = scores[-1]
        models = rows(
            "models",
            (pl.col("snapshot_id") == pl.lit(latest["snapshot_id"])) & (pl.col("peer_group") == latest["peer_group"]),
        )
    campaigns = rows("campaigns", pl.col("account_ids").list.contains(account))
    names = [campaign["campaign_id"] for campaign in campaigns]
    latest_tests = {row["campaign_id"]: row for row in rows("campaign_tests", pl.col("campaign_id").is_in(names))}
    windows = rows("account_windows", is_it)
    shared = None if flagged or not windows else shared_by(lake, account, int(str(windows[-1]["account_hash"])), policy)
    return Sources(
        account,
        flagged[0] if flagged else None,
        rows("findings", is_it),
        [campaign | {"latest_test": latest_tests.get(campaign["campaign_id"])} for campaign in campaigns],
        scores,
        windows,
        models[0] if models else None,
        shared,
    )


def _unknown(lake: "Lake", account: str) -> "Exception":
    import polars as pl

    from pipelines.cli.explanation import candidates, near
    from schemas.errors import LakeError

    of_account = lake.scan("events").filter(pl.col("account_id") == account)
    waiting = lake.collect("events", of_account.select(pl.len())).item()
    if waiting:
        fix = "backfill the logs that follow, or declare the input complete with --complete"
        return LakeError(
            str(lake.root), f"{waiting:,} calls of account {account} are in, but no hour of it has closed", fix
        )
    accounts = lake.scan("account_windows").select("account_id").unique()
    known = lake.collect("account_windows", accounts).get_column("account_id")
    close = near(account, candidates(account, known))
    fix = f"write {' or '.join(close)}" if close else "list them with `stillwatch query` (table account_windows)"
    return LakeError(str(lake.root), f"there is no account {account} among {known.len():,}", fix)
