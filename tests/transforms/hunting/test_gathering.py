"""Rows of a hunt: one an account, with everything it rests on; nothing that live findings had said by then."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from given_accounts import DAY, HOUR
from transforms.hunting import Held, Hunt, Live, gathered

LATENESS = timedelta(minutes=5)
HUNT = Hunt("h", DAY, DAY + 24 * HOUR, "p", "day-2026-03-20", DAY + 480 * HOUR, LATENESS)


def signal(name: str, points: float) -> dict[str, Any]:
    return {
        "signal": name, "layer": "L1", "family": name, "observed": 1.0, "expected": 0.5, "peers": None, "tail": 0.01,
        "points": points, "detail": None,
    }  # fmt: skip


def hour(number: int, points: float, account: str = "acc", **more: Any) -> dict[str, Any]:
    return {
        "account_id": account, "account_hash": 1, "window_end": DAY + number * HOUR, "tier": "review", "by_models": True, "by_rules": False,
        "p_value": 0.001, "score": points, "signals": [signal("volume", points)], "reasons": ["much"],
        "kind": "distillation", "kind_points": points, "calls": 900, "output_tokens": 9, "first_seen": DAY, **more,
    }  # fmt: skip


def keys(basis: str, name: str, points: float, calls: int = 40) -> Held:
    one, other = signal("known_head", points), signal("known_client", 1.0)
    return Held(
        "acc", 1, basis, name, DAY + 9 * HOUR, "relay", (one, other), ("head", "client"), DAY, DAY + HOUR, calls, None
    )


def test_the_strongest_hour_and_the_strongest_keys_add_up_to_the_score() -> None:
    held = [keys("campaign", "c-1", 2.0), keys("campaign", "c-2", 3.0, 70)]
    (row,) = gathered(held, [hour(2, 4.0), hour(5, 6.0, p_value=0.0005)], HUNT, {}, {}).to_dicts()
    assert row["score"] == 10.0 == sum(one["points"] for one in row["signals"])
    assert row["reasons"] == ["much", "head", "client"], "in the order of the signals"
    assert (row["change"], row["kind"], row["p_value"]) == ("new", "distillation", 0.0005)
    assert [(rest["basis"], rest["id"]) for rest in row["rests_on"]] == [
        ("campaign", "c-1"), ("campaign", "c-2"), ("models", "day-2026-03-20"),
    ]  # fmt: skip
    assert (row["exchanges"], row["campaign_ids"]) == (900, ["c-1", "c-2"])


@pytest.mark.parametrize(("points", "kind"), [(2.5, "relay"), (3.5, "distillation"), (3.0, "distillation")])
def test_an_account_is_of_the_kind_of_the_strongest_reason(points: float, kind: str) -> None:
    (row,) = gathered([keys("campaign", "c-1", 3.0)], [hour(2, points)], HUNT, {}, {}).to_dicts()
    assert row["kind"] == kind


def test_keys_of_an_account_that_nobody_named_a_thief_of_any_kind_leave_the_kind_to_the_hour() -> None:
    nameless = replace(keys("verdict", "other", 9.0), theft="unknown")
    assert gathered([nameless], [hour(2, 1.0)], HUNT, {}, {})["kind"].item() == "distillation"
    assert gathered([nameless], [], HUNT, {}, {})["kind"].item() == "unknown"


@pytest.mark.parametrize(("flagged_after", "change"), [(2 * HOUR + LATENESS, None), (3 * HOUR, "earlier")])
def test_whoever_live_scoring_flagged_at_the_same_hour_is_not_told_again(
    flagged_after: timedelta, change: str | None
) -> None:
    rows = gathered([], [hour(2, 4.0)], HUNT, {"acc": Live(DAY + flagged_after, "act")}, {})
    assert rows["change"].to_list() == ([change] if change else [])
    if change:
        assert rows["decided_at"].item() == DAY + 2 * HOUR + LATENESS


def test_the_keys_of_a_flagged_account_are_no_news() -> None:
    assert gathered([keys("campaign", "c-1", 3.0)], [], HUNT, {"acc": Live(DAY, "act")}, {}).is_empty()
    assert (
        gathered([keys("campaign", "c-1", 3.0)], [], HUNT, {}, {"acc": "suspicious"})["verdict"].item() == "suspicious"
    )


def test_rules_of_today_are_a_basis_of_their_own_known_since_nobody_knows_when() -> None:
    hours = [hour(2, 4.0, by_models=False, by_rules=True), hour(3, 5.0, by_rules=True)]
    (row,) = gathered([], hours, HUNT, {}, {}).to_dicts()
    told = [(rest["basis"], rest["id"], rest["known_since"], rest["detail"][:7]) for rest in row["rests_on"]]
    assert told == [("models", "day-2026-03-20", HUNT.snapshot_since, "1 hours"), ("rules", "p", None, "2 hours")]
