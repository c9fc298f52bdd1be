"""A sweep is one at its hundredth call, if nearly every call biases tokens that none before it did."""

from datetime import timedelta
from typing import Any

import polars as pl
import pytest

from given_accounts import DAY, tallies, traits
from schemas.policy import Policy
from transforms.detectors import RulesState, rules

POLICY = Policy()


def hits(calls: int, tokens: int, uses: int = 1, **tally: Any) -> list[tuple[int, str]]:
    """Ticks with hits of ten calls a tick that bias so many tokens in all, each in so many calls."""
    ticks = calls // 10
    said = {"calls": 10, "parameters_known": 10, "with_logit_bias": 10, "one_token": 10} | tally
    made = tallies({"minute": 5 * t} | said for t in range(ticks))
    each = tokens // ticks
    shown = traits(
        {"minute": 5 * t, "kind": "bias_token", "key": each * t + k, "count": uses}
        for t in range(ticks)
        for k in range(each)
    )
    _, found = rules.step(RulesState.empty(), made, shown, DAY + timedelta(days=1), POLICY)
    return [((tick - DAY) // timedelta(minutes=5), rule) for tick, rule in found.select("tick", "rule").iter_rows()]


def test_a_sweep_of_one_token_a_call_is_found_at_its_hundredth_call() -> None:
    assert hits(120, 120) == [(9, "fresh_sweep"), (10, "fresh_sweep"), (11, "fresh_sweep")]


def test_a_sweep_of_hundreds_of_tokens_a_call_is_found_at_its_tenth_call() -> None:
    assert hits(20, 2_400)[0] == (0, "fresh_sweep")
    assert hits(30, 2_400, with_logit_bias=4)[0] == (2, "fresh_sweep")  # of eight biasing calls none, of twelve
    assert hits(20, 1_000) == []


def test_it_gives_way_to_the_rule_over_hundreds_of_tokens() -> None:
    found = hits(400, 400)
    assert found[0] == (9, "fresh_sweep")
    assert [rule for _, rule in found if rule == "logit_sweep"] == ["logit_sweep"] * 11
    assert len(found) == len({tick for tick, _ in found})


def test_tokens_biased_three_times_each_are_a_list_that_repeats() -> None:
    assert hits(120, 120, uses=2)
    assert hits(120, 120, uses=3) == []


@pytest.mark.parametrize(
    ("calls", "tokens", "tally"),
    [
        (90, 180, {}),  # too few calls
        (120, 96, {}),  # too few tokens
        (120, 120, {"one_token": 4}),  # answers
    ],
)
def test_fewer_calls_fewer_tokens_or_longer_answers_are_none(calls: int, tokens: int, tally: dict[str, int]) -> None:
    assert hits(calls, tokens, **tally) == []


def test_log_probabilities_without_a_bias_are_none_whatever_was_biased_before() -> None:
    made = tallies(
        [
            {"minute": 5 * t, "calls": 10, "parameters_known": 10, "with_logit_bias": 10, "one_token": 10}
            for t in range(12)
        ]
        + [{"minute": 300, "calls": 10, "parameters_known": 10, "with_logprobs": 10, "one_token": 10}]
    )
    shown = traits({"minute": 5 * t, "kind": "bias_token", "key": 10 * t + k} for t in range(12) for k in range(10))
    _, found = rules.step(RulesState.empty(), made, shown, DAY + timedelta(days=1), POLICY)
    assert found.filter(pl.col("tick") == DAY + timedelta(minutes=300)).is_empty()
