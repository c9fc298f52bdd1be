"""Turns: a scheduler's accounts wait for each other; people, chance and timetables do not."""

from collections import Counter
from datetime import timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from given_accounts import DAY
from given_pools import BASE, POLICY, Lake, frames
from schemas.policy import Campaigns
from transforms.campaigns import TieState, tie
from transforms.campaigns.holder_places import Places
from transforms.campaigns.kinds import TURNS
from transforms.campaigns.shard_holders import HOLDERS
from transforms.campaigns.turns import HELD, counted, seen, visited

TICKS = 288
"""Of a day."""

Visits = list[np.ndarray[Any, Any]]
"""Ticks in which each account is there."""


def in_turn(rng: np.random.Generator, accounts: int, calls: int) -> Visits:
    """Calls at random moments, each through the account that has waited longest."""
    moments = np.sort(rng.uniform(0, TICKS, accounts * calls))
    return [np.unique(moments[one::accounts].astype(int)) for one in range(accounts)]


def in_sessions(rng: np.random.Generator, accounts: int, sessions: int) -> Visits:
    """The same with one to five calls a session, a minute or so apart, which stay with their account."""
    return [
        np.unique(np.concatenate([ticks + np.cumsum(rng.lognormal(-1.6, 1.0, rng.integers(1, 6))) for ticks in own]).astype(int))
        for own in in_turn(rng, accounts, sessions)
    ]  # fmt: skip


def at_random(rng: np.random.Generator, accounts: int, calls: int) -> Visits:
    return [np.unique(rng.uniform(0, TICKS, calls).astype(int)) for _ in range(accounts)]


def in_bursts(rng: np.random.Generator, accounts: int, calls: int) -> Visits:
    """People: a few sittings a day of some calls each."""
    return [
        np.unique(np.concatenate([rng.uniform(0, TICKS) + rng.exponential(2.0, 6).cumsum() for _ in range(calls // 6)]).astype(int))
        for _ in range(accounts)
    ]  # fmt: skip


def on_a_timetable(rng: np.random.Generator, accounts: int, calls: int) -> Visits:
    every = TICKS // calls
    return [np.arange(rng.integers(every), TICKS, every) for _ in range(accounts)]


def in_a_loop(rng: np.random.Generator, accounts: int, calls: int) -> Visits:
    """Programs that each wait for their own work, a like time."""
    return [np.unique(rng.gamma(4.0, TICKS / calls / 4.0, calls).cumsum().astype(int)) for _ in range(accounts)]


def in_every_tick(rng: np.random.Generator, accounts: int, calls: int) -> Visits:
    return [np.flatnonzero(rng.uniform(size=calls) < 0.9) for _ in range(accounts)]


def as_rows(visits: Visits, kind: str = "client") -> pl.DataFrame:
    return pl.DataFrame(
        [(kind, 1, account, DAY + timedelta(minutes=5 * int(tick))) for account, own in enumerate(visits) for tick in own],
        schema={"kind": pl.String, "key": pl.Int64, "account_hash": pl.Int64, "tick": pl.Datetime("us", "UTC")},
        orient="row",
    )  # fmt: skip


def sums_of(visits: Visits, kind: str = "client") -> pl.DataFrame:
    nobody, shown = HOLDERS.to_frame(), as_rows(visits, kind).sort("kind", "key", "account_hash", "tick")
    rows = visited(shown, Places.of(nobody, shown), nobody, HELD.to_frame(), Campaigns())
    return counted(HELD.to_frame(), rows)


def points_of(visits: Visits) -> float:
    sums = sums_of(visits)
    values = {name: sums[name].to_numpy().astype(np.float64) for name in TURNS}
    return float(seen(np.array([float(len(visits))]), values, Campaigns()).points[0])


def in_conversations(rng: np.random.Generator, accounts: int, conversations: int) -> Visits:
    """Three to twelve calls of a conversation, some minutes apart, stay with their account."""
    return [
        np.unique(np.concatenate([tick + np.cumsum(rng.lognormal(0.0, 0.7, rng.integers(3, 13))) for tick in own]).astype(int))
        for own in in_turn(rng, accounts, conversations)
    ]  # fmt: skip


@pytest.mark.parametrize("accounts", [10, 30, 100])
@pytest.mark.parametrize("deal", [in_turn, in_sessions])
def test_who_is_taken_in_turn_is_seen(deal: Any, accounts: int) -> None:
    rng = np.random.default_rng(1)
    assert sorted(points_of(deal(rng, accounts, 24)) for _ in range(5))[1] > 2.0


def test_who_is_taken_in_turn_for_a_whole_conversation_is_seen() -> None:
    rng = np.random.default_rng(7)
    assert min(points_of(in_conversations(rng, 30, 8)) for _ in range(5)) > 2.0


def often(rng: np.random.Generator, accounts: int, calls: int) -> Visits:
    """At random, but hardly ever away for longer than a sitting ends."""
    return at_random(rng, accounts, 3 * calls)


@pytest.mark.parametrize("deal", [at_random, often, in_bursts, on_a_timetable, in_a_loop, in_every_tick])
@pytest.mark.parametrize("accounts", [10, 30, 100])
def test_who_comes_by_himself_is_not(deal: Any, accounts: int) -> None:
    rng = np.random.default_rng(2)
    assert max(points_of(deal(rng, accounts, 24)) for _ in range(10)) == 0.0


def test_two_visits_each_are_too_few() -> None:
    assert points_of(in_turn(np.random.default_rng(3), 10, 2)) == 0.0


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9)), min_size=1, max_size=30, unique=True))
def test_sums_are_what_a_slow_count_gives(shown: list[tuple[int, int]]) -> None:
    visits = [np.array(sorted(tick for account, tick in shown if account == one), dtype=int) for one in range(4)]
    of_tick = Counter(tick for _, tick in shown)
    place = {tick: sum(number for other, number in of_tick.items() if other <= tick) for tick in of_tick}
    pairs = [(a, b) for own in visits for a, b in pairwise(own)]
    waits, pauses = [place[b] - place[a] for a, b in pairs], [5 * (b - a) for a, b in pairs]
    assert sums_of(visits).row(0)[2:9] == (
        len(shown), len(pairs), sum(waits), sum(wait**2 for wait in waits), sum(pauses), sum(pause**2 for pause in pauses),
        sum(number**2 for number in of_tick.values()),
    )  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 40)), min_size=1, max_size=40, unique=True))
