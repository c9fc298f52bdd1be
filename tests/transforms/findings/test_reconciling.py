"""Rebuilt findings: the same history says nothing, another one is said again from where it differs."""

from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from given_accounts import DAY, HOUR, account_hash
from schemas.finding import FINDING
from transforms.findings import reconcile, standing_revisions
from transforms.findings.state import OPEN

MIDNIGHT = DAY + timedelta(days=1)


def revision(number: int, hour: int, activity: str = "updated", score: float = 4.0, uid: str = "f") -> dict[str, Any]:
    lists = {name: [] for name, kind in FINDING.polars.items() if isinstance(kind, pl.List)}
    return dict.fromkeys(FINDING.columns) | lists | {
        "finding_uid": uid,
        "revision": number,
        "activity": activity,
        "account_id": "acc",
        "account_hash": account_hash("acc"),
        "tick": DAY + hour * HOUR,
        "flagged_at": DAY + HOUR,
        "revised_at": DAY + hour * HOUR,
        "tier": "review",
        "uncalibrated": False,
        "severity": "low",
        "kind": "unknown",
        "score": score,
        "reasons": [f"score {score}"],
        "active_since": DAY,
        "exchanges_before": 10,
        "policy_version": "p",
    }  # fmt: skip


def frame(*rows: dict[str, Any]) -> pl.DataFrame:
    return FINDING.conform(pl.DataFrame(list(rows), schema=FINDING.polars))


def again(
    published: list[dict[str, Any]],
    computed: list[dict[str, Any]],
    since: datetime | None = DAY,
    until: datetime = MIDNIGHT,
    opened: int | None = None,
) -> tuple[list[tuple[int, str, int, float]], int | None]:
    """Number, activity, hour and score of what is appended, and the number that the open finding has then."""
    held = [] if opened is None else [revision(opened, 0)]
    state = pl.DataFrame(held, schema=OPEN)
    after, rows = reconcile(frame(*published), frame(*computed), state, (since, until), "p2")
    shown = [(r["revision"], r["activity"], (r["tick"] - DAY) // HOUR, r["score"]) for r in rows.to_dicts()]
    return shown, after["revision"].to_list()[0] if held else None


def test_what_comes_out_the_same_says_nothing() -> None:
    rows = [revision(1, 2, "created"), revision(2, 5), revision(3, 9, "closed")]
    assert again(rows, rows) == ([], None)


def test_what_differs_is_said_again_from_there_on() -> None:
    published = [revision(1, 2, "created"), revision(2, 5), revision(3, 9)]
    computed = [revision(1, 2, "created"), revision(2, 5, score=5.0), revision(3, 9)]
    assert again(published, computed, opened=3) == ([(4, "updated", 5, 5.0), (5, "updated", 9, 4.0)], 5)


def test_a_first_revision_that_changed_is_an_update() -> None:
    said, number = again([revision(1, 2, "created")], [revision(1, 2, "created", score=5.0)], opened=1)
    assert (said, number) == ([(2, "updated", 2, 5.0)], 2)


def test_a_finding_that_nothing_supports_is_withdrawn_with_the_reason_and_only_once() -> None:
    published = [revision(1, 2, "created"), revision(2, 5)]
    _, rows = reconcile(frame(*published), frame(), pl.DataFrame(schema=OPEN), (DAY, MIDNIGHT), "p2")
    (withdrawn,) = rows.to_dicts()
    assert (withdrawn["revision"], withdrawn["activity"], withdrawn["policy_version"]) == (3, "withdrawn", "p2")
    assert withdrawn["reasons"] == ["Withdrawn: read again with policy p2, the log does not support it.", "score 4.0"]
    assert again([*published, withdrawn], []) == ([], None)


def test_a_withdrawn_finding_that_is_found_again_goes_on_with_the_next_number() -> None:
    published = [revision(1, 2, "created"), revision(2, 2, "withdrawn")]
    assert again(published, [revision(1, 2, "created")], opened=1) == ([(3, "updated", 2, 4.0)], 3)


def test_an_update_that_nothing_supports_is_taken_back_to_what_was_known_before_the_days() -> None:
    published = [revision(1, -5, "created", 3.0), revision(2, 5), revision(3, 7)]
    assert again(published, [], opened=1) == ([(4, "updated", -5, 3.0)], 4)


def test_an_update_that_comes_later_than_before_takes_the_earlier_one_back_first() -> None:
    published = [revision(1, 2, "created", 3.0), revision(2, 5)]
    computed = [revision(1, 2, "created", 3.0), revision(2, 8)]
    assert again(published, computed) == ([(3, "updated", 2, 3.0), (4, "updated", 8, 4.0)], None)


def test_what_lies_behind_the_days_read_is_left_for_the_next_ones() -> None:
    published = [revision(1, 2, "created"), revision(2, 30)]
    assert again(published, published[:1], opened=1) == ([], 2)
    assert again(published, published[1:], since=MIDNIGHT, until=MIDNIGHT + timedelta(days=1)) == ([], None)


def test_a_finding_closed_at_the_tick_that_made_it_stands_with_both_revisions() -> None:
    rows = [revision(1, 2, "created"), revision(2, 2, "closed")]
    assert standing_revisions(rows) == rows
    assert again(rows, rows) == ([], None)


def test_a_closing_that_a_shorter_patience_puts_before_the_days_is_said() -> None:
    published = [revision(1, -9, "created"), revision(2, 5)]
    assert again(published, [revision(2, -2, "closed")]) == ([(3, "closed", -2, 4.0)], None)


HISTORIES = st.lists(st.integers(0, 23), max_size=4, unique=True).flatmap(
    lambda hours: st.tuples(st.just(sorted(hours)), st.lists(st.integers(1, 3), min_size=4, max_size=4))
)


@given(st.lists(HISTORIES, min_size=1, max_size=5), st.integers(0, 24))
def test_what_stands_after_any_rebuilds_is_what_was_computed_last(
    histories: list[tuple[list[int], list[int]]], cut: int
) -> None:
    """Each rebuild reads the day in two parts; a finding keeps its id only if it begins at the same tick."""
    table = frame()
    for hours, scores in histories:
        rows = [
            revision(n + 1, hour, "created" if n == 0 else "updated", float(scores[n]), f"f{hours[0]}")
            for n, hour in enumerate(hours)
        ]
        border = DAY + cut * HOUR
        for since, until in ((DAY, border), (border, MIDNIGHT)):
            here = [row for row in rows if since <= row["tick"] < until]
            _, said = reconcile(table, frame(*here), pl.DataFrame(schema=OPEN), (since, until), "p2")
            table = pl.concat([table, said])
        found = [
            (row["finding_uid"], row["tick"], row["score"])
            for _, group in table.group_by("finding_uid")
            for row in standing_revisions(group.sort("revision").to_dicts())
        ]
        assert sorted(found) == [(row["finding_uid"], row["tick"], row["score"]) for row in rows]
        for _, group in table.group_by("finding_uid"):
            assert sorted(group["revision"]) == list(range(1, group.height + 1))


@pytest.mark.parametrize("activity", ["created", "updated", "closed"])
def test_a_history_without_rebuilds_stands_as_a_whole(activity: str) -> None:
    rows = [revision(1, 2, "created"), revision(2, 5), revision(3, 9, activity)]
    assert standing_revisions(rows) == rows
