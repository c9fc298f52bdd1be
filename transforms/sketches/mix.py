"""Keyed 64-bit mixing of integers: multilinear sums with secret odd multipliers, then a fixed finaliser."""

import numpy as np
import numpy.typing as npt

U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]

_FIRST = np.uint64(0xFF51AFD7ED558CCD)
_SECOND = np.uint64(0xC4CEB9FE1A85EC53)
_HALF = np.uint64(33)
_BACK = np.uint64(pow(int(_FIRST), -1, 2**64))
_FORTH = np.uint64(pow(int(_SECOND), -1, 2**64))


def mix(values: U64) -> U64:
    """Values with every input bit spread over all output bits; a bijection on 64-bit integers, made in place.

    The constants are MurmurHash3's 64-bit finaliser (Appleby, public domain).

    >>> int(mix(np.array([1], dtype=np.uint64))[0])
    12994781566227106604
    """
    values ^= values >> _HALF
    values *= _FIRST
    values ^= values >> _HALF
    values *= _SECOND
    values ^= values >> _HALF
    return values


def combine(columns: U64, multipliers: U64) -> U64:
    """One 64-bit key per row of a table of hashes; columns are not interchangeable.

    `mix(m[0] + sum(columns[:, j] * m[j + 1]))` modulo 2**64. With odd secret multipliers two different rows meet with a
    chance near 2**-63.

    Args:
        columns: shape (rows, k).
        multipliers: k + 1 values, odd; the first is the seed.

    Returns:
        Shape (rows,).
    """
    total = np.full(columns.shape[0], multipliers[0], dtype=np.uint64)
    for j in range(columns.shape[1]):
        total += columns[:, j] * multipliers[j + 1]
    return mix(total)


def unmix(values: U64) -> U64:
    """The inverse of `mix`, made in place.

    >>> int(unmix(mix(np.array([7], dtype=np.uint64)))[0])
    7
    """
    values ^= values >> _HALF  # of more than half the width: its own inverse
    values *= _FORTH
    values ^= values >> _HALF
    values *= _BACK
    values ^= values >> _HALF
    return values
