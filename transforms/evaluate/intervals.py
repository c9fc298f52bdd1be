"""How sure a measured figure is: 95 % intervals of shares, and of any statistic of accounts."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_Z = 1.959963984540054
"""Two-sided 95 % of the normal distribution."""


@dataclass(frozen=True)
class Rate:
    """Hits of trials, with a 95 % interval."""

    hits: int
    trials: int

    @property
    def value(self) -> float | None:
        """Share of hits; None without trials."""
        return self.hits / self.trials if self.trials else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Wilson's interval; None without trials."""
        return wilson(self.hits, self.trials) if self.trials else None


def wilson(hits: int, trials: int) -> tuple[float, float]:
    """Wilson's score interval at 95 % (Wilson 1927): right for rates near 0 and 1 and for few trials.

    >>> low, high = wilson(0, 1000)
    >>> low, round(high, 5)
    (0.0, 0.00383)
    """
    share = hits / trials
    spread = _Z * math.sqrt(share * (1 - share) / trials + _Z**2 / (4 * trials**2))
    middle = share + _Z**2 / (2 * trials)
    scale = 1 + _Z**2 / trials
    low, high = max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)
    # Both ends are exact where nothing, or everything, was hit; the rounding of the formula is not.
    return (0.0 if hits == 0 else low), (1.0 if hits == trials else high)


def bootstrapped(
    groups: tuple[NDArray[np.float64], ...],
    statistic: Callable[..., float | None],
    *,
    draws: int = 200,
    seed: int = 0,
) -> tuple[float, float] | None:
    """95 % percentile interval of a statistic of several groups, each drawn anew with replacement (Efron 1979).

    Args:
        groups: values of the accounts of each group.
        statistic: takes as many arrays as there are groups; None where it is undefined.
        draws: how often the groups are drawn.
        seed: equal seeds give equal intervals.

    Returns:
        The interval; None if the statistic is undefined in any draw.
    """
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(draws):
        value = statistic(*[group[rng.integers(0, len(group), len(group))] for group in groups])
        if value is None:
            return None
        found.append(value)
    low, high = np.quantile(found, [0.025, 0.975])
    return float(low), float(high)
