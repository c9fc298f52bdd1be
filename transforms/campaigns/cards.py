"""Cards: which sets of accounts pay with the same ones."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet

import numpy as np
from scipy.sparse import coo_array, csgraph

from schemas.policy import Campaigns

Cards = Mapping[int, str | None]
"""Payment instrument of each account, None where none is on file."""


def paid(accounts: Collection[int], cards: Cards) -> Counter[str]:
    """How many of the accounts each card pays for."""
    return Counter(card for card in (cards[account] for account in accounts) if card is not None)


def by_cards_of(one: Counter[str], other: Counter[str]) -> int:
    """Accounts of the one set that pay with cards which the other uses too."""
    return sum(number for card, number in one.items() if card in other)


def are_paid_alike(one: Counter[str], other: Counter[str], accounts: tuple[int, int], policy: Campaigns) -> bool:
    """Whether enough of the accounts of either pay with cards that the other uses too: one stray account with another's card links nobody.

    Args:
        one: how many accounts of a set each card pays for.
        other: the same of another set.
        accounts: how many accounts the two sets have.
        policy: same_cards.
    """
    return all(
        by_cards_of(mine, others) >= policy.same_cards * size > 0
        for mine, others, size in ((one, other, accounts[0]), (other, one, accounts[1]))
    )


def by_purse(sets: Sequence[AbstractSet[int]], cards: Cards, policy: Campaigns) -> list[int]:
    """A number for each set of accounts, the same for sets that are paid alike, or by way of others that are.

    Args:
        sets: accounts.
        cards: payment instrument of each account.
        policy: same_cards.
    """
    if not sets:
        return []
    pays = [paid(accounts, cards) for accounts in sets]
    linked = [
        (one, other)
        for one in range(len(sets))
        for other in range(one)
        if are_paid_alike(pays[one], pays[other], (len(sets[one]), len(sets[other])), policy)
    ]
    rows, columns = [one for one, _ in linked], [other for _, other in linked]
    graph = coo_array((np.ones(len(linked)), (rows, columns)), shape=(len(sets), len(sets)))
    _, labels = csgraph.connected_components(graph, directed=False)
    return [int(label) for label in labels]


def pay_as_one(accounts: Collection[int], cards: Cards, policy: Campaigns) -> bool:
    """Whether nearly all accounts (`alike`) pay with fewer cards than `least_customers`: a company's, and bystanders that share a key with it."""
    commonest = paid(accounts, cards).most_common(policy.least_customers - 1)
    return sum(number for _, number in commonest) >= policy.alike * len(accounts)
