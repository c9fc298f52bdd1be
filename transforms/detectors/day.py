"""Sliding over 24 hours in steps of a tick: sums, and numbers of distinct keys.

The 24 hours up to a tick are the ticks of its hour so far and the 23 hours before that hour, so that hours can be kept
instead of ticks. All sums are of integers, hence exact in any order.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import polars as pl

HOUR = timedelta(hours=1)
DAY = timedelta(hours=24)


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
    hours = by_hour(kept, ticks, by, columns)
    names = [f"day_{name}" for name in columns]
    before = hours.rolling(index_column="hour", period=DAY, closed="right", group_by=list(by)).agg(
        (pl.col(name).sum() - pl.col(name).last()).alias(f"day_{name}") for name in columns
    )
    partly = kept.select(*by, "hour", *[pl.col(name).alias(f"kept_{name}") for name in columns])
    return (
        ticks.select(*by, "tick", hour(), *columns)
        .sort(*by, "tick")
        .join(before, on=[*by, "hour"], how="left", maintain_order="left")
        .join(partly, on=[*by, "hour"], how="left", maintain_order="left")
        .with_columns(
            (
                pl.col(f"day_{name}") + pl.col(f"kept_{name}").fill_null(0) + pl.col(name).cum_sum().over(*by, "hour")
            ).alias(f"day_{name}")
            for name in columns
        )
        .select(*by, "tick", *names)
    )


def distinct(kept: pl.DataFrame, seen: pl.DataFrame, ticks: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """For each tick asked for, how many distinct keys were seen in the 24 hours up to its end.

    A key seen in hour h counts in the hours after it, until h + 23 or until it is seen again; in its own hour it counts
    from its first tick on, unless it was seen in the 23 hours before. So each sighting is one step up and one step down,
    and the cost is that of a sort, however long the windows are.

    Args:
        kept: hours in which keys were seen before: by, key, hour.
        seen: new sightings: by, key, tick.
        ticks: rows to answer for: by, tick; every one of them in or after the hours of `kept`.
        by: columns that name a set of keys.

    Returns:
        by, tick, `distinct` (Int64); one row a tick, sorted.
    """
    key = [*by, "key"]
    step = pl.duration(hours=1)
    early = kept.select(*key, "hour", pl.col("hour").alias("tick"))
    sightings = (
        pl.concat([early, seen.select(*key, hour(), "tick")])
        .group_by(*key, "hour")
        .agg(pl.col("tick").min())
        .sort(*key, "hour")
        .with_columns(before=pl.col("hour").shift(1).over(*key), again=pl.col("hour").shift(-1).over(*key))
    )
    ends = pl.min_horizontal(pl.col("hour") + pl.duration(hours=24), pl.col("again") + step)
    steps = (
        pl.concat(
            [
                sightings.select(*by, hour=pl.col("hour") + step, change=pl.lit(1, pl.Int64)),
                sightings.select(*by, hour=ends, change=pl.lit(-1, pl.Int64)),
            ]
        )
        .group_by(*by, "hour")
        .agg(pl.col("change").sum())
        .sort(*by, "hour")
        .select(*by, "hour", earlier=pl.col("change").cum_sum().over(*by))
    )
    is_new = pl.col("before").is_null() | (pl.col("hour") - pl.col("before") > pl.duration(hours=23))
    news = (
        sightings.filter(is_new)
        .group_by(*by, "hour", "tick")
        .agg(pl.len().cast(pl.Int64).alias("new"))
        .sort(*by, "tick")
        .with_columns(pl.col("new").cum_sum().over(*by, "hour"))
    )
    asked = ticks.select(*by, "tick", hour())
    return (
        asked.sort("hour")
        .join_asof(steps.sort("hour"), on="hour", by=list(by), check_sortedness=False)
        .sort("tick")
        .join_asof(news.sort("tick"), on="tick", by=[*by, "hour"], check_sortedness=False)
        .select(*by, "tick", distinct=pl.col("earlier").fill_null(0) + pl.col("new").fill_null(0))
        .sort(*by, "tick")
    )
