"""A lake of a few hand-written rows: what the reading commands show is then known to the letter."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.lake.commit import Committer, Outcome, Write
from pipelines.lake.lake import Lake
from pipelines.lake.lease import Lease
from pipelines.lake.plan import Plan, write_plan
from schemas.catalogue import TABLES
from schemas.policy import Policy

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
THIEF, CUSTOMER, QUIET, WAITING = "acct-thief", "acct-customer", "acct-quiet", "acct-waiting"

TEMPLATE = {
    "signal": "template_share_24h", "layer": "L1", "family": "structure", "observed": 0.97, "expected": 0.35,
    "peers": 0.08, "tail": 0.0004, "points": 3.0, "detail": None,
}  # fmt: skip
SWEEP = {
    "signal": "logit_bias_sweep", "layer": "L0", "family": "rule", "observed": 1290.0, "expected": 300.0,
    "peers": None, "tail": None, "points": 5.0, "detail": "1,290 distinct biased tokens in 24 h",
}  # fmt: skip


def flagged() -> dict[str, Any]:
    """The thief's row of the review list."""
    return {
        "account_id": THIEF,
        "account_hash": 1,
        "campaign_id": "c-1",
        "campaign_ids": ["c-1"],
        "flagged_at": NOON + timedelta(minutes=10),
        "finding_uid": "f-1",
        **_evidence(),
        "status": "new",
        "verdict": None,
        "provisional": False,
    }


def _evidence() -> dict[str, Any]:
    return {
        "tier": "act",
        "uncalibrated": True,
        "severity": "high",
        "kind": "distillation",
        "score": 8.0,
        "p_value": None,
        "techniques": ["AML.T0024.002"],
        "reasons": ["Biased 1,290 distinct tokens in 24 h.", "97 % of the prompts share one template."],
        "signals": [SWEEP, TEMPLATE],
        "active_since": NOON - timedelta(hours=5),
        "exchanges_before": 12_345,
        "output_tokens_before": 4_560_000,
        "damage_tier": 10_000,
        "linked_account_ids": ["acct-twin"],
        "example_event_ids": ["e-1", "e-2"],
        "could_not_see": ["The source carries no client fingerprint."],
        "would_clear": ["A contract that allows distillation."],
        "policy_version": "0123456789ab",
        "snapshot_id": None,
    }


def _finding(revision: int, activity: str) -> dict[str, Any]:
    return {
        "finding_uid": "f-1",
        "revision": revision,
        "activity": activity,
        "account_id": THIEF,
        "account_hash": 1,
        "campaign_id": "c-1",
        "tick": NOON,
        "flagged_at": NOON + timedelta(minutes=10),
        "revised_at": NOON + timedelta(minutes=10 * revision),
        **_evidence(),
    }


def _score(account: str, end: datetime, score: float | None, **changes: Any) -> dict[str, Any]:
    return {
        "account_id": account,
        "account_hash": 1,
        "window_end": end,
        "peer_group": "new",
        "score": score,
        "l0_score": None if score is None else 0.0,
        "l1_score": score,
        "day_maximum": score,
        "p_value": None,
        "reference_size": 0,
        "abstained_because": [],
        "signals": [],
        "snapshot_id": None,
        "provisional": False,
        **changes,
    }


def _window(account: str, end: datetime, calls: int) -> dict[str, Any]:
    return {
        "account_id": account,
        "account_hash": 1,
        "window_end": end,
        "peer_group": "new",
        "presence": 7,
        "lifetime_calls": calls,
        "lifetime_output_tokens": calls * 300,
        "first_seen": NOON - timedelta(hours=6),
        "is_weak_account": False,
        "sample_event_ids": ["e-1"],
        "provisional": False,
    }


def _trait(account: str, kind: str, key: int, count: int, label: str | None = None) -> dict[str, Any]:
    return {
        "account_id": account, "account_hash": {"acct-a": 3, "acct-b": 4}.get(account, 1), "tick": NOON - timedelta(minutes=5), "kind": kind, "key": key, "label": label,
        "count": count, "refused": 0, "first_time": NOON - timedelta(minutes=3),
    }  # fmt: skip


def make_tiny_lake(root: Path) -> Lake:
    """The lake: a thief in a campaign, a customer below the line, a quiet account, and one whose hour is still open."""
    hour = timedelta(hours=1)
    rows: dict[str, list[dict[str, Any]]] = {
        "events": [
            {
                "source": "s", "position": n, "event_id": f"e-{n}", "time": NOON, "account_id": WAITING,
                "account_hash": 2, "account_basis": "team", "operation": "chat", "presence": 7,
            }
            for n in range(3)
        ],
        "account_windows": [
            _window(THIEF, NOON, 12_345),
            _window(CUSTOMER, NOON - hour, 200),
            _window(CUSTOMER, NOON, 240),
            _window(QUIET, NOON, 4),
        ],
        "account_scores": [
            _score(THIEF, NOON, 8.0, l0_score=5.0, l1_score=3.0, signals=[SWEEP, TEMPLATE]),
            _score(CUSTOMER, NOON - hour, 2.5, signals=[TEMPLATE | {"observed": 0.4, "points": 2.5}]),
            _score(CUSTOMER, NOON, 1.25, signals=[TEMPLATE | {"observed": 0.38, "points": 1.25}]),
            _score(QUIET, NOON, None, abstained_because=["4 calls in 24 h, fewer than 20."]),
        ],
        "traits": [
            *[_trait(name, "client", 7, calls, "t13d1516h2") for name, calls in {CUSTOMER: 180, "acct-a": 40, "acct-b": 30}.items()],
            *[_trait(CUSTOMER, kind, 1, 240, "chat") for kind in ("operation", "model")],
            _trait(QUIET, "operation", 1, 4, "chat"),
        ],
        "campaigns": [
            {
                "campaign_id": "c-1", "kind": "distillation", "tier": "review", "score": 5.5, "signals": [],
                "link_kinds": ["client", "line"], "account_ids": [THIEF, "acct-twin"], "accounts": 2,
                "first_seen": NOON - 6 * hour, "last_seen": NOON, "flagged_at": NOON, "exchanges": 20_000,
                "exchanges_before": 900, "output_tokens": 9_000_000, "output_tokens_before": 410_000, "damage_tier": 10_000, "exchanges_per_day": 40_000.0,
                "next_tier_at": NOON + 19 * hour, "merged_ids": [], "evidence": ["One line in all calls."],
            }
        ],
        "campaign_tests": [
            {
                "campaign_id": "c-1", "day": NOON - 12 * hour, "map": "prompt", "accounts": 2, "calls": 900, "distance": 2.5,
                "tail": 0.002, "alike": 0.7, "others_alike": 0.4, "snapshot_id": "day-2026-03-02",
            }
        ],
        "findings": [_finding(1, "created"), _finding(2, "updated")],
        "flagged_accounts": [flagged()],
    }  # fmt: skip
    lake = Lake.create(root, "0123456789abcdef")
    with Lease.acquire(root, "test") as lease:
        plan = Plan(1, "detect", NOON, Policy().to_json(), {})
        write_plan(lake, lease, plan)
        writes = {name: Write(rows=pl.DataFrame(some, schema=TABLES[name].polars)) for name, some in rows.items()}
        outcome = Outcome(accounts=4, windows=4, findings=2, policy_version="0123456789ab")
        Committer(lake, lease).commit(plan, writes, outcome, {})
    return lake
