"""A forest written as a table learns on as River's own object would."""

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from river.anomaly import HalfSpaceTrees

from schemas.policy import Policy
from schemas.snapshot import TREE
from transforms.learning.trees import learn_trees, nodes, restore

POLICY = Policy.parse("[learning]\ntree_count = 4\ntree_height = 5\ntree_window = 30\n")
NAMES = ["a", "b", "c", "d"]


def ranks(rows: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).random((rows, 4))


@pytest.mark.parametrize("cuts", [[17], [30], [29, 31, 60], [1, 2, 3], list(range(5, 100, 7))])
def test_a_forest_put_away_at_any_time_ends_where_the_uninterrupted_one_does(cuts: list[int]) -> None:
    table = ranks(100, 1)
    whole = learn_trees(TREE.empty(), "pro/chat", NAMES, table, POLICY)
    rows = TREE.empty()
    for part in np.split(table, cuts):
        rows = learn_trees(rows, "pro/chat", NAMES, part, POLICY)
    assert_frame_equal(rows, whole)


def test_the_restored_object_scores_like_rivers_own() -> None:
    table = ranks(75, 2)
    rows = learn_trees(TREE.empty(), "g", NAMES, table, POLICY)
    restored, learned = restore(rows, "g", POLICY)
    own, _ = restore(TREE.empty(), "g", POLICY)
    for row in table.tolist():
        own.learn_one(dict(zip(NAMES, row, strict=True)))
    assert learned == 75
    for row in ranks(40, 3).tolist():
        asked = dict(zip(NAMES, row, strict=True))
        assert restored.score_one(asked) == own.score_one(asked)
        restored.learn_one(asked)
        own.learn_one(asked)
    assert_frame_equal(nodes(restored, "g", 115, POLICY), nodes(own, "g", 115, POLICY))


def test_groups_have_different_trees_and_the_same_group_always_the_same() -> None:
    one, again, other = (learn_trees(TREE.empty(), group, NAMES, ranks(5, 4), POLICY) for group in ("g", "g", "h"))
    assert_frame_equal(one, again)
    assert one["threshold"].to_list() != other["threshold"].to_list()


def test_a_missing_feature_is_tolerated_by_a_grown_forest() -> None:
    rows = learn_trees(TREE.empty(), "g", NAMES, ranks(40, 5), POLICY)
    after = learn_trees(rows, "g", [*NAMES[:3], "new"], ranks(40, 6), POLICY)
    assert after["learned"].unique().to_list() == [80]
    assert set(after["feature"].drop_nulls()) <= set(NAMES)


def test_a_forest_of_another_shape_is_planted_anew() -> None:
    rows = learn_trees(TREE.empty(), "g", NAMES, ranks(40, 5), POLICY)
    smaller = Policy.parse("[learning]\ntree_count = 2\ntree_height = 3\ntree_window = 10\n")
    after = learn_trees(rows, "g", NAMES, ranks(12, 6), smaller)
    assert after.height == 2 * 15
    assert after["learned"].unique().to_list() == [12]


def test_nothing_learned_leaves_no_rows() -> None:
    assert learn_trees(TREE.empty(), "g", NAMES, np.empty((0, 4)), POLICY).is_empty()


def test_the_rows_keep_the_contract() -> None:
    rows = learn_trees(TREE.empty(), "g", NAMES, ranks(33, 7), POLICY)
    TREE.check(rows)
    assert rows.filter(pl.col("node") == 0)["r_mass"].to_list() == [30] * 4
    assert rows.filter(pl.col("node") == 0)["l_mass"].to_list() == [3] * 4
    assert isinstance(restore(rows, "g", POLICY)[0], HalfSpaceTrees)
