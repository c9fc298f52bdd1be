"""Campaigns while ticks go by: which keys and accounts are theirs, and what they took."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import blake2b
from itertools import count
from typing import Any, Self

import polars as pl

from schemas.policy import Campaigns
from transforms.campaigns.cards import pay_as_one
from transforms.campaigns.grouping import components
from transforms.campaigns.kinds import CHOSEN, PAYER, Key
from transforms.campaigns.membership import Holding, Members, is_of_software, members
from transforms.campaigns.naming import continued
from transforms.campaigns.overlaps import Overlaps
from transforms.campaigns.parts import Part, parts
from transforms.campaigns.purses import by_themselves, joined
from transforms.campaigns.state import CampaignState
from transforms.campaigns.tied_holders import Holders

NEARLY = "client"
"""The kind of which keys that nearly tie are asked for, too: they tell pools apart, or belong to one (parts.py, purses.py)."""

ALONE = (*reversed(CHOSEN), PAYER)
"""Kinds whose keys join no others, those first that say most of who sends them: user agents before client fingerprints."""


@dataclass
class Gathering:
    """Tied keys, who holds them, and the campaigns they make.

    Which they are follows from the keys, who holds them, and whom they were counted against before. It is worked out once
    a tick, whichever run the tick is in.

    Attributes:
        policy: `policy.campaigns`.
        held: holdings by key and account, and the ids of these.
        since: first tick at which each key was tied.
        last: last tick at which it was, or nearly.
        told: by campaign id, the accounts it was counted against, and the last hour in which it was.
        known: ids of all campaigns there ever were.
        campaigns: by id.
    """

    policy: Campaigns
    held: Holders = field(default_factory=Holders)
    since: dict[Key, datetime] = field(default_factory=dict)
    last: dict[Key, datetime] = field(default_factory=dict)
    told: dict[str, dict[int, datetime]] = field(default_factory=dict)
    known: set[str] = field(default_factory=set)
    campaigns: dict[str, Part] = field(default_factory=dict)
    _overlaps: Overlaps = field(default_factory=Overlaps)
    _parts: list[Part] | None = None
    _members: dict[Part, Members] = field(default_factory=dict)

    @classmethod
    def restored(cls, state: CampaignState, policy: Campaigns) -> Self:
        """What was remembered."""
        gathering = cls(policy)
        gathering.take(state.held)
        for kind, key, since, last in state.keys.select("kind", "key", "since", "last_tick").rows():
            gathering._note((kind, key), since, last)
        for name, account, hour in state.told.select("campaign_id", "account_hash", "hour").rows():
            gathering.told.setdefault(name, {})[account] = hour
        gathering.known = set(state.campaigns["campaign_id"])
        return gathering

    def take(self, tied: pl.DataFrame) -> None:
        """Holdings as of a tick: TIED rows, sorted by kind and key."""
        for key, holdings in self.held.tell(tied).items():
            if key in self._overlaps:
                self._tell(key, holdings)
        shown = set(self.held.told)
        for part in [part for part in self._members if not shown.isdisjoint(part.keys)]:
            del self._members[part]

    def tie(self, keys: Iterable[Key], nearly: Iterable[Key], tick: datetime) -> None:
        """Notes that keys are tied at a tick, or nearly so."""
        for key in keys:
            self._note(key, self.since.get(key, tick), tick)
        for key in nearly:
            self._note(key, self.since.get(key), tick)

    def _note(self, key: Key, since: datetime | None, last: datetime) -> None:
        """A key that was tied at a tick, or nearly so; one that may found a campaign, or tell two apart, is compared with all such."""
        if since != self.since.get(key) or key not in self.last:
            self._parts = None
        if since is not None:
            self.since[key] = since
        self.last[key] = last
        if key not in self._overlaps and (since is not None or key[0] == NEARLY):
            self._tell(key, self.held[key])

    def _tell(self, key: Key, holdings: Mapping[int, Holding]) -> None:
        paid = {account: (holding.last_tick, holding.card) for account, holding in holdings.items()}
        if self._overlaps.tell(key, paid):
            self._parts = None

    def goes_on(self, key: Key, tick: datetime) -> bool:
        """Whether a key that is no tie now was one not long ago."""
        return key in self.since and tick - self.last[key] <= timedelta(hours=self.policy.sustain_hours)

    def tell(self, campaign: str, account: int, hour: datetime) -> None:
        """Notes that a campaign was counted against an account."""
        self.told.setdefault(campaign, {})[account] = hour
        self.known.add(campaign)

    def regroup(self) -> dict[str, str]:
        """Works out the campaigns, and which of before have become part of which others (naming.py)."""
        found = self._grouped()
        sets = [self.members(part).keys() for part in found]
        names = continued(sets, {name: accounts.keys() for name, accounts in self.told.items()})
        named = dict(names.of)
        for number, part in enumerate(found):
            if number not in named:
                taken = self.known | set(named.values())
                named[number] = next(name for name in _ids(part.keys) if name not in taken)
        self.campaigns = {named[number]: part for number, part in enumerate(found)}
        return {name: named[number] for name, number in sorted(names.gone.items())}

    def members(self, part: Part) -> Members:
        """Accounts that belong to a campaign, with their holdings (membership.py)."""
        if part not in self._members:
            self._members[part] = members(part, self.held, self.policy)
        return self._members[part]

    def pays_as_one(self, part: Part) -> bool:
        """Whether a campaign's accounts are one customer's (cards.py)."""
        cards = {account: holdings[0].card for account, holdings in self.members(part).items()}
        return pay_as_one(cards, cards, self.policy)

    def holdings(self, part: Part, accounts: Iterable[int]) -> Members:
        """What these accounts hold of a campaign's keys; accounts that hold none are left out."""
        wanted = set(accounts)
        found: Members = {}
        for key in part.keys:
            of_key = self.held[key]
            for account in of_key.keys() & wanted:
                found.setdefault(account, []).append(of_key[account])
        return found

    def _grouped(self) -> list[Part]:
        """The campaigns' keys and accounts; worked out again where keys or holders have changed (overlaps.py)."""
        if self._parts is None:
            policy, holders = self.policy, self._overlaps
            tied = sorted(self.since, key=lambda key: (self.since[key], key))
            keys = [key for key in tied if key[0] not in ALONE]
            nearly = sorted(key for key in holders if key not in self.since) if tied else []
            found = [
                part for group in components(keys, holders, policy) for part in parts(group, holders, policy, nearly)
            ]
            found = [
                part
                for part in joined(found, nearly, holders, policy)
                if not (is_of_software(part) and pay_as_one(part.accounts, holders.cards, policy))
            ]
            for kind in ALONE:
                own = [key for key in tied if key[0] == kind]
                found += by_themselves(found, own, holders, policy)
            self._parts = found
            self._members = {part: self._members[part] for part in found if part in self._members}
        return self._parts

    def forget(self, oldest: datetime) -> None:
        """Drops keys that were not tied since, and whom campaigns were counted against that spoke of nobody since."""
        gone = [key for key, tick in self.last.items() if tick < oldest]
        for key in gone:
            self.since.pop(key, None)
            del self.last[key]
        self.held.forget(gone)
        if gone:
            left, self._overlaps, self._parts = [key for key in self._overlaps if key in self.last], Overlaps(), None
            for key in left:
                self._tell(key, self.held[key])
        for name in [name for name, accounts in self.told.items() if max(accounts.values()) < oldest]:
            del self.told[name]

    def rows(self) -> Iterator[dict[str, Any]]:
        """KEYS rows, sorted."""
        for kind, key in sorted(self.last):
            yield {"kind": kind, "key": key, "since": self.since.get((kind, key)), "last_tick": self.last[kind, key]}


def exchanges(members: Members) -> int:
    """Calls that carry the campaign's keys: one call shows several, so an account counts with the key it showed most."""
    return sum(max(holding.calls for holding in holdings) for holdings in members.values())


def output_tokens(members: Members) -> int | None:
    """Output tokens of those calls; None where no account's are known."""
    known = [
        max(of_account)
        for holdings in members.values()
        if (of_account := [each.output_tokens for each in holdings if each.output_tokens is not None])
    ]
    return sum(known) if known else None


def _ids(keys: tuple[Key, ...]) -> Iterator[str]:
    """Ids of a campaign founded by the first of the keys, or the next, or the first again ..."""
    for turn in count():
        for kind, key in keys:
            name = f"{kind}\n{key}\n{turn or ''}"
            yield "c-" + blake2b(name.encode(), digest_size=8).hexdigest()
