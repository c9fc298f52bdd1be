"""Intervals against known values."""

import numpy as np
import pytest

from transforms.evaluate import Rate, bootstrapped, wilson


@pytest.mark.parametrize(
    ("hits", "trials", "low", "high"), [(0, 10, 0.0, 0.2775), (5, 10, 0.2366, 0.7634), (10, 10, 0.7225, 1.0)]
)
def test_the_interval_of_a_share_is_wilsons(hits: int, trials: int, low: float, high: float) -> None:
    assert wilson(hits, trials) == pytest.approx((low, high), abs=1e-4)


@pytest.mark.parametrize("trials", [1, 7, 30, 139, 100_000])
def test_an_interval_of_nothing_or_everything_is_exact_at_its_end(trials: int) -> None:
    assert (wilson(0, trials)[0], wilson(trials, trials)[1]) == (0.0, 1.0)


def test_a_rate_without_trials_is_unknown() -> None:
    assert (Rate(0, 0).value, Rate(0, 0).interval) == (None, None)


def test_the_bootstrap_interval_of_a_mean_is_the_normal_one() -> None:
    values = np.random.default_rng(3).normal(5.0, 2.0, 400)
    span = bootstrapped((values,), lambda group: float(group.mean()), draws=2_000)
    half = 1.96 * values.std() / 20
    assert span == pytest.approx((values.mean() - half, values.mean() + half), abs=0.03)


def test_equal_seeds_draw_equal_intervals() -> None:
    values = (np.arange(50.0),)
    spans = [bootstrapped(values, lambda group: float(group.mean()), seed=seed) for seed in (4, 4, 5)]
    assert (spans[0] == spans[1], spans[0] == spans[2]) == (True, False)


def test_a_statistic_that_is_undefined_has_no_interval() -> None:
    assert bootstrapped((np.arange(5.0),), lambda _: None) is None
