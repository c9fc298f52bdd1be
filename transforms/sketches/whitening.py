"""How far the mean of some vectors lies from the means of others, in whole numbers: the same on every machine, in any batch.

A distance is |W (m - c)|^2: c is the centre of the others' means, and W turns and stretches so that the directions in which
these differ much among themselves count little (a regularised maximum mean discrepancy: Harchaoui, Bach & Moulines,
"Testing for homogeneity with kernel Fisher discriminant analysis", 2008).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]

FINE = 1024
"""Parts of one unit that means are rounded to: finer than what chance does to a mean of a million vectors."""

_WEIGHT = 2**20
LARGEST = 2**22
"""Bounds of the rounded numbers: products of a mean (19 bits) and a weight (22), summed over 128, stay below 2**50."""


@dataclass(frozen=True)
class Centre:
    """What means are compared with.

    Attributes:
        mean: centre, in parts of FINE of a unit.
        whitener: lower triangle of W as a full matrix, in parts of `_WEIGHT` of one over the scale.
        scale: what distances are divided by, so that those of the others' own means are about 1.
    """

    mean: I64
    whitener: I64
    scale: float

    @classmethod
    def of(cls, sums: I64, counts: I64, ridge: float) -> "Centre":
        """The centre of some means.

        Args:
            sums: one sum of vectors a row.
            counts: how many vectors each is the sum of.
            ridge: what is added to the variance of every direction, in parts of the mean variance: directions in which the
                others hardly differ must not decide alone.
        """
        means = _means(sums, counts)
        centre = means.sum(axis=0) // len(means)
        apart = (means - centre).astype(np.float64) / FINE
        size = apart.shape[1]
        covariance = np.empty((size, size))
        for row in range(size):
            covariance[row] = (apart * apart[:, row : row + 1]).sum(axis=0) / max(len(apart) - 1, 1)
        variance = max(float(np.diag(covariance).sum()) / size, 1e-9)
        covariance[np.diag_indices(size)] += ridge * variance
        inverse = _inverse_root(covariance / variance)
        whitener = np.clip(np.rint(inverse * _WEIGHT), -LARGEST, LARGEST).astype(np.int64)
        return cls(centre, whitener, variance * size)

    def distances(self, sums: I64, counts: I64) -> F64:
        """Squared distance of each mean, whitened; six digits, so that no last bit decides.

        Args:
            sums: one sum of vectors a row.
            counts: how many vectors each is the sum of, at least 1.
        """
        apart = _means(sums, counts) - self.mean
        turned = apart @ self.whitener.T
        squares = (turned.astype(np.float64) / (_WEIGHT * FINE)) ** 2
        return np.asarray(np.round(squares.sum(axis=1) / self.scale, 6))


def alike(sums: I64, counts: I64, length: int) -> F64:
    """Mean similarity of two different vectors of each sum: 1 if all are equal, about 0 if nothing is shared.

    Args:
        sums: one sum of vectors a row.
        counts: how many vectors each is the sum of; NaN where fewer than two.
        length: squared length of one vector.
    """
    n = counts.astype(np.float64)
    squares = (sums * sums).sum(axis=1).astype(np.float64) / length
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(n > 1, (squares - n) / (n * (n - 1.0)), np.nan))


def _means(sums: I64, counts: I64) -> I64:
    return np.asarray((sums * FINE) // counts[:, None])


def _inverse_root(matrix: F64) -> F64:
    """L^-1 of the Cholesky factor L of a positive matrix, row by row: no library that adds up in an order of its own."""
    size = len(matrix)
    root = np.zeros((size, size))
    for j in range(size):
        rest = matrix[j:, j] - (root[j:, :j] * root[j, :j]).sum(axis=1)
        root[j:, j] = rest / np.sqrt(max(rest[0], 1e-12))
    inverse = np.zeros((size, size))
    for i in range(size):
        row = -(root[i, :i, None] * inverse[:i]).sum(axis=0)
        row[i] += 1.0
        inverse[i] = row / root[i, i]
    return inverse
