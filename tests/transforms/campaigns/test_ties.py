"""Keys whose holders are driven as one; the sums behind it against a slow and obvious count, however ticks are cut."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from random import Random

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from given_accounts import DAY
from given_pools import Row, crowd, frames, leaning, moving, on_file, pool, sleepless
from schemas.policy import Campaigns, Policy
from schemas.tie import TIE, TIED
from transforms.campaigns import Base, TieState, tie

POLICY = Policy()
BASE = Base(fresh=0.2, cards=0.1, bursts=0.0001, moves=0.2, sleepless=0.4, leaning=0.1)
UNTIL = DAY + timedelta(days=1)
TEMPLATE = (("head", 7), ("tail", 8))


def ties_of(rows: list[Row], accounts: list[Row], policy: Policy = POLICY) -> pl.DataFrame:
    given_rows, known = frames(rows, accounts)
    return tie(TieState.empty(), given_rows, known, BASE, UNTIL, policy)[1]


def signals_of(rows: list[Row], accounts: list[Row]) -> set[str]:
    found = ties_of(rows, accounts)
    return set() if found.is_empty() else {signal["signal"] for signal in found.sort("tick")["signals"][-1]}


def test_a_pool_is_tied_by_its_template() -> None:
    found = ties_of(pool("head", 20, 10, keys=TEMPLATE), on_file("head", 20, age_days=3, a_card=5))
    assert {*found["key"]} == {7, 8}


def test_it_says_by_what() -> None:
    said = signals_of(pool("head", 20, 10, keys=TEMPLATE), on_file("head", 20, age_days=3, a_card=5))
    assert said == {"even_load", "fresh_accounts", "shared_cards", "extraction_claims"}


def test_a_popular_prompt_ties_nobody() -> None:
    users = on_file("user", 30, age_days=400, a_card=1)
    assert ties_of(crowd("user", 30, 10, keys=[("system", 9)]), users).is_empty()


def test_a_company_with_many_accounts_is_one_customer() -> None:
    staff = on_file("staff", 20, age_days=3, a_card=20)
    assert ties_of(pool("staff", 20, 20, keys=TEMPLATE), staff).is_empty()


def test_four_accounts_are_no_pool() -> None:
    assert ties_of(pool("head", 4, 40, keys=TEMPLATE), on_file("head", 4, age_days=3, a_card=1)).is_empty()


def young(teams: list[int], old: int) -> float:
    """Points of youth where so many seats of young companies, and as many old customers with an account each, share a template; one in ten is young."""
    base, until = replace(BASE, fresh=0.1), DAY + timedelta(days=1)
    accounts = on_file("old", old, age_days=400, a_card=1)
    rows = pool("old", old, 10, keys=TEMPLATE)
    for number, seats in enumerate(teams):
        accounts += on_file(f"team{number}", seats, age_days=3 + number, a_card=seats)
        rows += pool(f"team{number}", seats, 10, keys=TEMPLATE)
    (*_, last) = tie(TieState.empty(), *frames(rows, accounts), base, until, POLICY)[1].sort("tick")["signals"]
    return sum(one["points"] for one in last if one["signal"] == "fresh_accounts")


def test_the_seats_of_a_young_company_begin_together_and_are_young_once() -> None:
    assert young([1] * 16, 60) == POLICY.campaigns.identity_most
    assert young([16], 60) == 0.0
    assert young([4, 12, 1, 1], 60) < 0.5


def test_a_network_is_no_tie() -> None:
    accounts = on_file("head", 20, age_days=3, a_card=5)
    assert ties_of(pool("head", 20, 10, keys=[("prefix", 1), ("payment", 2)]), accounts).is_empty()


def test_a_tool_that_a_pool_shares_with_others_does_not_tie_those() -> None:
    rows = pool("head", 20, 10, keys=[("agent", 1)]) + crowd("user", 20, 10, keys=[("agent", 1)])
    accounts = on_file("head", 20, age_days=3, a_card=5) + on_file("user", 20, age_days=500, a_card=1)
    assert ties_of(rows, accounts).is_empty()


def test_accounts_without_anything_on_file_are_tied_by_load_and_content() -> None:
    assert signals_of(pool("head", 40, 10, keys=TEMPLATE), []) == {"even_load", "extraction_claims"}


def test_what_a_program_asks_for_counts_less_than_what_people_write() -> None:
    claims = []
    for kind in ("head", "system"):
        (made,) = ties_of(pool("head", 20, 60, keys=[(kind, 7)]), on_file("head", 20, age_days=3, a_card=5))["signals"][
            -1:
        ]
        claims += [one["points"] for one in made if one["signal"] == "extraction_claims"]
    assert claims == [2.0, POLICY.campaigns.brought_decades]


def test_what_a_program_asks_for_and_that_days_with_it_look_like_a_harvest_are_one_thing() -> None:
    """Of a system prompt both together say what it may say; of what is typed each says its own."""
    base, said = leaning(BASE, "head", 20), {}
    for kind in ("head", "system"):
        for elicited in (0, 1):
            calls = pool("head", 20, 60, keys=[(kind, 7)], elicited=elicited)
            given_rows, known = frames(calls, on_file("head", 20, age_days=3, a_card=5))
            (*_, last) = tie(TieState.empty(), given_rows, known, base, UNTIL, POLICY)[1].sort("tick")["signals"]
            points = {one["signal"]: one["points"] for one in last}
            said[kind, elicited] = points.get("extraction_claims"), points.get("like_a_harvest")
    brought = POLICY.campaigns.brought_decades
    assert said == {
        ("head", 0): (None, 2.0), ("head", 1): (2.0, 2.0), ("system", 0): (None, brought), ("system", 1): (brought, None),
    }  # fmt: skip


def test_users_of_a_new_program_that_asks_for_reasoning_are_not_tied_in_their_first_hour() -> None:
    """Seven calls each, before lunch; half of them have been customers for long."""
    users = on_file("user", 9, age_days=400, a_card=1) + on_file("new", 9, age_days=3, a_card=1)
    rows = [row for name in ("user", "new") for row in pool(name, 9, 7, keys=[("system", 5), ("tools", 6)])]
    assert ties_of(rows, users).is_empty()


def spread(heads: int, ticks: Callable[[int], Iterable[int]]) -> list[Row]:
    """Calls of each head in the ticks of its own, all with one phrase that asks for reasoning."""
    return [
        {"account_id": f"head-{head:03}", "minute": 5 * place, "kind": "head", "key": 7, "elicited": 1}
        for head in range(heads)
        for place in ticks(head)
    ]


def load_of(rows: list[Row], accounts: list[Row], base: Base = BASE) -> float:
    """Points of an even load at the end of three days."""
    given_rows, known = frames(rows, accounts)
    made = tie(TieState.empty(), given_rows, known, base, DAY + timedelta(days=3), POLICY)[1].sort("tick")
    return sum(one["points"] for one in made["signals"][-1] if one["signal"] == "even_load")


DRAWN = [sorted(Random(head).sample(range(3 * 288), 40)) for head in range(12)]
OLD = on_file("head", 12, age_days=400, a_card=1)
YOUNG = on_file("head", 12, age_days=3, a_card=1)


def test_a_load_that_stays_even_for_days_says_more_than_one_of_a_class() -> None:
    assert load_of(spread(12, DRAWN.__getitem__), OLD) == POLICY.campaigns.family_most + POLICY.campaigns.steady_decades


def test_a_timetable_keeps_a_load_even_as_well() -> None:
    assert load_of(spread(12, lambda head: range(head, 3 * 288, 20)), OLD) == POLICY.campaigns.family_most


def test_a_company_that_deals_work_out_to_its_people_keeps_their_load_even_as_well() -> None:
    """Nothing on file tells a customer from several."""
    assert load_of(spread(12, DRAWN.__getitem__), []) == POLICY.campaigns.family_most


def test_people_of_a_company_do_not_move_on_to_new_networks_every_day() -> None:
    most = POLICY.campaigns.family_most + POLICY.campaigns.steady_decades
    assert load_of(spread(12, DRAWN.__getitem__), [], moving(BASE, "head", 12)) == most


def test_accounts_that_move_on_every_day_are_tied_by_that_and_their_load() -> None:
    given_rows, known = frames(({**row, "elicited": 0} for row in spread(12, DRAWN.__getitem__)), OLD)
    told = [
        tie(TieState.empty(), given_rows, known, base, DAY + timedelta(days=3), POLICY)[1]
        for base in (BASE, moving(BASE, "head", 2, of=12), moving(BASE, "head", 5), moving(BASE, "head", 12))
    ]
    said = [{one["signal"] for one in ties.sort("tick")["signals"][-1]} for ties in told]
    assert said == [{"even_load"}, {"even_load"}, {"even_load"}, {"even_load", "new_networks"}]
    assert told[-1]["points"].max() == told[0]["points"].max() + POLICY.campaigns.identity_most


def test_accounts_that_call_day_and_night_are_tied_by_that_and_their_load() -> None:
    given_rows, known = frames(({**row, "elicited": 0} for row in spread(12, DRAWN.__getitem__)), OLD)
    told = [
        tie(TieState.empty(), given_rows, known, base, DAY + timedelta(days=3), POLICY)[1]
        for base in (BASE, sleepless(BASE, "head", 4, of=12), sleepless(BASE, "head", 5), sleepless(BASE, "head", 12))
    ]
    said = [{one["signal"] for one in ties.sort("tick")["signals"][-1]} for ties in told]
    assert said == [{"even_load"}, {"even_load"}, {"even_load"}, {"even_load", "no_nights"}]
    assert told[-1]["points"].max() == told[0]["points"].max() + POLICY.campaigns.identity_most


def test_that_says_little_beside_that_they_move_on_every_day() -> None:
    rows, both = spread(12, DRAWN.__getitem__), sleepless(moving(BASE, "head", 12), "head", 12)
    (*_, last) = tie(TieState.empty(), *frames(rows, OLD), both, DAY + timedelta(days=3), POLICY)[1]["signals"]
    points = {one["signal"]: one["points"] for one in last}
    assert points["new_networks"] == POLICY.campaigns.identity_most
    assert points["no_nights"] == POLICY.campaigns.moving_sleepless


def test_work_that_people_do_day_by_day_is_no_programs_load() -> None:
    """Testers, shops or seats to whom a company deals out the same: all keep nights, nearly all, or most."""
    given_rows, known = frames(({**row, "elicited": 0} for row in spread(12, DRAWN.__getitem__)), YOUNG)
    until = DAY + timedelta(days=3)
    told = [
        tie(TieState.empty(), given_rows, known, sleepless(BASE, "head", awake, of=12), until, POLICY)[1].height > 0
        for awake in (0, 1, 3)
    ]
    assert told == [False, False, True]


keys = st.tuples(st.sampled_from(["head", "client"]), st.integers(1, 2))
rows = st.lists(
    st.builds(
        lambda account, tick, key, count: {
            "account_id": f"a-{account:03}", "minute": 5 * tick, "kind": key[0], "key": key[1], "count": count, "output_tokens": 10,
        },
        st.integers(0, 8), st.integers(0, 6), keys, st.integers(1, 5),
    ),
    max_size=60,
    unique_by=lambda row: (row["account_id"], row["minute"], row["kind"], row["key"]),
)  # fmt: skip
accounts = st.lists(
    st.builds(
        lambda account, age, card: {
            "account_id": f"a-{account:03}", "age_days": age, "payment_id": card, "signup_path": "web",
        },
        st.integers(0, 8), st.sampled_from([1.0, 400.0, 401.0]), st.sampled_from([None, "c1", "c2", "c3"]),
    ),
    max_size=9,
    unique_by=lambda row: row["account_id"],
)  # fmt: skip
LOOSE = Policy(
    campaigns=Campaigns(least_accounts=1, least_customers=0, least_calls=1, least_calls_each=0, review_decades=0.0, software_decades=0.0, class_decades=0.0, small_decades=0.0,
                        least_signals=0, alike=0.0)
)  # fmt: skip
"""Ties everything, so that all sums are seen."""

KNOWN = sleepless(moving(BASE, "a", 4, of=6), "a", 3, of=7)
"""Some move or call day and night, some do not, of some nothing is known."""


@settings(max_examples=30, deadline=None)
@given(rows, accounts)
def test_sums_are_what_a_slow_count_gives(given_rows: list[Row], known: list[Row]) -> None:
    found = ties_of(given_rows, known, LOOSE)
    calls: dict[tuple[str, int], Counter[str]] = defaultdict(Counter)
    expected = []
    for minute in sorted({row["minute"] for row in given_rows}):
        now = [row for row in given_rows if row["minute"] == minute]
        for row in now:
            calls[row["kind"], row["key"]][row["account_id"]] += row["count"]
        expected += [
            (minute, kind, key, len(calls[kind, key]), calls[kind, key].total())
            for kind, key in sorted({(row["kind"], row["key"]) for row in now})
        ]
    minutes = ((found["tick"] - DAY).dt.total_minutes()).to_list()
    told = zip(minutes, found["kind"], found["key"], found["accounts"], found["calls"], strict=True)
    assert sorted(told) == sorted(expected)


@settings(max_examples=20, deadline=None)
@given(rows, accounts, st.lists(st.integers(1, 6), max_size=3, unique=True))
def test_a_day_in_pieces_gives_what_it_gives_at_once(given_rows: list[Row], known: list[Row], cuts: list[int]) -> None:
    frame, on_register = frames(given_rows, known)
    once = tie(TieState.empty(), frame, on_register, KNOWN, UNTIL, LOOSE)
    state, ties, tied = TieState.empty(), [TIE.empty()], [TIED.empty()]
    borders = [DAY, *(DAY + timedelta(minutes=5 * cut) for cut in sorted(cuts)), UNTIL]
    for start, end in pairwise(borders):
        part = frame.filter((pl.col("tick") >= start) & (pl.col("tick") < end))
        state, some, others = tie(state, part, on_register, KNOWN, end, LOOSE)
        ties.append(some)
        tied.append(others)
    assert_frame_equal(TIE.conform(pl.concat(ties)), once[1])
    assert_frame_equal(TIED.conform(pl.concat(tied)), once[2])
    assert_frame_equal(state.holders, once[0].holders)
    assert_frame_equal(state.turns, once[0].turns)


@settings(max_examples=20, deadline=None)
@given(rows, accounts)
def test_keys_may_be_spread_over_shards(given_rows: list[Row], known: list[Row]) -> None:
    frame, on_register = frames(given_rows, known)
    once = tie(TieState.empty(), frame, on_register, KNOWN, UNTIL, LOOSE)
    parts = [
        tie(TieState.empty(), frame.filter(pl.col("key") % 2 == shard), on_register, KNOWN, UNTIL, LOOSE)
        for shard in range(2)
    ]
    assert_frame_equal(TIE.conform(pl.concat([part[1] for part in parts])), once[1])


def test_calls_of_the_time_alone_count_from_the_tick_that_makes_a_key_shared() -> None:
    rows = [
        {"account_id": f"a{account}", "minute": account % 50 * 5, "kind": "head", "key": account % 30, "count": count}
        for account in range(300)  # so many that rows which are equal to a sort come in any order
        for count in (4, 2)
    ]
    tied = tie(TieState.empty(), *frames(rows, []), BASE, UNTIL, LOOSE)[2]
    assert Counter(tied["calls"]) == {6: 300}


def test_holders_that_have_not_shown_a_key_for_long_are_forgotten() -> None:
    frame, known = frames(pool("head", 20, 10, keys=TEMPLATE), [])
    state = tie(TieState.empty(), frame, known, BASE, UNTIL, POLICY)[0]
    later = DAY + timedelta(days=POLICY.links.memory_days + 2)
    assert tie(state, frame.clear(), known, BASE, later, POLICY)[0].holders.is_empty()


def test_a_state_that_was_stored_is_the_state() -> None:
    frame, known = frames(pool("head", 20, 10, keys=TEMPLATE), on_file("head", 20, age_days=3, a_card=5))
    state = tie(TieState.empty(), frame, known, BASE, UNTIL, POLICY)[0]
    stored = TieState.from_bytes(state.to_bytes())
    assert_frame_equal(stored.holders, state.holders)
    assert_frame_equal(stored.turns, state.turns)
