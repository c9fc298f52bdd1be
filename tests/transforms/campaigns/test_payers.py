"""Accounts that one card pays for: a campaign where the load, turns and youth speak, and a customer otherwise."""

from collections.abc import Iterable
from datetime import timedelta
from random import Random

import pytest

from given_accounts import DAY
from given_pools import BASE, Lake, Row, on_file, sleepless
from transforms.campaigns import Base
from transforms.campaigns.wording import detail

DAYS = 2
UNTIL = DAY + timedelta(days=DAYS)
HEADS = 20


def dealt(name: str, heads: int, calls: int, *, card: int = 1, keys: Iterable[tuple[str, int]] = ()) -> list[Row]:
    """Calls at random times of twelve hours a day, each given to the least recently used account."""
    chance = Random(card)
    minutes = sorted(24 * 60 * chance.randrange(DAYS) + chance.randrange(12 * 60) for _ in range(calls))
    cells = dict.fromkeys((f"{name}-{turn % heads:03}", minute // 5 * 5) for turn, minute in enumerate(minutes))
    return [
        {"account_id": account, "minute": minute, "kind": kind, "key": key}
        for account, minute in cells
        for kind, key in (("payer", card), *keys)
    ]


def people(name: str, accounts: int, *, card: int = 1, seed: int = 5) -> list[Row]:
    """Colleagues: unlike volumes, in bursts of an hour, in office hours."""
    chance = Random(seed)
    rows = {}
    for account in range(accounts):
        for _ in range(round(chance.lognormvariate(1.6, 0.9)) + 1):
            start = 24 * 60 * chance.randrange(DAYS) + 9 * 60 + chance.randrange(8 * 60)
            for _ in range(chance.randint(1, 8)):
                minute = start + 5 * chance.randrange(12)
                rows[account, minute // 5 * 5] = 1 + rows.get((account, minute // 5 * 5), 0)
    return [
        {"account_id": f"{name}-{account:03}", "minute": minute, "kind": "payer", "key": card, "count": count}
        for (account, minute), count in rows.items()
    ]


def fleet(name: str, accounts: int) -> list[Row]:
    """Machines that each call every 25 minutes of the office hours, each from a minute of its own."""
    return [
        {"account_id": f"{name}-{account:03}", "minute": 24 * 60 * day + minute // 5 * 5, "kind": "payer", "key": 1}
        for day in range(DAYS)
        for account in range(accounts)
        for minute in range(8 * 60 + account % 25, 18 * 60, 25)
    ]


AWAKE = sleepless(sleepless(BASE, "head", HEADS), "limb", HEADS)


def judged(rows: list[Row], accounts: list[Row], base: Base = AWAKE) -> Lake:
    return Lake(accounts, base=base).run(rows, UNTIL)


YOUNG = on_file("head", HEADS, age_days=2, a_card=HEADS)


def test_a_pool_that_shares_nothing_but_its_card_is_a_campaign_for_review() -> None:
    found = judged(dealt("head", HEADS, 600), YOUNG).campaigns
    assert found.select("accounts", "tier", "kind").rows() == [(HEADS, "review", "resale")]
    assert found["link_kinds"].to_list() == [["payment"]]
    assert "share payment instruments" in detail(found.row(0, named=True))


def test_on_their_first_day_nobody_knows_whether_they_are_a_customers_people() -> None:
    assert judged(dealt("head", HEADS, 600), YOUNG, BASE).campaigns.is_empty()


def test_a_customers_people_to_whom_work_is_dealt_out_keep_nights() -> None:
    assert judged(dealt("head", HEADS, 600), YOUNG, sleepless(BASE, "head", 0, of=HEADS)).campaigns.is_empty()


def test_what_speaks_is_independent_of_the_card() -> None:
    found = judged(dealt("head", HEADS, 600), YOUNG).campaigns
    assert {one["signal"] for one in found["signals"][0]} == {"even_load", "turn_taking", "fresh_accounts"}


def test_of_several_cards_each_is_one() -> None:
    rows = dealt("head", HEADS, 600) + dealt("limb", HEADS, 600, card=2)
    found = judged(rows, YOUNG + on_file("limb", HEADS, age_days=3, a_card=HEADS)).campaigns
    assert found["accounts"].to_list() == [HEADS, HEADS]


def test_an_old_account_on_the_card_is_not_in_it() -> None:
    accounts = [row | ({"age_days": 700.0} if row["account_id"] == "head-004" else {}) for row in YOUNG]
    found = judged(dealt("head", HEADS, 600), accounts).campaigns
    assert found["accounts"].to_list() == [HEADS - 1]
    assert "head-004" not in found["account_ids"][0]


def test_where_they_share_words_too_it_is_the_campaign_of_the_words() -> None:
    accounts = on_file("head", HEADS, age_days=2, a_card=5)
    rows = dealt("head", HEADS, 600, keys=[("head", 7)])
    rows = [row | ({"key": int(row["account_id"][-3:]) // 5} if row["kind"] == "payer" else {}) for row in rows]
    found = judged(rows, accounts).campaigns
    assert found.select("accounts", "link_kinds").rows() == [(HEADS, ["head"])]


@pytest.mark.parametrize("accounts", [5, 12, 25, 40])
@pytest.mark.parametrize("age", [3, 400], ids=["new seats", "old seats"])
def test_a_company_with_one_card_is_none(accounts: int, age: int) -> None:
    for seed in range(5):
        lake = judged(people("staff", accounts, seed=seed), on_file("staff", accounts, age_days=age, a_card=accounts))
        assert lake.campaigns.is_empty()


@pytest.mark.parametrize("each", [15, 40, 80])
def test_a_company_that_gives_25_new_seats_equal_work_is_none(each: int) -> None:
    """An even load and young accounts in office hours; nobody waits for anybody."""
    chance = Random(each)
    minutes = [24 * 60 * day + 8 * 60 + 5 * tick for day in range(DAYS) for tick in range(120)]
    rows = [
        {"account_id": f"seat-{seat:03}", "minute": minute, "kind": "payer", "key": 1}
        for seat in range(25)
        for minute in chance.sample(minutes, each)
    ]
    assert judged(rows, on_file("seat", 25, age_days=1, a_card=25)).campaigns.is_empty()


@pytest.mark.parametrize("age", [3, 400], ids=["new", "old"])
def test_a_fleet_of_like_programs_on_one_card_is_none(age: int) -> None:
    assert judged(fleet("robot", 20), on_file("robot", 20, age_days=age, a_card=20)).campaigns.is_empty()


def test_a_gateway_of_a_company_that_deals_calls_to_its_old_accounts_is_none() -> None:
    assert judged(dealt("head", HEADS, 600), on_file("head", HEADS, age_days=400, a_card=HEADS)).campaigns.is_empty()


def test_turns_and_youth_without_an_even_load_are_not_enough() -> None:
    """An agency with a card for its clients: young accounts, of which a few have nearly all the calls."""
    rows = [row | {"count": 200 // (int(row["account_id"][-3:]) + 1) ** 2 + 1} for row in dealt("head", HEADS, 600)]
    assert judged(rows, YOUNG).campaigns.is_empty()
