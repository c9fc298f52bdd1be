"""How a parameter varies over the accounts of a population."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Draw = Callable[[np.random.Generator, int], NDArray[Any]]
"""Generator and number of accounts in, one value per account out."""


def always(value: Any) -> Draw:
    """The same value for everyone."""
    return lambda _, count: np.full(count, value)


def lognormal(median: float, sigma: float, low: float = 0.0, high: float = np.inf) -> Draw:
    """Heavy-tailed: lognormal with that median and log standard deviation, clipped."""
    return lambda rng, count: np.clip(median * np.exp(sigma * rng.standard_normal(count)), low, high)


def between(low: float, high: float) -> Draw:
    """Uniform."""
    return lambda rng, count: rng.uniform(low, high, count)


def log_between(low: float, high: float) -> Draw:
    """Uniform in the logarithm: every order of magnitude is equally likely."""
    return lambda rng, count: np.exp(rng.uniform(np.log(low), np.log(high), count))


def whole(low: int, high: int) -> Draw:
    """Uniform whole numbers, both ends included."""
    return lambda rng, count: rng.integers(low, high + 1, count)


def one_of(values: Sequence[Any], weights: Sequence[float] | None = None) -> Draw:
    """One of the values, by weight; equal weights if none are given."""
    array = np.array(values, dtype=object)
    share = None if weights is None else np.asarray(weights) / np.sum(weights)
    return lambda rng, count: array[rng.choice(len(array), size=count, p=share)]


def mixture(*parts: tuple[float, Draw]) -> Draw:
    """Each account follows one of the (weight, draw) pairs."""
    share = np.array([weight for weight, _ in parts]) / sum(weight for weight, _ in parts)

    def draw(rng: np.random.Generator, count: int) -> NDArray[Any]:
        which = rng.choice(len(parts), size=count, p=share)
        drawn = np.stack([np.asarray(part(rng, count), dtype=object) for _, part in parts])
        chosen: NDArray[Any] = drawn[which, np.arange(count)]
        return chosen

    return draw


def in_turn(values: Sequence[Any]) -> Draw:
    """The values one after the other, again and again."""
    return lambda _, count: np.array([values[i % len(values)] for i in range(count)], dtype=object)


def own() -> Draw:
    """A number that nobody else has (of 100 to two thousand million)."""
    return lambda rng, count: rng.integers(100, 2**31, count)
