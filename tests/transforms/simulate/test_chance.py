"""Draws depend on their keys and their purpose, on nothing else."""

import numpy as np
import pytest

from transforms.simulate.chance import Chance, mixed

MANY = Chance(mixed(7, np.arange(200_000)))


def test_a_draw_is_the_same_whoever_is_drawn_beside_it() -> None:
    alone = Chance(MANY.keys[1234:1235]).normal("size")
    assert alone[0] == MANY.normal("size")[1234]


def test_draws_of_two_purposes_are_unrelated() -> None:
    assert abs(np.corrcoef(MANY.uniform("a"), MANY.uniform("b"))[0, 1]) < 0.01


def test_the_order_of_names_makes_another_key() -> None:
    assert mixed(1, 2)[0] != mixed(2, 1)[0]


def test_normal_draws_are_standard_normal() -> None:
    drawn = MANY.normal("size")
    assert (abs(drawn.mean()) < 0.01, drawn.std()) == (True, pytest.approx(1.0, abs=0.01))


def test_numbers_below_a_bound_reach_each_number_equally() -> None:
    counts = np.bincount(MANY.below("which", 5), minlength=5)
    assert counts.min() > 0.97 * counts.max()


def test_a_bound_of_nothing_gives_zero() -> None:
    assert MANY.below("which", 0).max() == 0
