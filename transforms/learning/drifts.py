"""Change of an account's habits, by River's ADWIN over its windows in time order.

ADWIN keeps no state that can be stored without running code, so the values since the last change are stored and replayed.
Most accounts need no replay: ADWIN cuts only where two means differ by more than its bound, which no two means inside a
narrow enough range can (`_LEAST_RANGE`).
"""

import math
from datetime import datetime
from typing import Any

import polars as pl
from river.drift.adwin import ADWIN

from schemas.policy import Policy
from schemas.snapshot import DRIFT

MOST_VALUES = 336
"""Two weeks of hours; DRIFT.values holds no more."""

CLOCK = 1
"""ADWIN looks after every value: River's 32 would mean that a change is seen more than a day late."""

SERIES = {
    "template_share": pl.col("template_share_24h"),
    "out_in_ratio": pl.col("out_in_ratio_24h") / (1.0 + pl.col("out_in_ratio_24h")),
    "model_share": pl.col("model_top_share_24h"),
}
"""Series -> value of a window in 0 to 1; the ratio becomes output's share of all tokens."""


def drifts_after(previous: pl.DataFrame, windows: pl.DataFrame, keep: pl.Series, policy: Policy) -> pl.DataFrame:
    """DRIFT rows after a day's windows; accounts are independent of each other, so any part of them may be done apart.

    Args:
        previous: DRIFT rows before.
        windows: WINDOW rows of the day that models may learn from.
        keep: ids of accounts that are still remembered; rows of others are dropped.
        policy: learning.adwin_delta.
    """
    fresh = pl.concat([_values(windows, name, value) for name, value in SERIES.items()])
    kept = previous.filter(pl.col("account_id").is_in(keep.implode()))
    if fresh.is_empty():
        return DRIFT.conform(kept)
    by = ["account_id", "series"]
    both = kept.join(fresh, on=by, how="full", coalesce=True).with_columns(
        pl.coalesce("account_hash", "hash").alias("account_hash"), pl.col("values", "new", "at").fill_null([])
    )
    everything = pl.col("values").list.concat("new")
    spread = everything.list.max() - everything.list.min()
    is_quiet = (pl.col("new").list.len() == 0) | (spread < least_range(policy))
    quiet = both.filter(is_quiet).with_columns(everything.list.tail(MOST_VALUES).alias("values"))
    moved = [_replayed(row, policy) for row in both.filter(~is_quiet).iter_rows(named=True)]
    return DRIFT.conform(
        pl.concat([quiet.select(DRIFT.columns), pl.DataFrame(moved, schema=DRIFT.polars)], how="vertical")
    )


def least_range(policy: Policy) -> float:
    """Difference of two means below which ADWIN cannot cut a series of at most MOST_VALUES values and a day more.

    ADWIN cuts where the means of two parts differ by more than sqrt(2/m * v * d) + 2/(3 m) * d with d = ln(2 ln(n) / delta)
    and 1/m = 1/(n0 - 4) + 1/(n1 - 4) (Bifet and Gavalda 2007; River subtracts its least window of 5, less one). Variance v
    is at least 0 and m at most a quarter of n, so the second term at the longest n bounds it from below.
    """
    most = MOST_VALUES + 24
    delta = policy.learning.adwin_delta
    return min(2.0 / (3.0 * (n / 4.0)) * math.log(2.0 * math.log(n) / delta) for n in range(10, most + 1))


def _values(windows: pl.DataFrame, name: str, value: pl.Expr) -> pl.DataFrame:
    return (
        windows.select("account_id", "account_hash", "window_end", value=value)
        .filter(pl.col("value").is_not_null())
        .sort("account_id", "window_end")
        .group_by("account_id", maintain_order=True)
        .agg(hash=pl.col("account_hash").first(), new=pl.col("value"), at=pl.col("window_end"))
        .with_columns(series=pl.lit(name))
    )


def _replayed(row: dict[str, Any], policy: Policy) -> dict[str, Any]:
    detector = ADWIN(delta=policy.learning.adwin_delta, clock=CLOCK)
    values: list[float] = list(row["values"])
    for value in values:
        detector.update(value)
    changed: tuple[datetime, float, float] | None = None
    for value, at in zip(row["new"], row["at"], strict=True):
        values.append(value)
        detector.update(value)
        if detector.drift_detected:
            changed = (at, *_means(values))
            values = []  # River forgets everything with the next value after a change
    found = dict(zip(("changed_at", "before", "after"), changed, strict=True)) if changed is not None else {}
    return {name: row[name] for name in DRIFT.columns} | {"values": values[-MOST_VALUES:]} | found


def _means(values: list[float]) -> tuple[float, float]:
    """Means before and after the change: of the two parts that leave the least squares within them.

    ADWIN says that the mean changed, but drops old values bucket by bucket, so that what it keeps still holds some of them.
    """
    whole, before, best, cut = math.fsum(values), 0.0, -1.0, 1
    for place in range(1, len(values)):
        before += values[place - 1]
        rest = len(values) - place
        between = (before * rest - (whole - before) * place) ** 2 / (place * rest)
        if between > best:
            best, cut = between, place
    return math.fsum(values[:cut]) / cut, math.fsum(values[cut:]) / (len(values) - cut)
