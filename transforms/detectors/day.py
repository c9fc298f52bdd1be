"""Sliding over 24 hours, or over a week, in steps of a tick: sums, and numbers of distinct keys.

The 24 hours up to a tick are the ticks of its hour so far and the 23 hours before that hour, so that hours can be kept
instead of ticks; the week is the UTC day so far and the six days before. All sums are of integers, hence exact in any order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from transforms.sketches.grouping import changes
from transforms.sketches.mix import I64

_SERIES = np.int64(2**36)
"""Seconds since 1970 lie below it for two thousand years."""


@dataclass(frozen=True)
class Reach:
    """How far back is looked, and in what pieces the past is kept.

    Attributes:
        piece: length of a piece, as Polars writes it.
        seconds: the same in seconds.
        pieces: how many of them, the one under way included.
    """

    piece: str
    seconds: int
    pieces: int

    def start(self) -> pl.Expr:
        """Start of the tick's piece, as `hour`."""
        return pl.col("tick").dt.truncate(self.piece).alias("hour")

    def first_kept(self, until: datetime) -> datetime:
        """The earliest piece that a tick from `until` on can still reach back to."""
        now = until.replace(minute=0, second=0, microsecond=0)
        now = now if self.piece == "1h" else now.replace(hour=0)
        return now - timedelta(seconds=self.seconds) * (self.pieces - 1)


DAY = timedelta(hours=24)
LAST_DAY = Reach("1h", 3600, 24)
LAST_WEEK = Reach("1d", 86_400, 7)


def hour() -> pl.Expr:
    """Start of the tick's hour."""
    return LAST_DAY.start()


def first_kept_hour(until: datetime) -> datetime:
    """The earliest hour that a tick from `until` on can still reach back to."""
    return LAST_DAY.first_kept(until)


def by_hour(
    kept: pl.DataFrame, ticks: pl.DataFrame, by: Sequence[str], columns: Sequence[str], reach: Reach = LAST_DAY
) -> pl.DataFrame:
    """Sums a piece (hour), of pieces kept, as this gave them, and of new ticks together; sorted by `by` and hour."""
    if ticks.is_empty():
        return kept
    fresh = ticks.select(*by, reach.start(), *columns)
    return (
        pl.concat([kept.select(*by, "hour", *columns), fresh])
        .group_by(*by, "hour")
        .agg(pl.col(columns).sum())
        .sort(*by, "hour")
    )


def sums(
    kept: pl.DataFrame, ticks: pl.DataFrame, by: Sequence[str], columns: Sequence[str], reach: Reach = LAST_DAY
) -> pl.DataFrame:
    """For each new tick the sums over the 24 hours (or the reach) up to its end.

    Args:
        kept: hours before, some perhaps of the ticks' own first hour: by, hour, columns.
        ticks: new rows: by, tick, columns; unique by (by, tick).
        by: columns that name a series.
        columns: what to add up.
        reach: how far back.

    Returns:
        by, tick and a column `day_NAME` for each column; one row a tick, sorted.
    """
    early = kept.select(*by, pl.col("hour").alias("tick"), pl.lit(value=False).alias("is_new"), *columns)
    late = ticks.select(*by, "tick", pl.lit(value=True).alias("is_new"), *columns)
    rows = pl.concat([early, late]).sort(*by, "tick", maintain_order=True)  # of one time what was kept comes first
    series, seconds = _series(rows, by), _seconds(rows["tick"])
    places = series * _SERIES + seconds
    last = np.flatnonzero(rows["is_new"].to_numpy())
    since = np.maximum(seconds[last] // reach.seconds - (reach.pieces - 1), 0) * reach.seconds
    first = np.searchsorted(places, series[last] * _SERIES + since)
    found = []
    for name in columns:
        total = np.zeros(rows.height + 1, dtype=np.int64)
        np.cumsum(rows[name].to_numpy(), out=total[1:])
        found.append(pl.Series(f"day_{name}", total[last + 1] - total[first]))
    return rows[last].select(*by, "tick").with_columns(found)


def distinct(
    kept: pl.DataFrame, seen: pl.DataFrame, ticks: pl.DataFrame, by: Sequence[str], reach: Reach = LAST_DAY
) -> pl.DataFrame:
    """For each tick asked for, how many distinct keys were seen in the 24 hours (or the reach) up to its end.

    A key counts from the tick it is seen until the 24th hour after the one it was seen last: one step up, one step down.
    So the cost is that of a sort, however long the windows are.

    Args:
        kept: hours in which keys were seen before: by, key, hour.
        seen: new sightings: by, key, tick.
        ticks: rows to answer for: by, tick; every one of them in or after the hours of `kept`.
        by: columns that name a set of keys.
        reach: how far back.

    Returns:
        by, tick, `distinct` (Int64); one row a tick, sorted.
    """
    if kept.is_empty() and seen.is_empty():
        return ticks.select(*by, "tick", distinct=pl.lit(0, pl.Int64)).sort(*by, "tick")
    early = kept.select(*by, "key", pl.col("hour").alias("tick"))
    rows = pl.concat([early, seen.select(*by, "key", "tick")]).sort(*by, "key", "tick")
    series, seconds, keys = _series(rows, by), _seconds(rows["tick"]), rows["key"].to_numpy()
    hours = seconds // reach.seconds
    appears = changes(series, keys)
    appears[1:] |= np.diff(hours) >= reach.pieces
    vanishes = np.append(appears[1:], np.True_)[: rows.height]
    ups = np.sort(series[appears] * _SERIES + seconds[appears])
    downs = np.sort(series[vanishes] * _SERIES + (hours[vanishes] + reach.pieces) * reach.seconds)
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
