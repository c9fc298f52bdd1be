"""Distances of means in whole numbers, against the same in floating point by numpy's own linear algebra."""

import numpy as np
import pytest

from transforms.sketches.whitening import Centre, alike

CHANCE = np.random.default_rng(11)
COUNTS = CHANCE.integers(20, 400, 300)
MEANS = CHANCE.normal(size=(300, 24)) @ CHANCE.normal(size=(24, 24)) * 20.0
SUMS = np.rint(MEANS * COUNTS[:, None]).astype(np.int64)


@pytest.mark.parametrize("ridge", [0.1, 0.3, 3.0])
def test_distances_are_those_of_the_textbook(ridge: float) -> None:
    found = Centre.of(SUMS, COUNTS, ridge).distances(SUMS, COUNTS)
    means = SUMS / COUNTS[:, None]
    covariance = np.cov(means.T)
    regular = covariance + ridge * np.trace(covariance) / 24 * np.eye(24)
    apart = means - means.mean(axis=0)
    expected = np.einsum("ij,ij->i", apart @ np.linalg.inv(regular), apart) / 24
    np.testing.assert_allclose(found, expected, rtol=2e-3, atol=2e-4)


def test_a_distance_is_the_same_alone_and_in_any_company() -> None:
    centre = Centre.of(SUMS, COUNTS, 0.3)
    together = centre.distances(SUMS, COUNTS)
    alone = [centre.distances(SUMS[row : row + 1], COUNTS[row : row + 1])[0] for row in range(len(SUMS))]
    assert together.tolist() == alone


def test_a_direction_in_which_nobody_differs_does_not_decide_alone() -> None:
    flat = SUMS.copy()
    flat[:, 3] = 0
    centre = Centre.of(flat, COUNTS, 0.3)
    moved = flat[:1].copy()
    moved[0, 3] = COUNTS[0]
    assert np.isfinite(centre.distances(moved, COUNTS[:1])).all()
    assert abs(centre.distances(moved, COUNTS[:1])[0] - centre.distances(flat[:1], COUNTS[:1])[0]) < 0.01


def test_equal_vectors_are_alike_and_opposite_ones_are_not() -> None:
    vector = np.array([[3, 4]], dtype=np.int64)
    assert alike(vector * 10, np.array([10]), 25)[0] == 1.0
    assert alike(vector * 0, np.array([2]), 25)[0] == -1.0
    assert np.isnan(alike(vector, np.array([1]), 25)[0])
