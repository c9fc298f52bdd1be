"""Where accounts call from, day after day: who stays on a network, comes back to it, or has moved on to another one.

People come home, offices and servers keep their addresses; a pool behind residential proxies lives on another network each day
(threats.md 4.3: one /24 a head and day). Programs on machines that live for one job have new addresses too, but none that lasts.
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
        "used": pl.List(pl.Int64()),
        "stayed": pl.Boolean(),
    }
)
"""One row an account and day: the networks it called from, those with most calls first, and whether it stayed on the first of them."""


def moves_after(
    previous: pl.DataFrame, day: datetime, networks: Sequence[pl.DataFrame], policy: Policy
) -> pl.DataFrame:
    """MOVE rows after a day.

    Args:
        previous: MOVE rows before.
        day: its start.
        networks: NETWORKS rows of the day, each account's in one frame.
        policy: learning.forget_days.
    """
    oldest = day - timedelta(days=policy.learning.forget_days)
    kept = previous.filter(pl.col("last_day") > oldest)
    today = pl.concat([pl.DataFrame(schema=NETWORKS), *networks])
    both = today.join(kept.drop("account_hash", "last_day"), on="account_id", how="left", maintain_order="left")
    counts = pl.col("stayed") & pl.col("networks").is_not_null()
    is_new = ~pl.col("networks").list.contains(pl.col("used").list.first())
    known = pl.col("networks").fill_null([])
    after = both.select(
        "account_id",
        "account_hash",
        last_day=pl.lit(day),
        networks=pl.col("used").list.concat(known).list.unique(maintain_order=True).list.head(MOST_NETWORKS),
        days=pl.col("days").fill_null(0) + counts.cast(pl.Int64),
        moved=pl.col("moved").fill_null(0) + (counts & is_new).cast(pl.Int64),
    )
    others = kept.join(today, on="account_id", how="anti", maintain_order="left")
    return MOVE.conform(pl.concat([others.select(MOVE.columns), after.select(MOVE.columns)]))


def networks_of(shown: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    """NETWORKS rows of some accounts' day.

    Args:
        shown: SHOWN rows of kind NETWORK of the day, in any order.
        policy: campaigns.stay_hours.
    """
    by, stay = ["account_id", "account_hash"], timedelta(hours=policy.campaigns.stay_hours)
    networks = (
        shown.group_by(*by, "key")
        .agg(pl.col("count").sum(), lasted=pl.col("tick").max() - pl.col("tick").min())
        .sort("account_id", "count", "key", descending=[False, True, False])
    )
    most = 2 * pl.col("count").first() >= pl.col("count").sum()
    return networks.group_by(by, maintain_order=True).agg(
        used=pl.col("key").head(MOST_NETWORKS), stayed=most & (pl.col("lasted").first() >= stay)
    )
