"""What several kinds of evidence are worth: as rare as they are together, and never more than they add up to."""

from collections.abc import Sequence

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from given_accounts import scored
from schemas.policy import Policy
from transforms.findings.together import weighed, worth

POLICY = Policy()
DECADES = st.floats(0.0, 40.0)


@pytest.mark.parametrize("decades", [1.0, 2.0, 3.0])
@pytest.mark.parametrize("kinds", [1, 2, 5])
def test_chance_alone_is_worth_so_many_decades_as_seldom_as_they_say(kinds: int, decades: float) -> None:
    chance = np.random.default_rng(kinds)
    drawn = worth(-np.log10(chance.random((400_000, kinds))).sum(axis=1), kinds)
    assert (drawn >= decades).mean() == pytest.approx(10**-decades, rel=0.15)


def test_one_kind_is_worth_what_it_is() -> None:
    assert worth(np.array([0.0, 0.7, 3.0]), 1) == pytest.approx([0.0, 0.7, 3.0])


@given(DECADES, DECADES, st.integers(1, 12))
def test_more_evidence_is_worth_more_and_never_more_than_it_adds_up_to(one: float, other: float, kinds: int) -> None:
    less, more = worth(np.array(sorted((one, other))), kinds)
    assert 0.0 <= less <= more + 1e-9
    assert more <= max(one, other) + 1e-9


def hours(points: Sequence[Sequence[float]]) -> pl.DataFrame:
    """Hours with signals of so many points."""
    (signal,) = scored([{"l1_score": 1.0}])["signals"][0].to_list()
    rows = [[signal | {"signal": f"s{n}", "points": one} for n, one in enumerate(each)] for each in points]
    return pl.DataFrame({"signals": pl.Series(rows, dtype=scored([])["signals"].dtype)})


def test_the_points_of_an_hours_signals_add_up_to_what_they_are_worth_and_keep_their_shares() -> None:
    made = weighed(hours([[3.0, 1.0], [], [2.0], [0.0]]), POLICY)
    points = [[signal["points"] for signal in signals] for signals in made["signals"].to_list()]
    assert [len(each) for each in points] == [2, 0, 1, 1]
    assert made["own_points"].to_list() == pytest.approx([sum(each) for each in points], abs=1e-6)
    assert points[0][0] == pytest.approx(3 * points[0][1], abs=1e-5)
    assert made["own_points"][0] == pytest.approx(worth(np.array([4.0]), POLICY.evidence.kinds)[0], abs=1e-5)


def test_hours_without_any_signal_are_worth_nothing() -> None:
    assert weighed(hours([[], []]), POLICY)["own_points"].to_list() == [0.0, 0.0]


@given(st.lists(st.lists(st.floats(0.0, 3.0), max_size=4), min_size=1, max_size=8))
def test_an_hour_is_worth_the_same_alone_and_among_others(points: list[list[float]]) -> None:
    whole = weighed(hours(points), POLICY)
    alone = pl.concat([weighed(hours([each]), POLICY) for each in points])
    assert whole.equals(alone)
