"""Peer groups for the next day."""

from datetime import timedelta
from typing import Any

import polars as pl
import pytest

from given_accounts import DAY, windows
from schemas.policy import Policy
from schemas.registry import REGISTRY
from schemas.snapshot import PEER
from transforms.learning.grouping import peers_after

POLICY = Policy()


def groups(rows: list[dict[str, Any]], plans: dict[str, str] | None = None, policy: Policy = POLICY) -> dict[str, str]:
    filed = [{"account_id": a, "holds_from": DAY, "plan": plan} for a, plan in (plans or {}).items()]
    registry = REGISTRY.conform(pl.DataFrame(filed, schema=REGISTRY.polars))
    found = peers_after(PEER.empty(), DAY, windows(rows), registry, policy)
    return dict(found.select("account_id", "peer_group").rows())


@pytest.mark.parametrize(
    ("values", "use"),
    [
        ({"downloads_24h": 51.0, "multi_turn_share_24h": 0.9}, "download"),
        ({"downloads_24h": 50.0, "multi_turn_share_24h": 0.9}, "chat"),
        ({"output_tokens_24h": 0.0, "input_per_call_24h": 300.0}, "embedding"),
        ({"output_tokens_24h": 0.0, "input_per_call_24h": 0.0, "multi_turn_share_24h": 0.0}, "single"),
        ({"tool_share_24h": 0.5, "multi_turn_share_24h": 0.9}, "agent"),
        ({"multi_turn_share_24h": 0.3}, "chat"),
        ({"multi_turn_share_24h": 0.29}, "single"),
        ({}, "unknown"),
    ],
)
def test_the_kind_of_use_follows_from_the_window(values: dict[str, float], use: str) -> None:
    assert groups([values]) == {"acc": f"no-plan/{use}"}


def test_the_last_window_of_the_day_decides() -> None:
    rows = [{"hour": 3, "tool_share_24h": 1.0}, {"hour": 9, "multi_turn_share_24h": 1.0}, {"hour": 5}]
    assert groups(rows) == {"acc": "no-plan/chat"}


def test_the_registrys_plan_comes_before_the_logged_one() -> None:
    assert groups([{"plan": "trial"}], {"acc": "Enterprise Plus!"}) == {"acc": "enterprise-plus/unknown"}
    assert groups([{"plan": "trial"}]) == {"acc": "trial/unknown"}


@pytest.mark.parametrize("plan", ["", "   ", "!!!", "<script>" * 100])
def test_a_strange_plan_cannot_make_a_strange_group(plan: str) -> None:
    (group,) = groups([{"plan": plan}]).values()
    assert len(group) <= 40
    assert pl.Series([group]).str.contains(r"^[a-z0-9._-]+/unknown$").all()


def test_only_the_commonest_plans_have_groups_of_their_own() -> None:
    rows = [
        {"account_id": f"{plan}{n}", "plan": plan}
        for plan, count in [("a", 3), ("b", 2), ("c", 1)]
        for n in range(count)
    ]
    policy = Policy.parse("[learning]\nmost_plans = 2\n")
    assert set(groups(rows, policy=policy).values()) == {"a/unknown", "b/unknown", "other/unknown"}


def test_an_account_without_windows_keeps_its_group_until_it_is_forgotten() -> None:
    before = peers_after(PEER.empty(), DAY, windows([{"multi_turn_share_24h": 1.0}]), REGISTRY.empty(), POLICY)
    for days, kept in ((1, True), (89, True), (90, False)):
        later = peers_after(before, DAY + timedelta(days=days), windows([]), REGISTRY.empty(), POLICY)
        assert later["peer_group"].to_list() == (["no-plan/chat"] if kept else [])
