"""Counting foreign handles per account."""

from datetime import timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from given_accounts import DAY, TICK, foreign, tallies
from schemas.policy import Policy
from transforms.detectors import ReplayState, replays

POLICY = Policy()


def run(rows: pl.DataFrame, until_minutes: float = 3 * 1440) -> pl.DataFrame:
    made = tallies({"minute": m, "sample_event_ids": [f"e{m}"]} for m in range(0, 2880, 5))
    return replays.step(ReplayState.empty(), rows, foreign([]), made, DAY + timedelta(minutes=until_minutes), POLICY)[1]


def test_the_third_foreign_handle_within_a_day_is_a_hit() -> None:
    hits = run(foreign({"minute": 10 * k, "key": k, "issuer": f"i{k}"} for k in range(4)))
    assert hits["tick"].to_list() == [DAY + 4 * TICK, DAY + 6 * TICK]
    assert hits["observed"].to_list() == [3.0, 4.0]
    assert hits["linked_account_ids"].to_list() == [["i0", "i1", "i2"], ["i0", "i1", "i2", "i3"]]
    assert hits["sample_event_ids"].to_list() == [["e20"], ["e30"]]
    assert hits["detail"][0] == "3 distinct reasoning handles redeemed in 24 h were issued to 3 other accounts"


def test_one_handle_redeemed_again_and_again_stays_one() -> None:
    assert run(foreign({"minute": 5 * k, "key": 1, "issuer": "i"} for k in range(50))).is_empty()


def test_issuers_of_more_than_a_day_ago_are_no_longer_named() -> None:
    rows = [{"minute": 0, "key": 0, "issuer": "old"}]
    rows += [{"minute": 24 * 60 + 5 * k, "key": k, "issuer": "new"} for k in range(1, 4)]
    assert run(foreign(rows))["linked_account_ids"].to_list() == [["new"]]


def test_at_most_twenty_issuers_are_named() -> None:
    hits = run(foreign({"minute": 0, "key": k, "issuer": f"i{k:02d}"} for k in range(30)))
    assert hits["linked_account_ids"].to_list() == [[f"i{k:02d}" for k in range(20)]]
    assert hits["detail"][0].endswith("30 other accounts")


def given(rows: pl.DataFrame) -> pl.DataFrame:
    made = tallies({"minute": m, "account_id": "issuer", "sample_event_ids": [f"e{m}"]} for m in (0, 20))
    _, hits = replays.step(ReplayState.empty(), foreign([]), rows, made, DAY + timedelta(days=3), POLICY)
    return hits


def test_who_gave_three_handles_away_is_hit_for_review_and_told_who_redeemed_them() -> None:
    hits = given(foreign({"minute": 10 * k, "key": k, "account_id": f"r{k}", "issuer": "issuer"} for k in range(3)))
    assert hits.select("account_id", "tick", "observed", "tier").rows() == [("issuer", DAY + 4 * TICK, 3.0, "review")]
    assert hits["linked_account_ids"].to_list() == [["r0", "r1", "r2"]]
    assert hits["sample_event_ids"].to_list() == [["e20"]]
    assert hits["detail"][0] == "3 distinct reasoning handles issued to it were redeemed in 24 h by 3 other accounts"


def test_one_handle_that_three_accounts_redeem_was_given_away_once() -> None:
    assert given(
        foreign({"minute": 0, "key": 1, "account_id": f"r{k}", "issuer": "issuer"} for k in range(3))
    ).is_empty()


def test_who_redeems_and_gives_in_one_tick_is_told_of_what_it_redeemed() -> None:
    rows = foreign(
        {"minute": 0, "key": k, "account_id": one, "issuer": other}
        for k, (one, other) in enumerate([("a", "b")] * 3 + [("b", "a")] * 3)
    )
    made = tallies([{"account_id": "a"}, {"account_id": "b"}])
    _, hits = replays.step(ReplayState.empty(), rows, rows, made, DAY + timedelta(days=1), POLICY)
    assert hits.select("account_id", "tier").rows() == [("a", None), ("b", None)]
    assert all("were issued to" in detail for detail in hits["detail"])


