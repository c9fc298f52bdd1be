"""What is ordinary, as the accounts file says it."""

import pytest

from given_accounts import DAY
from given_pools import POLICY, Row, frames, on_file
from transforms.campaigns.base import base_of, facts

OWN = POLICY.campaigns


def fresh(accounts: list[Row]) -> float:
    return base_of(facts(frames([], accounts)[1]), DAY, OWN).fresh


def supposed(young: float, customers: int) -> float:
    """So many of so many customers, pulled towards the supposed share."""
    return (young + OWN.base_weight * OWN.usual_fresh) / (customers + OWN.base_weight)


def test_of_a_customer_with_several_accounts_that_part_is_young_which_is() -> None:
    old = on_file("old", 60, age_days=400, a_card=1)
    assert fresh(old + on_file("team", 16, age_days=3, a_card=16)) == supposed(1, 61)
    mixed = [{**row, "payment_id": "one"} for row in (*on_file("new", 1, age_days=3, a_card=1), *on_file("was", 2, age_days=400, a_card=1))]  # fmt: skip
    assert fresh(old + mixed) == pytest.approx(supposed(1 / 3, 61))


def test_an_account_without_a_card_is_a_customer_by_itself() -> None:
    assert fresh([{**row, "payment_id": None} for row in on_file("user", 8, age_days=3, a_card=8)]) == supposed(8, 8)


def test_the_order_of_accounts_does_not_matter() -> None:
    accounts = on_file("team", 90, age_days=3, a_card=7) + on_file("old", 60, age_days=29, a_card=3)
    known = facts(frames([], accounts)[1])
    assert {base_of(known.sample(fraction=1.0, shuffle=True, seed=seed), DAY, OWN).fresh for seed in range(9)} == {
        base_of(known, DAY, OWN).fresh
    }
