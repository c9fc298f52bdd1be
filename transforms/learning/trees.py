"""Half-space trees between days: River learns, a table of nodes remembers.

River's object cannot be kept (its bytes would be pickled code), so its trees are written node by node and rebuilt. A rebuilt
forest learns on exactly as the uninterrupted object would: splits are drawn when the first window is learned, after that
River draws nothing.
"""

from hashlib import blake2b
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from river.anomaly.hst import HalfSpaceTrees
from river.tree.padded import PaddedBranch, PaddedLeaf

from schemas.policy import Policy
from schemas.snapshot import TREE
from transforms.sketches.forest import depth_first

F64 = npt.NDArray[np.float64]


def learn_trees(rows: pl.DataFrame, group: str, names: list[str], ranks: F64, policy: Policy) -> pl.DataFrame:
    """TREE rows of a group after learning more windows.

    Args:
        rows: TREE rows of the group before; none for a forest not yet planted.
        group: the peer group.
        names: feature names; only a new forest takes them as its features.
        ranks: percentile ranks, a row a window in the order to learn them, a column a name.
        policy: learning.tree_count, tree_height, tree_window; a forest of another shape is planted anew.
    """
    forest, learned = restore(rows, group, policy)
    for values in ranks.tolist():
        forest.learn_one(dict(zip(names, values, strict=True)))
    return nodes(forest, group, learned + len(ranks), policy)


def restore(rows: pl.DataFrame, group: str, policy: Policy) -> tuple[HalfSpaceTrees, int]:
    """River's forest as it was when `nodes` wrote it, and how many windows it had learned."""
    learning = policy.learning
    forest = HalfSpaceTrees(learning.tree_count, learning.tree_height, learning.tree_window, seed=_seed(group))
    if rows.height != learning.tree_count * (2 ** (learning.tree_height + 1) - 1):
        return forest, 0
    learned = int(rows["learned"][0])
    forest.trees = [_tree(part) for part in rows.sort("tree", "node").partition_by("tree", maintain_order=True)]
    forest._tree_nodes = [list(tree.iter_dfs()) for tree in forest.trees]
    forest.counter = learned % learning.tree_window
    forest._first_window = learned < learning.tree_window
    return forest, learned


def nodes(forest: HalfSpaceTrees, group: str, learned: int, policy: Policy) -> pl.DataFrame:
    """TREE rows of River's forest; none if it has learned nothing."""
    order = depth_first(policy.learning.tree_height)
    rows = [
        {
            "peer_group": group,
            "tree": number,
            "node": place,
            "feature": getattr(node, "feature", None),
            "threshold": getattr(node, "threshold", None),
            "r_mass": node.r_mass,
            "l_mass": node.l_mass,
            "learned": learned,
        }
        for number, tree in enumerate(forest.trees)
        for place, node in zip(order, tree.iter_dfs(), strict=True)
    ]
    return TREE.conform(pl.DataFrame(rows, schema=TREE.polars))


def _tree(rows: pl.DataFrame) -> Any:
    table = rows.to_dicts()

    def node(place: int) -> Any:
        row = table[place]
        masses = {"l_mass": row["l_mass"], "r_mass": row["r_mass"]}
        if row["feature"] is None:
            return PaddedLeaf(**masses)
        left, right = node(2 * place + 1), node(2 * place + 2)
        return PaddedBranch(left=left, right=right, feature=row["feature"], threshold=row["threshold"], **masses)

    return node(0)


def _seed(group: str) -> int:
    """A seed of the group's own, the same everywhere."""
    return int.from_bytes(blake2b(group.encode(), digest_size=4).digest(), "big")
