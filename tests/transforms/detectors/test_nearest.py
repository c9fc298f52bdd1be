"""What an account that is not flagged came near to, and by what it was missed."""

from typing import Any

import pytest

from given_accounts import windows
from schemas.policy import Policy
from transforms.detectors import shapes
from transforms.detectors.nearest import nearest, prior_points
from transforms.detectors.registry import shapes as registered

POLICY = Policy()
SHAPES = {shape.card.id: shape for shape in registered() if shape.unknown is None}
every_shape = pytest.mark.parametrize("name", SHAPES)


def window(**values: Any) -> dict[str, Any]:
    return windows([values]).row(0, named=True)


@every_shape
def test_a_shape_that_fires_was_reached_in_full_and_one_that_is_silent_was_not(name: str) -> None:
    card = SHAPES[name].card
    fired = {one.detector: one.reached for one in nearest(window(**dict(card.firing.window or {})), POLICY)}
    silent = {one.detector: one.reached for one in nearest(window(**dict(card.silent.window or {})), POLICY)}
    assert fired[name] == 1.0
    assert silent.get(name, 0.0) < 1.0


def test_what_is_missing_is_named_with_its_value_and_the_value_that_it_takes() -> None:
    made = dict(SHAPES["generation_shape"].card.firing.window or {}) | {"age_days": 400.0}
    near = nearest(window(**made), POLICY)[0]
    assert near.detector == "generation_shape"
    assert near.says.endswith("but needs age_days of 30 or less (is 400)")
    unknown = nearest(window(**(made | {"age_days": None})), POLICY)[0]
    assert unknown.says.endswith("but needs age_days of 30 or less (is not known)")


def test_what_is_all_there_but_too_common_says_how_common_and_in_too_few_calls_how_few() -> None:
    made = dict(SHAPES["generation_shape"].card.firing.window or {})
    common = nearest(window(**(made | {"output_per_call_24h": 400.0})), POLICY)[0]
    assert "honest account in" in common.says
    assert "it takes 1 in 4,000 (shapes.share)" in common.says
    few = next(one for one in nearest(window(**(made | {"calls_24h": 60.0})), POLICY) if "generation" in one.detector)
    assert few.reached == pytest.approx(0.6)
    assert few.says.endswith("and 100 calls in 24 h (shapes.least_calls), of which there are 60")


def test_where_nobody_knows_what_was_written_the_output_is_told_instead_and_nothing_twice() -> None:
    made = dict(SHAPES["generation_shape"].card.firing.window or {}) | {"reasoning_share_24h": None}
    near = [one for one in nearest(window(**made), POLICY) if one.detector == "generation_shape"]
    assert [0.5 < one.reached < 1.0 for one in near] == [True]
    assert "it shows tasks, output, instruction, settings, youth" in near[0].says


def test_a_rule_is_as_near_as_its_farthest_threshold() -> None:
    near = {one.detector: one for one in nearest(window(objects_24h=700.0, sequential_share_24h=0.1), POLICY)}
    assert near["bulk_download"].reached == pytest.approx(0.07)
    assert near["enumeration"].reached == pytest.approx(0.2)
    assert near["bulk_download"].says == "objects_24h is 700 of 10,000 (rules.download_breadth)"


def test_an_account_of_which_nothing_is_known_is_near_to_nothing() -> None:
    assert nearest(window(), POLICY) == []
    assert nearest(window(downloads_24h=0.0, objects_24h=0.0), POLICY) == []
    assert shapes.step(windows([{}]), POLICY).is_empty()


def test_prior_points_are_those_of_the_priors_alone() -> None:
    points = prior_points(window(reasoning_elicited_share_24h=0.97, calls_24h=500.0), POLICY)
    assert points["elicitation"] == 2.0
    assert sum(points.values()) == 2.0
