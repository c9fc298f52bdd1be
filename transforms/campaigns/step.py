"""One step of campaigns: ties of all shards become campaigns, and what those add to the accounts in them."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl

from schemas.campaign import CAMPAIGN
from schemas.finding import damage_tier
from schemas.hit import CAMPAIGN_RULE, HIT
from schemas.policy import Campaigns, Policy
from transforms.campaigns.agreeing import agreed, of_size
from transforms.campaigns.course import course, pace_of, quiet_share_of, visits_with
from transforms.campaigns.evidence import NEW_NETWORKS
from transforms.campaigns.gathering import Gathering, exchanges, output_tokens
from transforms.campaigns.habits import Habits, Record, since_when
from transforms.campaigns.kinds import ANYBODYS, Key
from transforms.campaigns.membership import Members, is_of_software
from transforms.campaigns.pacing import at_its_pace
from transforms.campaigns.parts import Part, is_enough
from transforms.campaigns.prompts import Prompts
from transforms.campaigns.state import KEYS, MARKS, TOLD, CampaignState
from transforms.campaigns.wording import HARVEST, PROBING, detail, evidence, kind_of, link_kinds
from transforms.campaigns.work import is_probing

MOST_LINKED = 20
"""As many linked accounts as a hit lists (HIT.linked_account_ids)."""

_DAY = timedelta(days=1)

Row = dict[str, Any]


def step(
    state: CampaignState,
    ties: pl.DataFrame,
    tied: pl.DataFrame,
    prompts: pl.DataFrame,
    habits: Habits,
    until: datetime,
    policy: Policy,
) -> tuple[CampaignState, pl.DataFrame, pl.DataFrame]:
    """Campaigns after more ticks; once over a day gives what once a tick gives.

    Args:
        state: campaigns before.
        ties: TIE rows of all shards, ticks before `until` not given before.
        tied: TIED rows of the same ticks.
        prompts: SHARED rows of exact prompts (one in schemas.trait.SAMPLED).
        habits: what the accounts that hold tied keys did beside in the same ticks.
        until: border up to which ticks are closed.
        policy: `policy.campaigns`, links.memory_days, time.

    Returns:
        The state; HIT rows of accounts in campaigns: of each once an hour with a call that shows a shared key, and at the
        tick at which it became known; CAMPAIGN rows of all campaigns within the memory.
    """
    oldest = _midnight(until - policy.time.tick) - timedelta(days=policy.links.memory_days)
    known = state.habits.after(habits, since_when(state.keys, state.held, ties, tied, oldest))
    work = _Work(state, known, prompts, policy)
    of_ticks = {tick: rows for (tick,), rows in tied.sort("kind", "key", "account_hash").group_by("tick")}
    for (tick,), rows in ties.sort("tick", "kind", "key").group_by("tick", maintain_order=True):
        work.take(tick, rows, of_ticks[tick])
    after = work.state(until)
    hits = HIT.conform(pl.DataFrame(list(work.hits.values()), schema=HIT.polars)) if work.hits else HIT.empty()
    return after, hits, after.campaigns


class _Work:
    """The campaigns while ticks go by."""

    def __init__(self, state: CampaignState, habits: Record, prompts: pl.DataFrame, policy: Policy) -> None:
        self.hits: dict[tuple[int, datetime], Row] = {}
        self._policy = policy
        self._memory = timedelta(days=policy.links.memory_days)
        self._rows: dict[str, Row] = {row["campaign_id"]: row for row in state.campaigns.iter_rows(named=True)}
        self._gathering = Gathering.restored(state, policy.campaigns)
        self._habits = habits
        self._seen: dict[str, Members] = {}
        self._marks: dict[str, dict[datetime, int]] = {}
        for row in state.marks.iter_rows(named=True):
            self._marks.setdefault(row["campaign_id"], {})[row["day"]] = row["exchanges"]
        self._prompts = Prompts.after(state.prompts, prompts)
        self._last = max(self._gathering.last.values(), default=None)

    def take(self, tick: datetime, ties: pl.DataFrame, tied: pl.DataFrame) -> None:
        """Everything that happened at one tick."""
        gathering = self._gathering
        if self._last is None or _midnight(self._last) < _midnight(tick):
            gathering.forget(_midnight(tick) - self._memory)
            self._regroup(tick)
            for name in gathering.told.keys() & gathering.campaigns.keys():
                days = self._marks.get(name, {}) | {_midnight(tick): self._rows[name]["exchanges"]}
                self._marks[name] = dict(sorted(days.items())[-2:])
        self._last = tick
        gathering.take(tied)
        keys: list[Key] = ties.select("kind", "key").rows()
        enough = ties.filter(~pl.col("is_sustained"))
        tie = {(row["kind"], row["key"]): row for row in agreed(enough, gathering.held, self._policy.campaigns)}
        goes_on = {key for key in keys if key not in tie and key[0] != ANYBODYS and gathering.goes_on(key, tick)}
        gathering.tie(tie, enough.select("kind", "key").rows(), tick)
        self._regroup(tick)
        for name, part in sorted(gathering.campaigns.items()):
            now = [key for key in part.keys if key in tie or key in goes_on]
            rows = [tie[key] for key in now if key in tie]
            if rows or (now and name in gathering.told):
                active = set().union(*map(gathering.held.showing, now))
                self._say(name, part, tick, rows, active)

    def _regroup(self, tick: datetime) -> None:
        """Works out the campaigns anew; those that have become part of others say so, and their accounts are told."""
        gathering = self._gathering
        for name, into in gathering.regroup().items():
            accounts = self._merge(name, into)
            self._rows[into] = self._listing(self._rows[into], gathering.told[into].keys() | accounts.keys())
            self._count_against(into, tick, sorted(accounts.keys() - gathering.told[into].keys()))

    def _merge(self, name: str, into: str) -> dict[int, datetime]:
        """Notes that a campaign has become part of another; whom it was counted against, and when."""
        for row in self._rows.values():
            if row["campaign_id"] == name or row["merged_into"] == name:
                self._rows[row["campaign_id"]] = row | {"merged_into": into}
        return self._gathering.told.pop(name)

    def state(self, until: datetime) -> CampaignState:
        """What is to be remembered."""
        gathering = self._gathering
        told = [
            {"campaign_id": name, "account_hash": account, "hour": hour}
            for name, accounts in sorted(gathering.told.items())
            for account, hour in sorted(accounts.items())
        ]
        marks = [
            {"campaign_id": name, "day": day, "exchanges": count}
            for name, days in sorted(self._marks.items())
            for day, count in days.items()
            if name in gathering.told
        ]
        merged: dict[str, list[str]] = {}
        for name, row in sorted(self._rows.items()):
            merged.setdefault(row["merged_into"], []).append(name)
        campaigns = [
            row | {"merged_ids": merged.get(name, [])} | self._course(name, row)
            for name, row in sorted(self._rows.items())
        ]
        oldest = _midnight(until) - self._memory
        return CampaignState(
            keys=pl.DataFrame(list(gathering.rows()), schema=KEYS),
            held=gathering.held.rows(gathering.last),
            campaigns=CAMPAIGN.conform(pl.DataFrame(campaigns, schema=CAMPAIGN.polars))
            if campaigns
            else CAMPAIGN.empty(),
            told=pl.DataFrame(told, schema=TOLD),
            marks=pl.DataFrame(marks, schema=MARKS),
            prompts=self._prompts.rows(oldest),
            habits=self._habits.remembered(oldest),
        )

    def _say(self, name: str, part: Part, tick: datetime, ties: list[Row], active: set[int]) -> None:
        """What a campaign is as of the tick, and its hits."""
        gathering, time, policy = self._gathering, self._policy.time, self._policy.campaigns
        is_vague = name not in gathering.told and not is_enough(part.keys)
        if is_vague and all(tie["points"] < policy.software_decades for tie in ties):
            return
        members = gathering.members(part)
        if name not in gathering.told and is_of_software(part) and gathering.pays_as_one(part):
            return
        if is_of_software(part):
            members = at_its_pace(members, gathering.told.get(name, {}), tick + time.tick, policy)
        ties = [tie for tie in ties if self._is_theirs(tie, members)]
        if not ties:
            members = _going_on(members, gathering.told.get(name, {}))
        if len(members) < policy.least_accounts:
            return
        if not _move_on(ties, policy) and self._prompts.repeated(members, tick) >= policy.repeated * exchanges(members):
            return
        before = self._rows.get(name)
        told = gathering.told.get(name, {})
        listed = members.keys() | told.keys()
        shown = members | gathering.holdings(part, told.keys() - members.keys())
        left, tokens = exchanges(shown), output_tokens(shown)
        told_by = [
            {"score": tie["points"], "signals": tie["signals"], "evidence_accounts": tie["accounts"]} for tie in ties
        ]
        if before is not None:
            told_by.insert(0, {name: before[name] for name in ("score", "signals", "evidence_accounts")})
        said = max(told_by, key=lambda one: _weight(one["score"], one["evidence_accounts"] or 0, len(listed)))
        kind = kind_of(part.keys, _broadly_said(told_by, said, len(listed)))
        is_sure = said["score"] >= policy.act_decades or (before is not None and before["tier"] == "act")
        was = None if before is None else before["kind"]
        if was == HARVEST:
            kind = HARVEST  # what calls have asked for cannot be taken back, whatever ties the accounts now
        acts = is_sure and kind != "resale"  # a breach of terms that somebody has to look at, not a theft
        counted = self._habits.work_done.counted(shown, tick)
        if is_probing(shown, counted, self._policy.rules, was=was == PROBING):
            kind = PROBING
        first = min(holding.first_time for holdings in members.values() for holding in holdings)
        pace, falls = pace_of(self._marks.get(name, {}), first, tick + time.tick, left)
        row = said | {
            "campaign_id": name,
            "kind": kind,
            "tier": "act" if acts else "review",
            "link_kinds": link_kinds(part.keys, is_of_purse=bool(part.pieces)),
            "first_seen": first,
            "last_seen": tick,
            "flagged_at": tick + time.tick + time.lateness if before is None else before["flagged_at"],
            "exchanges": left,
            "exchanges_before": left if before is None else before["exchanges_before"],
            "output_tokens": tokens,
            "output_tokens_before": tokens if before is None else before["output_tokens_before"],
            "damage_tier": damage_tier(left),
            "exchanges_per_day": pace,
            "next_tier_at": falls,
            "merged_into": None,
            "evidence": evidence(said["signals"]),
            "visits_by_hour": visits_with(before, tick, len(active & listed)),
        }
        self._seen[name] = shown
        self._rows[name] = self._listing(row, listed)
        hour = tick.replace(minute=0)
        is_other = before is not None and before["kind"] != kind
        due = [
            account
            for account in sorted(listed)
            if account not in told or is_other or (account in members and account in active and told[account] < hour)
        ]
        self._count_against(name, tick, due)

    def _course(self, name: str, row: Row) -> Row:
        """Who came and went as of the last tick at which the campaign was seen; nothing where that was before these ticks."""
        members = self._seen.get(name)
        if members is None:
            return {}
        end = row["last_seen"] + self._policy.time.tick
        habits = self._habits.of(members, row, self._policy)
        return course(members, end, self._policy) | {"quiet_share": quiet_share_of(row)} | habits

    def _listing(self, campaign: Row, accounts: Collection[int]) -> Row:
        """The campaign with these accounts as its own."""
        names = self._gathering.held.names
        return campaign | {"account_ids": sorted(names[one] for one in accounts), "accounts": len(accounts)}

    def _count_against(self, name: str, tick: datetime, accounts: list[int]) -> None:
        """Hits of these accounts, with what the campaign says of itself; who has gone over from another one leaves that."""
        gathering, campaign = self._gathering, self._rows[name]
        said, some = detail(campaign), campaign["account_ids"][: MOST_LINKED + 1]
        policy = self._policy.campaigns
        least = of_size(np.array([campaign["accounts"]]), policy).item()  # of a key that all of them hold
        for account in accounts:
            left = self._left(account, name)
            gathering.tell(name, account, tick.replace(minute=0))
            own = gathering.held.names[account]
            hit = {
                "account_id": own,
                "account_hash": account,
                "tick": tick,
                "rule": CAMPAIGN_RULE,
                "observed": campaign["score"],
                "expected": least,
                "detail": said,
                "linked_account_ids": [other for other in some if other != own][:MOST_LINKED],
                "sample_event_ids": [],
                "campaign_id": name,
                "campaign_ids": [name],
                "left_campaign_ids": left,
                "tier": campaign["tier"],
                "kind": campaign["kind"],
                "signals": campaign["signals"],
            }
            self.hits[account, tick] = _stronger(self.hits.get((account, tick)), hit)

    def _left(self, account: int, name: str) -> list[str]:
        """Campaigns that an account was counted in and does not belong to any more: they fell apart. One of nobody else becomes part of `name`."""
        gathering, left = self._gathering, list[str]()
        for other, part in sorted(gathering.campaigns.items()):
            told = gathering.told.get(other, {})
            if other == name or account not in told or account in gathering.members(part):
                continue
            if len(told) == 1:
                self._merge(other, name)
                continue
            del told[account]
            self._rows[other] = self._listing(self._rows[other], told.keys())
            left += [other, *self._out_of_merged(gathering.held.names[account], other, name)]
        return left

    def _out_of_merged(self, account: str, other: str, name: str) -> list[str]:
        """Campaigns that had become part of one which the account has left for `name`, and that it was counted in: it leaves them too. One of nobody else becomes part of `name`."""
        left = []
        for row in [
            row for row in self._rows.values() if row["merged_into"] == other and account in row["account_ids"]
        ]:
            remaining = [one for one in row["account_ids"] if one != account]
            if remaining:
                self._rows[row["campaign_id"]] = row | {"account_ids": remaining, "accounts": len(remaining)}
                left.append(row["campaign_id"])
            else:
                self._rows[row["campaign_id"]] = row | {"merged_into": name}
        return sorted(left)

    def _is_theirs(self, tie: Row, members: Members) -> bool:
        """Whether what speaks for a key speaks of these accounts: half of those that it was counted on (`overlap`) are among them."""
        holders = self._gathering.held[tie["kind"], tie["key"]].keys()
        return len(holders & members.keys()) >= self._policy.campaigns.overlap * int(tie["accounts"])


def _stronger(one: Row | None, other: Row) -> Row:
    """The hit with more points, the first of equals, with the campaigns of both."""
    if one is None:
        return other
    stronger = other if other["observed"] > one["observed"] else one
    return stronger | {name: sorted({*one[name], *other[name]}) for name in ("campaign_ids", "left_campaign_ids")}


def _going_on(members: Members, told: Collection[int]) -> Members:
    """Of the members of a campaign of which nothing speaks at the tick those of before, and who may replace them: young, or paid for as they are.

    Nobody, where it was counted against nobody.
    """
    cards = {members[account][0].card for account in told if account in members} - {None}
    return {
        account: holdings
        for account, holdings in members.items()
        if account in told or (told and (holdings[0].is_fresh is not False or holdings[0].card in cards))
    }


def _move_on(ties: list[Row], policy: Campaigns) -> bool:
    """Whether all that these ties say of networks is said: an evaluation has servers, or a machine for the time of a job."""
    signals = (signal for tie in ties for signal in tie["signals"])
    return any(one["signal"] == NEW_NETWORKS and one["points"] >= policy.identity_most for one in signals)


def _broadly_said(told_by: list[Row], said: Row, listed: int) -> list[Row]:
    """The signals of what half of a campaign's accounts hold, or else of the strongest that speaks for it."""
    broad = [one for one in told_by if _weight(one["score"], one["evidence_accounts"] or 0, listed)[0]]
    return [signal for one in broad or [said] for signal in one["signals"]]


def _weight(points: float, accounts: int, listed: int) -> tuple[bool, float, float]:
    """How well a tie speaks for a campaign of so many accounts: one that half of them hold first, and then the stronger."""
    is_broad = 2 * accounts >= listed
    return is_broad, points if is_broad else accounts, accounts if is_broad else points


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)
