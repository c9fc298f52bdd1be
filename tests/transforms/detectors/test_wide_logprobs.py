"""One-token calls for ten alternatives or more are a sweep at the 300th of a day; for five they are an evaluation."""

from datetime import timedelta
from typing import Any

import polars as pl
import pytest

from given_accounts import DAY, TICK, tallies
from given_events import EVERYTHING, framed
from schemas.policy import Policy
from schemas.registry import REGISTRY
from schemas.trait import TRAIT
from transforms.detectors import RulesState, rules
from transforms.order import OrderState, step
from transforms.sketches.packing import pack, unpack

POLICY = Policy()


def ticks(of: range, wide: int, calls: int = 30) -> pl.DataFrame:
    """Ticks of one-token calls with log-probabilities, some of them wide."""
    said = dict.fromkeys(("calls", "parameters_known", "with_logprobs", "one_token"), calls)
    return tallies({"minute": 5 * t, "wide_one_token": wide} | said for t in of)


def hits(made: pl.DataFrame, state: RulesState | None = None) -> list[tuple[int, str, float]]:
    """Tick, rule and number of each hit."""
    _, found = rules.step(state or RulesState.empty(), made, TRAIT.empty(), DAY + timedelta(days=2), POLICY)
    return [((tick - DAY) // TICK, rule, seen) for tick, rule, seen in found.select("tick", "rule", "observed").rows()]


def test_a_sweep_of_wide_one_token_calls_is_found_at_its_three_hundredth() -> None:
    assert hits(ticks(range(12), wide=30)) == [(9, "wide_logprobs", 300.0), (10, "wide_logprobs", 330.0), (11, "wide_logprobs", 360.0)]  # fmt: skip
    assert hits(ticks(range(23), wide=13)) == []


def test_calls_more_than_a_day_apart_are_not_added() -> None:
    assert hits(pl.concat([ticks(range(5), wide=30), ticks(range(288, 293), wide=30)])) == []
    assert hits(pl.concat([ticks(range(5), wide=30), ticks(range(276, 281), wide=30)])) == [(280, "wide_logprobs", 300)]


def test_narrow_calls_after_a_sweep_are_no_more_of_it() -> None:
    assert [tick for tick, *_ in hits(pl.concat([ticks(range(10), wide=30), ticks(range(10, 20), wide=0)]))] == [9]


def test_the_rule_over_a_thousand_calls_of_any_width_gives_way_to_it() -> None:
    found = hits(ticks(range(12), wide=30, calls=200))
    assert [(tick, rule) for tick, rule, _ in found] == [
        *[(tick, "logprob_harvest") for tick in range(4, 9)],
        *[(tick, "wide_logprobs") for tick in range(9, 12)],
    ]


def test_ticks_of_sources_without_parameters_count_nothing() -> None:
    unknown = tallies({"minute": 5 * t, "calls": 30} for t in range(5))
    assert unknown["wide_one_token"].null_count() == 5
    assert hits(pl.concat([unknown, ticks(range(5, 15), wide=30)])) == [(14, "wide_logprobs", 300.0)]


def test_a_state_written_before_wide_calls_were_counted_goes_on_with_those_that_come() -> None:
    early, _ = rules.step(RulesState.empty(), ticks(range(5), wide=30), TRAIT.empty(), DAY + 5 * TICK, POLICY)
    parts = unpack(early.to_bytes(), "rules", 2)
    before = pack("rules", 2, parts | {"hours": parts["hours"].drop("wide_one_token")})
    state = RulesState.from_bytes(before)
    assert state.hours.columns == early.hours.columns
    assert state.hours["wide_one_token"].to_list() == [0]
    assert hits(ticks(range(5, 15), wide=30), state) == [(14, "wide_logprobs", 300.0)]


def counted(**given: Any) -> int | None:
    """Wide one-token calls in the tally of one call."""
    call = {"source": "s", "position": 1, "event_id": "e", "time": DAY, "account_id": "a", "account_basis": "account"}
    call |= {"operation": "chat", "presence": EVERYTHING, "max_tokens": 1, "logprobs": True, "top_logprobs": 20}
    _, made = step(OrderState.empty(), framed([call | given]), REGISTRY.empty(), DAY + TICK, POLICY)
    return made.tallies["wide_one_token"].item()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, 1),
        ({"top_logprobs": 10}, 1),
        ({"top_logprobs": 9}, 0),
        ({"top_logprobs": None}, 0),
        ({"max_tokens": 2}, 0),
        ({"max_tokens": None}, 0),
        ({"logprobs": False}, 0),
        ({"presence": 0, "max_tokens": None, "logprobs": None, "top_logprobs": None}, None),
    ],
    ids=str,
)
def test_a_call_is_wide_and_of_one_token_only_if_it_is_both(given: dict[str, Any], expected: int | None) -> None:
    assert counted(**given) == expected
