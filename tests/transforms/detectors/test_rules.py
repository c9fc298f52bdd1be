"""Deterministic rules: what holds, when, and that it does not matter how a day is cut."""

from datetime import timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from given_accounts import DAY, TICK, tallies, traits
from schemas.policy import Policy
from schemas.trait import TRAIT
from transforms.detectors import RulesState, rules

POLICY = Policy()
NO_TRAITS = TRAIT.empty()


def run(
    tally_rows: pl.DataFrame,
    trait_rows: pl.DataFrame = NO_TRAITS,
    *,
    policy: Policy = POLICY,
    state: RulesState | None = None,
) -> pl.DataFrame:
    _, hits = rules.step(state or RulesState.empty(), tally_rows, trait_rows, DAY + timedelta(days=2), policy)
    return hits


def sweep(ticks: int, tokens_a_tick: int, calls: int = 40, first: int = 0) -> tuple[pl.DataFrame, pl.DataFrame]:
    made = tallies(
        {"minute": 5 * t, "calls": calls, "parameters_known": calls, "with_logit_bias": calls}
        for t in range(first, first + ticks)
    )
    shown = traits(
        {"minute": 5 * t, "kind": "bias_token", "key": 1000 * t + k}
        for t in range(first, first + ticks)
        for k in range(tokens_a_tick)
    )
    return made, shown


def test_a_sweep_is_seen_at_the_tick_in_which_its_300th_token_is_biased() -> None:
    hits = run(*sweep(8, 50))
    assert hits["rule"].unique().to_list() == ["logit_sweep"]
    assert hits["tick"].to_list() == [DAY + 5 * TICK, DAY + 6 * TICK, DAY + 7 * TICK]
    assert hits["observed"].to_list() == [300.0, 350.0, 400.0]
    assert hits["expected"].unique().to_list() == [300.0]


def test_a_sweep_needs_a_hundred_calls() -> None:
    assert run(*sweep(6, 64, calls=16)).is_empty()
    assert not run(*sweep(6, 64, calls=17)).is_empty()


def test_tokens_biased_more_than_a_day_apart_are_not_added() -> None:
    early, late = sweep(4, 60), sweep(4, 60, first=24 * 12)
    assert run(pl.concat([early[0], late[0]]), pl.concat([early[1], late[1]])).is_empty()
    late = sweep(4, 60, first=23 * 12)
    assert run(pl.concat([early[0], late[0]]), pl.concat([early[1], late[1]]))["observed"].to_list() == [
        300.0,
        360.0,
        420.0,
        480.0,
    ]


def test_a_list_of_banned_words_that_never_changes_is_no_sweep_however_long() -> None:
    made = tallies({"minute": 5 * t, "calls": 40, "with_logit_bias": 40} for t in range(10))
    banned = traits(
        {"minute": 5 * t, "kind": "bias_token", "key": k, "count": 40} for t in range(10) for k in range(900)
    )
    assert run(made, banned).is_empty()


def test_tokens_biased_in_half_of_the_calls_are_still_a_sweep_and_in_more_they_are_none() -> None:
    def day_of(count: int) -> tuple[pl.DataFrame, pl.DataFrame]:
        made = tallies([{"calls": 200, "with_logit_bias": 200}])
        return made, traits({"kind": "bias_token", "key": k, "count": count} for k in range(400))

    assert run(*day_of(100))["rule"].to_list() == ["logit_sweep"]
    assert run(*day_of(101)).is_empty()


def test_more_keys_than_a_tick_keeps_are_estimated_from_the_smallest() -> None:
    spacing = 2**64 // 5000  # as if 5,000 tokens were spread evenly over the key space; 2,048 are kept
    shown = traits({"kind": "bias_token", "key": -(2**63) + spacing * (k + 1)} for k in range(2048))
    hits = run(tallies([{"calls": 600, "with_logit_bias": 600}]), shown)
    assert hits["observed"][0] == pytest.approx(5000, rel=0.01)


