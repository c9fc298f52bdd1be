"""Shapes: how rare all properties are together is exact, and what a hit says adds up to that."""

import itertools
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from given_accounts import DAY, HOUR, TICK, tallies, windows
from schemas.policy import Policy
from schemas.policy import Shapes as ShapesPolicy
from schemas.registry import REGISTRY
from schemas.scored import SCORED
from schemas.shape import Bound, Property, Step, steps
from transforms.detectors import cards, shapes
from transforms.detectors.registry import shapes as registered
from transforms.detectors.shape import Shape, told
from transforms.findings import Calibration, FindingsState, Inputs, Judge, step

POLICY = Policy()
SHAPES = {shape.card.id: shape for shape in registered() if shape.unknown is None}
every_shape = pytest.mark.parametrize("shape", registered(), ids=lambda s: s.card.id + ("-blind" if s.unknown else ""))

HARVEST: dict[str, Any] = dict(SHAPES["generation_shape"].card.firing.window or {})


LONG_OUTPUT = {"reasoning_share_24h": None, "output_per_call_24h": 3500.0}
NO_PROMPTS = {"payload_novelty_24h": None, "length_band_24h": 0.15}
LESS: dict[str, dict[str, Any]] = {"reasoning_share_24h": LONG_OUTPUT, "payload_novelty_24h": NO_PROMPTS}


def firing(shape: Shape) -> dict[str, Any]:
    """The window of its card's example, or of one that fires where less is known."""
    return dict(shape.card.firing.window or {}) | LESS.get(shape.unknown or "", {})


def hits(*rows: dict[str, Any], policy: Policy = POLICY) -> pl.DataFrame:
    return shapes.step(windows(rows), policy)


def by_enumeration(shape: Shape, least: float) -> float:
    """Share of honest accounts with all needed properties and at least so many decades, combination by combination."""
    ladders = []
    for one in shape.properties:
        reached = [1.0, *(step.share for step in one.steps), 0.0]
        ladder = [(shape.decades_of(one.name)[n], reached[n] - reached[n + 1]) for n in range(len(reached) - 1)]
        ladders.append(ladder[1:] if one.is_needed else ladder)
    return sum(
        float(np.prod([share for _, share in combination]))
        for combination in itertools.product(*ladders)
        if sum(decades for decades, _ in combination) >= least - 1e-7
    )


