"""Which campaigns are one because the same cards pay for them."""

from datetime import timedelta

import pytest

from given_accounts import DAY
from given_pools import Lake, on_file, overlaps, pool
from schemas.policy import Campaigns
from transforms.campaigns.kinds import Key
from transforms.campaigns.parts import Part
from transforms.campaigns.purses import joined

POLICY = Campaigns()
ONE, OTHER, AGENT = ("client", 1), ("client", 2), ("agent", 3)
HOLDERS: dict[Key, set[int]] = {ONE: set(range(20)), OTHER: set(range(20, 30)), AGENT: set(range(30))}
TWO = [Part((key,), frozenset(HOLDERS[key])) for key in (ONE, OTHER)]


def cards(*, strays: int) -> dict[int, str | None]:
    """Two sets with a card each, but so many of the second pay with that of the first."""
    return {account: "a" if account < 20 + strays else "b" for account in range(30)}


def test_campaigns_that_pay_with_the_same_cards_are_one() -> None:
    [found] = joined(TWO, [], overlaps(HOLDERS, cards(strays=5)), POLICY)
    assert (found.keys, len(found.accounts), found.pieces) == ((ONE, OTHER), 30, tuple(TWO))


def test_one_account_with_anothers_card_joins_nobody() -> None:
    assert joined(TWO, [], overlaps(HOLDERS, cards(strays=1)), POLICY) == TWO


def test_without_an_accounts_file_they_stay_apart() -> None:
    assert joined(TWO, [], overlaps(HOLDERS, dict.fromkeys(range(30))), POLICY) == TWO


def test_what_others_pay_with_who_merely_send_the_user_agent_joins_nobody() -> None:
    mixed = [TWO[0], Part((AGENT,), frozenset(HOLDERS[AGENT]))]
    assert joined(mixed, [], overlaps(HOLDERS, cards(strays=0)), POLICY) == mixed


@pytest.mark.parametrize(("strays", "heads"), [(10, 30), (5, 30), (4, 20)])
def test_a_client_that_nearly_ties_belongs_to_the_campaign_whose_cards_pay_for_most_of_its_accounts(
    strays: int, heads: int
) -> None:
    found = joined(TWO[:1], [OTHER], overlaps(HOLDERS, cards(strays=strays)), POLICY)
    assert [len(part.accounts) for part in found] == [heads]


def test_a_card_of_a_bystander_is_not_one_of_the_campaigns() -> None:
    """A company of ten pays for one account that the campaign took in."""
    paid = {account: "b" if account in (0, *range(20, 30)) else "a" for account in range(30)}
    assert joined(TWO[:1], [OTHER], overlaps(HOLDERS, paid), POLICY) == TWO[:1]


def test_a_pool_with_two_clients_and_nothing_else_in_common_is_one_campaign() -> None:
    rows = pool("head", 24, 40, keys=[ONE])
    rows = [row | {"key": 1 + int(row["account_id"][-3:]) % 2} for row in rows]
    found = Lake(on_file("head", 24, age_days=2, a_card=6)).run(rows, DAY + timedelta(days=1))
    assert found.campaigns["accounts"].to_list() == [24]
    assert found.campaigns["link_kinds"].to_list() == [["client", "payment"]]
    assert found.hits["account_id"].n_unique() == 24
