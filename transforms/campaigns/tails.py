"""How rare what is observed is among benign groups: tails of known distributions and shipped priors, in decades."""

import numpy as np
import numpy.typing as npt
from scipy.special import betainc

F64 = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

HALF = 0.5
"""What every second benign group reaches says nothing."""


def at_least(hits: F64, trials: F64, chance: float) -> F64:
    """Chance of so many hits or more (binomial, between whole numbers too); 1 for none."""
    some = np.where(hits > 0, hits, 1.0)
    return np.asarray(np.where(hits > 0, betainc(some, np.maximum(trials - some, 0.0) + 1.0, chance), 1.0))


def points_of(tail: F64, is_known: Bools, most: float) -> F64:
    """Decades of a tail, at most so many; 0 where it is not known, or every second benign group's."""
    speaks = is_known & (tail < HALF)
    decades = np.round(-np.log10(np.maximum(np.where(speaks, tail, 1.0), 1e-12)), 6)
    return np.asarray(np.where(speaks, np.minimum(decades, most), 0.0))


def of_prior(values: F64, prior: tuple[tuple[float, float], ...]) -> F64:
    """Decades of the shipped prior of a feature, in its steps; 0 where the value is not known."""
    points = np.zeros(len(values))
    for least, tail in prior:
        points = np.where(values >= least, -np.log10(tail), points)
    return np.round(points, 6)


def part_of(some: F64, whole: F64) -> F64:
    """The part that some are of a whole; NaN of nothing."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(whole > 0, some / whole, np.nan))
