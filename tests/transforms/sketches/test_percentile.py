"""Quantiles and where values stand among them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.sketches import percentile

VALUES = st.lists(st.floats(-1e6, 1e6, allow_nan=False), min_size=1, max_size=200)


@given(VALUES, st.integers(1, 64))
def test_quantiles_are_values_in_order_from_minimum_to_maximum(values: list[float], steps: int) -> None:
    found = percentile.quantiles(np.array(values), steps)
    assert len(found) == steps + 1
    assert set(found) <= set(values)
    assert (np.diff(found) >= 0).all()
    assert (found[0], found[-1]) == (min(values), max(values))


@given(VALUES, st.randoms(use_true_random=False))
def test_quantiles_do_not_depend_on_the_order_of_values(values: list[float], chance: object) -> None:
    shuffled = list(values)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert percentile.quantiles(np.array(values), 16).tolist() == percentile.quantiles(np.array(shuffled), 16).tolist()


@given(VALUES, st.floats(-1e6, 1e6, allow_nan=False))
def test_the_tail_is_never_less_than_the_true_share_as_far_as_quantiles_tell(values: list[float], value: float) -> None:
    peers = np.array(values)
    below, upto = percentile.position(np.array([value]), percentile.quantiles(peers, len(peers) * 4))
    count = len(peers) * 4 + 1
    slack = 1.0 / len(peers)
    assert percentile.at_least(below, count, len(peers))[0] >= (peers >= value).mean() - slack
    assert percentile.at_most(upto, count, len(peers))[0] >= (peers <= value).mean() - slack


def test_a_value_beyond_all_peers_has_the_tail_of_one_more_peer() -> None:
    steps = percentile.quantiles(np.arange(99.0), 1024)
    below, _ = percentile.position(np.array([1000.0]), steps)
    assert percentile.at_least(below, 1025, 99)[0] == pytest.approx(0.01)


@pytest.mark.parametrize(
    ("direction", "ranks"),
    [("high", [0.0, 0.5, 1.0]), ("low", [1.0, 0.5, 0.0]), ("both", [1.0, 0.0, 1.0])],
)
def test_ranks_are_turned_so_that_one_is_suspicious(direction: str, ranks: list[float]) -> None:
    steps = percentile.quantiles(np.arange(1025.0), 1024)
    values = np.array([-1.0, 512.0, 2000.0])
    assert percentile.suspicious_rank(values, steps, direction) == pytest.approx(ranks, abs=1e-9)


def test_an_unknown_value_has_no_rank() -> None:
    assert np.isnan(percentile.suspicious_rank(np.array([np.nan]), np.arange(9.0), "low")[0])
