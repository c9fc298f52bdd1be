"""Sums and distinct counts over the 24 hours up to an hour's end, in one pass over sorted rows.

Sums are differences of a running total of integers: exact whatever the chunks, and wrapping around cancels out.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

I64 = npt.NDArray[np.int64]
HOURS = 24
_SERIES = np.int64(2**32)
"""Hours since 1970 fit below it for half a million years."""


def hour_number(column: str) -> pl.Expr:
    """Hours since 1970 of a time, Int64."""
    return pl.col(column).dt.timestamp("us") // 3_600_000_000


def series(frame: pl.DataFrame, by: Sequence[str]) -> I64:
    """Number of the run of equal `by` each row of a sorted frame belongs to."""
    return frame.select(pl.struct(by).rle_id().cast(pl.Int64)).to_series().to_numpy()


def trailing_sums(runs: I64, hours: I64, values: I64) -> I64:
    """For each row the column sums over its run's rows of the same and the 23 hours before.

    Args:
        runs: shape (rows,), ascending.
        hours: hours since 1970, ascending and unique within a run.
        values: shape (rows, columns).
    """
    places = runs * _SERIES + hours
    first = np.searchsorted(places, places - (HOURS - 1))
    first = np.maximum(first, np.searchsorted(runs, runs))
    total = np.zeros((len(values) + 1, values.shape[1]), dtype=np.int64)
    np.cumsum(values, axis=0, out=total[1:])
    return np.asarray(total[1:] - total[first])


def at_hours(runs: I64, hours: I64, values: I64, asked_runs: I64, asked_hours: I64) -> I64:
    """The value of exactly that hour, 0 where the run has no row for it."""
    places = runs * _SERIES + hours
    wanted = asked_runs * _SERIES + asked_hours
    found = np.minimum(np.searchsorted(places, wanted), max(len(places) - 1, 0))
    if len(places) == 0:
        return np.zeros(len(wanted), dtype=np.int64)
    return np.where(places[found] == wanted, values[found], 0)


def trailing_distinct(sightings: pl.DataFrame, asked: pl.DataFrame) -> I64:
    """For each row asked for, how many distinct keys its account showed in the 24 hours up to that hour's end.

    A key lives from the hour it is seen until 24 hours after it was seen last: one step up, one step down.

    Args:
        sightings: account (number), key, hour (number); unique.
        asked: account (number), hour (number).
    """
    rows = sightings.sort("account", "key", "hour")
    account, hour = (rows[name].to_numpy() for name in ("account", "hour"))
    same = series(rows, ["account", "key"])
    joined = (same[1:] == same[:-1]) & (hour[1:] - hour[:-1] < HOURS)
    appears = np.ones(len(hour), dtype=bool)
    appears[1:] = ~joined
    vanishes = np.ones(len(hour), dtype=bool)
    vanishes[:-1] = ~joined
    ups = np.sort(account[appears] * _SERIES + hour[appears])
    downs = np.sort(account[vanishes] * _SERIES + hour[vanishes] + HOURS)
    wanted_account, wanted_hour = asked["account"].to_numpy(), asked["hour"].to_numpy()
    wanted = wanted_account * _SERIES + wanted_hour
    start = wanted_account * _SERIES
    up = np.searchsorted(ups, wanted, side="right") - np.searchsorted(ups, start)
    down = np.searchsorted(downs, wanted, side="right") - np.searchsorted(downs, start)
    return np.asarray(up - down)
