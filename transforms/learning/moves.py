"""Where accounts call from, day after day: who comes back to networks of before, and who has moved on to others.

People come home, offices and servers keep their addresses; a pool behind residential proxies calls all day long from networks that it
never used before, one a day (threats.md 4.3: one /24 a head and day) or one a call. Jobs on machines that live no longer have new
addresses too, but they are over in hours.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import polars as pl

from schemas.policy import Policy
from schemas.snapshot import MOVE

MOST_NETWORKS = 32
"""Networks remembered of an account: a month of daily moves."""

SHOWN = pl.Schema(
    {
        "account_id": pl.String(),
        "account_hash": pl.Int64(),
        "tick": pl.Datetime("us", "UTC"),
        "kind": pl.String(),
        "key": pl.Int64(),
        "count": pl.Int64(),
    }
)
"""Columns of TRAIT that are read."""

NETWORK = "prefix"
"""Kind of trait that is read."""

NETWORKS = pl.Schema(
    {
        "account_id": pl.String(),
        "account_hash": pl.Int64(),
        "key": pl.Int64(),
        "calls": pl.Int64(),
        "since": pl.Datetime("us", "UTC"),
        "until": pl.Datetime("us", "UTC"),
    }
)
"""One row an account, day and network: its calls from there, and the ticks of the first and the last of them."""


def networks_of(shown: pl.DataFrame) -> pl.DataFrame:
    """NETWORKS rows of some accounts' day.

    Args:
        shown: SHOWN rows of kind NETWORK of the day, in any order.
    """
    return shown.group_by("account_id", "account_hash", "key").agg(
        calls=pl.col("count").sum(), since=pl.col("tick").min(), until=pl.col("tick").max()
    )


def moves_after(
    previous: pl.DataFrame, day: datetime, networks: Sequence[pl.DataFrame], policy: Policy
) -> pl.DataFrame:
    """MOVE rows after a day.

    Args:
        previous: MOVE rows before.
        day: its start.
        networks: NETWORKS rows of the day, each account's in one frame.
        policy: learning.forget_days, campaigns.awake_hours.
    """
    awake = timedelta(hours=policy.campaigns.awake_hours)
    kept = previous.filter(pl.col("last_day") > day - timedelta(days=policy.learning.forget_days))
    today = pl.concat([pl.DataFrame(schema=NETWORKS), *networks])
    known = kept.select("account_id", key="networks").explode("key", empty_as_null=False)
    is_new = today.join(known, on=["account_id", "key"], how="anti").group_by("account_id").agg(_all_day("new"))
    both = (
        today.sort("account_id", "calls", "key", descending=[False, True, False])
        .group_by("account_id", "account_hash", maintain_order=True)
        .agg(_all_day("all"), used=pl.col("key").head(MOST_NETWORKS))
        .join(kept.drop("account_hash", "last_day"), on="account_id", how="left", maintain_order="left")
        .join(is_new, on="account_id", how="left", maintain_order="left")
    )
    counts = pl.col("networks").is_not_null() & (pl.col("lasted_all") >= awake)
    moved = counts & (2 * pl.col("calls_new") >= pl.col("calls_all")) & (pl.col("lasted_new") >= awake)
    networks_after = pl.col("used").list.concat(pl.col("networks").fill_null([])).list.unique(maintain_order=True)
    after = both.select(
        "account_id",
        "account_hash",
        last_day=pl.lit(day),
        networks=networks_after.list.head(MOST_NETWORKS),
        days=pl.col("days").fill_null(0) + counts.cast(pl.Int64),
        moved=pl.col("moved").fill_null(0) + moved.fill_null(value=False).cast(pl.Int64),
    )
    others = kept.join(both, on="account_id", how="anti", maintain_order="left")
    return MOVE.conform(pl.concat([others.select(MOVE.columns), after.select(MOVE.columns)]))


def _all_day(of: str) -> list[pl.Expr]:
    """Calls, and the time from the first to the last of them."""
    lasted = pl.col("until").max() - pl.col("since").min()
    return [pl.col("calls").sum().alias(f"calls_{of}"), lasted.alias(f"lasted_{of}")]
