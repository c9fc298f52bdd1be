"""Campaigns that grow, merge and fall apart: who carries which id, and what a row says of whom."""

import random
from copy import copy
from datetime import datetime, timedelta
from functools import cache

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from given_accounts import DAY
from given_pools import Lake, Row, frames, on_file, pool
from transforms.campaigns.naming import continued

DAYS = 3


def day(number: int) -> datetime:
    return DAY + timedelta(days=number)


def carried(hits: pl.DataFrame) -> dict[str, set[str]]:
    """By account, the campaigns it is counted in after all of its hits."""
    found: dict[str, set[str]] = {}
    for row in hits.sort("tick", "account_id").iter_rows(named=True):
        own = found.setdefault(row["account_id"], set())
        own -= set(row["left_campaign_ids"])
        own |= set(row["campaign_ids"])
    return found


def changing_world(seed: int) -> tuple[list[Row], list[Row]]:
    """Pools that take over each other's keys, clients and accounts from day to day, at random."""
    chance = random.Random(seed)
    sizes = {name: chance.randrange(6, 24) for name in ("red", "tan", "sky", "ash")}
    accounts = [
        row
        for name, size in sizes.items()
        for row in on_file(name, size, age_days=chance.choice([2, 9, 400]), a_card=chance.choice([3, 5, 1]))
    ]
    rows: list[Row] = []
    for number in range(DAYS):
        for name, size in sizes.items():
            keys = {("head", chance.randrange(3)), ("line", chance.randrange(5)), ("client", chance.randrange(3))}
            heads = chance.randrange(size // 2, size + 1)
            first = 1440 * number + 5 * chance.randrange(40)
            rows += pool(name, heads, chance.randrange(2, 14), keys=keys, first=first, elicited=chance.randrange(2))
    return rows, accounts


SEEDS = (*range(6), 60)
"""In the last one, the last account of a campaign that had become part of another leaves that."""

PIECES = (30, 720, 160, 360, 240, 480, 90)
"""Minutes of a piece, of each seed's world."""


@cache
def in_days(seed: int) -> tuple[Lake, ...]:
    """The lake of a world after each of its days, for tests that only read it."""
    rows, accounts = changing_world(seed)
    frame, lake, days = frames(rows, [])[0], Lake(accounts), []
    for number in range(DAYS):
        lake.run(frame.filter(pl.col("tick").is_between(day(number), day(number + 1), closed="left")), day(number + 1))
        days.append(copy(lake))
    return tuple(days)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_id_is_in_the_table_and_both_sides_agree_on_who_is_in_a_campaign(seed: int) -> None:
    for lake in in_days(seed):
        ids = set(lake.campaigns["campaign_id"])
        assert set(lake.hits["campaign_id"]) | set(lake.hits["campaign_ids"].explode()) <= ids
        assert set(lake.campaigns["merged_into"].drop_nulls()) <= ids
        listed: dict[str, set[str]] = {}
        for row in lake.campaigns.iter_rows(named=True):
            assert row["accounts"] == len(row["account_ids"]) > 0
            absorbed = lake.campaigns.filter(merged_into=row["campaign_id"])["campaign_id"].to_list()
            assert row["merged_ids"] == absorbed
            for account in row["account_ids"]:
                listed.setdefault(account, set()).add(row["campaign_id"])
        assert carried(lake.hits) == listed


@pytest.mark.parametrize("seed", SEEDS)
def test_who_is_in_a_merged_campaign_is_in_the_one_it_became_part_of(seed: int) -> None:
    campaigns = in_days(seed)[-1].campaigns
    of = {row["campaign_id"]: row for row in campaigns.iter_rows(named=True)}
    for row in campaigns.drop_nulls("merged_into").iter_rows(named=True):
        assert of[row["merged_into"]]["merged_into"] is None
        assert set(row["account_ids"]) <= set(of[row["merged_into"]]["account_ids"])


@pytest.mark.parametrize(("seed", "minutes"), list(zip(SEEDS, PIECES, strict=True)))
def test_days_in_pieces_give_what_they_give_at_once(seed: int, minutes: int) -> None:
    rows, accounts = changing_world(seed)
    frame, pieces = frames(rows, [])[0], Lake(accounts)
    for number in range(DAYS):
        start = day(number)
        while start < day(number + 1):
            end = min(start + timedelta(minutes=minutes), day(number + 1))
            pieces.run(frame.filter(pl.col("tick").is_between(start, end, closed="left")), end)
            start = end
    assert_frame_equal(pieces.hits, in_days(seed)[-1].hits)
    assert_frame_equal(pieces.campaigns, in_days(seed)[-1].campaigns)


def test_worlds_merge_and_fall_apart() -> None:
    merged = left = 0
    for seed in SEEDS:
        lake = in_days(seed)[-1]
        merged += lake.campaigns["merged_into"].count()
        left += lake.hits["left_campaign_ids"].list.len().sum()
    assert merged > 0
    assert left > 0


def test_a_group_that_a_pool_shares_a_phrase_with_does_not_give_it_its_name() -> None:
    told = {"c-small": frozenset(range(17))}
    assert continued([frozenset(range(12, 72))], told).of == {}


def test_evidence_is_of_a_key_that_half_of_the_accounts_hold() -> None:
    early = pool("head", 6, 30, keys=[("head", 7), ("line", 9)])
    late = pool("head", 39, 20, keys=[("head", 7), ("tail", 8)], first=300)
    lake = Lake(on_file("head", 39, age_days=3, a_card=3)).run([*early, *late], day(1))
    (row,) = lake.campaigns.to_dicts()
    assert row["accounts"] == 39
    assert row["evidence_accounts"] >= 20


@pytest.mark.parametrize("seed", SEEDS)
def test_what_was_last_said_of_an_account_is_of_its_campaigns_kind(seed: int) -> None:
    lake = in_days(seed)[-1]
    kinds = dict(lake.campaigns.select("campaign_id", "kind").iter_rows())
    last = lake.hits.sort("tick").unique("account_id", keep="last", maintain_order=True)
    alone = last.filter(pl.col("account_id").is_in([one for one, ids in carried(lake.hits).items() if len(ids) == 1]))
    for row in alone.iter_rows(named=True):
        assert row["kind"] == kinds[row["campaign_id"]]
