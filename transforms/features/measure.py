"""One feature of every window: its value, and the number of calls it rests on."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from transforms.sketches.mix import I64

F64 = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Measure:
    """A feature.

    Attributes:
        value: one a window; NaN where it cannot be known, which becomes null.
        calls: calls it rests on, e.g. those with known tokens; below the feature's `least_calls` it is null.
    """

    value: F64
    calls: I64


def count(value: I64, calls: I64) -> Measure:
    """A whole number as a feature."""
    return Measure(value.astype(np.float64), calls)


def share(part: I64, whole: I64) -> Measure:
    """Part of a number of calls."""
    return Measure(divided(part, whole), whole)


def divided(part: npt.NDArray[Any], whole: npt.NDArray[Any]) -> F64:
    """The ratio; NaN where there is nothing to divide by."""
    out = np.full(len(whole), np.nan)
    np.divide(part, whole, out=out, where=whole > 0)
    return out
