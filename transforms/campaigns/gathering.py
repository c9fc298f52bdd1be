"""Campaigns while ticks go by: which keys and accounts are theirs, and what they took."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from itertools import count
from typing import Any

from schemas.policy import Campaigns
from transforms.campaigns.grouping import Key, components
from transforms.campaigns.naming import continued
from transforms.campaigns.parts import Part, parts

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Holding:
    """What one account did with one key.

    Attributes:
        calls: calls that showed the key.
        output_tokens: their output tokens, None where not known.
        first_time: the first of them.
        last_tick: tick of the last.
        is_fresh: whether the account was young when it began, None where its age is not on file.
        card: its payment instrument, None where none is on file.
    """

    calls: int
    output_tokens: int | None
    first_time: datetime
    last_tick: datetime
    is_fresh: bool | None
    card: str | None


Members = dict[int, list[Holding]]
"""Accounts (hash) of a campaign with their holdings of its keys."""


@dataclass
class Gathering:
    """Tied keys, who holds them, and the campaigns they make.

    Which they are follows from the keys, who holds them, and whom they were counted against before. It is worked out once
    a tick, whichever run the tick is in.

    Attributes:
        policy: `policy.campaigns`.
        held: holdings by key and account.
        names: account id by hash.
        since: first tick at which each key was tied.
        last: last tick at which it was, or nearly.
        told: by campaign id, the accounts it was counted against, and the last hour in which it was.
        known: ids of all campaigns there ever were.
        campaigns: by id.
    """

    policy: Campaigns
    held: dict[Key, dict[int, Holding]] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)
    since: dict[Key, datetime] = field(default_factory=dict)
    last: dict[Key, datetime] = field(default_factory=dict)
    told: dict[str, dict[int, datetime]] = field(default_factory=dict)
    known: set[str] = field(default_factory=set)
    campaigns: dict[str, Part] = field(default_factory=dict)
    _parts: list[Part] | None = None
    _members: dict[Part, Members] = field(default_factory=dict)

    def take(self, tied: Iterable[Row]) -> None:
        """Holdings as of a tick."""
        shown = set()
        for row in tied:
            key = (row["kind"], row["key"])
            of_key = self.held.setdefault(key, {})
            if row["account_hash"] not in of_key:
                self._parts = None
            of_key[row["account_hash"]] = Holding(
                row["calls"], row["output_tokens"], row["first_time"], row["last_tick"], row["is_fresh"], row["card"]
            )
            self.names[row["account_hash"]] = row["account_id"]
            shown.add(key)
        for part in [part for part in self._members if not shown.isdisjoint(part.keys)]:
            del self._members[part]

    def tie(self, keys: Iterable[Key], nearly: Iterable[Key], tick: datetime) -> None:
        """Notes that keys are tied at a tick, or nearly so."""
        for key in keys:
            if key not in self.since:
                self._parts = None
            self.since.setdefault(key, tick)
            self.last[key] = tick
        for key in nearly:
            self.last[key] = tick

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
        """Accounts that belong to a campaign, with their holdings (`_worked_out`)."""
        if part not in self._members:
            self._members[part] = self._worked_out(part)
        return self._members[part]

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
        """The campaigns' keys and accounts; worked out again where keys or holders have changed."""
        if self._parts is None:
            keys = sorted(self.since, key=lambda key: (self.since[key], key))
            holders = {key: set(self.held[key]) for key in keys}
            cards = {account: holding.card for key in keys for account, holding in self.held[key].items()}
            self._parts = [
                part
                for group in components(keys, holders, self.policy)
                for part in parts(group, holders, cards, self.policy)
            ]
            self._members.clear()
        return self._parts

    def _worked_out(self, part: Part) -> Members:
        """Accounts that belong to a campaign, with their holdings.

        One key may be in many mouths; a template shows in several keys of one call, and a head shows most of what its
        pool shows, about as often as the others. So an account needs two of the keys (or the only one), a quarter of the
        keys and a tenth of the calls of those that show most: more than half of all may be bystanders. A user agent alone
        is anybody's. Where most accounts have a second thing in common, a client fingerprint or cards, it needs that too:
        words alone may be common. Where nearly all are young, an old account that pays for itself merely uses the same tool.
        """
        found: Members = {}
        for key in part.keys:
            for account, holding in self.held[key].items():
                if account in part.accounts:
                    found.setdefault(account, []).append(holding)
        least = min(2, len(part.keys))
        own = {account for key in part.keys if key[0] != "agent" for account in self.held[key]} or set(found)
        several = {
            account: holdings for account, holdings in found.items() if len(holdings) >= least and account in own
        }
        if not several:
            return {}
        keys = {account: len(holdings) for account, holdings in several.items()}
        calls = {account: max(holding.calls for holding in holdings) for account, holdings in several.items()}
        most_keys, most_calls = (sorted(of.values())[9 * len(of) // 10] for of in (keys, calls))
        bound = {
            account: holdings
            for account, holdings in several.items()
            if 4 * keys[account] >= most_keys and 10 * calls[account] >= most_calls
        }
        left_out = self._unbound(part, bound) | self._unlike(bound)
        return {account: holdings for account, holdings in bound.items() if account not in left_out}

    def forget(self, oldest: datetime) -> None:
        """Drops keys that were not tied since, and whom campaigns were counted against that spoke of nobody since."""
        for key in [key for key, tick in self.last.items() if tick < oldest]:
            self.since.pop(key, None)
            del self.last[key], self.held[key]
            self._parts = None
        for name in [name for name, accounts in self.told.items() if max(accounts.values()) < oldest]:
            del self.told[name]

    def rows(self) -> Iterator[dict[str, Any]]:
        """KEYS rows, sorted."""
        for kind, key in sorted(self.last):
            yield {"kind": kind, "key": key, "since": self.since.get((kind, key)), "last_tick": self.last[kind, key]}

    def _unbound(self, part: Part, members: Members) -> set[int]:
        """Accounts that have neither the client nor a card in common with others, where most have.

        Where most send the same clients, a card counts if it also pays for an account that does: colleagues share cards too.
        """
        own = {account: holdings[0].card for account, holdings in members.items()}
        clients = {account for key in part.keys if key[0] == "client" for account in self.held[key]} & own.keys()
        if 2 * len(clients) > len(members):
            cards = {own[account] for account in clients} - {None}
            return {account for account, card in own.items() if account not in clients and card not in cards}
        number = Counter(own.values())
        paired = {account for account, card in own.items() if card is not None and number[card] > 1}
        return own.keys() - paired - clients if 2 * len(paired) > len(members) else set()

    def _unlike(self, members: Members) -> set[int]:
        """Old accounts that share no card with another, among accounts of which nearly all are young."""
        ages = {account: holdings[0].is_fresh for account, holdings in members.items()}
        known = [is_fresh for is_fresh in ages.values() if is_fresh is not None]
        if 2 * len(known) < len(members) or sum(known) < self.policy.alike * len(known):
            return set()
        cards = Counter(holdings[0].card for holdings in members.values())
        return {
            account
            for account, is_fresh in ages.items()
            if is_fresh is False and (members[account][0].card is None or cards[members[account][0].card] < 2)
        }


def exchanges(members: Members) -> int:
    """Calls that carry the campaign's keys: one call shows several, so an account counts with the key it showed most."""
    return sum(max(holding.calls for holding in holdings) for holdings in members.values())


def output_tokens(members: Members) -> int | None:
    """Output tokens of those calls; None where no account's are known."""
    known = [
        max(holding.output_tokens for holding in holdings if holding.output_tokens is not None)
        for holdings in members.values()
        if any(holding.output_tokens is not None for holding in holdings)
    ]
    return sum(known) if known else None


def _ids(keys: tuple[Key, ...]) -> Iterator[str]:
    """Ids of a campaign founded by the first of the keys, or the next, or the first again ..."""
    for turn in count():
        for kind, key in keys:
            name = f"{kind}\n{key}\n{turn or ''}"
            yield "c-" + blake2b(name.encode(), digest_size=8).hexdigest()
