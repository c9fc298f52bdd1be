"""Ordered calls cut into what the rest of the room works on: one account's tick at a time."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from transforms.order.sequence import Sequenced
from transforms.sketches.grouping import starts_of
from transforms.sketches.mix import I64


@dataclass(frozen=True)
class Ticks:
    """Calls in order, and the cells, one account's tick each, that they fall into.

    Attributes:
        accounts: account_id, account_hash, sorted by account_id.
        calls: EVENT columns that are read, by account_id, time and event_id.
        account: row of `accounts` of each call.
        time: microseconds since 1970 of each call.
        cell: cell of each call, from 0, ascending.
        starts: first call of each cell; cells are in the order of (account_id, tick).
        tick: start of each cell's tick, microseconds since 1970.
    """

    accounts: pl.DataFrame
    calls: pl.DataFrame
    account: I64
    time: I64
    cell: I64
    starts: I64
    tick: I64

    @property
    def of_cell(self) -> I64:
        """Row of `accounts` of each cell."""
        return self.account[self.starts]


def cut(sequenced: Sequenced, calls: pl.DataFrame, tick_minutes: int) -> Ticks:
    """The calls of `sequenced`, already in its order, in cells of an account's tick."""
    length = tick_minutes * 60_000_000
    ticks = sequenced.time // length
    starts = starts_of(sequenced.account, ticks)
    cell = np.zeros(len(ticks), dtype=np.int64)
    cell[starts[1:]] = 1
    return Ticks(
        accounts=sequenced.accounts,
        calls=calls,
        account=sequenced.account,
        time=sequenced.time,
        cell=np.cumsum(cell),
        starts=starts,
        tick=ticks[starts] * length,
    )


def moments(microseconds: I64) -> pl.Series:
    """Microseconds since 1970 as UTC times."""
    return pl.Series(microseconds, dtype=pl.Int64).cast(pl.Datetime("us", "UTC"))


def flags(frame: pl.DataFrame, claim: pl.Expr) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    """Whether the claim is known to hold, row by row."""
    return frame.select(claim.fill_null(value=False)).to_series().to_numpy()
