"""A week of biased tokens, against plain Python over everything, however the past was kept."""

from datetime import timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import oracle_rules
from given_accounts import DAY, tallies, traits
from schemas.policy import Policy
from transforms.detectors import RulesState, rules, week

POLICY = Policy()
END = DAY + timedelta(days=12)
Log = tuple[pl.DataFrame, pl.DataFrame]


def sweep(days: int, calls: int, tokens: int, **tally: Any) -> Log:
    """So many one-token calls on each noon, each with new tokens."""
    minutes = [1440 * d + 720 for d in range(days)]
    said = {"calls": calls, "parameters_known": calls, "with_logit_bias": calls, "one_token": calls} | tally
    shown = [
        {"minute": minute, "kind": "bias_token", "key": calls * tokens * d + k}
        for d, minute in enumerate(minutes)
        for k in range(calls * tokens)
    ]
    return tallies({"minute": minute} | said for minute in minutes), traits(shown)


def hits(log: Log, *cuts: int) -> pl.DataFrame:
    """What the rules say of a log in runs that end at these days, its state gone through bytes in between."""
    state, found = RulesState.empty(), []
    borders = [DAY + timedelta(hours=12 * cut) for cut in cuts] + [END]
    since = DAY
    for until in borders:
        mine = [frame.filter((pl.col("tick") >= since) & (pl.col("tick") < until)) for frame in log]
        state, held = rules.step(RulesState.from_bytes(state.to_bytes()), *mine, until, POLICY)
        found.append(held)
        since = until
    return pl.concat(found).sort("account_id", "tick", "rule")


def by_rule(log: Log) -> list[tuple[int, str]]:
    return [((tick - DAY).days, rule) for tick, rule in hits(log).select("tick", "rule").iter_rows()]


def test_a_sweep_of_forty_calls_a_day_is_found_once_a_few_hundred_tokens_are_gone() -> None:
    assert by_rule(sweep(7, 40, 2)) == [(3, "slow_sweep"), (4, "slow_sweep"), (5, "slow_sweep"), (6, "slow_sweep")]


def test_what_is_older_than_a_week_is_forgotten() -> None:
    assert by_rule(sweep(12, 15, 3)) == [(n, "slow_sweep") for n in range(6, 12)]  # 315 tokens in seven days
    assert by_rule(sweep(12, 14, 3)) == []  # 294


def test_a_fast_sweep_is_found_by_its_own_rule_alone() -> None:
    assert by_rule(sweep(1, 300, 3)) == [(0, "logit_sweep")]


@pytest.mark.parametrize("answers", [{"one_token": 0}, {"one_token": 19}])
def test_longer_answers_are_no_slow_sweep(answers: dict[str, int]) -> None:
    assert by_rule(sweep(7, 40, 2, **answers)) == []


def test_any_cut_and_the_oracle_say_the_same_of_days_that_overflow_and_days_that_do_not() -> None:
    chance = np.random.default_rng(11)
    made, shown = [], []
    for tick in np.sort(chance.choice(12 * 288, 60, replace=False)):
        calls, minute = int(chance.integers(1, 30)), int(tick) * 5
        made.append(
            {"minute": minute, "calls": calls, "parameters_known": calls, "with_logit_bias": calls, "one_token": calls}
        )
        most = 1500 if chance.random() < 0.1 else 40
        keys = np.unique(chance.integers(-(2**62), 2**62, int(chance.integers(1, most))))
        shown += [{"minute": minute, "kind": "bias_token", "key": int(key)} for key in keys]
    log = tallies(made), traits(shown)
    once = hits(log)
    assert {"logit_sweep", "slow_sweep"} <= set(once["rule"]) <= {"fresh_sweep", "logit_sweep", "slow_sweep"}
    assert once.filter(pl.col("rule") == "slow_sweep")["observed"].max() == week.MOST
    assert_frame_equal(once, oracle_rules.hits(*log, POLICY).sort("account_id", "tick", "rule"))
    for cuts in ([1], [7, 8, 9], list(range(1, 24)), sorted(chance.choice(24, 6, replace=False).tolist())):
        assert_frame_equal(hits(log, *cuts), once)


def test_an_account_that_sweeps_all_the_time_keeps_a_bounded_state() -> None:
    state, _ = rules.step(RulesState.empty(), *sweep(12, 200, 50), END, POLICY)
    assert state.tokens.height <= 7 * week.MOST
    assert state.days.height <= 7
