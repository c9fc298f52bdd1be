"""Times as sources write them, as microseconds since 1970."""

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt
import polars as pl

Moment = datetime | int | float | None
"""A time as decoded: a datetime (without zone: UTC), or a count since 1970 whose size tells its unit."""

SECONDS_BELOW = 1e11
MILLISECONDS_BELOW = 1e14
"""Counts below 1e11 are seconds (until the year 5138), below 1e14 milliseconds (from 1973), else microseconds (from 1973).

Decided for each value by itself: within the years a policy can allow, no count is possible in two units.
"""

BEYOND = 2**62
"""Stands for any time too far from 1970 for 64 bits; outside every policy."""


def microseconds(values: Sequence[Moment]) -> pl.Series:
    """The times as Int64 microseconds since 1970, rounded to the nearest; null stays null.

    >>> microseconds([1767225601.25, 1767225601250, 1767225601250000, None]).to_list()
    [1767225601250000, 1767225601250000, 1767225601250000, None]
    """
    kinds = set(map(type, values))
    kinds.discard(type(None))
    if kinds <= {int, float}:
        return _series(_scaled(np.array(values, dtype=np.float64)), values)
    if kinds == {datetime}:
        seconds = [None if value is None else _seconds(value) for value in values]  # type: ignore[arg-type]
        return _series(np.array(seconds, dtype=np.float64) * 1e6, values)
    single = [_one(value) for value in values]
    return _series(np.array(single, dtype=np.float64), values)


def is_possible(column: str, earliest: datetime, latest: datetime) -> pl.Expr:
    """Whether a column of microseconds lies in [earliest, latest)."""
    low, high = (int(edge.timestamp()) * 1_000_000 for edge in (earliest, latest))
    return pl.col(column).is_between(low, high, closed="left")


def _one(value: Moment) -> float | None:
    if value is None:
        return None
    if isinstance(value, datetime):
        return _seconds(value) * 1e6
    return float(_scaled(np.array([value], dtype=np.float64))[0])


def _seconds(value: datetime) -> float:
    return (value if value.tzinfo is not None else value.replace(tzinfo=UTC)).timestamp()


def _scaled(counts: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    size = np.abs(counts)
    return counts * np.where(size < SECONDS_BELOW, 1e6, np.where(size < MILLISECONDS_BELOW, 1e3, 1.0))


def _series(counts: npt.NDArray[np.float64], values: Sequence[Moment]) -> pl.Series:
    missing = np.isnan(counts)
    whole = np.rint(np.clip(np.where(missing, 0.0, counts), -BEYOND, BEYOND)).astype(np.int64)
    series = pl.Series(whole, dtype=pl.Int64)
    return series.set(pl.Series(missing), None) if len(values) and missing.any() else series
