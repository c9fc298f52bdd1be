"""How evenly a load lies on its accounts, against how evenly it lies on accounts that have nothing to do with each other.

The measure is the effective share of accounts, (sum of calls)^2 / (n x sum of squares): 1 where all show a key equally often,
1/n where one account does nearly all of it. A scheduler that gives each call to the least recently used account comes near 1.
Accounts that merely use the same thing use it as much as they use anything: benign volumes have a Gini of 0.75 to 0.87
(threats.md 4.3), that of a lognormal with sigma 1.6 to 2.1. The table supposes sigma 1.2 (Gini 0.60), which is kinder to
the accounts, and lets chance play: calls are Poisson, and whoever shows a key never is not seen.
"""

import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]

SIGMA = 1.2
"""Spread of the supposed volumes (natural logarithm)."""

ACCOUNTS = (5, 8, 16, 32, 64, 128, 256)
CALLS = (2, 4, 8, 32)
"""Accounts, and mean calls of an account, for which there is a row of quantiles."""

SHARES = (0.5, 0.1, 0.01, 0.001)
"""Share of such benign groups that are at least as even as the quantile."""

QUANTILES = np.array(
    [
        [(0.80, 0.91, 1.00, 1.00), (0.68, 0.87, 0.95, 1.00), (0.62, 0.83, 0.93, 0.98), (0.59, 0.80, 0.93, 0.97)],
        [(0.73, 0.89, 1.00, 1.00), (0.61, 0.80, 0.89, 0.94), (0.55, 0.74, 0.86, 0.92), (0.52, 0.72, 0.84, 0.91)],
        [(0.66, 0.82, 0.89, 0.92), (0.53, 0.70, 0.80, 0.86), (0.47, 0.64, 0.75, 0.82), (0.44, 0.61, 0.72, 0.79)],
        [(0.61, 0.75, 0.83, 0.87), (0.47, 0.62, 0.71, 0.77), (0.41, 0.56, 0.66, 0.72), (0.38, 0.53, 0.62, 0.69)],
        [(0.57, 0.70, 0.77, 0.81), (0.43, 0.55, 0.64, 0.69), (0.37, 0.49, 0.58, 0.63), (0.34, 0.46, 0.54, 0.60)],
        [(0.54, 0.65, 0.71, 0.75), (0.40, 0.50, 0.57, 0.61), (0.34, 0.44, 0.51, 0.56), (0.31, 0.41, 0.48, 0.52)],
        [(0.52, 0.61, 0.66, 0.70), (0.38, 0.46, 0.52, 0.55), (0.32, 0.40, 0.46, 0.50), (0.29, 0.37, 0.43, 0.46)],
    ]
)
"""Shape (accounts, calls, shares); drawn 12,000 to 40,000 times each (`tests/transforms/campaigns/test_evenness.py` draws again)."""


def effective_share(accounts: F64, calls: F64, squares: F64) -> F64:
    """(sum of calls)^2 / (accounts x sum of squares), from 1/accounts to 1.

    >>> effective_share(np.array([2.0, 2.0]), np.array([10.0, 10.0]), np.array([50.0, 82.0])).round(2).tolist()
    [1.0, 0.61]
    """
    return np.asarray(calls**2 / (accounts * squares))


def points(accounts: F64, calls: F64, squares: F64) -> F64:
    """Decades by which a load is more even than benign ones, 0 to 3; 0 below five accounts or two calls an account.

    Args:
        accounts: how many show the key.
        calls: calls that show it.
        squares: sum over the accounts of the square of their calls.
    """
    quantiles = _between(*_place(accounts, calls))
    share = effective_share(accounts, calls, squares)
    decades = -np.log10(SHARES)
    steps = [
        np.clip((share - quantiles[:, k]) / np.maximum(quantiles[:, k + 1] - quantiles[:, k], 1e-9), 0.0, 1.0)
        for k in range(len(SHARES) - 1)
    ]
    reached = sum(step * (decades[k + 1] - decades[k]) for k, step in enumerate(steps))
    is_even = (accounts >= ACCOUNTS[0]) & (calls >= CALLS[0] * accounts) & (share > quantiles[:, 0])
    return np.asarray(np.where(is_even, np.round(decades[0] + reached, 6), 0.0))


def ordinary(accounts: F64, calls: F64) -> F64:
    """The effective share that every second benign load of this size exceeds."""
    rows, columns = _place(accounts, calls)
    return _between(rows, columns)[:, 0]


def _place(accounts: F64, calls: F64) -> tuple[F64, F64]:
    rows = np.interp(np.log2(accounts), np.log2(ACCOUNTS), np.arange(len(ACCOUNTS)))
    columns = np.interp(np.log2(calls / accounts), np.log2(CALLS), np.arange(len(CALLS)))
    return rows, columns


def _between(rows: F64, columns: F64) -> F64:
    """Quantiles between the rows and columns of the table, linear in the logarithms; shape (n, shares)."""
    top, left = np.floor(rows).astype(np.int64), np.floor(columns).astype(np.int64)
    below, right = np.minimum(top + 1, len(ACCOUNTS) - 1), np.minimum(left + 1, len(CALLS) - 1)
    down, across = (rows - top)[:, None], (columns - left)[:, None]
    upper = QUANTILES[top, left] * (1 - across) + QUANTILES[top, right] * across
    lower = QUANTILES[below, left] * (1 - across) + QUANTILES[below, right] * across
    return np.asarray(upper * (1 - down) + lower * down)
