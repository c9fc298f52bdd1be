"""Rings: accounts that send in each other's reasoning handles and answers."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from given_accounts import DAY, Row, account_hash, foreign, hits, tallies
from schemas.campaign import CAMPAIGN
from schemas.hit import HIT
from schemas.policy import Policy
from transforms.campaigns import RingState, ring, with_rings
from transforms.detectors import ReplayState, replays

POLICY = Policy()
MIDNIGHT = DAY + timedelta(days=1)


def day(number: int) -> datetime:
    return DAY + timedelta(days=number)


def turns(names: list[str], rounds: int, *, first: float = 0, key: int = 0) -> list[Row]:
    """In each round every account redeems a new handle of the next one, all in one tick; rounds are ten minutes apart."""
    return [
        {
            "minute": first + 10 * turn, "key": 1000 * key + len(names) * turn + place, "account_id": name,
            "issuer": names[(place + 1) % len(names)], "calls": 2, "output_tokens": 300,
        }
        for turn in range(rounds)
        for place, name in enumerate(names)
    ]  # fmt: skip


def run(
    rows: list[Row], until: datetime = MIDNIGHT, state: RingState | None = None, policy: Policy = POLICY
) -> tuple[RingState, pl.DataFrame, pl.DataFrame]:
    came = foreign(rows)
    return ring(RingState.empty() if state is None else state, came, came, until, policy)


def campaigns(rows: list[Row], until: datetime = MIDNIGHT) -> list[dict[str, Any]]:
    return run(rows, until)[2].to_dicts()


def test_three_accounts_that_redeem_each_others_handles_are_a_campaign() -> None:
    (one,) = campaigns(turns(["a", "b", "c"], 3))
    assert (one["account_ids"], one["accounts"], one["link_kinds"]) == (["a", "b", "c"], 3, ["handle_used"])
    assert (one["kind"], one["tier"], one["score"]) == ("relay", "review", 4.0)
    assert one["flagged_at"] == DAY + timedelta(minutes=20 + 5 + 5)
    assert one["evidence"] == [
        "handle_ring is 9, ordinary 0: distinct reasoning handles, issued to another account, that the accounts redeemed within 24 hours (4.0 decades)"
    ]


def of_kind(rows: list[Row], kind: str) -> list[Row]:
    return [row | {"kind": kind} for row in rows]


@pytest.mark.parametrize(
    ("kind", "rounds", "ties", "says"),
    [("answer_carried", 3, "answer_carried", "relay"), ("answer_pasted", 20, "answer_pasted", "distillation")],
)
def test_three_accounts_that_send_in_each_others_answers_are_a_campaign(
    kind: str, rounds: int, ties: str, says: str
) -> None:
    assert campaigns(of_kind(turns(["a", "b", "c"], rounds - 1), kind)) == []
    (one,) = campaigns(of_kind(turns(["a", "b", "c"], rounds), kind))
    assert (one["account_ids"], one["link_kinds"], one["kind"]) == (["a", "b", "c"], [ties], says)
    assert one["evidence"] == [
        f"answer_ring is {3 * rounds}, ordinary 0: distinct answers, given to another account alone, that the accounts sent in within 24 hours (4.0 decades)"
    ]


def test_whose_answers_are_sent_in_and_who_sends_in_none_is_of_no_ring() -> None:
    rows = of_kind(turns(["a", "b", "c"], 3), "answer_carried")
    victims = [row | {"account_id": "a", "issuer": f"v{n}", "key": 900 + n} for n, row in enumerate(rows)]
    (one,) = campaigns([*rows, *victims])
    assert one["account_ids"] == ["a", "b", "c"]


def test_where_handles_go_round_a_ring_is_measured_by_them() -> None:
    rows = [*turns(["a", "b", "c"], 3), *of_kind(turns(["a", "b", "c"], 5, first=60, key=7), "answer_carried")]
    (one,) = campaigns(rows)
    assert one["link_kinds"] == ["answer_carried", "handle_used"]
    assert [(signal["signal"], signal["observed"]) for signal in one["signals"]] == [("handle_ring", 9.0)]


@pytest.mark.parametrize(("passages", "rings"), [(3, 2), (4, 1)])
def test_answers_in_prompts_tie_two_from_the_fourth_on(passages: int, rings: int) -> None:
    one, other = turns(["a", "b", "c"], 3), turns(["d", "e", "f"], 3, key=3)
    between = [{"minute": 60 + 10 * n, "key": 900 + n, "account_id": "d", "issuer": "a"} for n in range(passages)]
    last = turns(["a", "b", "c"], 1, first=300, key=5) + turns(["d", "e", "f"], 1, first=300, key=6)
    found = campaigns([*one, *other, *of_kind(between, "answer_pasted"), *last])
    alive = [row for row in found if row["merged_into"] is None]
    assert len(alive) == rings
    assert {tuple(row["link_kinds"]) for row in alive} == {("handle_used",)}


def test_an_answer_sent_in_again_and_again_is_one() -> None:
    one, other = turns(["a", "b", "c"], 3), turns(["d", "e", "f"], 3, key=3)
    between = [{"minute": 60 + 10 * n, "key": 900, "account_id": "d", "issuer": "a"} for n in range(9)]
    found = campaigns([*one, *other, *of_kind(between, "answer_pasted"), *turns(["d", "e", "f"], 1, first=300, key=6)])
    assert [row["accounts"] for row in found] == [3, 3]


def test_a_ring_that_takes_another_one_in_is_tied_by_what_tied_both() -> None:
    answers = of_kind(turns(["d", "e", "f", "g"], 3, key=3), "answer_carried")
    both = [*turns(["a", "b", "c"], 3), *answers, *of_kind(turns(["a", "d"], 3, first=2000, key=5), "answer_carried")]
    (alive,) = [row for row in campaigns(both, day(3)) if row["merged_into"] is None]
    assert (alive["accounts"], alive["link_kinds"]) == (7, ["answer_carried", "handle_used"])
    assert [(signal["signal"], signal["observed"]) for signal in alive["signals"]] == [("handle_ring", 9.0)]


def test_calls_of_a_tick_are_added_up_where_each_brings_one_key() -> None:
    (one,) = campaigns(of_kind([row | {"minute": 0} for row in turns(["a", "b", "c"], 3)], "answer_carried"))
    assert one["exchanges"] == 3 * 3 * 2
    (one,) = campaigns(of_kind([row | {"minute": 0} for row in turns(["a", "b", "c"], 20)], "answer_pasted"))
    assert one["exchanges"] == 3 * 2


def test_what_it_took_are_the_calls_that_carried_handles_of_others() -> None:
    (one,) = campaigns(turns(["a", "b", "c"], 5))
    assert (one["exchanges"], one["exchanges_before"]) == (30, 18)
    assert (one["output_tokens"], one["output_tokens_before"]) == (4500, 2700)


def test_two_accounts_are_a_customer_with_two_keys() -> None:
    _, found, rings = run(turns(["a", "b"], 50))
    assert found.is_empty()
    assert rings.is_empty()


def test_who_redeemed_one_handle_is_not_of_it() -> None:
    stray = {"minute": 30, "key": 99, "account_id": "stray", "issuer": "a"}
    assert campaigns([*turns(["a", "b", "c"], 4), stray])[0]["account_ids"] == ["a", "b", "c"]


def test_who_only_gives_handles_away_is_of_it() -> None:
    rows = [{"minute": 5 * k, "key": k, "account_id": f"r{k % 2}", "issuer": "giver"} for k in range(8)]
    assert campaigns(rows)[0]["account_ids"] == ["giver", "r0", "r1"]


def test_handles_of_different_days_do_not_add_up() -> None:
    assert campaigns(turns(["a", "b", "c"], 2) + turns(["a", "b", "c"], 2, first=2 * 1440, key=1), day(4)) == []


def test_it_acts_where_one_of_them_does() -> None:
    tiers = {rounds: campaigns(turns(["a", "b", "c"], rounds))[0]["tier"] for rounds in (29, 30)}
    assert tiers == {29: "review", 30: "act"}


def test_a_hit_adds_no_points_and_leaves_the_tier_to_the_rule() -> None:
    _, found, rings = run(turns(["a", "b", "c"], 40))
    assert set(found["campaign_id"]) == set(rings["campaign_id"])
    assert {len(signals) for signals in found["signals"]} == {0}
    assert set(found["tier"]) == {"review"}
    assert set(found["observed"]) == {0.0}


def test_each_account_is_told_once_an_hour() -> None:
    _, found, _ = run(turns(["a", "b", "c"], 12))
    assert found.group_by("account_id").len()["len"].to_list() == [2, 2, 2]


def test_two_rings_that_come_together_are_the_larger_one() -> None:
    rows = turns(["a", "b", "c"], 4) + turns(["p", "q", "r", "s"], 4, key=1)
    before = {row["accounts"]: row["campaign_id"] for row in campaigns(rows)}
    rows.append({"minute": 60, "key": 9000, "account_id": "a", "issuer": "p"})
    rings = {row["campaign_id"]: row for row in campaigns(rows)}
    assert rings[before[4]]["account_ids"] == ["a", "b", "c", "p", "q", "r", "s"]
    assert rings[before[4]]["merged_ids"] == [before[3]]
    assert rings[before[3]]["merged_into"] == before[4]


def test_its_id_comes_from_its_first_handle() -> None:
    (one,) = campaigns(turns(["a", "b", "c"], 4))
    (grown,) = campaigns(turns(["a", "b", "c"], 4) + turns(["c", "d", "e"], 4, first=60, key=2))
    (other,) = campaigns(turns(["a", "b", "c"], 4, key=3))
    assert one["campaign_id"] == grown["campaign_id"] != other["campaign_id"]


def test_a_ring_of_long_ago_is_another_one() -> None:
    later = 1440 * (POLICY.links.memory_days + 3)
    found = campaigns(turns(["a", "b", "c"], 4) + turns(["a", "b", "c"], 4, first=later), day(40))
    assert len(found) == 2
    assert {row["merged_into"] for row in found} == {None}


def test_rows_without_the_issuers_hash_say_nothing() -> None:
    rows = foreign(turns(["a", "b", "c"], 4)).with_columns(issuer_hash=pl.lit(None, pl.Int64))
    assert ring(RingState.empty(), rows, rows, day(1), POLICY)[2].is_empty()


def test_a_state_that_was_stored_is_the_state() -> None:
    state = run(turns(["a", "b", "c"], 4), DAY + timedelta(hours=1))[0]
    again = RingState.from_bytes(state.to_bytes())
    for name in ("rings", "seen", "accounts", "edges", "told", "marks"):
        assert not getattr(state, name).is_empty() or name == "marks"
        assert_frame_equal(getattr(again, name), getattr(state, name))


def test_a_quiet_step_changes_no_ring_and_forgets_handles_after_a_day() -> None:
    state, _, rings = run(turns(["a", "b", "c"], 4))
    after, found, same = run([], day(3), state)
    assert found.is_empty()
    assert_frame_equal(same, rings)
    assert after.seen.is_empty()
    assert run([], day(4), after)[0] is after


NAMES = [f"n{n}" for n in range(9)]
REDEEMED = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 20), st.integers(0, 8), st.integers(0, 40), st.integers(0, 60)),
    min_size=60, max_size=240,
)  # fmt: skip
"""Day, place in the day, who redeems, of whom, which handle."""


def redeemed(drawn: list[tuple[int, int, int, int, int]]) -> pl.DataFrame:
    """FOREIGN rows of five days: mostly within three groups of three, now and then across."""
    rows = {}
    for number, place, one, step, key in drawn:
        group = 3 * (one // 3)
        other = (one + step - 36) % 9 if step >= 40 else group + (one + 1 + step % 2) % 3
        if other != one:
            at = (1440 * number + 60 * place, one, key)
            rows[at] = {
                "minute": at[0], "key": key, "account_id": NAMES[one], "issuer": NAMES[other], "calls": 1 + key % 3,
                "kind": ("handle_used", "answer_carried", "answer_pasted")[(one // 3 + step // 30) % 3],
            }  # fmt: skip
    return foreign([rows[at] for at in sorted(rows)])


@settings(max_examples=20, deadline=None)
@given(REDEEMED, st.sampled_from([5, 35, 700, 1440]))
def test_days_in_pieces_give_what_they_give_at_once(drawn: list[tuple[int, int, int, int, int]], minutes: int) -> None:
    policy = Policy.from_json(POLICY.to_json().replace('"memory_days": 30', '"memory_days": 1'))
    policy = replace(policy, rules=replace(policy.rules, answers_reused=3))
    rows = redeemed(drawn)
    _, told, rings = ring(RingState.empty(), rows, rows, day(5), policy)
    state, parts = RingState.empty(), [HIT.empty()]
    found = CAMPAIGN.empty()
    for tick in sorted({start - (start - DAY) % timedelta(minutes=minutes) for start in rows["tick"]}):
        end = tick + timedelta(minutes=minutes)
        part = rows.filter((pl.col("tick") >= tick) & (pl.col("tick") < end))
        state, of_part, found = ring(RingState.from_bytes(state.to_bytes()), part, part, end, policy)
        parts.append(of_part)
    assert_frame_equal(HIT.conform(pl.concat(parts)), told)
    assert_frame_equal(found, rings)
    assert not told.select("account_id", "tick").is_duplicated().any()


@settings(max_examples=20, deadline=None)
@given(REDEEMED)
def test_whoever_is_of_a_ring_was_hit_by_the_rule_within_the_day(drawn: list[tuple[int, int, int, int, int]]) -> None:
    rows = redeemed(drawn)
    nobody = tallies([])
    policy = replace(POLICY, rules=replace(POLICY.rules, answers_reused=3))
    given_away = rows.filter(pl.col("kind") == "handle_used")
    _, of_rule = replays.step(ReplayState.empty(), rows, given_away, nobody, day(5), policy)
    by_rule = {(row["account_id"], row["tick"]) for row in of_rule.iter_rows(named=True)}
    _, told, rings = ring(RingState.empty(), rows, given_away, day(5), policy)
    for account, tick in told.select("account_id", "tick").iter_rows():
        assert any(one == account and timedelta() <= tick - at < timedelta(days=1) for one, at in by_rule)
    assert {name for names in rings["account_ids"] for name in names} <= {account for account, _ in by_rule}


def hit(account: str, **said: Any) -> dict[str, Any]:
    ids = {"campaign_id": "c-2", "campaign_ids": ["c-2"], "left_campaign_ids": [], "linked_account_ids": []}
    return {"account_id": account, "minute": 20, "rule": "campaign", "signals": [], "tier": "act", **ids, **said}


def test_of_an_account_in_both_the_campaign_speaks_and_both_are_named() -> None:
    _, of_rings, rings = run(turns(["a", "b", "c"], 3))
    (name,) = rings["campaign_id"]
    both = with_rings(hits([hit("a"), hit("z")]), of_rings).sort("account_id")
    assert both["account_id"].to_list() == ["a", "b", "c", "z"]
    assert both["campaign_id"].to_list() == ["c-2", name, name, "c-2"]
    assert both["campaign_ids"].to_list() == [sorted([name, "c-2"]), [name], [name], ["c-2"]]
    assert both["tier"].to_list() == ["act", "review", "review", "act"]


@pytest.mark.parametrize("name", ["a", "b", "c"])
def test_a_hit_names_the_others_of_the_ring(name: str) -> None:
    _, found, _ = run(turns(["a", "b", "c"], 3))
    row = found.row(by_predicate=pl.col("account_id") == name, named=True)
    assert sorted([*row["linked_account_ids"], name]) == ["a", "b", "c"]
    assert row["account_hash"] == account_hash(name)


def test_who_began_fell_silent_and_was_replaced_is_told_of_a_ring() -> None:
    early = turns(["a", "b", "c", "d"], 3)
    later = turns(["a", "b", "e"], 3, first=1_400, key=7) + turns(["a", "b", "e"], 3, first=2_970, key=8)
    row = campaigns(early, day(1))[0]
    assert (row["joined_accounts"], row["silent_accounts"], row["replaced_accounts"]) == (4, 0, 0)
    (row,) = campaigns([*early, *later], day(3))
    assert row["account_ids"] == ["a", "b", "c", "d", "e"]
    assert (row["joined_accounts"], row["silent_accounts"], row["replaced_accounts"]) == (0, 2, 1)


def test_the_hours_of_a_ring_are_those_in_which_handles_go_round() -> None:
    rows = [row for n in range(3) for row in turns(["a", "b", "c"], 12, first=1_440 * n + 480, key=n)]
    (row,) = campaigns(rows, day(3))
    assert {hour for hour, visits in enumerate(row["visits_by_hour"]) if visits} == {8, 9}
    assert row["quiet_share"] == 0.0
    assert campaigns(rows[:36], day(1))[0]["quiet_share"] is None


def test_whose_handles_a_thief_takes_is_of_no_ring() -> None:
    stolen = [
        {"minute": 30 + place, "key": 500 + 10 * place + k, "account_id": "a", "issuer": f"victim-{place}"}
        for place in range(5)
        for k in range(4)
    ]
    own = turns(["a", "b", "c"], 4)
    _, hits, rings = ring(RingState.empty(), foreign([*own, *stolen]), foreign(own), MIDNIGHT, POLICY)
    assert rings["account_ids"].to_list() == [["a", "b", "c"]]
    assert sorted(hits["account_id"].unique()) == ["a", "b", "c"]