def test_a_rule_that_holds_gives_no_hit_in_a_tick_that_adds_nothing_to_it() -> None:
    made, shown = sweep(6, 64)
    later = tallies([{"minute": 60, "calls": 10, "parameters_known": 10, "system_prompt_asks": 1}])
    assert DAY + 12 * TICK not in run(pl.concat([made, later]), shown)["tick"].to_list()


def test_one_token_calls_with_log_probabilities_are_counted_from_below() -> None:
    def day_of(one_token: int) -> pl.DataFrame:
        return tallies(
            {"minute": 5 * t, "calls": 200, "parameters_known": 200, "with_logprobs": 150, "one_token": one_token}
            for t in range(10)
        )

    assert run(day_of(149)).is_empty()  # 10 ticks x at least 99 calls that were both
    assert run(day_of(150))["observed"].to_list() == [1000.0]


def search(ticks: int, refused: int, answered: int, *, same_prompt: bool = False) -> tuple[pl.DataFrame, pl.DataFrame]:
    calls = refused + answered
    made = tallies(
        {"minute": 5 * t, "calls": calls, "prompt_known": calls, "refusal_known": calls, "refused": refused}
        for t in range(ticks)
    )
    rows = [{"minute": 5 * t, "kind": "tail", "key": 9, "count": calls, "refused": refused} for t in range(ticks)]
    rows += [
        {"minute": 5 * t, "kind": "payload", "key": k if same_prompt else 100 * t + k, "count": 1, "refused": 1}
        for t in range(ticks)
        for k in range(refused)
    ]
    return made, traits(rows)


def test_sixty_refused_variants_of_one_payload_are_a_search() -> None:
    assert run(*search(5, 12, 3))["rule"].to_list() == ["bypass_search"]
    assert run(*search(4, 12, 3)).is_empty()


def test_a_payload_mostly_answered_is_no_search() -> None:
    assert run(*search(10, 10, 11)).is_empty()
    assert not run(*search(10, 10, 10)).is_empty()


def test_ten_prompts_refused_again_and_again_are_no_search() -> None:
    assert run(*search(20, 10, 0, same_prompt=True)).is_empty()


def test_variants_beyond_the_kept_sample_are_estimated_and_never_more_than_refusals() -> None:
    cap, ticks = 64, 3
    spacing = 2**64 // 200  # as if 200 keys were spread evenly over the key space
    rows = [{"minute": 5 * t, "kind": "head", "key": 1, "count": 150, "refused": 150} for t in range(ticks)]
    rows += [
        {"minute": 5 * t, "kind": "payload", "key": -(2**63) + spacing * (k + 1) + t, "refused": 1}
        for t in range(ticks)
        for k in range(cap)
    ]
    made = tallies({"minute": 5 * t, "calls": 150, "refusal_known": 150, "refused": 150} for t in range(ticks))
    assert run(made, traits(rows))["observed"].to_list() == [150.0, 300.0, 450.0]


