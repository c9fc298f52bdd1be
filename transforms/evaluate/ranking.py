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


def ranking(found: pl.DataFrame, scores: pl.DataFrame, *, seed: int = 0) -> pl.DataFrame:
    """Average precision, and the share of thieves above the benign quantiles; by account, with bootstrap intervals.

    Only thieves that act alone are ranked: heads of pools are ordinary one by one, and outnumber the others.

    Args:
        found: OUTCOME rows; grey accounts and heads of pools are left out.
        scores: account_id, score of SCORE rows; an account counts with its largest score.
        seed: of the bootstrap.

    Returns:
        measure, value, low, high: null where there are no thieves, or too few benign accounts for the rate.
    """
    largest = scores.group_by("account_id").agg(pl.col("score").max())
    alone = found.filter((pl.col("label") != "grey") & ~pl.col("archetype").is_in(POOLED))
    ranked = alone.join(largest, on="account_id", how="left")
    of = {
        is_thief: ranked.filter((pl.col("label") == "extraction") == is_thief)["score"].fill_null(UNSCORED).to_numpy()
        for is_thief in (True, False)
    }
    measures: dict[str, Any] = {"average precision": average_precision}
    for rate in FALSE_POSITIVE_RATES:
        measures[f"thieves above the {rate:.2%} highest benign scores"] = share_above(rate)
    rows = []
    for name, measure in measures.items():
        value = measure(of[True], of[False])
        span = None if value is None else bootstrapped((of[True], of[False]), measure, seed=seed)
        low, high = (None, None) if span is None else span
        rows.append((name, value, low, high))
    kinds = {"measure": pl.String, "value": pl.Float64, "low": pl.Float64, "high": pl.Float64}
    return pl.DataFrame(rows, schema=kinds, orient="row")


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
