"""At which hours of the day accounts call: who keeps nights, and who calls day and night.

People sleep, shops and schools close, and each account of a person has nights of its own. The heads of a pool have none of their own:
whatever work comes in is dealt out to all of them, so that each calls at the hours at which any of them does.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt
import polars as pl

from schemas.policy import Policy
from schemas.snapshot import NIGHT

CALLED = "operation"
"""Kind of trait that is read: every call shows one of it."""

_HOURS = 24
_MOST = 255
"""Calls in one hour of the day, all days together, from which the past loses weight; what an account did months ago must not outlast what it does now."""

HOURS = pl.Schema({"account_id": pl.String(), "account_hash": pl.Int64(), "hour": pl.Int8(), "calls": pl.Int64()})
"""One row an account, day and hour with calls."""


def hours_of(shown: pl.DataFrame) -> pl.DataFrame:
    """HOURS rows of some accounts' day.

    Args:
        shown: moves.SHOWN rows of kind CALLED of the day, in any order.
    """
    hour = pl.col("tick").dt.hour().alias("hour")
    return shown.group_by("account_id", "account_hash", hour).agg(calls=pl.col("count").sum())


def nights_after(previous: pl.DataFrame, day: datetime, hours: Sequence[pl.DataFrame], policy: Policy) -> pl.DataFrame:
    """NIGHT rows after a day.

    Args:
        previous: NIGHT rows before.
        day: its start.
        hours: HOURS rows of the day, each account's in one frame.
        policy: learning.forget_days, campaigns.night_hours.
    """
    kept = previous.filter(pl.col("last_day") > day - timedelta(days=policy.learning.forget_days))
    today = pl.concat([pl.DataFrame(schema=HOURS), *hours]).sort("account_id", "hour")
    accounts = today.select("account_id", "account_hash").unique("account_id", keep="first").sort("account_id")
    known = accounts.join(
        kept.select("account_id", "first_day", "hours"), on="account_id", how="left", maintain_order="left"
    )
    table = np.zeros((len(known), _HOURS), dtype=np.int64)
    was = known["hours"].is_not_null().to_numpy()
    table[was] = known["hours"].drop_nulls().list.to_array(_HOURS).to_numpy()
    rows = today.join(known.select("account_id").with_row_index("place"), on="account_id", maintain_order="left")
    # An account's first day does not count: it may have begun at noon.
    new = np.zeros_like(table)
    new[rows["place"].to_numpy(), rows["hour"].to_numpy()] = rows["calls"].to_numpy()
    table[was] += new[was]
    most = table.max(axis=1, initial=0, keepdims=True)
    table = np.where(most > _MOST, table * _MOST // np.maximum(most, 1), table)
    after = known.select(
        "account_id",
        "account_hash",
        first_day=pl.col("first_day").fill_null(day),
        last_day=pl.lit(day, dtype=NIGHT.polars["last_day"]),
        hours=pl.Series(table.astype(np.int32), dtype=pl.Array(pl.Int32, _HOURS)).arr.to_list(),
        calls=pl.Series(table.sum(axis=1)),
        quiet=pl.Series(_quiet(table, policy.campaigns.night_hours)),
    )
    others = kept.join(after, on="account_id", how="anti", maintain_order="left")
    return NIGHT.conform(pl.concat([others.select(NIGHT.columns), after.select(NIGHT.columns)]))


def _quiet(table: npt.NDArray[np.int64], width: int) -> npt.NDArray[np.int64]:
    """Calls in the quietest so many hours in a row of each row's day."""
    sums = np.cumsum(np.concatenate([np.zeros((len(table), 1), dtype=np.int64), table, table], axis=1), axis=1)
    return np.asarray((sums[:, width : width + _HOURS] - sums[:, :_HOURS]).min(axis=1, initial=np.iinfo(np.int64).max))
