"""What speaks for keys that are no ties."""

from datetime import timedelta

import polars as pl

from given_accounts import DAY
from given_pools import Row, crowd, frames, on_file, pool
from schemas.policy import Policy
from schemas.trait import TRAIT
from transforms.campaigns import Base, TieState, tie
from transforms.campaigns.appraising import appraised

POLICY = Policy()
BASE = Base(fresh=0.2, cards=0.1, bursts=0.0001, moves=0.2, sleepless=0.4, leaning=0.1)
UNTIL = DAY + timedelta(days=1)


def seen(rows: list[Row], accounts: list[Row]) -> pl.DataFrame:
    shared, known = frames(rows, accounts)
    return appraised(TRAIT.conform(shared), known, BASE, UNTIL, POLICY)


def test_a_crowd_that_is_no_tie_is_told_with_what_it_lacks() -> None:
    (row,) = seen(crowd("user", 30, 10, keys=[("system", 9)]), on_file("user", 30, age_days=400, a_card=1)).to_dicts()
    assert row["accounts"] == 30
    assert row["points"] < row["needed"]


def test_software_alone_takes_more() -> None:
    (row,) = seen(pool("head", 20, 10, keys=[("client", 9)]), on_file("head", 20, age_days=3, a_card=5)).to_dicts()
    assert row["needed"] == POLICY.campaigns.software_decades


def test_of_a_pool_it_says_what_the_pipeline_says() -> None:
    rows, accounts = pool("head", 20, 10, keys=[("head", 7)]), on_file("head", 20, age_days=3, a_card=5)
    shared, known = frames(rows, accounts)
    last = tie(TieState.empty(), shared, known, BASE, UNTIL, POLICY)[1].sort("tick").row(-1, named=True)
    (row,) = seen(rows, accounts).to_dicts()
    assert (row["points"], row["signals"]) == (last["points"], last["signals"])
    assert row["points"] >= row["needed"] == POLICY.campaigns.review_decades
    assert row["is_alike"]


def test_holders_of_all_kinds_are_not_alike() -> None:
    rows = pool("head", 40, 10, keys=[("head", 7)]) + crowd("user", 10, 1, keys=[("head", 7)])
    accounts = on_file("head", 40, age_days=3, a_card=2) + on_file("user", 10, age_days=400, a_card=1)
    (row,) = seen(rows, accounts).to_dicts()
    assert row["points"] >= row["needed"]
    assert not row["is_alike"]


def test_too_few_accounts_are_not_looked_at() -> None:
    assert seen(pool("head", 4, 40, keys=[("head", 7)]), on_file("head", 4, age_days=3, a_card=1)).is_empty()
