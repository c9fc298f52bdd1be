"""Who has signed a negotiated contract is a customer one knows, and in no campaign."""

from datetime import timedelta

import pytest

from given_accounts import DAY, foreign
from given_pools import Lake, Row, frames, on_file, pool
from schemas.policy import Campaigns
from transforms.campaigns import CampaignState, but_among_customers
from transforms.campaigns.customers import with_customers

TEMPLATE = (("head", 7), ("tail", 8))
HEADS = pool("head", 20, 10, keys=TEMPLATE)


def signed(accounts: list[Row], contract: str | None) -> list[Row]:
    return [account | {"contract": contract} for account in accounts]


def members(rows: list[Row], accounts: list[Row]) -> set[str]:
    found = Lake(accounts).run(rows, DAY + timedelta(days=1)).campaigns
    return set(found["account_ids"].explode().drop_nulls())


@pytest.mark.parametrize("contract", ["enterprise", "Enterprise-Agreement 2026", "MSA", "gateway partner"])
def test_accounts_with_a_negotiated_contract_are_no_campaign(contract: str) -> None:
    assert members(HEADS, signed(on_file("head", 20, age_days=3, a_card=5), contract)) == set()


@pytest.mark.parametrize("contract", [None, "", "standard", "pay as you go"])
def test_terms_that_anybody_accepts_protect_nobody(contract: str | None) -> None:
    assert len(members(HEADS, signed(on_file("head", 20, age_days=3, a_card=5), contract))) == 20


def test_a_customer_who_sends_what_a_pool_sends_is_not_in_its_campaign() -> None:
    accounts = on_file("head", 20, age_days=3, a_card=5) + signed(on_file("gate", 8, age_days=3, a_card=5), "partner")
    found = members(HEADS + pool("gate", 8, 10, keys=TEMPLATE), accounts)
    assert found == {account["account_id"] for account in accounts[:20]}


def test_what_speaks_of_customers_for_the_most_part_speaks_of_nobody() -> None:
    accounts = on_file("head", 8, age_days=3, a_card=5) + signed(on_file("gate", 20, age_days=3, a_card=5), "partner")
    rows = pool("head", 8, 10, keys=TEMPLATE) + pool("gate", 20, 10, keys=TEMPLATE)
    assert members(rows, accounts) == set()


def test_the_words_are_the_policys_and_accounts_without_a_contract_are_nobodys() -> None:
    accounts = [
        {"account_id": "one", "age_days": 9, "contract": "frame"},
        {"account_id": "other", "age_days": 9, "contract": None},
    ]
    tied, known = frames([{"account_id": name} for name in ("one", "other", "third")], accounts)
    found = with_customers(tied, known, Campaigns(signed_contracts=["Frame"]))
    assert dict(found.select("account_id", "is_signed").iter_rows()) == {"one": True, "other": None, "third": None}
    assert with_customers(tied, known, Campaigns(signed_contracts=[]))["is_signed"].any() is False


@pytest.mark.parametrize(
    ("redeemer", "issuer", "says"),
    [("north", "south", False), ("north", "stranger", True), ("stranger", "south", True), ("north", "north", True), ("stranger", "nobody", True)],
)  # fmt: skip
def test_a_handle_that_goes_round_among_customers_is_their_own_affair(redeemer: str, issuer: str, says: bool) -> None:
    names = {"north": "framework agreement", "south": "reseller", "stranger": "standard"}
    _, known = frames([], [{"account_id": name, "age_days": 9, "contract": of} for name, of in names.items()])
    redeemed = foreign([{"account_id": redeemer, "issuer": issuer, "minute": 5, "key": 1}])
    assert but_among_customers(redeemed, known, Campaigns()).height == says


def test_a_state_of_before_the_column_is_read() -> None:
    lake = Lake(on_file("head", 20, age_days=3, a_card=5)).run(HEADS, DAY + timedelta(days=1))
    older = CampaignState(**vars(lake.state) | {"held": lake.state.held.drop("is_signed")})
    read = CampaignState.from_bytes(older.to_bytes())
    assert read.held.drop("is_signed").equals(lake.state.held.drop("is_signed"))
    assert read.held["is_signed"].null_count() == read.held.height
