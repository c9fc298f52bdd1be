"""A group of keys whose accounts fall apart by who they are: two pools that use one published instruction.

Accounts that send one of the group's client fingerprints belong together, and so do two such sets if many of the accounts
pay with cards that both use. Where that leaves several sets that hold nearly everyone, each is a campaign of its own; where
fingerprints are not known, or popular ones, it says nothing and the group stays whole. Accounts that nothing but a user agent ties to the others
are told apart by fingerprints that nearly tie, too.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from schemas.policy import Campaigns
from transforms.campaigns.cards import by_purse
from transforms.campaigns.grouping import components
from transforms.campaigns.kinds import ANYBODYS, Key
from transforms.campaigns.overlaps import Overlaps


@dataclass(frozen=True)
class Part:
    """Keys and the accounts they tie.

    Attributes:
        keys: by the tick at which they were tied first.
        accounts: the accounts among which its members are.
        pieces: what it was put together of (purses.py): nobody has to hold keys of several.
    """

    keys: tuple[Key, ...]
    accounts: frozenset[int]
    pieces: "tuple[Part, ...]" = ()


def parts(keys: Sequence[Key], holders: Overlaps, policy: Campaigns, nearly: Sequence[Key] = ()) -> list[Part]:
    """The group in parts, in the order of their first keys; the whole of it where it does not fall apart.

    Args:
        keys: keys of one component, in the order in which they were tied.
        holders: accounts that hold each of them and of `nearly`, and their cards.
        policy: least_accounts, overlap, apart, same_cards.
        nearly: client fingerprints that are tied by no group, but would be if another key agreed.
    """
    of, others = tuple(keys), tuple(_by_agent_alone(keys, nearly, holders, policy))
    return holders.remembered(("parts", of, others), of + others, lambda: _parts(of, others, holders, policy))


def _parts(keys: tuple[Key, ...], others: tuple[Key, ...], holders: Overlaps, policy: Campaigns) -> list[Part]:
    everyone = holders.everyone(keys)
    whole = [Part(keys, everyone)]
    clients = [*(key for key in keys if key[0] == "client"), *others]
    large = [part for part in _by_identity(clients, holders, policy) if len(part) >= policy.least_accounts]
    if len(large) < 2 or sum(map(len, large)) < policy.apart * len(everyone):
        return whole
    found = [Part(tuple(key for key in keys if _is_of(holders[key], part, policy)), frozenset(part)) for part in large]
    if not all(part.keys for part in found):
        return whole
    place = {key: number for number, key in enumerate(keys)}
    return sorted(found, key=lambda part: (place[part.keys[0]], min(part.accounts)))


def is_enough(keys: Sequence[Key]) -> bool:
    """Whether the keys are more than phrases of three words each, as shingles are: those take more evidence."""
    return any(kind != "shingle" for kind, _ in keys)


def _is_of(held: set[int], part: set[int], policy: Campaigns) -> bool:
    common = len(held & part)
    return common >= policy.least_accounts and common >= policy.overlap * min(len(held), len(part))


def _by_agent_alone(keys: Sequence[Key], nearly: Sequence[Key], holders: Overlaps, policy: Campaigns) -> list[Key]:
    """Clients that nearly tie, most of whose accounts send a user agent of the group, and few anything else of it."""
    agents = holders.everyone(key for key in keys if key[0] == ANYBODYS)
    if not agents:
        return []
    others = holders.everyone(key for key in keys if key[0] != ANYBODYS)

    def is_mostly(accounts: set[int], of: frozenset[int]) -> bool:
        return len(accounts & of) >= policy.overlap * len(accounts)

    return [key for key in nearly if is_mostly(holders[key], agents) and not is_mostly(holders[key], others)]


def _by_identity(clients: Sequence[Key], holders: Overlaps, policy: Campaigns) -> list[set[int]]:
    """Sets of accounts that are connected by client fingerprints, and by cards between those."""
    sets = [holders.everyone(group) for group in components(clients, holders, policy)]
    found: dict[int, set[int]] = {}
    for accounts, label in zip(sets, by_purse(sets, holders.cards, policy), strict=True):
        found.setdefault(label, set()).update(accounts)
    return list(found.values())
