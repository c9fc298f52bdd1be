"""How even a load is, against loads of accounts that have nothing to do with each other."""

import numpy as np
import pytest

from transforms.campaigns import evenness


def truncated(rng: np.random.Generator, mean: float, size: int) -> np.ndarray:
    """Poisson numbers above zero, of lognormal rates with sigma `evenness.SIGMA`, with this mean."""
    base = np.exp(evenness.SIGMA * rng.standard_normal(400_000))
    low, high = 1e-3, 1e3
    for _ in range(40):
        middle = np.sqrt(low * high)
        rates = middle * base
        found = rates.mean() / (1 - np.exp(-rates)).mean()
        low, high = (middle, high) if found < mean else (low, middle)
    drawn = np.empty(0, dtype=np.int64)
    while len(drawn) < size:
        calls = rng.poisson(low * np.exp(evenness.SIGMA * rng.standard_normal(400_000)))
        drawn = np.concatenate([drawn, calls[calls > 0]])
    return drawn[:size].astype(np.float64)


@pytest.mark.parametrize(("row", "column"), [(0, 0), (2, 1), (3, 3), (5, 2)])
def test_the_table_says_what_chance_does(row: int, column: int) -> None:
    accounts, repeats = evenness.ACCOUNTS[row], 6_000
    calls = truncated(np.random.default_rng(row), evenness.CALLS[column], accounts * repeats).reshape(repeats, accounts)
    shares = calls.sum(axis=1) ** 2 / (calls**2).sum(axis=1) / accounts
    for share, quantile in zip(evenness.SHARES[:3], evenness.QUANTILES[row, column], strict=False):
        assert abs(np.quantile(shares, 1 - share) - quantile) < 0.03


def points(calls: list[float]) -> float:
    """Points of one group with these calls an account."""
    counts = np.array(calls)
    sums = (np.array([float(len(counts))]), np.array([counts.sum()]), np.array([(counts**2).sum()]))
    return float(evenness.points(*sums)[0])


def test_accounts_that_take_turns_are_as_even_as_can_be() -> None:
    assert points([20.0] * 40) == 3.0


def test_accounts_with_volumes_of_their_own_say_nothing() -> None:
    assert points([1.0, 2.0, 3.0, 5.0, 9.0, 20.0, 40.0, 90.0, 200.0, 400.0]) == 0.0


def test_what_everybody_shows_once_says_nothing() -> None:
    assert points([1.0] * 200) == 0.0


def test_four_accounts_are_too_few() -> None:
    assert points([50.0] * 4) == 0.0


def test_points_never_fall_while_a_load_becomes_more_even() -> None:
    uneven = [points([10.0 + spread] * 10 + [10.0 - spread] * 10) for spread in np.linspace(9.0, 0.0, 30)]
    assert uneven == sorted(uneven)
