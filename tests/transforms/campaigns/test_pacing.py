"""Who calls at the pace of a pool with which he has the software in common."""

from collections.abc import Iterable
from datetime import timedelta
from random import Random

import pytest

from given_accounts import DAY
from given_pools import POLICY, Lake, Row, on_file
from transforms.campaigns.membership import Holding, Members
from transforms.campaigns.pacing import at_its_pace

HOUR = timedelta(hours=1)
NOW = DAY + 24 * HOUR


def one(number: int, over: tuple[float, float], card: str | None = None) -> Holding:
    """So many calls, the first and the last of them so many hours ago."""
    first, last = (NOW - hours * HOUR for hours in over)
    return Holding(number, None, first, last - timedelta(minutes=5), None, card)


HEADS: Members = {account: [one(number, (20, 0), f"card {account}")] for account, number in enumerate([30, 40, 50])}
"""Two calls an hour."""


def kept(*others: Holding, told: Iterable[int] = HEADS) -> int:
    """How many of these are counted beside the heads; heads are numbered from 0, the others from 10."""
    members = HEADS | {10 + place: [other] for place, other in enumerate(others)}
    found = at_its_pace(members, {*told}, NOW, POLICY.campaigns)
    assert HEADS.keys() <= found.keys()
    return len(found) - len(HEADS)


@pytest.mark.parametrize(("calls_made", "is_one"), [(13, False), (14, True), (120, True), (121, False)])
def test_three_times_as_many_calls_as_the_pool_makes_or_a_third_are_not_its_pace(calls_made: int, is_one: bool) -> None:
    assert kept(one(calls_made, (20, 0), "card 1")) == is_one


def test_what_is_still_chance_excludes_nobody_when_a_campaign_speaks_first() -> None:
    assert kept(one(3, (3, 0)), told=[]) == 1


def test_who_comes_later_is_waited_for() -> None:
    assert kept(one(6, (3, 0))) == 0
    assert kept(one(6, (4, 0))) == 1


def test_who_tried_it_out_in_one_go_has_not_come() -> None:
    assert kept(one(4, (5, 4))) == 0
    assert kept(one(4, (5, 2))) == 1


def test_nobody_waits_for_an_account_that_is_paid_for_as_the_heads_are() -> None:
    assert kept(one(4, (1, 0), "card 1")) == 1


def test_a_burst_is_more_than_any_pace_at_once() -> None:
    assert kept(one(25, (0.1, 0)), told=[]) == 0


def test_nobody_is_at_the_pace_of_nobody() -> None:
    assert at_its_pace({}, {1}, NOW, POLICY.campaigns) == {}


def test_the_pace_is_that_of_those_it_was_counted_against() -> None:
    busy = [one(400, (20, 0)) for _ in range(5)]
    assert kept(*busy) == 0


def test_who_calls_when_he_likes_is_not_counted_with_a_pool_whose_software_he_uses() -> None:
    chance, keys = Random(1), (("agent", 1), ("client", 2))

    def calls(account: str, ticks: Iterable[int]) -> list[Row]:
        return [
            {"account_id": account, "minute": 5 * tick, "kind": kind, "key": key}
            for tick in ticks
            for kind, key in keys
        ]

    known = on_file("head", 45, age_days=2, a_card=1) + on_file("user", 1, age_days=20, a_card=1)
    heads = [row for head in range(45) for row in calls(f"head-{head:03}", sorted(chance.sample(range(864), 60)))]
    user = calls("user-000", range(400, 600))
    (campaign,) = Lake(known).run(heads + user, DAY + timedelta(days=3)).campaigns.rows(named=True)
    assert campaign["account_ids"] == [f"head-{number:03}" for number in range(45)]
