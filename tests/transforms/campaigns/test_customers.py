"""Who has signed a negotiated contract is a customer one knows, and no head of a pool."""

from datetime import timedelta

import polars as pl
import pytest

from given_accounts import DAY
from given_pools import Row, frames, on_file, pool
from schemas.policy import Campaigns, Policy
from transforms.campaigns import Base, TieState, tie

BASE = Base(fresh=0.2, cards=0.1, bursts=0.0001, moves=0.2, sleepless=0.4, leaning=0.1)
TEMPLATE = (("head", 7), ("tail", 8))
HEADS = pool("head", 20, 10, keys=TEMPLATE)


def signed(accounts: list[Row], contract: str | None) -> list[Row]:
    return [account | {"contract": contract} for account in accounts]


def tied(rows: list[Row], accounts: list[Row], policy: Policy | None = None) -> set[str]:
    """The accounts that are tied to others."""
    given_rows, known = frames(rows, accounts)
    _, _, holders = tie(TieState.empty(), given_rows, known, BASE, DAY + timedelta(days=1), policy or Policy())
    return set(holders["account_id"])


@pytest.mark.parametrize("contract", ["enterprise", "Enterprise-Agreement 2026", "MSA", "gateway partner"])
def test_accounts_with_a_negotiated_contract_tie_nobody(contract: str) -> None:
    assert tied(HEADS, signed(on_file("head", 20, age_days=3, a_card=5), contract)) == set()


@pytest.mark.parametrize("contract", [None, "", "standard", "pay as you go"])
def test_terms_that_anybody_accepts_protect_nobody(contract: str | None) -> None:
    assert len(tied(HEADS, signed(on_file("head", 20, age_days=3, a_card=5), contract))) == 20


def test_a_customer_who_sends_what_a_pool_sends_is_not_counted_with_it() -> None:
    accounts = on_file("head", 20, age_days=3, a_card=5) + signed(on_file("gate", 8, age_days=3, a_card=5), "partner")
    found = tied(HEADS + pool("gate", 8, 10, keys=TEMPLATE), accounts)
    assert found == {account["account_id"] for account in accounts[:20]}


def test_accounts_that_are_not_on_file_are_nobodys_customers() -> None:
    others = signed(on_file("gate", 8, age_days=3, a_card=5), "enterprise")
    accounts = on_file("head", 20, age_days=3, a_card=5)[:15] + others
    assert len(tied(HEADS, accounts)) == 20


def test_the_words_are_the_policys() -> None:
    accounts = signed(on_file("head", 20, age_days=3, a_card=5), "enterprise")
    nobody = Policy(campaigns=Campaigns(signed_contracts=[]))
    assert len(tied(HEADS, accounts, nobody)) == 20
    assert pl.Series(Policy().campaigns.signed_contracts).is_unique().all()