def test_sums_of_sittings_are_what_a_slow_count_gives(shown: list[tuple[int, int]]) -> None:
    visits = [np.array(sorted(tick for account, tick in shown if account == one), dtype=int) for one in range(4)]
    pairs = [(a, b) for own in visits for a, b in pairwise(own) if b - a > 6]
    came = sorted([own[0] for own in visits if len(own)] + [b for _, b in pairs])
    waits, pauses = [sum(a < tick <= b for tick in came) for a, b in pairs], [5 * (b - a) for a, b in pairs]
    assert sums_of(visits).row(0)[9:] == (
        len(came), len(pairs), sum(waits), sum(wait**2 for wait in waits), sum(pauses), sum(pause**2 for pause in pauses),
        sum(number**2 for number in Counter(came).values()),
    )  # fmt: skip


def test_three_words_are_not_looked_at() -> None:
    assert sums_of(in_turn(np.random.default_rng(4), 10, 10), "shingle").is_empty()


def test_sums_go_with_the_last_holder() -> None:
    rows = [{"account_id": f"head-{n}", "minute": 5 * n, "kind": "client", "key": 1} for n in range(3)]
    state = tie(TieState.empty(), *frames(rows, []), BASE, DAY + timedelta(days=1), POLICY)[0]
    later = DAY + timedelta(days=POLICY.links.memory_days + 2)
    known = frames([], [])
    assert state.turns.height == 1
    assert tie(state, *known, BASE, later, POLICY)[0].turns.is_empty()


def of_a_client(visits: Visits) -> list[dict[str, Any]]:
    return [
        {"account_id": f"head-{account:03}", "minute": 5 * int(tick), "kind": "client", "key": 1, "elicited": 0}
        for account, own in enumerate(visits)
        for tick in own
    ]


def test_a_client_that_is_used_in_turn_makes_a_campaign_without_an_accounts_file() -> None:
    found = Lake([]).run(of_a_client(in_turn(np.random.default_rng(5), 20, 30)), DAY + timedelta(days=1)).campaigns
    assert found["accounts"].to_list() == [20]
    assert [signal["signal"] for signal in found["signals"][0]] == ["even_load", "turn_taking"]


def test_a_user_agent_that_is_used_in_turn_makes_none() -> None:
    """Who else sends it could not be told from the pool."""
    rows = [row | {"kind": "agent"} for row in of_a_client(in_turn(np.random.default_rng(5), 20, 30))]
    young = [{"account_id": f"head-{n:03}", "age_days": 1.0 + n} for n in range(20)]
    assert Lake(young).run(rows, DAY + timedelta(days=1)).campaigns.is_empty()


@pytest.mark.parametrize("deal", [at_random, on_a_timetable, in_a_loop])
def test_a_fleet_with_one_program_and_equal_work_makes_none(deal: Any) -> None:
    rows = of_a_client(deal(np.random.default_rng(6), 20, 24))
    assert Lake([]).run(rows, DAY + timedelta(days=1)).campaigns.is_empty()
