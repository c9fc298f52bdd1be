"""Measures of a ranking against loops that cannot be wrong."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from counted_world import HOUR, MOMENT, NOON, found
from transforms.evaluate import average_precision, daily, ranking, share_above

SCORES = st.lists(st.integers(0, 6), min_size=1, max_size=12).map(lambda values: np.array(values, dtype=float))


def value(table: pl.DataFrame, measure: str) -> float | None:
    return table.row(by_predicate=pl.col("measure").str.starts_with(measure), named=True)["value"]  # type: ignore[no-any-return]


@given(SCORES, SCORES)
def test_average_precision_is_the_mean_precision_at_each_thief(thieves: np.ndarray, benign: np.ndarray) -> None:  # type: ignore[type-arg]
    looped = np.mean([(thieves >= t).sum() / ((thieves >= t).sum() + (benign >= t).sum()) for t in thieves])
    assert average_precision(thieves, benign) == pytest.approx(looped)


def test_a_perfect_ranking_has_an_average_precision_of_one() -> None:
    scores = pl.DataFrame(
        {"account_id": ["t1", "t2", "t3", "h1", "b1", "g1"], "score": [9.0, 8.0, 7.0, 6.0, 1.0, 99.0]}
    )
    assert value(ranking(found(), scores), "average precision") == 1.0


def test_an_account_counts_with_its_largest_score_and_unscored_ones_rank_last() -> None:
    scores = pl.DataFrame({"account_id": ["b1", "t1", "t1", "b2"], "score": [3.0, 1.0, 5.0, None]})
    expected = (1 + 2 * (3 / 6)) / 3  # t1 stands first, two thieves share the last rank with two of three honest ones
    assert value(ranking(found(), scores), "average precision") == pytest.approx(expected)


@given(st.integers(0, 999))
def test_the_share_above_counts_thieves_beyond_the_allowed_benign(rank: int) -> None:
    benign = np.arange(1_000.0)
    above = share_above(0.01)(np.array([rank + 0.5, 5_000.0]), benign)
    assert above == (1.0 if rank + 0.5 > 989 else 0.5)


def test_a_rate_that_too_few_benign_accounts_can_show_is_unknown() -> None:
    scores = pl.DataFrame({"account_id": ["t1"], "score": [9.0]})
    table = ranking(found(), scores)
    assert value(table, "thieves above the 0.10%") is None
    assert table["value"].null_count() == 3


def test_heads_of_pools_are_not_ranked() -> None:
    scores = pl.DataFrame({"account_id": ["t1", "t2", "t3", "b1"], "score": [9.0, 8.0, 7.0, 1.0]})
    assert value(ranking(found(), scores), "average precision") == 1.0


def test_the_interval_holds_the_value() -> None:
    scores = pl.DataFrame({"account_id": ["t1", "t2", "b1", "b2"], "score": [9.0, 2.0, 4.0, 1.0]})
    row = ranking(found(), scores).row(0, named=True)
    assert row["low"] <= row["value"] <= row["high"]


def test_heads_of_pools_are_ranked_when_asked_for() -> None:
    scores = pl.DataFrame({"account_id": ["t1", "h1", "b1"], "score": [9.0, 8.0, 1.0]})
    assert value(ranking(found(), scores, pooled=True), "average precision") == 1.0


def test_an_analyst_sees_the_highest_scores_of_each_day() -> None:
    hours = {"t1": (1, 9.0), "b1": (2, 8.0), "t2": (3, 7.0), "g1": (4, 99.0), "b2": (30, 1.0)}
    rows = [(name, NOON + hour * HOUR, score) for name, (hour, score) in hours.items()]
    scores = pl.DataFrame(
        rows, schema={"account_id": pl.String, "window_end": MOMENT, "score": pl.Float64}, orient="row"
    )
    assert daily(found(), scores, budget=2).drop("day").rows() == [(2, 1, 2), (1, 0, 0)]
