"""Rings: accounts that send in each other's reasoning handles and answers are campaigns too, by who was given what another sent in.

The keys of the other campaigns are held by many; a handle or an answer is given once and sent in by another account, and what ties a ring
is that this goes on among the same accounts. Who is of a ring is whom a rule over what comes back flags (the same count over the same
24 hours), so a ring adds no points: it says who belongs together. Whose handles a thief with logs of others redeems is of none.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from schemas.campaign import CAMPAIGN
from schemas.finding import damage_tier
from schemas.foreign import FOREIGN
from schemas.hit import HIT
from schemas.policy import Policy
from transforms.campaigns.course import came_and_went, pace_of, quiet_share_of, visits_with
from transforms.campaigns.naming import continued
from transforms.campaigns.ring_rows import GAVE, HANDLE, PASTED, ids, is_counted, ring_hit, ring_kind, ring_signal
from transforms.campaigns.ring_state import Account, Edge, RingState, Union, spans_of
from transforms.campaigns.wording import evidence

_DAY = timedelta(days=1)
_NEVER = datetime(1, 1, 1, tzinfo=UTC)
_NOBODY: Mapping[int, datetime] = {}

Row = dict[str, Any]


def step(
    state: RingState, foreign: pl.DataFrame, given: pl.DataFrame, until: datetime, policy: Policy
) -> tuple[RingState, pl.DataFrame, pl.DataFrame]:
    """Rings after more ticks; once over a day gives what once a tick gives.

    Args:
        state: rings before.
        foreign: FOREIGN rows of all shards, ticks before `until` not given before, in any order; those without a hash of the issuer,
            and those of an account's own handles, say nothing.
        given: those of them that speak against the issuer as well.
        until: border up to which ticks are closed.
        policy: what comes back of rules, rules.handle_act, `policy.campaigns`, links.memory_days, time.

    Returns:
        The state; HIT rows without signals, of each account once an hour in which a rule over what comes back hits it too, and
        at the tick at which it became known if it did within the day before; CAMPAIGN rows of all rings there ever were.
    """
    if foreign.is_empty():
        return state.rested(until), HIT.empty(), state.rings
    known = FOREIGN.conform(foreign).filter(pl.col("issuer_hash") != pl.col("account_hash"))
    work = _Work(state, given, policy)
    for (tick,), rows in known.sort("tick", "account_hash", "key").group_by("tick", maintain_order=True):
        work.take(tick, rows)
    after = work.state(until)
    hits = HIT.conform(pl.DataFrame(work.hits, schema=HIT.polars)) if work.hits else HIT.empty()
    return after, hits, after.rings


class _Work:
    """The rings while ticks go by."""

    def __init__(self, state: RingState, given: pl.DataFrame, policy: Policy) -> None:
        self.hits: list[Row] = []
        self._given = set(given.select("account_hash", "issuer_hash", "tick").iter_rows())
        self._policy, self._needed = policy, policy.rules.come_back()
        self._memory = timedelta(days=policy.links.memory_days)
        self._seen = state.sightings()
        self._accounts: dict[int, Account] = state.accounts_by_hash()
        self._edges: dict[tuple[int, int], Edge] = state.edges_by_pair()
        self._ties = {pair: edge for pair, edge in self._edges.items() if edge.is_tied}  # those that no chance explains
        self._rows: dict[str, Row] = {row["campaign_id"]: row for row in state.rings.iter_rows(named=True)}
        self._told, self._marks = state.told_by_ring(), state.marks_by_ring()
        self._last = max((edge.last for edge in self._edges.values()), default=None)
        self._rings: dict[str, set[int]] = {}
        self._peers: dict[int, set[int]] = {}
        for one, other in self._ties:
            self._peers.setdefault(one, set()).add(other)
            self._peers.setdefault(other, set()).add(one)
        self._union = self._joined()
        self._sets: list[set[int]] | None = None

    def take(self, tick: datetime, rows: pl.DataFrame) -> None:
        """Everything that was redeemed at one tick."""
        if self._last is None or _midnight(self._last) < _midnight(tick):
            self._forget(_midnight(tick))
            self._regroup(tick)
            for name in self._rings.keys() & self._told.keys():
                days = self._marks.get(name, {}) | {_midnight(tick): self._taken(self._told[name])[0]}
                self._marks[name] = dict(sorted(days.items())[-2:])
        self._last = tick
        showing = self._add(tick, rows)
        self._regroup(tick)
        for name, members in sorted(self._rings.items()):
            if not showing.isdisjoint(members):
                self._say(name, members, tick, showing & members)

    def _add(self, tick: datetime, rows: pl.DataFrame) -> set[int]:
        """Notes who sent in what of whom; the accounts that a rule over what comes back hits at this tick."""
        hour, rules = tick.replace(minute=0), self._policy.rules
        active: set[tuple[int, str]] = set()
        taken: dict[int, dict[str, list[tuple[int, int | None]]]] = {}
        for row in rows.iter_rows(named=True):
            one, other, key = row["account_hash"], row["issuer_hash"], row["key"]
            how = row["kind"] or HANDLE
            sides = [(one, how)]
            if how == HANDLE and (one, other, tick) in self._given:
                sides.append((other, GAVE))
            self._accounts.setdefault(one, Account(row["account_id"]))
            self._accounts.setdefault(other, Account(row["issuer"]))
            self._pair(row, how, tick, is_new=self._seen.get((one, how), {}).get(key, _NEVER) <= hour - _DAY)
            for side in sides:
                self._seen.setdefault(side, {})[key] = hour
                active.add(side)
            taken.setdefault(one, {}).setdefault(how, []).append((row["calls"] or 1, row["output_tokens"]))
        for one, kinds in taken.items():
            self._accounts[one].take(*_of_tick(kinds))
        showing = set()
        for account, how in active:
            self._seen[account, how] = self._lately(account, how, tick)  # older ones are dropped
            number = len(self._seen[account, how])
            if number >= self._needed[how]:
                showing.add(account)
                self._meet(account, tick, acts=how == HANDLE and number >= rules.handle_act)
        return showing

    def _pair(self, row: Row, how: str, tick: datetime, *, is_new: bool) -> None:
        """Notes that one account sent in what was another's; ties the two where that is no chance.

        Args:
            row: of FOREIGN.
            how: its kind.
            tick: its tick.
            is_new: whether the account had not sent it in within 24 hours.
        """
        one, other = row["account_hash"], row["issuer_hash"]
        pair = (min(one, other), max(one, other))
        before = self._edges.get(pair, Edge(tick, tick, row["key"]))
        passages = None if how != PASTED else int(is_new)
        edge = self._edges[pair] = before.again(tick, passages, self._policy.campaigns.ring_passages)
        if edge.is_tied:
            self._ties[pair] = edge
        if edge.is_tied and not before.is_tied:
            self._peers.setdefault(one, set()).add(other)
            self._peers.setdefault(other, set()).add(one)
            self._link(pair)

    def _lately(self, account: int, how: str, tick: datetime) -> dict[int, datetime]:
        """Handles or answers that an account sent in, or gave, in the 24 hours up to the tick's end."""
        after = tick.replace(minute=0) - _DAY
        return {key: hour for key, hour in self._seen.get((account, how), {}).items() if hour > after}

    def _meet(self, account: int, tick: datetime, *, acts: bool) -> None:
        """Notes that a rule hits an account."""
        known, is_new = self._accounts[account], self._accounts[account].last is None
        known.last, known.acts = tick, known.acts or acts
        for other in self._peers.get(account, ()) if is_new else ():
            self._link((account, other))

    def _link(self, pair: tuple[int, int]) -> None:
        """Joins two accounts if both are such as a rule hits."""
        if all(self._accounts[one].last is not None for one in pair):
            self._union.join(*pair)
            self._sets = None

    def _joined(self) -> Union:
        union = Union()
        for one, other in self._ties:
            if self._accounts[one].last is not None and self._accounts[other].last is not None:
                union.join(one, other)
        return union

    def _regroup(self, tick: datetime) -> None:
        """Works out which rings there are, once a tick, whichever run the tick is in; those that have become part of others say so."""
        if self._sets is None:
            least = self._policy.campaigns.ring_accounts
            self._sets = [group for group in self._union.groups() if len(group) >= least]
        sets = self._sets
        names = continued(sets, {name: accounts.keys() for name, accounts in self._told.items()})
        named = dict(names.of)
        for number, group in enumerate(sets):
            if number not in named:
                taken = self._rows.keys() | set(named.values())
                named[number] = next(name for name in ids(self._founding_key(group)) if name not in taken)
        self._rings = {name: sets[number] for number, name in named.items()}
        gone = [(named[number], self._merge(name, named[number])) for name, number in sorted(names.gone.items())]
        for into, accounts in gone:
            self._say(into, self._rings[into], tick, set(), accounts)

    def _merge(self, name: str, into: str) -> dict[int, datetime]:
        """Notes that a ring has become part of another; whom it was counted against, and when."""
        for row in list(self._rows.values()):
            if row["campaign_id"] == name or row["merged_into"] == name:
                self._rows[row["campaign_id"]] = row | {"merged_into": into}
        return self._told.pop(name)

    def _founding_key(self, group: set[int]) -> int:
        """The first handle or answer that one of them sent in of another; of equals the smallest."""
        own = (edge for (one, other), edge in self._ties.items() if one in group and other in group)
        return min((edge.first, edge.key) for edge in own)[1]

    def _say(
        self, name: str, members: set[int], tick: datetime, showing: set[int], merged: Mapping[int, datetime] = _NOBODY
    ) -> None:
        """What a ring is as of the tick, and its hits; `merged` is whom a ring was counted against that has become part of it."""
        time, before = self._policy.time, self._rows.get(name)
        told = self._told.setdefault(name, {})
        due = sorted(one for one in members if self._is_due(one, told.get(one), tick, is_showing=one in showing))
        left = {one: self._left(one, name) for one in due}
        hour = tick.replace(minute=0)
        told |= {one: hour for one in (*members, *merged) if one not in told} | dict.fromkeys(due, hour)
        known = [row for row in self._rows.values() if name in (row["campaign_id"], row["merged_into"])]
        kinds = sorted({*self._kinds(members, tick)}.union(*[row["link_kinds"] for row in known]))
        signal = self._signal(members, tick, known, kinds)
        calls, tokens = self._taken(told)
        own = [edge.first for (one, other), edge in self._ties.items() if one in members and other in members]
        first = min(own) if before is None else min(*own, before["first_seen"])
        pace, falls = pace_of(self._marks.get(name, {}), first, tick + time.tick, calls)
        acts = (before is not None and before["tier"] == "act") or any(self._accounts[one].acts for one in members)
        names = sorted(self._accounts[one].name for one in told)
        self._rows[name] = {
            "campaign_id": name,
            "kind": ring_kind(kinds),
            "tier": "act" if acts else "review",
            "score": signal["points"],
            "signals": [signal],
            "link_kinds": kinds,
            "account_ids": names,
            "accounts": len(names),
            "evidence_accounts": len(members),
            "first_seen": first,
            "last_seen": tick,
            "flagged_at": tick + time.tick + time.lateness if before is None else before["flagged_at"],
            "exchanges": calls,
            "exchanges_before": calls if before is None else before["exchanges_before"],
            "output_tokens": tokens,
            "output_tokens_before": tokens if before is None else before["output_tokens_before"],
            "damage_tier": damage_tier(calls),
            "exchanges_per_day": pace,
            "next_tier_at": falls,
            "merged_into": None,
            "evidence": evidence([signal]),
            "visits_by_hour": visits_with(before, tick, len(showing)),
        }
        spans = spans_of(self._ties, told)
        self._rows[name] |= came_and_went(spans, tick + time.tick, self._policy)
        self._rows[name]["quiet_share"] = quiet_share_of(self._rows[name])
        expected = float(min(self._needed[kind] for kind in kinds))
        for one in due:
            self.hits.append(ring_hit(self._rows[name], one, self._accounts[one].name, tick, expected, left[one]))

    def _is_due(self, account: int, told: datetime | None, tick: datetime, *, is_showing: bool) -> bool:
        """Whether an account is told: once an hour in which the rule hits it; when it is new, if that was within a day (its finding is open)."""
        if told is not None:
            return is_showing and told < tick.replace(minute=0)
        last = self._accounts[account].last
        return last is not None and tick - last < _DAY

    def _left(self, account: int, name: str) -> list[str]:
        """Rings that an account was counted in and that fell apart; one of nobody else becomes part of `name`."""
        left = []
        for other, told in sorted(self._told.items()):
            if other == name or account not in told or account in self._rings.get(other, ()):
                continue
            if len(told) == 1:
                self._merge(other, name)
                continue
            del told[account]
            names = sorted(self._accounts[one].name for one in told)
            self._rows[other] |= {"account_ids": names, "accounts": len(names)}
            left.append(other)
        return left

    def _kinds(self, members: Iterable[int], tick: datetime) -> set[str]:
        """Kinds of trait by which a rule hits any of some accounts now."""
        hits = (
            how for how, least in self._needed.items() for one in members if len(self._lately(one, how, tick)) >= least
        )
        return {HANDLE if how == GAVE else how for how in hits}

    def _signal(self, members: Iterable[int], tick: datetime, known: Iterable[Row], kinds: Sequence[str]) -> Row:
        """The one reason of a ring: the most handles, else answers, that went round within 24 hours in it, or in those it has taken in."""
        ways = [how for how in self._needed if how != GAVE and is_counted(how, kinds)]
        now = {key for one in members for how in ways for key in self._lately(one, how, tick)}
        signal = ring_signal(float(len(now)), self._policy.campaigns.ring_decades, kinds)
        said = [one["observed"] for row in known for one in row["signals"] if one["signal"] == signal["signal"]]
        return signal | {"observed": max([signal["observed"], *said])}

    def _taken(self, accounts: Iterable[int]) -> tuple[int, int | None]:
        """Calls of these accounts with what is another's, and their output tokens."""
        known = [self._accounts[one] for one in accounts]
        tokens = [one.output_tokens for one in known if one.output_tokens is not None]
        return sum(one.calls for one in known), sum(tokens) if tokens else None

    def _forget(self, midnight: datetime) -> None:
        """Drops pairs, accounts and rings of which nothing was seen within the memory, and pairs by chance of which nothing was for a day."""
        oldest = midnight - self._memory
        yesterday = midnight - _DAY
        gone = [pair for pair, edge in self._edges.items() if edge.last < (oldest if edge.is_tied else yesterday)]
        for name in [name for name, told in self._told.items() if max(told.values()) < oldest]:
            del self._told[name]
        for pair in gone:
            del self._edges[pair]
            self._ties.pop(pair, None)
        used = {one for pair in self._edges for one in pair} | {one for told in self._told.values() for one in told}
        self._accounts = {one: known for one, known in self._accounts.items() if one in used}
        for known in self._accounts.values():
            if known.last is not None and known.last < oldest:
                known.last = None
        for one, other in gone:
            self._peers.get(one, set()).discard(other)
            self._peers.get(other, set()).discard(one)
        self._union, self._sets = self._joined(), None

    def state(self, until: datetime) -> RingState:
        """What is to be remembered."""
        merged: dict[str, list[str]] = {}
        for name, row in sorted(self._rows.items()):
            merged.setdefault(row["merged_into"], []).append(name)
        rows = [row | {"merged_ids": merged.get(name, [])} for name, row in sorted(self._rows.items())]
        after = until.replace(minute=0, second=0, microsecond=0) - _DAY
        return RingState.of(
            CAMPAIGN.conform(pl.DataFrame(rows, schema=CAMPAIGN.polars)) if rows else CAMPAIGN.empty(),
            {of: {key: hour for key, hour in keys.items() if hour > after} for of, keys in self._seen.items()},
            self._accounts,
            self._edges,
            self._told,
            {name: days for name, days in self._marks.items() if name in self._told},
        )


def _of_tick(kinds: Mapping[str, Sequence[tuple[int, int | None]]]) -> tuple[int, int | None]:
    """Calls of an account within a tick that sent in what is others', and their output tokens, by kind of what came back.

    A call brings one last handle and one last answer, but any number of passages; it may have several kinds.
    """
    calls, tokens = [], []
    for how, rows in kinds.items():
        add = max if how == PASTED else sum
        calls.append(add(number for number, _ in rows))
        known = [number for _, number in rows if number is not None]
        tokens += [add(known)] if known else []
    return max(calls), max(tokens, default=None)


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)
