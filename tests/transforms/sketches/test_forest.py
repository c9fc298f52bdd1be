"""The vectorised forest scores exactly what River scores."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from river.anomaly import HalfSpaceTrees

from transforms.sketches.forest import Forest, depth_first, from_rows

NAMES = ["a", "b", "c"]


def as_forest(model: HalfSpaceTrees, learned: int) -> Forest:
    rows = [
        (number, place, getattr(node, "feature", None), getattr(node, "threshold", np.nan), node.r_mass, node.l_mass)
        for number, tree in enumerate(model.trees)
        for place, node in zip(depth_first(model.height), tree.iter_dfs(), strict=True)
    ]
    tree, node, feature, threshold, r_mass, l_mass = (list(column) for column in zip(*rows, strict=True))
    return from_rows(
        np.array(tree),
        np.array(node),
        feature,
        np.array(threshold),
        np.array(r_mass),
        np.array(l_mass),
        learned,
        model.window_size,
    )


def model_of(rows: np.ndarray, *, trees: int = 5, height: int = 4, window: int = 20, seed: int = 1) -> HalfSpaceTrees:
    model = HalfSpaceTrees(trees, height, window, seed=seed)
    for row in rows:
        model.learn_one(dict(zip(NAMES, row.tolist(), strict=True)))
    return model


@settings(max_examples=20)
@given(st.integers(0, 10**6), st.integers(1, 6), st.integers(5, 40), st.integers(20, 90))
def test_scores_equal_rivers_bit_for_bit(seed: int, height: int, window: int, learned: int) -> None:
    chance = np.random.default_rng(seed)
    model = model_of(chance.random((learned, 3)), height=height, window=window, seed=seed)
    forest = as_forest(model, learned)
    asked = chance.random((50, 3)).round(2)
    if not forest.is_ready:
        assert model.score_one(dict(zip(NAMES, asked[0].tolist(), strict=True))) == 0
        return
    ours = forest.score({name: asked[:, place] for place, name in enumerate(NAMES)}, 50)
    rivers = [model.score_one(dict(zip(NAMES, row.tolist(), strict=True))) for row in asked]
    assert ours.tolist() == rivers


def test_a_value_on_the_threshold_goes_right_as_in_river() -> None:
    model = model_of(np.random.default_rng(5).random((40, 3)))
    root = model.trees[0]
    row = dict.fromkeys(NAMES, 0.3) | {root.feature: root.threshold}
    ours = as_forest(model, 40).score({name: np.array([value]) for name, value in row.items()}, 1)
    assert ours[0] == model.score_one(row)


def test_rows_are_scored_alike_alone_and_in_any_company() -> None:
    chance = np.random.default_rng(2)
    forest = as_forest(model_of(chance.random((60, 3))), 60)
    many = {name: chance.random(40_000) for name in NAMES}
    whole = forest.score(many, 40_000)
    for row in (0, 16_383, 16_384, 39_999):
        assert forest.score({name: values[row : row + 1] for name, values in many.items()}, 1)[0] == whole[row]


def test_an_unknown_feature_is_ignored_and_a_missing_one_is_in_the_middle() -> None:
    chance = np.random.default_rng(3)
    forest = as_forest(model_of(chance.random((60, 3))), 60)
    known = {"a": np.array([0.1]), "b": np.array([0.2]), "c": np.array([0.5])}
    partly = {"a": np.array([0.1]), "b": np.array([0.2]), "new": np.array([0.9])}
    assert forest.score(partly, 1)[0] == forest.score(known, 1)[0]


@pytest.mark.parametrize("height", [1, 2, 5, 8])
def test_the_height_follows_from_the_number_of_nodes(height: int) -> None:
    chance = np.random.default_rng(4)
    assert as_forest(model_of(chance.random((25, 3)), height=height), 25).height == height
