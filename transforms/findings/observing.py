"""What happened to an account that is enough for a finding: one observation a deciding tick."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import polars as pl

from schemas.card import Card
from schemas.hit import CAMPAIGN_RULE
from schemas.policy import Policy
from schemas.presence import blind_spots
from transforms.findings.deciding import tier_of_hit
from transforms.findings.hourly import Signal, signals_of, strongest_first
from transforms.findings.judging import TIER_RANK


@dataclass(frozen=True)
class Observation:
    """Everything known at the end of one tick at which rules or models decided.

    Attributes:
        account_id: the account.
        account_hash: its hash.
        tick: start of the deciding tick.
        tier: review or act.
        uncalibrated: whether no calibrated rate took part.
        p_value: the calibrated rate, None where none took part.
        score: points of the hour's layers, or of the tick's hits inside an open hour.
        signals: strongest first.
        rules: ids of the rules that held.
        pattern: kind the models saw, None where only rules decided.
        weights: by kind, what its strongest reason counts: a rule, the shape that the models saw as a whole, or the strongest signal of a campaign.
        campaign: its strongest campaign, None if it is in none.
        campaigns: all its campaigns.
        left: campaigns it does not belong to any more.
        linked: other accounts involved.
        samples: example calls.
        could_not_see: what the source could not show.
        snapshot_id: snapshot scored against, None where none was.
        active_since: first call of the day.
        exchanges: calls of the account up to the tick's end.
        output_tokens: its output tokens, None where the source carries none.
    """

    account_id: str
    account_hash: int
    tick: datetime
    tier: str
    uncalibrated: bool
    p_value: float | None
    score: float
    signals: list[Signal]
    rules: tuple[str, ...]
    pattern: str | None
    weights: dict[str, float]
    campaign: str | None
    campaigns: tuple[str, ...]
    left: tuple[str, ...]
    linked: tuple[str, ...]
    samples: tuple[str, ...]
    could_not_see: tuple[str, ...]
    snapshot_id: str | None
    active_since: datetime
    exchanges: int
    output_tokens: int | None


def observations(
    hits: pl.DataFrame,
    flagged: pl.DataFrame,
    totals: pl.DataFrame,
    snapshot_id: str | None,
    cards: Mapping[str, Card],
    policy: Policy,
) -> list[Observation]:
    """Observations of all accounts, by account and tick; what decided at one tick is one observation.

    Args:
        hits: HIT rows.
        flagged: hours at which models flag (`decided_by_models`).
        totals: account_id, tick, calls, output_tokens, tokens_known, day_first, presence: as of the end of each tick that
            occurs in `hits` or ends an hour of `flagged`.
        snapshot_id: snapshot the run scores against.
        cards: cards by rule id.
        policy: `policy.rules`, time.
    """
    found: dict[tuple[str, datetime], Observation] = {}
    known = {(row["account_id"], row["tick"]): row for row in totals.iter_rows(named=True)}
    for hour in flagged.iter_rows(named=True):
        tick = hour["window_end"] - policy.time.tick
        seen = _of_models(hour, tick, known[hour["account_id"], tick])
        found[seen.account_id, tick] = seen
    for hit in hits.sort("account_id", "tick", "rule").iter_rows(named=True):
        at = (hit["account_id"], hit["tick"])
        seen = _of_hit(hit, known[at], snapshot_id, cards, policy)
        found[at] = _together(found[at], seen) if at in found else seen
    return [found[at] for at in sorted(found)]


def _of_models(hour: Mapping[str, Any], tick: datetime, totals: Mapping[str, Any]) -> Observation:
    uncalibrated = hour["uncalibrated"]
    return Observation(
        account_id=hour["account_id"],
        account_hash=hour["account_hash"],
        tick=tick,
        tier=hour["tier"],
        uncalibrated=uncalibrated,
        p_value=None if uncalibrated else hour["p_value"],
        score=hour["score"],
        signals=hour["signals"],
        rules=(),
        pattern=hour["pattern"],
        weights={hour["pattern"]: hour["prior_points"]},
        campaign=None,
        campaigns=(),
        left=(),
        linked=(),
        samples=tuple(hour["sample_event_ids"]),
        could_not_see=tuple(hour["abstained_because"]),
        snapshot_id=hour["snapshot_id"],
        active_since=totals["day_first"],
        exchanges=totals["calls"],
        output_tokens=totals["output_tokens"] if totals["tokens_known"] else None,
    )


def _of_hit(
    hit: Mapping[str, Any],
    totals: Mapping[str, Any],
    snapshot_id: str | None,
    cards: Mapping[str, Card],
    policy: Policy,
) -> Observation:
    card = cards[hit["rule"]]
    signals = signals_of(hit, card)
    points = sum(signal["points"] for signal in signals)
    return Observation(
        account_id=hit["account_id"],
        account_hash=hit["account_hash"],
        tick=hit["tick"],
        tier=tier_of_hit(hit, card, policy),
        uncalibrated=True,
        p_value=None,
        score=points,
        signals=signals,
        rules=(card.id,),
        pattern=hit["kind"],
        weights={hit["kind"] or card.kind: _reason(hit, signals)},
        campaign=hit["campaign_id"],
        campaigns=tuple(hit["campaign_ids"] or ()),
        left=tuple(hit["left_campaign_ids"] or ()),
        linked=tuple(hit["linked_account_ids"]),
        samples=tuple(hit["sample_event_ids"]),
        could_not_see=tuple(blind_spots(totals["presence"])),
        snapshot_id=snapshot_id,
        active_since=totals["day_first"],
        exchanges=totals["calls"],
        output_tokens=totals["output_tokens"] if totals["tokens_known"] else None,
    )


def _reason(hit: Mapping[str, Any], signals: list[Signal]) -> float:
    """What the hit counts as a reason: a rule, and a shape of many properties, as a whole, a campaign by its strongest signal."""
    points = [signal["points"] for signal in signals]
    return max(points, default=0.0) if hit["rule"] == CAMPAIGN_RULE else math.fsum(points)


def _together(one: Observation, hit: Observation) -> Observation:
    """Two observations of one account and tick; the first may be of models, the second is of a rule."""
    has = {signal["signal"] for signal in one.signals}
    added = [signal for signal in hit.signals if signal["signal"] not in has]
    weights = {
        name: max(one.weights.get(name, 0.0), hit.weights.get(name, 0.0)) for name in {*one.weights, *hit.weights}
    }
    return replace(
        one,
        tier=max(one.tier, hit.tier, key=lambda tier: TIER_RANK[tier]),
        uncalibrated=one.uncalibrated and hit.uncalibrated,
        score=one.score + sum(signal["points"] for signal in added),
        signals=strongest_first([*one.signals, *added]),
        rules=(*one.rules, *hit.rules),
        weights=weights,
        pattern=one.pattern or hit.pattern,
        campaign=one.campaign or hit.campaign,
        campaigns=tuple(sorted({*one.campaigns, *hit.campaigns})),
        left=tuple(sorted({*one.left, *hit.left})),
        linked=tuple(sorted({*one.linked, *hit.linked})),
        samples=tuple(dict.fromkeys((*one.samples, *hit.samples))),
        could_not_see=tuple(dict.fromkeys((*one.could_not_see, *hit.could_not_see))),
    )
