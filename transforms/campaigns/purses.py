"""Campaigns whose accounts pay with the same cards are pieces of one: a pool that sends several clients and nothing else in common.

Accounts behind another client that would tie if another key agreed belong to it too, where most of them pay with cards that pay for many of the
campaign's: then the card is what agrees. A card of a few bystanders is not one of the campaign's.

A card whose accounts are driven as one is a campaign of its own where no other has half of them: of a pool that shares no words and no
software nothing else is to be seen. It joins nothing, as accounts have one card each: a pool of several cards is several campaigns then.
So is software that accounts send which move on every day (chosen.py), as two pools may send the same.
"""

from collections import Counter
from collections.abc import Sequence

from schemas.policy import Campaigns
from transforms.campaigns.cards import are_paid_alike, by_cards_of, by_purse, paid
from transforms.campaigns.grouping import components
from transforms.campaigns.kinds import Key
from transforms.campaigns.overlaps import Overlaps
from transforms.campaigns.parts import Part


def joined(found: Sequence[Part], nearly: Sequence[Key], holders: Overlaps, policy: Campaigns) -> list[Part]:
    """The campaigns, those of one purse in one, with the clients that pay like them; in the order of their first pieces.

    Args:
        found: campaigns by what their accounts hold.
        nearly: client fingerprints that no campaign has, but which would tie if another key agreed.
        holders: accounts that hold each key, and their cards.
        policy: same_cards, overlap.
    """
    cards = holders.cards
    sets = [_senders(part, holders) for part in found]
    pieces: dict[int, list[Part]] = {}
    everyone: dict[int, set[int]] = {}
    for number, label in enumerate(by_purse(sets, cards, policy)):
        pieces.setdefault(label, []).append(found[number])
        everyone.setdefault(label, set()).update(sets[number])
    purses = {label: paid(accounts, cards) for label, accounts in everyone.items()}
    for key in nearly:
        own = _paid_by(key, holders)
        size = len(holders[key])
        alike = {
            label: by_cards_of(own, purse)
            for label, purse in purses.items()
            if by_cards_of(own, purse) >= policy.overlap * size
            and are_paid_alike(own, purse, (size, len(everyone[label])), policy)
        }
        if alike:
            pieces[min(alike, key=lambda label: (-alike[label], label))].append(Part((key,), frozenset(holders[key])))
    return [_whole(of_purse) for of_purse in pieces.values()]


def by_themselves(found: Sequence[Part], keys: Sequence[Key], holders: Overlaps, policy: Campaigns) -> list[Part]:
    """A campaign for the keys of each group of the same accounts; none where half of them (`overlap`) are among those of another one.

    Args:
        found: campaigns by what else their accounts hold.
        keys: tied cards, or other keys of one kind that join nothing else.
        holders: accounts that hold each key.
        policy: overlap, overlap_of_larger.
    """
    own = [Part(tuple(group), holders.everyone(group)) for group in components(keys, holders, policy)]
    return [
        part
        for part in own
        if all(len(part.accounts & other.accounts) < policy.overlap * len(part.accounts) for other in found)
    ]


def _senders(part: Part, holders: Overlaps) -> frozenset[int]:
    """Accounts that send a client of the campaign: others may merely use the same words or user agent, and bring their own cards."""
    return part.accounts & holders.everyone(key for key in part.keys if key[0] == "client")


def _paid_by(key: Key, holders: Overlaps) -> Counter[str]:
    return holders.remembered(("paid", key), (key,), lambda: paid(holders[key], holders.cards))


def _whole(pieces: Sequence[Part]) -> Part:
    if len(pieces) == 1:
        return pieces[0]
    keys = dict.fromkeys(key for piece in pieces for key in piece.keys)
    accounts = frozenset(account for piece in pieces for account in piece.accounts)
    return Part(tuple(keys), accounts, tuple(pieces))
