"""Software whose holders are many, and what those of them have in common that move on to a new network every day, or that lean to a harvest."""

from dataclasses import replace
from datetime import timedelta
from random import Random

import polars as pl

from given_accounts import DAY
from given_pools import BASE, POLICY, Lake, Row, leaning, moving, on_file, sleepless
from transforms.campaigns import Base
from transforms.campaigns.wording import detail

UNTIL = DAY + timedelta(days=3)
HEADS = 45
KEYS = (("agent", 1), ("client", 2))


def calls(name: str, accounts: int, each: int, *, keys: tuple[tuple[str, int], ...] = KEYS, seed: int = 1) -> list[Row]:
    """So many calls of each account at random times of three days."""
    chance = Random(seed)
    return [
        {"account_id": f"{name}-{account:03}", "minute": 5 * tick, "kind": kind, "key": key}
        for account in range(accounts)
        for tick in sorted(chance.sample(range(3 * 288), each))
        for kind, key in keys
    ]


def users(accounts: int) -> list[Row]:
    """People with the same library, who need it much or little."""
    return [row for one in range(accounts) for row in calls(f"user{one}", 1, max(3, 200 // (one + 1)), seed=one)]


POOL = calls("head", HEADS, 40)
BYSTANDERS = [row for one in range(30) for row in on_file(f"user{one}", 1, age_days=500, a_card=1)]
KNOWN = on_file("head", HEADS, age_days=400, a_card=1) + BYSTANDERS


def settled(base: Base) -> Base:
    """The bystanders come home."""
    for one in range(30):
        base = moving(base, f"user{one}", 0, of=1)
    return base


def found(rows: list[Row], base: Base, known: list[Row] = KNOWN) -> pl.DataFrame:
    return Lake(known, base=base).run(rows, UNTIL).campaigns


def test_a_pool_is_seen_among_those_who_send_the_same_library() -> None:
    (campaign,) = found(POOL + users(30), moving(settled(BASE), "head", HEADS)).rows(named=True)
    assert campaign["account_ids"] == [f"head-{number:03}" for number in range(HEADS)]
    assert campaign["link_kinds"] == ["agent", "prefix"]
    assert {one["signal"] for one in campaign["signals"]} == {"even_load", "new_networks"}
    assert "share the user agent and a new network every day" in detail(campaign)


def test_nobody_is_where_all_of_them_come_home() -> None:
    assert found(POOL + users(30), moving(settled(BASE), "head", 0, of=HEADS)).is_empty()


def test_so_many_that_move_are_chance_where_everybody_does() -> None:
    assert found(POOL + users(30), moving(settled(replace(BASE, moves=0.5)), "head", HEADS)).is_empty()


def test_a_traveller_with_the_same_library_is_none_of_the_pool() -> None:
    base = moving(moving(settled(BASE), "head", HEADS), "tourist", 1)
    (campaign,) = found(POOL + users(30) + calls("tourist", 1, 12), base).rows(named=True)
    assert campaign["accounts"] == HEADS


def test_two_pools_with_one_client_are_told_apart_by_their_user_agents() -> None:
    others = calls("limb", HEADS, 40, keys=(("agent", 7), ("client", 2)), seed=2)
    base = moving(moving(settled(BASE), "head", HEADS), "limb", HEADS)
    campaigns = found(POOL + others + users(30), base, KNOWN + on_file("limb", HEADS, age_days=400, a_card=1))
    assert campaigns["accounts"].to_list() == [HEADS, HEADS]


def test_one_customer_s_accounts_are_no_pool() -> None:
    known = on_file("head", HEADS, age_days=400, a_card=HEADS) + BYSTANDERS
    assert found(POOL + users(30), moving(settled(BASE), "head", HEADS), known).is_empty()


def test_software_that_one_customer_sends_does_not_hide_its_card() -> None:
    """Alone the card is a campaign; those who send its client as well are no other one."""
    known = on_file("head", HEADS, age_days=2, a_card=HEADS) + BYSTANDERS
    rows = calls("head", HEADS, 40, keys=(*KEYS, ("payer", 3))) + users(3)
    campaigns = found(rows, sleepless(moving(settled(BASE), "head", HEADS), "head", HEADS), known)
    assert campaigns.select("link_kinds", "accounts").rows() == [(["payment"], HEADS)]


def test_a_pool_that_nothing_else_ties_is_for_a_person_to_look_at() -> None:
    assert found(POOL + users(30), moving(settled(BASE), "head", HEADS))["tier"].to_list() == ["review"]
    assert POLICY.campaigns.act_decades > POLICY.campaigns.software_decades


YOUNG = on_file("head", HEADS, age_days=3, a_card=5) + BYSTANDERS


def leaned(heads: int, bystanders: int = 0) -> Base:
    """So many heads lean to a harvest, and so many of the bystanders."""
    base = BASE
    for one in range(30):
        base = leaning(base, f"user{one}", int(one < bystanders), of=1)
    return leaning(base, "head", heads, of=HEADS)


def test_heads_whose_days_look_like_a_harvest_are_seen_among_those_who_send_the_same_library() -> None:
    (campaign,) = found(POOL + users(30), leaned(HEADS), YOUNG).rows(named=True)
    assert campaign["account_ids"] == [f"head-{number:03}" for number in range(HEADS)]
    assert campaign["link_kinds"] == ["agent"]
    assert "like_a_harvest" in {one["signal"] for one in campaign["signals"]}


def test_nobody_is_where_none_of_them_leans_to_one() -> None:
    assert found(POOL + users(30), leaned(0), YOUNG).is_empty()


def test_that_they_were_chosen_for_it_is_no_evidence() -> None:
    """Half of the bystanders lean as well: of all who send the library so many do by chance."""
    base = replace(leaned(HEADS, bystanders=15), leaning=0.75)
    signals = {one["signal"] for row in found(POOL + users(30), base, YOUNG)["signals"] for one in row}
    assert "like_a_harvest" not in signals
