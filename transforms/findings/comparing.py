"""Two histories of findings held against each other: who is flagged in one only, or at another time, or more surely."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import polars as pl

from schemas.campaign import CAMPAIGN
from schemas.card import CARD_OF_FAMILY, CARD_OF_LAYER, Card
from schemas.finding import FINDING
from schemas.score import TIERS
from transforms.findings.reconciling import by_finding, standing_revisions

CHANGES = ("gained", "lost", "earlier", "later", "raised", "lowered", "otherwise")
"""What became of an account or a campaign; the first that holds. `otherwise`: another kind, severity or set of signals."""

_SAID = ("tier", "kind", "severity", "score", "flagged_at", "exchanges_before", "reasons", "campaign_ids")
_EVERYWHERE = ("time", "sessions", "traits")
"""Sections of the policy that every layer rests on."""

Row = dict[str, Any]
Period = tuple[datetime | None, datetime]

_TIME = FINDING.polars["tick"]
_TEXTS = pl.List(pl.String)
COMPARED = pl.Schema(
    {
        "account_id": pl.String(),
        "change": pl.String(),
        **{
            f"{name}_{side}": FINDING.polars[name]
            for name in ("tier", "kind", "severity", "score", "flagged_at", "exchanges_before")
            for side in ("before", "after")
        },
        "signals": _TEXTS,
        "reasons": _TEXTS,
        "policy_keys": _TEXTS,
    }
)
"""One row is one account that the two histories tell differently; `signals` and `reasons` are those of the history that
flags it (of the later one where both do); `policy_keys` the changed keys that bear on these signals, empty where the change
is indirect: models learned from other accounts."""

COMPARED_CAMPAIGNS = pl.Schema(
    {
        "campaign_id": pl.String(),
        "change": pl.String(),
        **{
            f"{name}_{side}": CAMPAIGN.polars[name]
            for name in ("tier", "kind", "accounts", "flagged_at")
            for side in ("before", "after")
        },
        "evidence": _TEXTS,
    }
)


def flags(findings: pl.DataFrame, period: Period, left_out: Iterable[str]) -> dict[str, Row]:
    """What is said of each account in a period, by account id.

    Of revisions of several findings the last one says kind, score and reasons; `tier` is the surest, `flagged_at` and
    `exchanges_before` are those of the first finding that says anything in the period.

    Args:
        findings: FINDING revisions, all of them.
        period: deciding ticks in [from (None for the beginning), until).
        left_out: accounts whose findings are suppressed.
    """
    since, until = period
    hidden: set[str] = set(left_out)
    said: dict[str, Row] = {}
    standing = [row for rows in by_finding(findings).values() for row in standing_revisions(rows)]
    for row in sorted(standing, key=lambda row: (row["tick"], row["finding_uid"])):
        is_within = row["tick"] < until and (since is None or row["tick"] >= since)
        if not is_within or row["activity"] not in ("created", "updated") or row["account_id"] in hidden:
            continue
        before = said.get(row["account_id"])
        now = {name: row[name] for name in _SAID} | {"signals": row["signals"]}
        if before is not None:
            now |= {name: before[name] for name in ("flagged_at", "exchanges_before")}
            now["tier"] = max(before["tier"], now["tier"], key=TIERS.index)
        said[row["account_id"]] = now
    return said


def compared(
    before: Mapping[str, Row], after: Mapping[str, Row], changed: Sequence[str], cards: Mapping[str, Card]
) -> pl.DataFrame:
    """The accounts of which two histories say different things, as COMPARED: by change, then by account.

    Args:
        before: what `flags` gives of the one.
        after: of the other.
        changed: keys of the policy that differ between the two.
        cards: cards by detector id.
    """
    rows = []
    for account in {*before, *after}:
        one, other = before.get(account), after.get(account)
        change = _change(one, other)
        if change is None:
            continue
        shown: Row = other or one or {}
        row: Row = {"account_id": account, "change": change, "reasons": shown["reasons"]}
        row |= {"signals": [signal["signal"] for signal in shown["signals"]]}
        row |= {"policy_keys": bearing(shown["signals"], changed, cards)}
        for side, said in (("before", one), ("after", other)):
            row |= {f"{name}_{side}": value for name, value in (said or {}).items()}
        rows.append({name: row.get(name) for name in COMPARED})
    frame = pl.DataFrame(rows, schema=COMPARED)
    return frame.sort(pl.col("change").cast(pl.Enum(CHANGES)), "account_id")


def compared_campaigns(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """The campaigns of which two histories say different things, as COMPARED_CAMPAIGNS: by change, then by id.

    Args:
        before: CAMPAIGN rows of the one.
        after: of the other.
    """
    sides = [{row["campaign_id"]: row for row in frame.iter_rows(named=True)} for frame in (before, after)]
    rows = []
    for name in {*sides[0], *sides[1]}:
        one, other = sides[0].get(name), sides[1].get(name)
        change = _change(one, other)
        if change is None and one is not None and other is not None and one["account_ids"] != other["account_ids"]:
            change = "otherwise"
        if change is None:
            continue
        row: Row = {"campaign_id": name, "change": change, "evidence": (other or one or {})["evidence"]}
        for side, said in (("before", one), ("after", other)):
            row |= {f"{column}_{side}": value for column, value in (said or {}).items()}
        rows.append({column: row.get(column) for column in COMPARED_CAMPAIGNS})
    frame = pl.DataFrame(rows, schema=COMPARED_CAMPAIGNS)
    return frame.sort(pl.col("change").cast(pl.Enum(CHANGES)), "campaign_id")


def bearing(signals: Iterable[Row], changed: Sequence[str], cards: Mapping[str, Card]) -> list[str]:
    """Those of the changed policy keys that decide on any of the signals, in their order."""
    places = set(_EVERYWHERE)
    for signal in signals:
        named = signal["signal"].partition(".")[0] if signal["layer"] == "L0" else CARD_OF_FAMILY.get(signal["family"])
        card = cards.get(named or CARD_OF_LAYER.get(signal["layer"], ""))
        places |= set(card.policy if card is not None else ())
    return [key for key in changed if key in places or key.partition(".")[0] in places]


def _change(one: Row | None, other: Row | None) -> str | None:
    if one is None or other is None:
        return "gained" if one is None else "lost"
    if one["flagged_at"] != other["flagged_at"]:
        return "earlier" if other["flagged_at"] < one["flagged_at"] else "later"
    if one["tier"] != other["tier"]:
        return "raised" if TIERS.index(other["tier"]) > TIERS.index(one["tier"]) else "lowered"
    same = all(one.get(name) == other.get(name) for name in ("kind", "severity", "campaign_ids"))
    names = [sorted(signal["signal"] for signal in said["signals"]) for said in (one, other)]
    return None if same and names[0] == names[1] else "otherwise"
