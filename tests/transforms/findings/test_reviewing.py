"""The review list: open findings less what verdicts and contracts settle."""

from datetime import timedelta
from typing import Any

import polars as pl
import pytest

from given_accounts import DAY, HOUR, account_hash
from schemas.finding import FINDING, FLAGGED_ACCOUNT
from schemas.policy import Policy
from schemas.registry import REGISTRY
from schemas.verdict import VERDICT, VERDICTS
from transforms.findings import review_list, standing

POLICY = Policy()


def finding(account: str = "acc", **values: Any) -> dict[str, Any]:
    base: dict[str, Any] = dict.fromkeys(FINDING.columns)
    lists = {name: [] for name, kind in FINDING.polars.items() if isinstance(kind, pl.List)}
    return (
        base
        | lists
        | {
            "finding_uid": f"uid-{account}",
            "revision": 1,
            "activity": "created",
            "account_id": account,
            "account_hash": account_hash(account),
            "tick": DAY,
            "flagged_at": DAY + HOUR,
            "revised_at": DAY + HOUR,
            "tier": "review",
            "uncalibrated": False,
            "severity": "low",
            "kind": "unknown",
            "score": 4.0,
            "active_since": DAY,
            "exchanges_before": 10,
            "policy_version": "p",
        }
        | values
    )


def statuses(
    findings: list[dict[str, Any]],
    verdicts: list[tuple[str, int, str]] = (),  # type: ignore[assignment]
    contracts: dict[str, str] | None = None,
    policy: Policy = POLICY,
) -> dict[str, str]:
    given = [
        {"account_id": a, "given_at": DAY + timedelta(hours=h), "holds_from": DAY, "verdict": v, "analyst": "me"}
        for a, h, v in verdicts
    ]
    filed = [{"account_id": a, "holds_from": DAY, "contract": c} for a, c in (contracts or {}).items()]
    frames = (
        FINDING.conform(pl.DataFrame(findings, schema=FINDING.polars)),
        VERDICT.conform(pl.DataFrame(given, schema=VERDICT.polars)),
        REGISTRY.conform(pl.DataFrame(filed, schema=REGISTRY.polars)),
    )
    found = standing(*frames, policy)
    FLAGGED_ACCOUNT.check(found)
    listed = review_list(*frames, policy)
    hidden = found.filter(pl.col("status").is_in(["suppressed", "resolved"]))["account_id"].to_list()
    assert sorted(listed["account_id"].to_list() + hidden) == found["account_id"].to_list()
    return dict(found.select("account_id", "status").rows())


def test_an_open_finding_is_new() -> None:
    assert statuses([finding("a"), finding("b")]) == {"a": "new", "b": "new"}


@pytest.mark.parametrize("activity", ["closed", "withdrawn"])
def test_a_finding_that_ended_is_off_the_list(activity: str) -> None:
    assert statuses([finding(), finding(revision=2, activity=activity)]) == {}


def test_the_latest_revision_is_what_is_shown() -> None:
    rows = FINDING.conform(
        pl.DataFrame([finding(), finding(revision=2, activity="updated", tier="act", score=9.0)], schema=FINDING.polars)
    )
    found = standing(rows, VERDICT.empty(), REGISTRY.empty(), POLICY).row(0, named=True)
    assert (found["tier"], found["score"], found["flagged_at"]) == ("act", 9.0, DAY + HOUR)


def test_a_new_finding_after_a_closed_one_is_on_the_list() -> None:
    rows = [finding(), finding(revision=2, activity="closed"), finding(finding_uid="later", flagged_at=DAY + 9 * HOUR)]
    assert statuses(rows) == {"acc": "new"}


@pytest.mark.parametrize("verdict", VERDICTS)
def test_every_verdict_has_its_status(verdict: str) -> None:
    looking = {"true_positive", "suspicious", "insufficient_data"}
    assert statuses([finding()], [("acc", 5, verdict)]) == {"acc": "in_progress" if verdict in looking else "resolved"}


def test_the_latest_verdict_holds() -> None:
    verdicts = [("acc", 5, "true_positive"), ("acc", 9, "benign"), ("acc", 7, "suspicious")]
    assert statuses([finding()], verdicts) == {"acc": "resolved"}


@pytest.mark.parametrize(
    ("contract", "status"),
    [("Synthetic data 2026", "suppressed"), ("RED-TEAM", "suppressed"), ("standard", "new"), ("", "new")],
)
def test_a_contract_with_an_allowed_word_suppresses(contract: str, status: str) -> None:
    assert statuses([finding()], contracts={"acc": contract}) == {"acc": status}


def test_an_allowed_account_is_suppressed_whatever_was_judged() -> None:
    policy = Policy.parse('[allow]\naccount_ids = ["acc"]\n')
    assert statuses([finding(), finding("b")], [("acc", 1, "true_positive")], policy=policy) == {
        "acc": "suppressed",
        "b": "new",
    }


def test_a_word_with_signs_of_a_pattern_is_taken_as_it_is() -> None:
    policy = Policy.parse('[allow]\ncontracts = ["a.c"]\n')
    assert statuses([finding()], contracts={"acc": "abc"}, policy=policy) == {"acc": "new"}
    assert statuses([finding()], contracts={"acc": "x a.c"}, policy=policy) == {"acc": "suppressed"}


def test_a_campaign_is_carried_to_the_list() -> None:
    rows = FINDING.conform(
        pl.DataFrame([finding(campaign_id="c1", campaign_ids=["c1"]), finding("b")], schema=FINDING.polars)
    )
    found = standing(rows, VERDICT.empty(), REGISTRY.empty(), POLICY)
    assert found["campaign_ids"].to_list() == [["c1"], []]
