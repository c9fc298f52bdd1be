"""Sliding over 24 hours in steps of a tick: sums, and numbers of distinct keys.

The 24 hours up to a tick are the ticks of its hour so far and the 23 hours before that hour, so that hours can be kept
instead of ticks. All sums are of integers, hence exact in any order.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from transforms.sketches.grouping import changes
from transforms.sketches.mix import I64

HOUR = timedelta(hours=1)
DAY = timedelta(hours=24)
_HOUR = 3600
_SERIES = np.int64(2**36)
"""Seconds since 1970 lie below it for two thousand years."""


def hour() -> pl.Expr:
    """Start of the tick's hour."""
    return pl.col("tick").dt.truncate("1h").alias("hour")


def first_kept_hour(until: datetime) -> datetime:
    """The earliest hour that a tick from `until` on can still reach back to."""
    return until.replace(minute=0, second=0, microsecond=0) - DAY + HOUR


def by_hour(kept: pl.DataFrame, ticks: pl.DataFrame, by: Sequence[str], columns: Sequence[str]) -> pl.DataFrame:
    """Sums an hour, of hours kept and of new ticks together; sorted by `by` and hour."""
    fresh = ticks.select(*by, hour(), *columns)
    return (
        pl.concat([kept.select(*by, "hour", *columns), fresh])
        .group_by(*by, "hour")
        .agg(pl.col(columns).sum())
        .sort(*by, "hour")
    )


def sums(kept: pl.DataFrame, ticks: pl.DataFrame, by: Sequence[str], columns: Sequence[str]) -> pl.DataFrame:
    """For each new tick the sums over the 24 hours up to its end.

    Args:
        kept: hours before, some perhaps of the ticks' own first hour: by, hour, columns.
        ticks: new rows: by, tick, columns; unique by (by, tick).
        by: columns that name a series.
        columns: what to add up.

    Returns:
        by, tick and a column `day_NAME` for each column; one row a tick, sorted.
    """
    early = kept.select(*by, pl.col("hour").alias("tick"), pl.lit(value=False).alias("is_new"), *columns)
    late = ticks.select(*by, "tick", pl.lit(value=True).alias("is_new"), *columns)
    rows = pl.concat([early, late]).sort(*by, "tick", maintain_order=True)  # of one time what was kept comes first
    series, seconds = _series(rows, by), _seconds(rows["tick"])
    places = series * _SERIES + seconds
    last = np.flatnonzero(rows["is_new"].to_numpy())
    since = np.maximum(seconds[last] // _HOUR - 23, 0) * _HOUR
    first = np.searchsorted(places, series[last] * _SERIES + since)
    found = []
    for name in columns:
        total = np.zeros(rows.height + 1, dtype=np.int64)
        np.cumsum(rows[name].to_numpy(), out=total[1:])
        found.append(pl.Series(f"day_{name}", total[last + 1] - total[first]))
    return rows[last].select(*by, "tick").with_columns(found)


def distinct(kept: pl.DataFrame, seen: pl.DataFrame, ticks: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """For each tick asked for, how many distinct keys were seen in the 24 hours up to its end.

    A key counts from the tick it is seen until the 24th hour after the one it was seen last: one step up, one step down.
    So the cost is that of a sort, however long the windows are.

    Args:
        kept: hours in which keys were seen before: by, key, hour.
        seen: new sightings: by, key, tick.
        ticks: rows to answer for: by, tick; every one of them in or after the hours of `kept`.
        by: columns that name a set of keys.

    Returns:
        by, tick, `distinct` (Int64); one row a tick, sorted.
    """
    early = kept.select(*by, "key", pl.col("hour").alias("tick"))
    rows = pl.concat([early, seen.select(*by, "key", "tick")]).sort(*by, "key", "tick")
    series, seconds, keys = _series(rows, by), _seconds(rows["tick"]), rows["key"].to_numpy()
    hours = seconds // _HOUR
    appears = changes(series, keys)
    appears[1:] |= np.diff(hours) >= 24
    vanishes = np.append(appears[1:], np.True_)[: rows.height]
    ups = np.sort(series[appears] * _SERIES + seconds[appears])
    downs = np.sort(series[vanishes] * _SERIES + (hours[vanishes] + 24) * _HOUR)
    numbers = rows.select(*by, pl.Series("series", series)).unique(by, keep="any")
    asked = ticks.select(*by, "tick").sort(*by, "tick").join(numbers, on=list(by), how="left", maintain_order="left")
    wanted = asked["series"].fill_null(-1).to_numpy()  # nothing was ever seen of it
    until = wanted * _SERIES + _seconds(asked["tick"])
    up = np.searchsorted(ups, until, side="right") - np.searchsorted(ups, wanted * _SERIES)
    down = np.searchsorted(downs, until, side="right") - np.searchsorted(downs, wanted * _SERIES)
    return asked.select(*by, "tick", pl.Series("distinct", up - down))


def _series(rows: pl.DataFrame, by: Sequence[str]) -> I64:
    """Number of the run of equal `by` that each sorted row belongs to."""
    return rows.select(pl.struct(by).rle_id().cast(pl.Int64)).to_series().to_numpy()


def _seconds(times: pl.Series) -> I64:
    """Seconds since 1970: ticks are whole minutes."""
    return times.to_physical().to_numpy() // 1_000_000
