"""Signals as data: one row a family that says something, built as Arrow columns for all windows at once."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from schemas.score import SIGNAL_TYPE

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Source:
    """What all signals of one kind have in common: id, family, one sentence."""

    signal: str
    family: str
    detail: str


@dataclass(frozen=True)
class Slots:
    """Up to k signals a window; arrays of shape (windows, k), a slot without points is empty.

    Attributes:
        source: number of the signal's Source.
        points: its points.
        tail: share of benign accounts at least as extreme, NaN where it has none.
        observed: the value seen.
        expected: the value at which it stops contributing, NaN where there is none.
        peers: the peers' median, NaN where there are too few.
    """

    source: I64
    points: F64
    tail: F64
    observed: F64
    expected: F64
    peers: F64


def total(slots: Slots) -> F64:
    """Sum of points a window, added in the order of the slots."""
    added = np.zeros(len(slots.points))
    for slot in range(slots.points.shape[1]):
        added += slots.points[:, slot]
    return added


def lists(slots: Slots, sources: list[Source], layer: str = "L1") -> pl.Series:
    """A list of SIGNAL_TYPE a window, strongest first, equal ones in the order of the slots."""
    order = np.argsort(-slots.points, axis=1, kind="stable")
    points = np.take_along_axis(slots.points, order, axis=1)
    filled = points > 0
    offsets = np.concatenate([[0], np.cumsum(filled.sum(axis=1))]).astype(np.int32)

    def flat(values: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
        return np.take_along_axis(values, order, axis=1)[filled]

    which = flat(slots.source)
    columns = {
        "signal": pl.Series([source.signal for source in sources], dtype=pl.String).gather(which),
        "layer": pl.repeat(layer, len(which), dtype=pl.String, eager=True),
        "family": pl.Series([source.family for source in sources], dtype=pl.String).gather(which),
        "observed": _known(flat(slots.observed)),
        "expected": _known(flat(slots.expected)),
        "peers": _known(flat(slots.peers)),
        "tail": _known(flat(slots.tail)),
        "points": pl.Series(points[filled]),
        "detail": pl.Series([source.detail for source in sources], dtype=pl.String).gather(which),
    }
    rows = pl.DataFrame({part.name: columns[part.name] for part in SIGNAL_TYPE}).to_struct()
    # Not pa.array(offsets), which imports pandas to see that this is none of its columns.
    return pl.Series("signals", pl.from_arrow(pa.ListArray.from_arrays(pl.Series(offsets).to_arrow(), rows.to_arrow())))


def _known(values: npt.NDArray[np.generic]) -> pl.Series:
    return pl.Series(values).fill_nan(None)
