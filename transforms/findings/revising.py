"""Findings and their revisions: created once, updated when something gets worse, closed when nothing supports it any more.

A finding is not revised every hour it holds: a revision needs a higher tier, a higher severity, a reason of a new kind, a
kind that weighs a decade more than the one named so far, or another campaign. Tiers, severities and kinds of reason are few, so
revisions are. A finding is of the kind of its strongest reason. Of each reason the strongest signal so far is kept, and the score is what these add up to. What only campaigns speak against is of the kind of the strongest, and changes with that.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any

from schemas.card import Card
from schemas.finding import SEVERITIES, damage_tier
from schemas.policy import Policy
from transforms.findings import judging, wording
from transforms.findings.hourly import Signal, strongest_first
from transforms.findings.observing import Observation

Row = dict[str, Any]

KIND_OUTWEIGHS = 1.0
"""Decades by which the strongest reason of another kind must weigh more to be worth a revision alone: ten times rarer among benign accounts."""

REASON_FROM = 0.5
"""Points from which a signal is a reason of its own: rarer than one account in three."""

MOST_EXAMPLES = 5


@dataclass(frozen=True)
class Context:
    """What revisions are made with.

    Attributes:
        cards: cards by rule id.
        contracts: contract on file by account id.
        policy: time, learning.guard_days; its version is part of the uid.
    """

    cards: Mapping[str, Card]
    contracts: Mapping[str, str]
    policy: Policy

    @property
    def patience(self) -> timedelta:
        """How long a finding stays open without support."""
        return timedelta(days=self.policy.learning.guard_days)


def revise(
    current: Row | None, seen: Sequence[Observation], until: datetime, context: Context
) -> tuple[Row | None, list[Row]]:
    """One account's open finding after its observations, and the revisions made.

    Args:
        current: its open finding (OPEN), None if there is none.
        seen: its observations, by tick.
        until: border up to which ticks are closed.
        context: what revisions are made with.
    """
    revisions: list[Row] = []
    for one in seen:
        end = one.tick + context.policy.time.tick
        if current is not None and end > current["last_support"] + context.patience:
            revisions.append(_closed(current, context))
            current = None
        if current is None:
            current = _created(one, context)
            revisions.append(current)
            continue
        updated = _updated(current, one, context)
        if updated is not None:
            current = updated
            revisions.append(current)
        current = current | {"last_support": end}
    if current is not None and until >= current["last_support"] + context.patience:
        revisions.append(_closed(current, context))
        current = None
    return current, revisions


_BY_THE_FLAG = ("exchanges_before", "output_tokens_before", "damage_tier")
"""What had left when the account was flagged: later revisions add reasons, and no harm that came before."""


def uid(account_id: str, tick: datetime, policy: Policy) -> str:
    """Sixteen hex digits, the same whenever the same log is read under the same policy."""
    name = f"{account_id}\n{tick.isoformat()}\n{policy.version}"
    return blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def evidence(one: Observation, context: Context) -> Row:
    """The evidence columns of a finding made from one observation alone."""
    kind, points = judging.kind(one.weights)
    return {
        "tier": one.tier,
        "uncalibrated": one.uncalibrated,
        "severity": judging.severity(one.exchanges, one.rules, context.cards),
        "kind": kind,
        "kind_points": points,
        "score": one.score,
        "p_value": one.p_value,
        "techniques": judging.techniques(one.rules, one.pattern, context.cards),
        "reasons": wording.reasons(one.signals),
        "signals": one.signals,
        "active_since": one.active_since,
        "exchanges_before": one.exchanges,
        "output_tokens_before": one.output_tokens,
        "damage_tier": damage_tier(one.exchanges),
        "linked_account_ids": list(one.linked),
        "example_event_ids": list(one.samples[:MOST_EXAMPLES]),
        "could_not_see": list(one.could_not_see),
        "would_clear": wording.would_clear(one.signals, context.contracts.get(one.account_id)),
        "policy_version": context.policy.version,
        "snapshot_id": one.snapshot_id,
    }


def _created(one: Observation, context: Context) -> Row:
    time = context.policy.time
    known_at = one.tick + time.tick + time.lateness
    return {
        "finding_uid": uid(one.account_id, one.tick, context.policy),
        "revision": 1,
        "activity": "created",
        "account_id": one.account_id,
        "account_hash": one.account_hash,
        "campaign_id": one.campaign,
        "campaign_ids": list(one.campaigns) or None,
        "tick": one.tick,
        "flagged_at": known_at,
        "revised_at": known_at,
        "last_support": one.tick + time.tick,
    } | evidence(one, context)


def _updated(current: Row, one: Observation, context: Context) -> Row | None:
    """The finding with what the observation adds, None if it is nothing worth a revision."""
    new = evidence(one, context)
    campaigns = sorted({*(current["campaign_ids"] or ()), *one.campaigns} - {*one.left})
    campaign = one.campaign or current["campaign_id"]
    if _is_of_campaigns(current["signals"]) and _is_of_campaigns(new["signals"]):
        is_renamed = new["kind"] != current["kind"] and campaign == current["campaign_id"]
        is_stronger = (new["kind_points"], new["score"]) > (current["kind_points"], current["score"])
        is_stronger |= current["campaign_id"] in one.left
        outweighs = is_renamed or (new["kind"] != current["kind"] and is_stronger)
    else:
        outweighs = new["kind"] != current["kind"] and new["kind_points"] > current["kind_points"]
        is_renamed = outweighs and new["kind_points"] >= current["kind_points"] + KIND_OUTWEIGHS
    rises = (
        judging.TIER_RANK[new["tier"]] > judging.TIER_RANK[current["tier"]]
        or SEVERITIES.index(new["severity"]) > SEVERITIES.index(current["severity"])
        or bool(set(_reasons(new["signals"])) - set(_reasons(current["signals"])))
        or is_renamed
        or campaigns != (current["campaign_ids"] or [])
    )
    if not rises:
        return None
    is_same = new["kind"] == current["kind"] and new["kind_points"] > current["kind_points"]
    signals = _merged(current["signals"], new["signals"])
    known_at = one.tick + context.policy.time.tick + context.policy.time.lateness
    return new | {
        "finding_uid": current["finding_uid"],
        "revision": current["revision"] + 1,
        "activity": "updated",
        "account_id": one.account_id,
        "account_hash": one.account_hash,
        "campaign_id": campaign,
        "campaign_ids": campaigns or None,
        "tick": one.tick,
        "flagged_at": current["flagged_at"],
        "revised_at": known_at,
        "last_support": current["last_support"],
        "tier": max(current["tier"], new["tier"], key=lambda tier: judging.TIER_RANK[tier]),
        "uncalibrated": current["uncalibrated"] and new["uncalibrated"],
        "severity": max(current["severity"], new["severity"], key=SEVERITIES.index),
        "kind": new["kind"] if outweighs else current["kind"],
        "kind_points": new["kind_points"] if outweighs or is_same else current["kind_points"],
        "p_value": _least(current["p_value"], new["p_value"]),
        "techniques": sorted({*current["techniques"], *new["techniques"]}),
        "reasons": wording.reasons(signals),
        "signals": signals,
        "score": math.fsum(signal["points"] for signal in signals),
        "active_since": min(current["active_since"], new["active_since"]),
        **{name: current[name] for name in _BY_THE_FLAG},
        "example_event_ids": new["example_event_ids"] or current["example_event_ids"],
        "linked_account_ids": sorted({*current["linked_account_ids"], *new["linked_account_ids"]}),
        "would_clear": wording.would_clear(signals, context.contracts.get(one.account_id)),
    }


def _closed(current: Row, context: Context) -> Row:
    time = context.policy.time
    end = current["last_support"] + context.patience
    return current | {
        "revision": current["revision"] + 1,
        "activity": "closed",
        "tick": end - time.tick,
        "revised_at": end + time.lateness,
    }


def _is_of_campaigns(signals: Sequence[Signal]) -> bool:
    """Whether nothing but campaigns speaks against the account."""
    return all(signal["layer"] == "L2" for signal in signals)


def _place(signal: Signal) -> str:
    """Rules are reasons each; of models and campaigns a family is one reason, whichever of its looks is strongest."""
    return str(signal["signal"] if signal["layer"] == "L0" else signal["family"])


def _reasons(signals: Sequence[Signal]) -> Iterator[str]:
    return (_place(signal) for signal in signals if signal["points"] >= REASON_FROM)


def _merged(before: Sequence[Signal], new: Sequence[Signal]) -> list[Signal]:
    """The strongest signal of each reason, of both."""
    best: dict[str, Signal] = {}
    for signal in (*before, *new):
        place = _place(signal)
        if place not in best or signal["points"] > best[place]["points"]:
            best[place] = signal
    return strongest_first(list(best.values()))


def _least(one: float | None, other: float | None) -> float | None:
    known = [value for value in (one, other) if value is not None]
    return min(known) if known else None
