"""Calls come as often, and at the hours, that their activity says."""

from typing import Any

import numpy as np
import polars as pl
import pytest

from transforms.simulate.activity import Population, activities
from transforms.simulate.arrivals import Arrivals, arrivals
from transforms.simulate.draws import always

MONDAY = 0
STEADY = {"per_day": 500.0, "day_noise": 0.0, "think_sigma": 0.0, "zone": 0.0}


def calls(days: int = 4, count: int = 20, seed: int = 1, **does: Any) -> Arrivals:
    """Calls of `count` equal accounts."""
    population = Population("one", "benign", "benign", does={n: always(v) for n, v in (STEADY | does).items()})
    rng = np.random.default_rng(seed)
    return arrivals(activities(population, count, rng), days, MONDAY, rng)


def hours(found: Arrivals) -> "np.ndarray[Any, Any]":
    return (found.seconds / 3600 % 24).astype(int)


def test_an_account_calls_as_often_as_it_should() -> None:
    assert len(calls().seconds) == pytest.approx(20 * 4 * 500, rel=0.02)


@pytest.mark.parametrize("shape", [0.3, 1.0, 4.0])
def test_gaps_vary_as_their_gamma_shape_says(shape: float) -> None:
    found = calls(shape=shape, per_day=3_000.0, count=1)
    gaps = np.diff(np.sort(found.seconds))
    assert gaps.std() / gaps.mean() == pytest.approx(shape**-0.5, rel=0.1)


def test_people_sleep() -> None:
    found = hours(calls(awake=14.0, wakes=7.0))
    asleep = ((found < 7) | (found >= 21)).mean()
    assert asleep < 0.02


def test_the_time_zone_moves_the_night() -> None:
    at_home = np.bincount(hours(calls(awake=14.0, wakes=7.0)), minlength=24)
    far_east = np.bincount(hours(calls(awake=14.0, wakes=7.0, zone=9.0)), minlength=24)
    assert np.abs(at_home - np.roll(far_east, 9)).sum() < 0.1 * at_home.sum()


def test_the_weekend_is_quieter() -> None:
    day = (calls(days=7, weekend=0.2).seconds // 86_400).astype(int)
    counts = np.bincount(day, minlength=7)
    assert counts[5:].mean() == pytest.approx(0.2 * counts[:5].mean(), rel=0.1)


def test_nothing_happens_before_the_beginning_or_after_the_end() -> None:
    found = calls(begins=0.25, ends=0.5).seconds / 86_400
    assert (found.min() >= 1.0, found.max() < 2.0) == (True, True)


def test_a_short_attack_at_night_is_not_a_smaller_one() -> None:
    found = calls(days=1, count=50, begins=0.0, ends=0.25, awake=10.0, wakes=12.0, turns=1.0)
    assert len(found.seconds) == pytest.approx(50 * 500 * 0.25, rel=0.05)


def test_a_ramp_starts_low_and_reaches_the_full_rate() -> None:
    counts = np.bincount((calls(ramp_days=2.0).seconds // 86_400).astype(int), minlength=4)
    assert counts[0] < 0.4 * counts[3]
    assert counts[2] == pytest.approx(counts[3], rel=0.05)


def test_chat_gaps_have_two_humps() -> None:
    found = calls(per_day=30.0, count=300, turns=5.0, think_seconds=60.0, think_sigma=0.9, awake=15.0, shape=0.8)
    frame = pl.DataFrame({"who": found.activity, "at": found.seconds}).sort("who", "at")
    gaps = frame.select(gap=pl.col("at").diff().over("who")).drop_nulls()["gap"].log().to_numpy()
    near_minute, between, hours_apart = (
        ((gaps > low) & (gaps < high)).sum() for low, high in ((3.6, 4.6), (6.2, 7.2), (8.4, 9.4))
    )
    assert between < 0.5 * min(near_minute, hours_apart)


def test_whoever_is_expected_to_call_at_all_calls() -> None:
    found = calls(days=1, per_day=2.0, turns=500.0, count=200)
    assert len(np.unique(found.activity)) == 200


def test_turns_of_a_session_follow_each_other() -> None:
    found = calls(turns=10.0, think_sigma=0.5)
    frame = pl.DataFrame({"who": found.activity, "session": found.session, "turn": found.turn, "at": found.seconds})
    steps = frame.select(
        (pl.col("turn").diff().over("who", "session") == 1) & (pl.col("at").diff().over("who", "session") >= 0)
    ).to_series()
    assert steps.drop_nulls().all()
