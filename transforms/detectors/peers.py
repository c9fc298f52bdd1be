"""Whom an account is compared with: its own peer group where that is large enough, else everyone, else nobody."""

import hashlib
import json
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from schemas.feature import FEATURES
from schemas.policy import Policy
from schemas.snapshot import EVERYONE, Snapshot
from transforms.sketches.forest import Forest, from_rows

F64 = npt.NDArray[np.float64]
TREES = "trees"
"""Name of the HalfSpaceTrees score among the ranks."""

_MEASURE = "calls_24h"
"""A feature no window lacks: the number of its ranks is the size of the group."""


@dataclass(frozen=True)
class Ranks:
    """Quantiles of one feature among `size` windows."""

    size: int
    steps: F64

    @property
    def median(self) -> float:
        """The middle quantile."""
        return float(self.steps[len(self.steps) // 2])


@dataclass(frozen=True)
class Peers:
    """What one peer group is scored against.

    Attributes:
        ranks: by feature; features with too few windows are left out.
        forest: the half-space trees, None before their first full window.
        trees: ranks of their own scores, None while there are too few.
        regime: what scores made with this are comparable with.
    """

    ranks: dict[str, Ranks]
    forest: Forest | None
    trees: Ranks | None
    regime: str


def peers_of(snapshot: Snapshot, group: str, policy: Policy) -> Peers:
    """What the windows of a group are compared with.

    Args:
        snapshot: ranks and trees of the last feedback border.
        group: the windows' peer group.
        policy: evidence.least_peers decides between group, everyone and nobody.
    """
    whose = "own"
    ranks = _ranks(snapshot, group, policy)
    if _MEASURE not in ranks:
        whose, group = "all", EVERYONE
        ranks = _ranks(snapshot, group, policy)
    if _MEASURE not in ranks:
        return Peers({}, None, None, f"{recipe(policy)}:none")
    forest, trees = forest_of(snapshot["trees"], group, policy), ranks.pop(TREES, None)
    is_joint = forest is not None and forest.is_ready and trees is not None
    weight = policy.evidence.peer_weight
    doublings = ((ranks[_MEASURE].size + weight) // weight).bit_length() - 1
    regime = f"{recipe(policy)}:{whose}:{doublings}:{'joint' if is_joint else 'single'}"
    return Peers(ranks, forest if forest is not None and forest.is_ready else None, trees, regime)


def forest_of(trees: pl.DataFrame, group: str, policy: Policy) -> Forest | None:
    """A group's trees from TREE rows, None where it has none."""
    rows = trees.filter(pl.col("peer_group") == group)
    if rows.is_empty():
        return None
    columns = {name: rows[name].cast(pl.Int64).to_numpy() for name in ("tree", "node", "r_mass", "l_mass")}
    return from_rows(
        columns["tree"],
        columns["node"],
        rows["feature"].to_list(),
        rows["threshold"].to_numpy(),
        columns["r_mass"],
        columns["l_mass"],
        int(rows["learned"][0]),
        policy.learning.tree_window,
    )


def recipe(policy: Policy) -> str:
    """Eight hex digits of everything but the peers that a score depends on: scores of two recipes are not compared."""
    learning = policy.learning
    parts = [
        asdict(policy.evidence),
        [learning.tree_count, learning.tree_height, learning.tree_window, policy.rates.l1_least_calls],
        [[f.name, f.family, f.suspicious, f.prior, f.low_prior, f.least_calls] for f in FEATURES],
    ]
    return hashlib.blake2b(json.dumps(parts, sort_keys=True).encode(), digest_size=4).hexdigest()


def _ranks(snapshot: Snapshot, group: str, policy: Policy) -> dict[str, Ranks]:
    rows = snapshot["ranks"].filter((pl.col("peer_group") == group) & (pl.col("size") >= policy.evidence.least_peers))
    return {
        name: Ranks(size, steps.to_numpy())
        for name, size, steps in zip(rows["feature"], rows["size"], rows["quantiles"], strict=True)
    }
