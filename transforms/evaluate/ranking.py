"""What the scores alone could do, whatever the thresholds."""

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from transforms.evaluate.intervals import bootstrapped
from transforms.evaluate.outcomes import POOLED

FALSE_POSITIVE_RATES = (0.01, 0.001, 0.0001)

Scores = NDArray[np.float64]

UNSCORED = -1.0
"""Rank of an account that nothing scored: below every score."""


def ranking(found: pl.DataFrame, scores: pl.DataFrame, *, pooled: bool = False, seed: int = 0) -> pl.DataFrame:
    """Average precision, and the share of thieves above the benign quantiles; by account, with bootstrap intervals.

    Thieves that act alone and heads of pools are ranked apart: heads are ordinary one by one, and outnumber the others.

    Args:
        found: OUTCOME rows; grey accounts are left out.
        scores: account_id, score of SCORE rows; an account counts with its largest score.
        pooled: rank heads of pools instead of thieves that act alone.
        seed: of the bootstrap.

    Returns:
        measure, value, low, high: null where there are no thieves, or too few benign accounts for the rate.
    """
    thieves, benign = largest(found, scores, pooled=pooled)
    measures: dict[str, Any] = {"average precision": average_precision}
    for rate in FALSE_POSITIVE_RATES:
        measures[f"thieves above the {rate:.2%} highest benign scores"] = share_above(rate)
    rows = []
    for name, measure in measures.items():
        value = measure(thieves, benign)
        span = None if value is None else bootstrapped((thieves, benign), measure, seed=seed)
        low, high = (None, None) if span is None else span
        rows.append((name, value, low, high))
    kinds = {"measure": pl.String, "value": pl.Float64, "low": pl.Float64, "high": pl.Float64}
    return pl.DataFrame(rows, schema=kinds, orient="row")


def curve(found: pl.DataFrame, scores: pl.DataFrame, *, pooled: bool = False) -> list[tuple[float, float]]:
    """Share of benign accounts and of thieves above each threshold, from the strictest on; a point where it rises.

    Args:
        found: OUTCOME rows; grey accounts are left out.
        scores: account_id, score of SCORE rows.
        pooled: heads of pools instead of thieves that act alone.
    """
    thieves, benign = largest(found, scores, pooled=pooled)
    if not len(thieves) or not len(benign):
        return []
    ordered, others = np.sort(thieves), np.sort(benign)
    steps = np.unique(others[others > UNSCORED])[::-1]
    false = (len(others) - np.searchsorted(others, steps, side="left")) / len(others)
    right = (len(ordered) - np.searchsorted(ordered, steps, side="left")) / len(ordered)
    rises = np.diff(right, prepend=-1.0) > 0
    rises[-1:] = True
    return [(float(x), float(y)) for x, y in zip(false[rises], right[rises], strict=True)]


def largest(found: pl.DataFrame, scores: pl.DataFrame, *, pooled: bool) -> tuple[Scores, Scores]:
    """Largest scores of the thieves asked for, and of the benign accounts."""
    most = scores.group_by("account_id").agg(pl.col("score").max())
    of_pool = pl.col("archetype").is_in(POOLED)
    wanted = (pl.col("label") == "benign") | ((pl.col("label") == "extraction") & (of_pool if pooled else ~of_pool))
    ranked = (
        found.filter(wanted).join(most, on="account_id", how="left").with_columns(pl.col("score").fill_null(UNSCORED))
    )
    is_thief = pl.col("label") == "extraction"
    return ranked.filter(is_thief)["score"].to_numpy(), ranked.filter(~is_thief)["score"].to_numpy()


def daily(found: pl.DataFrame, scores: pl.DataFrame, budget: int = 50) -> pl.DataFrame:
    """What an analyst who looks at so many accounts a day would see: each day's highest scores.

    Args:
        found: OUTCOME rows; grey accounts are left out.
        scores: account_id, window_end, score of SCORE rows.
        budget: accounts a day (threats.md, section 5: 50).

    Returns:
        day, looked_at, thieves (among those), present (thieves with a score on that day), sorted by day.
    """
    day = (pl.col("window_end") - pl.duration(microseconds=1)).dt.date().alias("day")
    told = found.filter(pl.col("label") != "grey").select("account_id", is_thief=pl.col("label") == "extraction")
    best = scores.drop_nulls("score").group_by("account_id", day).agg(pl.col("score").max()).join(told, on="account_id")
    ordered = best.sort("day", "score", "is_thief", "account_id", descending=[False, True, False, False])
    return (
        ordered.group_by("day", maintain_order=True)
        .agg(
            looked_at=pl.col("is_thief").head(budget).len().cast(pl.Int64),
            thieves=pl.col("is_thief").head(budget).sum().cast(pl.Int64),
            present=pl.col("is_thief").sum().cast(pl.Int64),
        )
        .sort("day")
    )


def average_precision(thieves: Scores, benign: Scores) -> float | None:
    """Area under precision and recall: the mean precision at each thief's rank; ties count as ranked worst.

    >>> average_precision(np.array([9.0, 5.0]), np.array([7.0, 1.0]))
    0.8333333333333333
    """
    if len(thieves) == 0:
        return None
    ordered, others = np.sort(thieves), np.sort(benign)
    at_least = len(ordered) - np.searchsorted(ordered, ordered, side="left")
    wrong = len(others) - np.searchsorted(others, ordered, side="left")
    return float(np.mean(at_least / (at_least + wrong)))


def share_above(rate: float) -> Any:
    """The measure: share of thieves whose score lies above all but that share of the benign accounts' scores."""

    def measure(thieves: Scores, benign: Scores) -> float | None:
        allowed = int(rate * len(benign))
        if len(thieves) == 0 or allowed < 1:
            return None
        return float(np.mean(thieves > np.sort(benign)[-allowed - 1]))

    return measure
