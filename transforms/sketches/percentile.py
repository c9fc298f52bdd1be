"""Where a value stands among the quantiles of its peers."""

import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]


def quantiles(values: F64, steps: int) -> F64:
    """`steps` + 1 of the values, ascending and evenly spaced in rank, from the minimum to the maximum.

    Args:
        values: at least one, none of them NaN; order is of no consequence.
        steps: number of intervals.

    >>> quantiles(np.array([3.0, 1.0, 2.0]), 4).tolist()
    [1.0, 1.0, 2.0, 2.0, 3.0]
    """
    ordered = np.sort(values)
    last = len(ordered) - 1
    # Whole numbers, so that every machine rounds alike; halves go down.
    places = (2 * np.arange(steps + 1) * last + steps - 1) // (2 * steps)
    return ordered[places]


def position(values: F64, steps: F64) -> tuple[Counts, Counts]:
    """How many of the quantiles `steps` lie below each value, and how many at or below it.

    A NaN lies above everything: mask it.
    """
    return (
        np.searchsorted(steps, values, side="left").astype(np.int64),
        np.searchsorted(steps, values, side="right").astype(np.int64),
    )


def at_least(below: Counts, count: int, size: int) -> F64:
    """Share of peers at least as large, from above: `below` of `count` quantiles lie below, `size` peers are behind them.

    One peer more, as extreme as the value itself, keeps it from 0: (1 + size * share) / (1 + size).
    """
    share = np.clip((count - below) / (count - 1), 0.0, 1.0)
    return np.asarray((1.0 + size * share) / (1.0 + size))


def at_most(upto: Counts, count: int, size: int) -> F64:
    """Share of peers at most as large, from above: `upto` of `count` quantiles lie at or below."""
    share = np.clip(upto / (count - 1), 0.0, 1.0)
    return np.asarray((1.0 + size * share) / (1.0 + size))


def middle_rank(below: Counts, upto: Counts, count: int) -> F64:
    """Percentile rank in 0 to 1; ties get the middle of their place."""
    return np.asarray((below + upto) / (2.0 * count))


def suspicious_rank(values: F64, steps: F64, direction: str) -> F64:
    """Percentile rank turned so that 1 is suspicious; NaN stays NaN.

    Args:
        values: what to rank.
        steps: quantiles of the peers.
        direction: `high`: as it is; `low`: turned; `both`: folded, the middle becomes 0 and both ends 1.
    """
    rank = middle_rank(*position(values, steps), len(steps))
    if direction == "low":
        rank = 1.0 - rank
    elif direction == "both":
        rank = np.abs(2.0 * rank - 1.0)
    return np.asarray(np.where(np.isnan(values), np.nan, rank))
