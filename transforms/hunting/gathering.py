"""Rows of a hunt: what is said of an account by keys of known thieves, by later models and by today's rules, together."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from schemas.finding import damage_tier
from schemas.hunt import HUNT
from transforms.hunting.carrying import Held

Row = dict[str, Any]


@dataclass(frozen=True)
class Live:
    """What live scoring says of an account.

    Attributes:
        flagged_at: of its first finding that stands.
        tier: the surest of its findings.
    """

    flagged_at: datetime
    tier: str


@dataclass(frozen=True)
class Hunt:
    """What all rows of a hunt have in common; see HUNT. `lateness` is the allowed one, `snapshot_since` when the snapshot was made."""

    hunt_id: str
    since: datetime
    until: datetime
    policy_version: str
    snapshot_id: str | None
    snapshot_since: datetime | None
    lateness: timedelta


def gathered(
    held: Iterable[Held],
    hours: Sequence[Row],
    hunt: Hunt,
    live: Mapping[str, Live],
    verdicts: Mapping[str, str],
) -> pl.DataFrame:
    """HUNT rows: one an account that is not flagged, or flagged later than what was found of it.

    Score and signals are those of the strongest hour of the models and of the one campaign or account whose keys say most:
    several of these speak of the same keys. Whoever has been flagged by then is left out.

    Args:
        held: accounts with keys of known thieves.
        hours: the hours at which later models or today's rules flag (`findings.rescored`, kind_points included), with `calls` and `output_tokens` from 24 hours before
            the account's first such hour on.
        hunt: what the rows have in common.
        live: what live scoring says, by account.
        verdicts: the latest verdict, by account.
    """
    by_account: dict[str, tuple[list[Held], list[Row]]] = {}
    for one in held:
        by_account.setdefault(one.account_id, ([], []))[0].append(one)
    for hour in hours:
        by_account.setdefault(hour["account_id"], ([], []))[1].append(hour)
    rows = []
    for account in sorted(by_account):
        keys, flagged = by_account[account]
        row = _row(account, keys, sorted(flagged, key=lambda hour: hour["window_end"]), hunt, live.get(account))
        if row is not None:
            rows.append(row | {"verdict": verdicts.get(account)})
    return HUNT.conform(pl.DataFrame(rows, schema=HUNT.polars))


def _row(account: str, keys: list[Held], hours: list[Row], hunt: Hunt, live: Live | None) -> Row | None:
    if live is not None:
        is_earlier = bool(hours) and hours[0]["window_end"] + hunt.lateness < live.flagged_at
        keys, hours = [], hours if is_earlier else []
    if not keys and not hours:
        return None
    best = max(keys, key=lambda one: (one.points, one.exchanges, one.id), default=None)
    peak = max(hours, key=lambda hour: (hour["score"], -hour["window_end"].timestamp()), default=None)
    signals = [*(best.signals if best else ()), *(peak["signals"] if peak else ())]
    reasons = [*(best.reasons if best else ()), *(peak["reasons"] if peak else ())]
    points = [signal["points"] for signal in signals]
    order = sorted(range(len(signals)), key=lambda place: (-points[place], signals[place]["signal"]))
    rests = [_of_keys(one) for one in keys] + _of_hours(hours, hunt)
    most = max(rests, key=lambda rest: rest["exchanges"])
    told = [one.output_tokens for one in keys] + [hours[0]["output_tokens"] if hours else None]
    tokens = [each for each in told if each is not None]
    return {
        "hunt_id": hunt.hunt_id,
        "account_id": account,
        "account_hash": best.account_hash if best else hours[0]["account_hash"],
        "since": hunt.since,
        "until": hunt.until,
        "change": "new" if live is None else "earlier",
        "tier": max((hour["tier"] for hour in hours), key=("review", "act").index, default="review"),
        "kind": _kind(best, peak),
        "score": math.fsum(points),
        "p_value": peak["p_value"] if peak else None,
        "signals": [signals[place] for place in order],
        "reasons": _in_order(reasons, order),
        "rests_on": sorted(rests, key=lambda rest: (rest["basis"], rest["id"])),
        "campaign_ids": sorted({one.id for one in keys if one.basis == "campaign"}),
        "first_seen": min(rest["first_seen"] for rest in rests),
        "last_seen": max(rest["last_seen"] for rest in rests),
        "exchanges": most["exchanges"],
        "output_tokens": max(tokens, default=None),
        "damage_tier": damage_tier(most["exchanges"]),
        "decided_at": hours[0]["window_end"] + hunt.lateness if hours else None,
        "live_flagged_at": None if live is None else live.flagged_at,
        "live_tier": None if live is None else live.tier,
        "policy_version": hunt.policy_version,
        "snapshot_id": hunt.snapshot_id,
    }


def _in_order(reasons: list[str], order: list[int]) -> list[str]:
    """One sentence a signal; the sentences of an hour may be fewer than its signals."""
    return [reasons[place] for place in order if place < len(reasons)]


def _kind(best: Held | None, peak: Row | None) -> str:
    """That of the strongest reason, the first by name of equals: of keys their strongest signal, of an hour what it is flagged for as a whole."""
    reasons = []
    if best is not None and best.theft != "unknown":
        reasons.append((-max(signal["points"] for signal in best.signals), best.theft))
    if peak is not None and peak["kind"] is not None:
        reasons.append((-peak["kind_points"], peak["kind"]))
    return str(min(reasons)[1]) if reasons else "unknown"


def _of_keys(one: Held) -> Row:
    whose = "keys of a campaign" if one.basis == "campaign" else "keys of a confirmed account"
    return {
        "basis": one.basis,
        "id": one.id,
        "known_since": one.known_since,
        "first_seen": one.first_seen,
        "last_seen": one.last_seen,
        "exchanges": one.exchanges,
        "detail": f"{whose}: {', '.join(sorted(signal['signal'].removeprefix('known_') for signal in one.signals))}",
    }


def _of_hours(hours: list[Row], hunt: Hunt) -> list[Row]:
    """What later models say, and what today's rules say, each where it flags."""
    bases = (
        ("models", hunt.snapshot_id or "none", hunt.snapshot_since, "hours that later models and references flag"),
        ("rules", hunt.policy_version, None, "hours that the rules of today flag"),
    )
    rests = []
    for basis, name, since, says in bases:
        mine = [hour for hour in hours if hour[f"by_{basis}"]]
        if mine:
            rests.append(
                {
                    "basis": basis,
                    "id": name,
                    "known_since": since,
                    "first_seen": hours[0]["first_seen"],
                    "last_seen": mine[-1]["window_end"],
                    "exchanges": hours[0]["calls"],
                    "detail": f"{len(mine):,} {says}",
                }
            )
    return rests