def test_rows_that_do_not_know_the_issuers_hash_say_nothing_of_it() -> None:
    rows = foreign({"minute": 0, "key": k, "issuer": "issuer"} for k in range(5))
    assert given(rows).height == 1
    assert given(rows.with_columns(issuer_hash=pl.lit(None, pl.Int64))).is_empty()


@pytest.mark.parametrize("ticks_a_step", [1, 5, 100])
def test_one_step_gives_the_hits_of_many(ticks_a_step: int) -> None:
    rows = foreign({"minute": 35 * k, "key": k % 7, "issuer": f"i{k % 3}"} for k in range(80))
    made = tallies({"minute": 35 * k} for k in range(80))
    end = DAY + timedelta(days=2)
    state, whole = replays.step(ReplayState.empty(), rows, rows, made, end, POLICY)
    assert whole.height > 10
    stepped, parts, until = ReplayState.empty(), [], DAY
    while until < end:
        start, until = until, min(end, until + ticks_a_step * TICK)
        here = pl.col("tick").is_between(start, until, closed="left")
        stepped, hits = replays.step(stepped, rows.filter(here), rows.filter(here), made.filter(here), until, POLICY)
        parts.append(hits)
    assert_frame_equal(pl.concat(parts).sort("account_id", "tick"), whole)
    assert_frame_equal(stepped.handles, state.handles)


def test_the_fifth_handle_of_its_own_redeemed_again_within_a_day_is_a_hit_of_nobody_else() -> None:
    hits = run(foreign({"minute": 10 * k, "key": k, "issuer": "acc"} for k in range(6)))
    assert hits["rule"].unique().to_list() == ["handle_reuse"]
    assert hits["tick"].to_list() == [DAY + 8 * TICK, DAY + 10 * TICK]
    assert hits["linked_account_ids"].to_list() == [[], []]
    assert hits["detail"][0] == "5 distinct reasoning handles of its own were redeemed in 24 h in another session again"


def test_an_account_that_redeems_its_own_and_others_handles_is_hit_by_both_rules() -> None:
    rows = [{"minute": 0, "key": k, "issuer": "acc" if k < 5 else "other"} for k in range(8)]
    assert run(foreign(rows)).select("rule", "observed").rows() == [("handle_replay", 3.0), ("handle_reuse", 5.0)]


def test_who_redeems_its_own_handles_again_has_given_none_away() -> None:
    assert given(
        foreign({"minute": 0, "key": k, "account_id": "issuer", "issuer": "issuer"} for k in range(5))
    ).is_empty()


@pytest.mark.parametrize(
    ("kind", "rule", "least"),
    [
        ("answer_carried", "conversation_replay", POLICY.rules.conversations_moved),
        ("answer_pasted", "output_reuse", POLICY.rules.answers_reused),
    ],
)
def test_so_many_answers_of_others_within_a_day_are_a_hit_of_their_own_rule(kind: str, rule: str, least: int) -> None:
    rows = [{"minute": 10 * k, "key": k, "issuer": f"i{k % 2}", "kind": kind} for k in range(least + 1)]
    hits = run(foreign(rows))
    assert hits.select("rule", "observed", "expected").rows() == [
        (rule, float(least), float(least)),
        (rule, float(least + 1), float(least)),
    ]
    assert hits["linked_account_ids"].to_list() == [["i0", "i1"]] * 2
    assert "had been answered to 2 other accounts" in hits["detail"][0]


def test_handles_and_answers_of_others_are_counted_apart() -> None:
    kinds = ("handle_used", "answer_carried") * 2
    rows = [{"minute": 10 * k, "key": k, "issuer": "i", "kind": kind} for k, kind in enumerate(kinds)]
    assert run(foreign(rows)).is_empty()


def test_others_are_named_at_the_tick_at_which_they_are_known() -> None:
    rows = [{"minute": 5 * k, "key": k, "issuer": f"i{k:02d}"} for k in range(6)]
    named = run(foreign(rows))["linked_account_ids"].to_list()
    assert named == [[f"i{n:02d}" for n in range(k + 1)] for k in range(2, 6)]
