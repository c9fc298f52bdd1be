"""Whose days look most like a harvest, among all accounts of the day.

What a harvester's day looks like is learned beforehand, from simulated worlds (likeness.py; `make evaluation ARGS=leaning`): a sum over
features, each a step function of its value. In a log of another kind such a sum is no measure: all of its accounts may have
longer answers than any that it was learned from. So nothing is concluded from its size, and nobody is flagged for it. It
puts the accounts of one day in an order, and those at its top are only counted among the holders of a key (campaigns/evidence.py):
accounts that have nothing to do with each other are there by chance.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from schemas.policy import Policy
from schemas.snapshot import LEANING
from transforms.learning.likeness import FEATURES

LIKENESS = pl.Schema({"account_id": pl.String(), "account_hash": pl.Int64(), "likeness": pl.Int64()})
"""One row an account and day: how much it looks like a harvester's."""

_STEPS = {
    name: (np.array(edges, dtype=np.float64), np.array([unknown, *points], dtype=np.int64))
    for name, (edges, points, unknown) in FEATURES.items()
}
"""By feature: edges, and points of an unknown value, then of each step."""


def last_of_day(windows: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    """The last window of each account in which it had enough calls; one row an account.

    Args:
        windows: WINDOW rows of one day, in any order.
        policy: campaigns.leaning_calls.
    """
    enough = windows.filter(pl.col("calls_24h") >= policy.campaigns.leaning_calls)
    return enough.sort("account_id", "window_end").unique("account_id", keep="last", maintain_order=True)


def likeness_of(windows: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    """LIKENESS rows of some accounts' day, by account.

    Args:
        windows: WINDOW rows of the day without provisional ones; features may be missing (null).
        policy: campaigns.leaning_calls.
    """
    last = last_of_day(windows, policy)
    total = np.zeros(last.height, dtype=np.int64)
    for name, (edges, points) in _STEPS.items():
        if name in last.columns:
            values = last[name].cast(pl.Float64).to_numpy()
            total += points[np.where(np.isnan(values), 0, np.searchsorted(edges, values, side="right") + 1)]
        else:
            total += points[0]
    return last.select("account_id", "account_hash", likeness=pl.Series(total, dtype=pl.Int64)).cast(LIKENESS)


def leanings_after(
    previous: pl.DataFrame, day: datetime, likeness: Sequence[pl.DataFrame], policy: Policy
) -> pl.DataFrame:
    """LEANING rows after a day.

    Args:
        previous: LEANING rows before.
        day: its start.
        likeness: LIKENESS rows of the day, each account in one frame.
        policy: learning.forget_days, campaigns.leaning_share.
    """
    kept = previous.filter(pl.col("last_day") > day - timedelta(days=policy.learning.forget_days))
    today = pl.concat([pl.DataFrame(schema=LIKENESS), *likeness]).sort("account_id")
    # Of equal ones at the border none is among them, so that no order of accounts decides.
    place = int(policy.campaigns.leaning_share * today.height)
    least = today["likeness"].sort(descending=True)[place] if today.height else 0
    after = today.with_columns(last_day=pl.lit(day), leans=pl.col("likeness") > least)
    others = kept.join(after, on="account_id", how="anti", maintain_order="left")
    return LEANING.conform(pl.concat([others.select(LEANING.columns), LEANING.conform(after)]))
