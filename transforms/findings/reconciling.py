"""What a rebuild says anew: revisions computed again, held against those published before.

Revisions are never changed or removed, so a rebuild speaks by further ones. A revision supersedes every earlier one of
its finding that decides at the same tick or later: what stands of a finding is read backwards, from its last revision, in
falling order of ticks. A history that comes out the same adds nothing; one that differs is said again from where it
differs; a finding that nothing supports any more is `withdrawn`, at the tick at which it had been created.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import polars as pl

from schemas.finding import FINDING
from transforms.findings.state import OPEN

Row = dict[str, Any]

_OPENS = ("created", "updated")


def standing_revisions(revisions: Sequence[Row]) -> list[Row]:
    """The revisions of one finding that no later one supersedes, in order; none of a finding that was withdrawn.

    Args:
        revisions: all its revisions, by number.
    """
    kept: list[Row] = []
    for row in reversed(revisions):
        if not kept or row["tick"] < kept[-1]["tick"] or _closes_at_once(row, kept[-1]):
            kept.append(row)
    return [] if kept and kept[0]["activity"] == "withdrawn" else kept[::-1]


def reconcile(
    published: pl.DataFrame,
    computed: pl.DataFrame,
    opened: pl.DataFrame,
    period: tuple[datetime | None, datetime],
    policy_version: str,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The open findings with the numbers of their last revisions, and the revisions to append.

    Args:
        published: FINDING rows of the account group, all of them.
        computed: FINDING rows that the ticks of the period gave now; their numbers do not matter.
        opened: open findings (OPEN) after the period.
        period: the ticks read again: from (None for the beginning), until.
        policy_version: version of the policy they were read with.
    """
    before = by_finding(published)
    now = by_finding(computed)
    numbers = {name: rows[-1]["revision"] for name, rows in before.items()}
    appended: list[Row] = []
    for name in sorted({*before, *now}):
        said = _said_anew(standing_revisions(before.get(name, [])), now.get(name, []), period, policy_version)
        for row in said:
            numbers[name] = numbers.get(name, 0) + 1
            is_new = row["activity"] == "created" and numbers[name] > 1
            appended.append(row | {"revision": numbers[name]} | ({"activity": "updated"} if is_new else {}))
    last = pl.Series([numbers[name] for name in opened["finding_uid"]], dtype=OPEN["revision"])
    return opened.with_columns(revision=last), FINDING.conform(pl.DataFrame(appended, schema=FINDING.polars))


def _said_anew(
    standing: list[Row], computed: list[Row], period: tuple[datetime | None, datetime], policy_version: str
) -> list[Row]:
    """What has to be appended about one finding, in order."""
    since, until = period
    if computed and since is not None:
        since = min(since, computed[0]["tick"])
    earlier = [row for row in standing if since is not None and row["tick"] < since]
    there = [row for row in standing if (since is None or row["tick"] >= since) and row["tick"] < until]
    same = 0
    while same < min(len(there), len(computed)) and _is_same(there[same], computed[same]):
        same += 1
    fresh, gone = computed[same:], there[same:]
    if not gone or (fresh and fresh[0]["tick"] <= gone[0]["tick"]):
        return fresh
    stays = (earlier + there[:same])[-1:]
    if not stays:
        return [_withdrawn(gone[0], policy_version)]
    return [*({**row, "activity": "updated"} for row in stays), *fresh]


def _withdrawn(row: Row, policy_version: str) -> Row:
    why = f"Withdrawn: read again with policy {policy_version}, the log does not support it."
    return row | {
        "activity": "withdrawn",
        "reasons": [why, *row["reasons"]],
        "policy_version": policy_version,
    }


def _is_same(one: Row, other: Row) -> bool:
    """Whether two revisions say the same, whatever their numbers; a first one may have been said again as an update."""
    if one["activity"] != other["activity"] and not {one["activity"], other["activity"]} <= set(_OPENS):
        return False
    return all(one[name] == other[name] for name in FINDING.columns if name not in ("revision", "activity"))


def _closes_at_once(row: Row, following: Row) -> bool:
    """Whether a finding was closed at the tick that made it (learning.guard_days = 0)."""
    return bool(
        following["activity"] == "closed"
        and row["activity"] in _OPENS
        and (row["tick"], row["revision"] + 1) == (following["tick"], following["revision"])
    )


def by_finding(revisions: pl.DataFrame) -> dict[str, list[Row]]:
    """FINDING rows by finding, those of each by number."""
    found: dict[str, list[Row]] = {}
    for row in revisions.sort("finding_uid", "revision").iter_rows(named=True):
        found.setdefault(row["finding_uid"], []).append(row)
    return found