def downloads(
    ticks: int, objects: int, sequential: int, numbered: int | None = None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    made = tallies(
        {
            "minute": 5 * t,
            "calls": objects,
            "download_calls": objects,
            "numbered": objects if numbered is None else numbered,
            "sequential": sequential,
        }
        for t in range(ticks)
    )
    shown = traits(
        {"minute": 5 * t, "kind": "download", "key": 1000 * t + k}
        for t in range(ticks)
        for k in range(min(objects, 63))
    )
    return made, shown


def test_a_walk_over_five_hundred_objects_is_an_enumeration() -> None:
    assert run(*downloads(10, 50, 25))["rule"].to_list() == ["enumeration"]
    assert run(*downloads(9, 50, 25)).is_empty()
    assert run(*downloads(10, 50, 24)).is_empty()


def test_a_walk_needs_two_hundred_numbered_downloads() -> None:
    assert run(*downloads(10, 50, 19, numbered=19)).is_empty()
    assert not run(*downloads(10, 50, 20, numbered=20)).is_empty()


def test_objects_fetched_again_in_later_ticks_count_once() -> None:
    made = tallies({"minute": 5 * t, "download_calls": 60, "numbered": 60, "sequential": 60} for t in range(20))
    again = traits({"minute": 5 * t, "kind": "download", "key": k} for t in range(20) for k in range(60))
    assert run(made, again).is_empty()


def test_ten_requests_for_the_system_prompt_are_one_too_many() -> None:
    asks = tallies({"minute": 60 * t, "calls": 3, "system_prompt_asks": 1} for t in range(12))
    hits = run(asks)
    assert hits["observed"].to_list() == [10.0, 11.0, 12.0]
    assert hits["detail"][0] == "the hidden system prompt was asked for 10 times in 24 h"


def test_accounts_do_not_add_up() -> None:
    one, other = (
        tallies({"account_id": name, "minute": 5 * t, "system_prompt_asks": 1} for t in range(6)) for name in "ab"
    )
    assert run(pl.concat([one, other])).is_empty()


def test_a_hit_names_example_calls_of_its_tick() -> None:
    asks = tallies([{"minute": 0, "calls": 12, "system_prompt_asks": 12, "sample_event_ids": ["x", "y"]}])
    assert run(asks)["sample_event_ids"].to_list() == [["x", "y"]]


def mixed_day() -> tuple[pl.DataFrame, pl.DataFrame]:
    parts = [sweep(30, 40), search(10, 12, 3), downloads(14, 50, 30)]
    names = ["sweeper", "searcher", "walker"]
    made = [frame.with_columns(account_id=pl.lit(name)) for (frame, _), name in zip(parts, names, strict=True)]
    shown = [frame.with_columns(account_id=pl.lit(name)) for (_, frame), name in zip(parts, names, strict=True)]
    asks = tallies({"account_id": "asker", "minute": 55 * t, "system_prompt_asks": 1} for t in range(26))
    return pl.concat([*made, asks]), pl.concat(shown)


@pytest.mark.parametrize("ticks_a_step", [1, 7, 288])
def test_one_step_over_a_day_gives_the_hits_of_many(ticks_a_step: int) -> None:
    made, shown = mixed_day()
    state, whole = rules.step(RulesState.empty(), made, shown, DAY + 288 * TICK, POLICY)
    assert set(whole["rule"]) == {"logit_sweep", "bypass_search", "enumeration", "system_prompt_extraction"}
    stepped, parts = RulesState.empty(), []
    for start in range(0, 288, ticks_a_step):
        until = DAY + min(288, start + ticks_a_step) * TICK
        here = pl.col("tick").is_between(DAY + start * TICK, until, closed="left")
        stepped = RulesState.from_bytes(stepped.to_bytes())
        stepped, hits = rules.step(stepped, made.filter(here), shown.filter(here), until, POLICY)
        parts.append(hits)
    assert_frame_equal(pl.concat(parts).sort("account_id", "tick", "rule"), whole)
    for name in ("hours", "keys", "refusals"):
        assert_frame_equal(getattr(stepped, name), getattr(state, name))


def test_a_day_without_calls_empties_the_state() -> None:
    made, shown = mixed_day()
    state, _ = rules.step(RulesState.empty(), made, shown, DAY + 288 * TICK, POLICY)
    after, hits = rules.step(state, made.clear(), shown.clear(), DAY + timedelta(days=2), POLICY)
    assert hits.is_empty()
    assert all(getattr(after, name).is_empty() for name in ("hours", "keys", "refusals"))


def test_accounts_that_do_nothing_a_rule_looks_at_are_not_remembered() -> None:
    state, _ = rules.step(
        RulesState.empty(), tallies([{"calls": 1000}]), traits([{"kind": "head", "key": 1}]), DAY + TICK, POLICY
    )
    assert state.hours.is_empty()
    assert state.keys.is_empty()
    assert state.refusals.is_empty()


def test_the_order_of_rows_is_of_no_consequence() -> None:
    made, shown = mixed_day()
    shuffled = run(made.sample(fraction=1.0, shuffle=True, seed=1), shown.sample(fraction=1.0, shuffle=True, seed=2))
    assert_frame_equal(shuffled, run(made, shown))
