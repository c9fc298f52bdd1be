"""How a campaign goes on: how fast, who began, who fell silent and was replaced, and at which hours its accounts call.

Facts about a campaign, not evidence for it: of none of them is it known how often accounts that have nothing to do with each other show
it, so they add no points.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from schemas.finding import DAMAGE_TIERS
from schemas.policy import Policy
from transforms.campaigns.membership import Members

_DAY = timedelta(days=1)
_YEAR = timedelta(days=365)
_HOURS = 24
_QUIET = 6
"""Hours in a row in which people in one time zone sleep (threats.md 2.2 #4)."""


def course(members: Members, end: datetime, policy: Policy) -> dict[str, Any]:
    """Columns of CAMPAIGN that say who came and went, as of a tick's end.

    Args:
        members: the accounts that the campaign was counted against, with their holdings of its keys; at least one.
        end: end of the tick.
        policy: campaigns.sustain_hours: time within which heads are replaced.
    """
    spans = [
        (min(holding.first_time for holding in holdings), max(holding.last_tick for holding in holdings))
        for holdings in members.values()
    ]
    known = [holdings[0].is_fresh for holdings in members.values() if holdings[0].is_fresh is not None]
    return {"fresh_share": round(sum(known) / len(known), 6) if known else None} | came_and_went(spans, end, policy)


def came_and_went(spans: Sequence[tuple[datetime, datetime]], end: datetime, policy: Policy) -> dict[str, Any]:
    """joined_accounts, silent_accounts and replaced_accounts of CAMPAIGN.

    Args:
        spans: when each account began, and its last tick.
        end: as for `course`, with `policy`.
        policy: see there.
    """
    day = timedelta(hours=policy.campaigns.sustain_hours)
    silent = sorted(last for _, last in spans if end - last - policy.time.tick >= day)
    return {
        "joined_accounts": sum(end - first <= day for first, _ in spans),
        "silent_accounts": len(silent),
        "replaced_accounts": replaced(silent, sorted(first for first, _ in spans), day),
    }


def replaced(silent: Sequence[datetime], began: Sequence[datetime], within: timedelta) -> int:
    """How many of those that fell silent had another begin within a time after their last tick, each another one.

    Args:
        silent: last ticks, ascending.
        began: first calls, ascending.
        within: how long after.
    """
    replaced = place = 0
    for tick in silent:
        while place < len(began) and began[place] < tick:
            place += 1
        if place < len(began) and began[place] - tick <= within:
            replaced, place = replaced + 1, place + 1
    return replaced


def pace_of(marks: Mapping[datetime, int], first: datetime, end: datetime, left: int) -> tuple[float, datetime | None]:
    """Exchanges a day since the last midnight but one, or since the first; when the next damage tier falls.

    Args:
        marks: exchanges before days in which the campaign was seen.
        first: the first exchange.
        end: end of the tick.
        left: exchanges by then; fewer than before where accounts have gone over to another campaign.
    """
    today = end.replace(hour=0, minute=0, second=0, microsecond=0)
    days = [(day, count) for day, count in marks.items() if day >= today - _DAY]
    start, before = days[0] if days else (first, 0)
    start = max(start, first)
    pace = round(max(left - before, 0) / ((end - start) / _DAY), 3)
    ahead = [tier for tier in DAMAGE_TIERS if tier > left]
    if not ahead or pace <= 0 or (ahead[0] - left) / pace > _YEAR / _DAY:
        return pace, None
    return pace, end + timedelta(seconds=round((ahead[0] - left) / pace * 86_400))


def visits_with(before: Mapping[str, Any] | None, tick: datetime, accounts: int) -> list[int]:
    """The column visits_by_hour of a campaign's row, None before its first, with the accounts seen in one more tick."""
    known = None if before is None else before["visits_by_hour"]
    return [
        visits + (accounts if hour == tick.hour else 0)
        for hour, visits in enumerate([0] * _HOURS if known is None else known)
    ]


def quiet_share_of(row: Mapping[str, Any]) -> float | None:
    """The column quiet_share of a campaign's row; None before it was seen for a whole day since it was flagged."""
    is_known = row["last_seen"] - row["flagged_at"] >= _DAY and any(row["visits_by_hour"])
    return quiet_share(row["visits_by_hour"]) if is_known else None


def quiet_share(visits: Sequence[int]) -> float:
    """Smallest share of the visits in six hours in a row of the day: 0 for people who sleep, 0.25 around the clock."""
    around = [*visits, *visits[: _QUIET - 1]]
    least = min(sum(around[hour : hour + _QUIET]) for hour in range(_HOURS))
    return round(least / sum(visits), 6)