@every_shape
def test_the_rarity_of_a_sum_is_that_of_all_combinations_with_at_least_it(shape: Shape) -> None:
    sums, shares = shape.tails
    for place in range(0, len(sums), max(1, len(sums) // 7)):
        assert shares[place] == pytest.approx(by_enumeration(shape, float(sums[place])), rel=1e-9)


def test_shapes_of_independent_properties_leave_together_no_more_honest_account_days_than_the_review_rate() -> None:
    allowed = {shape.card.id: 0.0 for shape in registered() if shape.share == "share"}
    assert {shape.card.id for shape in registered() if shape.share != "share"} == {"bypass_shape", "reasoning_shape"}
    for shape in registered():  # of one detector each account is looked at in one way
        if shape.share != "share":
            continue  # independence is no measure of those
        _, shares = shape.tails
        here = float(shares[shares <= POLICY.shapes.share].max(initial=0.0))
        allowed[shape.card.id] = max(allowed[shape.card.id], here)
    # Seats at 1 to 200 calls a day, evenly in the logarithm, beside as many API clients, all of whom have more (threats.md 4.3).
    seats_with_a_hundred = np.log(200 / 100) / np.log(200)
    assert 0 < sum(allowed.values()) * (1 + seats_with_a_hundred) / 2 <= POLICY.rates.review


@every_shape
def test_no_share_is_smaller_than_what_the_measured_clients_can_show(shape: Shape) -> None:
    measured_on = 2034 if shape.card.kind == "bulk_download" else 330
    assert min(step.share for one in shape.properties for step in one.steps) >= 1 / measured_on - 1e-4


@every_shape
def test_the_points_of_a_hit_add_up_to_how_rare_it_is(shape: Shape) -> None:
    hit = hits(firing(shape)).filter(pl.col("rule") == shape.card.id).row(0, named=True)
    assert sum(signal["points"] for signal in hit["signals"]) == pytest.approx(hit["observed"], abs=1e-5)
    share = 0.003 if shape.share == "joint_share" else 0.00025
    assert hit["observed"] >= hit["expected"] == pytest.approx(-np.log10(share), abs=1e-6)
    assert {signal["signal"].partition(".")[0] for signal in hit["signals"]} == {shape.card.id}


def test_honest_accounts_that_show_each_property_by_itself_are_hit_as_rarely_as_claimed() -> None:
    shape, chance, days = SHAPES["bypass_shape"], np.random.default_rng(5), 400_000
    sums = np.zeros(days)
    needed = np.ones(days, dtype=np.bool_)
    for one in shape.properties:
        draw = chance.random(days)
        reached = sum((draw < step.share).astype(np.int64) for step in one.steps)
        sums += shape.decades_of(one.name)[reached]
        needed &= (reached > 0) | (not one.is_needed)
    share = POLICY.shapes.joint_share
    hit = shape.rarity(np.round(sums[needed], 6)) >= shape.least(POLICY)
    assert hit.sum() <= days * share + 4 * np.sqrt(days * share)
    assert hit.sum() > 0


def test_a_hundred_calls_are_enough_and_fewer_are_not() -> None:
    assert hits(HARVEST | {"calls_24h": 100.0})["rule"].to_list() == ["generation_shape"]
    assert hits(HARVEST | {"calls_24h": 99.0}).is_empty()


@pytest.mark.parametrize(
    "changed",
    [
        {"age_days": 400.0},  # an established customer's synthetic data
        {"age_days": None},
        {"payload_novelty_24h": 0.33},  # an evaluation
        {"multi_turn_share_24h": 0.6},  # a chat
        {"out_in_ratio_24h": 0.05, "output_per_call_24h": 40.0},  # a batch job
        {"reasoning_share_24h": 0.9},  # a reasoning model that thinks long and writes little
        {"reasoning_share_24h": None},  # nobody knows how much was written, and one model in five thinks as long
    ],
)
def test_generation_that_honest_accounts_do_as_well_is_none(changed: dict[str, Any]) -> None:
    assert hits(HARVEST | changed).is_empty()


@pytest.mark.parametrize("name", ["generation_shape", "reasoning_shape"])
def test_output_of_which_nobody_knows_how_much_was_written_has_to_be_longer(name: str) -> None:
    window = dict(SHAPES[name].card.firing.window or {}) | {"age_days": 1.0, "output_per_call_24h": 500.0}
    assert hits(window | {"reasoning_share_24h": None}).is_empty()
    assert hits(window | LONG_OUTPUT)["rule"].to_list() == [name]
    signals = hits(window | LONG_OUTPUT)["signals"][0].to_list()
    said = [one["detail"] for one in signals if one["signal"] == f"{name}.output"]
    assert said == [
        "an answer takes 3,500 tokens on average, hidden reasoning perhaps among them, and much more than was read"
    ]


def test_an_account_whose_reasoning_is_known_is_not_looked_at_as_if_it_were_not() -> None:
    assert hits(HARVEST | LONG_OUTPUT | {"reasoning_share_24h": 0.9}).is_empty()


REFUSED: dict[str, Any] = dict(SHAPES["bypass_shape"].card.firing.window or {})


def test_refusals_of_prompts_that_are_not_logged_are_a_search_if_they_are_of_many_lengths() -> None:
    assert hits(REFUSED | NO_PROMPTS)["rule"].to_list() == ["bypass_shape"]
    assert hits(REFUSED | NO_PROMPTS | {"length_band_24h": 0.9}).is_empty()  # one prompt, tried again and again
    assert hits(REFUSED | NO_PROMPTS | {"length_band_24h": None}).is_empty()
    assert hits(REFUSED | NO_PROMPTS | {"age_days": 400.0}).is_empty()  # moderation of forbidden texts looks the same


def test_prompts_that_are_logged_and_repeat_are_no_search_whatever_their_lengths() -> None:
    assert hits(REFUSED | NO_PROMPTS | {"payload_novelty_24h": 0.5}).is_empty()


WALK: dict[str, Any] = dict(SHAPES["walk_shape"].card.firing.window or {})


@pytest.mark.parametrize(
    ("changed", "is_hit"),
    [
        ({"objects_24h": 50.0}, True),
        ({"objects_24h": 49.0}, False),
        ({"error_share_24h": 0.5}, True),
        ({"error_share_24h": 0.49}, False),
        ({"throttled_share_24h": 0.3}, False),  # mostly too fast, not wrong
        ({"sequential_share_24h": 0.49}, False),  # names from a list, most of which have expired
        ({"calls_24h": 250.0}, False),  # 178 of 250 calls fail, and 110 of these may be other calls
        ({"calls_24h": 200.0}, True),
    ],
)
def test_a_walk_over_numbers_is_one_of_guesses_if_half_of_them_are_wrong(changed: dict[str, Any], is_hit: bool) -> None:
    assert ("walk_shape" in hits(WALK | changed)["rule"].to_list()) == is_hit


REPLAYED: dict[str, Any] = dict(SHAPES["replay_shape"].card.firing.window or {})


def test_stored_conversations_are_known_by_a_dozen_languages_whatever_the_age_of_the_account() -> None:
    assert hits(REPLAYED | {"age_days": 500.0})["rule"].to_list() == ["replay_shape"]
    assert hits(REPLAYED | {"languages_24h": 11.0}).is_empty()


def test_stored_conversations_need_no_haste_no_youth_and_no_one_set_of_parameters_but_answers() -> None:
    slow = {"age_days": None, "parameters_top_share_24h": 0.5, "throttled_share_24h": 0.0}
    assert hits(REPLAYED | slow | {"output_per_call_24h": 200.0})["rule"].to_list() == ["replay_shape"]
    assert hits(REPLAYED | {"output_per_call_24h": 199.0}).is_empty()


def test_conversations_of_which_one_in_twenty_begins_here_are_not_stored_ones() -> None:
    assert hits(REPLAYED | {"multi_turn_share_24h": 0.95}).is_empty()
    assert hits(REPLAYED | {"cache_miss_24h": 0.85}).is_empty()


def test_a_hit_stands_at_the_last_tick_of_the_hour_in_any_company_and_order() -> None:
    company = [{"account_id": f"x{n}", "calls_24h": 100.0 + n, "payload_novelty_24h": 1.0} for n in range(20)]
    alone = hits(HARVEST | {"hour": 7})
    assert alone["tick"].to_list() == [DAY + 7 * HOUR - TICK]
    rows = windows([*company, HARVEST | {"hour": 7}])
    assert_frame_equal(shapes.step(rows.sample(fraction=1.0, shuffle=True, seed=2), POLICY), alone)
    assert_frame_equal(shapes.step(rows.drop("throttled_share_24h"), POLICY), alone)


def test_a_hit_becomes_a_finding_for_review_that_says_each_property() -> None:
    judge = Judge(Calibration({}), REGISTRY.empty(), cards(), POLICY, None)
    made = tallies([{"minute": 5 * n, "calls": 100} for n in range(12)])
    inputs = Inputs(SCORED.empty(), hits(HARVEST | {"hour": 1}), made)
    _, _, found = step(FindingsState.empty(), inputs, judge, DAY + timedelta(hours=2))
    finding = found.row(0, named=True)
    assert (finding["tier"], finding["kind"], finding["uncalibrated"]) == ("review", "distillation", True)
    assert finding["exchanges_before"] == 1200
    assert finding["techniques"] == ["AML.T0005.001", "AML.T0024.002"]
    assert [reason.partition(":")[0] for reason in finding["reasons"][:2]] == [
        "generation_shape.answers",
        "generation_shape.youth",
    ]
    assert "an answer holds 1,200 written tokens on average" in finding["reasons"][0]


def test_a_budget_of_the_policy_decides() -> None:
    loose = replace(POLICY, shapes=ShapesPolicy(share=0.1))
    assert not hits(HARVEST | {"output_per_call_24h": 400.0}, policy=loose).is_empty()
    assert hits(HARVEST | {"output_per_call_24h": 400.0}).is_empty()


def test_steps_that_do_not_imply_each_other_or_do_not_get_rarer_are_refused() -> None:
    one, other = Step(0.1, (Bound("calls_24h", "least", 10.0),)), Step(0.05, (Bound("age_days", "most", 3.0),))
    with pytest.raises(ValueError, match="imply"):
        Property("x", "{observed}", "s", (one, other))
    with pytest.raises(ValueError, match="rarer"):
        Property("x", "{observed}", "s", steps("calls_24h", "least", (10.0, 0.1), (20.0, 0.2)))


def test_shares_are_told_in_percent() -> None:
    for shape in registered():
        for one in shape.properties:
            bound = one.steps[0].bounds[0]
            said = one.says.format(observed=told(bound.feature, bound.value))
            is_share = "share" in bound.feature or bound.feature in (
                "payload_novelty_24h",
                "fetched_once_24h",
                "length_band_24h",
            )
            assert ("%" in said.replace("10 %", "")) == is_share, said
