"""Whom models leave out and whom the reference may."""

from datetime import timedelta
from typing import Any

import polars as pl
import pytest

from given_accounts import DAY, account_hash
from schemas.finding import FINDING
from schemas.policy import Policy
from schemas.snapshot import GUARD
from schemas.verdict import VERDICT
from transforms.learning import Marks
from transforms.learning.guards import guards_after, left_out_of_reference

POLICY = Policy()
BORDER = DAY + timedelta(days=1)


def finding(account: str, days: int = 0, activity: str = "created", **values: Any) -> dict[str, Any]:
    base: dict[str, Any] = {name: ([] if isinstance(kind, pl.List) else None) for name, kind in FINDING.polars.items()}
    moment = DAY + timedelta(days=days)
    return (
        base
        | {
            "finding_uid": account,
            "revision": 1 if activity == "created" else 2,
            "activity": activity,
            "account_id": account,
            "account_hash": account_hash(account),
            "tick": moment,
            "flagged_at": moment,
            "revised_at": moment,
        }
        | values
    )


def marks(findings: list[dict[str, Any]] = (), verdicts: dict[str, str] | None = None, holds_from: int = 1) -> Marks:  # type: ignore[assignment]
    given = [
        {
            "account_id": a,
            "given_at": DAY,
            "holds_from": DAY + timedelta(days=holds_from),
            "verdict": v,
            "analyst": "me",
        }
        for a, v in (verdicts or {}).items()
    ]
    return Marks(
        pl.DataFrame(findings, schema=FINDING.polars), VERDICT.conform(pl.DataFrame(given, schema=VERDICT.polars))
    )


def guarded(
    found: Marks, hit: frozenset[str] = frozenset(), before: pl.DataFrame | None = None, day: int = 0
) -> set[str]:
    previous = GUARD.empty() if before is None else before
    return set(guards_after(previous, DAY + timedelta(days=day), found, hit, POLICY)["account_id"])


def test_flagged_linked_hit_and_judged_accounts_are_guarded() -> None:
    found = marks([finding("flagged", linked_account_ids=["linked"])], {"stolen": "true_positive", "odd": "suspicious"})
    assert guarded(found, frozenset({"hit"})) == {"flagged", "linked", "hit", "stolen"}


@pytest.mark.parametrize("verdict", ["false_positive", "benign"])
def test_a_verdict_in_the_accounts_favour_lifts_the_guard(verdict: str) -> None:
    assert guarded(marks([finding("acc")], {"acc": verdict})) == set()


def test_a_verdict_counts_from_the_border_it_holds_from() -> None:
    assert guarded(marks(verdicts={"acc": "true_positive"}, holds_from=1)) == {"acc"}
    assert guarded(marks(verdicts={"acc": "true_positive"}, holds_from=2)) == set()


def test_a_guard_ends_a_week_after_the_last_mark() -> None:
    before = guards_after(GUARD.empty(), DAY, Marks(), frozenset({"hit"}), POLICY)
    assert guarded(Marks(), before=before, day=6) == {"hit"}
    assert guarded(Marks(), before=before, day=7) == set()


def test_an_open_finding_guards_every_day_and_a_closed_one_was_supported_a_week_ago() -> None:
    opened = finding("acc")
    before = guards_after(GUARD.empty(), DAY + timedelta(days=6), marks([opened]), frozenset(), POLICY)
    assert before["last_flagged"].to_list() == [DAY + timedelta(days=6)]
    closed = finding("acc", 7, "closed")
    assert guarded(marks([opened, closed]), before=before, day=7) == set()


def test_a_day_learned_after_later_ones_does_not_make_a_mark_older() -> None:
    marked = GUARD.conform(pl.DataFrame([("a", DAY + timedelta(days=2))], schema=GUARD.polars, orient="row"))
    guards = guards_after(marked, DAY, marks(), frozenset({"a"}), POLICY)
    assert guards["last_flagged"].to_list() == [DAY + timedelta(days=2)]


def test_findings_of_later_days_are_not_known_yet() -> None:
    assert guarded(marks([finding("acc", 1)])) == set()


def test_the_reference_leaves_out_rules_links_and_verdicts_but_not_flags() -> None:
    found = marks(
        [finding("flagged", linked_account_ids=["linked"])], {"stolen": "true_positive", "cleared": "false_positive"}
    )
    assert left_out_of_reference(DAY, found, frozenset({"hit"})) == {"linked", "stolen", "hit"}
