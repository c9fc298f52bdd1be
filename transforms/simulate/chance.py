"""Randomness as a pure function of names: what a call looks like depends on its keys, not on who was drawn before."""

from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.uint64]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

_STEP = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)


def mixed(*parts: "Keys | Ints | int | str") -> Keys:
    """One well-mixed 64-bit key per row from numbers, names and arrays (SplitMix64 finaliser, Steele 2014).

    >>> int(mixed(1, "a")[0]) == int(mixed(1, "a")[0]), int(mixed(1, "a")[0]) == int(mixed("a", 1)[0])
    (True, False)
    """
    key = np.zeros(1, dtype=np.uint64)
    for part in parts:
        number = crc32(part.encode()) if isinstance(part, str) else part
        values = np.atleast_1d(np.asarray(number)).astype(np.uint64)
        key = (key ^ values) + _STEP
        key = (key ^ (key >> np.uint64(30))) * _FIRST
        key = (key ^ (key >> np.uint64(27))) * _SECOND
        key = key ^ (key >> np.uint64(31))
    return key


def unit(keys: Keys) -> Floats:
    """The keys as numbers of [0, 1), 53 bits each."""
    return (keys >> np.uint64(11)).astype(np.float64) * 2.0**-53


@dataclass(frozen=True)
class Chance:
    """Independent draws for each of a set of keys; a draw is named by its purpose, so no draw disturbs another.

    Attributes:
        keys: one key per row.
    """

    keys: Keys

    def key(self, purpose: str) -> Keys:
        """A key per row for that purpose."""
        return mixed(self.keys, purpose)

    def uniform(self, purpose: str) -> Floats:
        """Numbers of [0, 1)."""
        return unit(self.key(purpose))

    def happens(self, purpose: str, probability: "Floats | float") -> Flags:
        """True with the given probability."""
        return self.uniform(purpose) < probability

    def normal(self, purpose: str) -> Floats:
        """Standard normal numbers (Box and Muller)."""
        key = self.key(purpose)
        radius = np.sqrt(-2.0 * np.log1p(-unit(key)))
        return radius * np.cos(2.0 * np.pi * unit(mixed(key, "angle")))

    def lognormal(self, purpose: str, median: "Floats | float", sigma: "Floats | float") -> Floats:
        """Lognormal numbers with that median and log standard deviation."""
        return median * np.exp(sigma * self.normal(purpose))

    def below(self, purpose: str, bound: "Ints | int") -> Ints:
        """Whole numbers of [0, bound); 0 where the bound is below 1."""
        return (self.uniform(purpose) * np.maximum(bound, 1)).astype(np.int64)
