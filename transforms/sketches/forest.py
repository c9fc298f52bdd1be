"""Half-space trees as arrays: scoring many rows at once, exactly as River scores one.

River's `anomaly.HalfSpaceTrees` (0.26) keeps its trees as linked nodes and walks them one row at a time; the same sums of
whole numbers, taken node by node over all rows, give the same floats. Formula: Tan, Ting, Liu, "Fast anomaly detection for
streaming data", IJCAI 2011.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
NEUTRAL = 0.5
"""The rank of an unknown value: the middle of its peers says nothing either way."""

_ROWS_AT_ONCE = 16_384
_SEARCH_STOPS_AT = 0.1
"""Share of a window's mass below which the search stops: the constant of the paper and of River's `size_limit`."""


@dataclass(frozen=True)
class Forest:
    """All trees of one model; node n has the children 2n + 1 (below the threshold) and 2n + 2.

    Attributes:
        features: names; `split` counts into them.
        split: (trees, nodes) the feature a node splits on, -1 for a leaf.
        threshold: (trees, nodes) left below it, right from it on; 0 for a leaf.
        r_mass: (trees, nodes) rows of the last full window that passed.
        l_mass: (trees, nodes) rows of the current window that passed.
        learned: rows learned in all.
        window: rows of a window.
    """

    features: tuple[str, ...]
    split: I64
    threshold: F64
    r_mass: I64
    l_mass: I64
    learned: int
    window: int

    @property
    def height(self) -> int:
        """Splits between root and leaf."""
        return int(self.split.shape[1] + 1).bit_length() - 2

    @property
    def is_ready(self) -> bool:
        """Whether one window is full, so that there is something to compare with."""
        return self.learned >= self.window

    def score(self, columns: dict[str, F64], rows: int) -> F64:
        """Anomaly scores in 0 to 1, high is anomalous; call it only where `is_ready`.

        Args:
            columns: ranks by feature name, each of length `rows`; a feature without a column counts as `NEUTRAL`,
                a column without a feature is ignored.
            rows: number of rows.
        """
        total = np.zeros(rows)
        neutral = np.full(min(rows, _ROWS_AT_ONCE), NEUTRAL)
        for start in range(0, rows, _ROWS_AT_ONCE):
            stop = min(rows, start + _ROWS_AT_ONCE)
            picked = [columns[name][start:stop] if name in columns else neutral for name in self.features]
            flat = np.concatenate(picked) if picked else neutral
            for tree in range(self.split.shape[0]):
                total[start:stop] += self._mass(tree, flat, stop - start)
        trees, nodes = self.split.shape
        return np.asarray(1 - total / (trees * self.window * nodes))

    def _mass(self, tree: int, flat: F64, rows: int) -> F64:
        split, threshold, mass = self.split[tree], self.threshold[tree], self.r_mass[tree].astype(np.float64)
        limit = _SEARCH_STOPS_AT * self.window
        row = np.arange(rows)
        node = np.zeros(rows, dtype=np.int64)
        walking = np.ones(rows, dtype=bool)
        total = np.zeros(rows)
        for depth in range(self.height):
            here = mass[node]
            total += np.where(walking, here * float(1 << depth), 0.0)
            walking &= here >= limit
            right = flat[split[node] * rows + row] >= threshold[node]
            node = 2 * node + 1 + right
        return np.asarray(total + np.where(walking, mass[node] * float(1 << self.height), 0.0))


def depth_first(height: int) -> list[int]:
    """Node numbers in the order in which River's `iter_dfs` visits them.

    >>> depth_first(2)
    [0, 1, 3, 4, 2, 5, 6]
    """
    order: list[int] = []
    waiting = [0]
    while waiting:
        node = waiting.pop()
        order.append(node)
        if node < 2**height - 1:
            waiting += [2 * node + 2, 2 * node + 1]
    return order


def from_rows(
    tree: I64,
    node: I64,
    feature: Sequence[str | None],
    threshold: F64,
    r_mass: I64,
    l_mass: I64,
    learned: int,
    window: int,
) -> Forest:
    """The forest of a table with one row a node, in any order; a leaf has no feature."""
    names = tuple(sorted({name for name in feature if name is not None}))
    places = {name: place for place, name in enumerate(names)}
    shape = (int(tree.max()) + 1, int(node.max()) + 1)
    at = (tree, node)
    split = np.full(shape, -1, dtype=np.int64)
    split[at] = [-1 if name is None else places[name] for name in feature]
    thresholds = np.zeros(shape)
    thresholds[at] = np.nan_to_num(threshold)
    reference, current = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    reference[at], current[at] = r_mass, l_mass
    return Forest(names, split, thresholds, reference, current, learned, window)
