"""The false-positive ratchet (DESIGN invariant 7): thirty days of ordinary accounts, flagged at a fixed rate.

Every account has lasting habits, so that the same ones are the most unusual every day: those whom a reference that leaves
out flagged accounts would lose.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from given_accounts import DAY, windows
from schemas.finding import FINDING
from schemas.policy import Policy
from schemas.registry import REGISTRY
from schemas.score import SCORE
from schemas.snapshot import NEWCOMERS, Snapshot
from transforms.detectors import score
from transforms.findings import Calibration
from transforms.findings.calibration import p_values
from transforms.learning import Marks, learn

ACCOUNTS, DAYS, RATE = 700, 30, 0.02
POLICY = Policy.parse(
    f"[rates]\nreview = {RATE}\nact = 0.001\n[learning]\ntree_count = 3\ntree_height = 5\ntree_window = 100\n"
    "learn_windows = 200\nrank_windows = 4000\n"
)


def world(day: int, snapshot: Snapshot, habits: np.ndarray) -> pl.DataFrame:
    chance = np.random.default_rng(1000 + day)
    mood = habits + chance.normal(0.0, 0.7, habits.shape)
    known = dict(snapshot["peers"].select("account_id", "peer_group").iter_rows())
    return windows(
        {
            "account_id": f"a{number}",
            "hour": 24 * day + 24,
            "peer_group": known.get(f"a{number}", NEWCOMERS),
            "calls_24h": float(np.exp(6 + m[0])),
            "output_per_call_24h": float(np.exp(4.5 + m[1])),
            "out_in_ratio_24h": float(np.exp(m[1] + m[2] - 2)),
            "template_share_24h": float(1 / (1 + np.exp(1 - 1.5 * m[3]))),
            "gap_entropy_24h": float(3.8 + 0.3 * m[4]),
            "prefixes_24h": float(np.floor(np.exp(1 + m[5]))),
            "multi_turn_share_24h": 0.5,
        }
        for number, m in enumerate(mood)
    )


def flagged_findings(ids: list[str], day: int) -> list[dict[str, Any]]:
    base = {name: ([] if isinstance(kind, pl.List) else None) for name, kind in FINDING.polars.items()}
    moment = DAY + timedelta(days=day, hours=23)
    return [
        base | {"finding_uid": f"{one}-{day}", "revision": 1, "activity": "created", "account_id": one, "tick": moment}
        for one in ids
    ]


def keep_all(snapshot: Snapshot, flagged: list[str], day: int) -> Snapshot:
    return snapshot


def leave_out_flagged(snapshot: Snapshot, flagged: list[str], day: int) -> Snapshot:
    """What must not be done: the reference without the account-days its own score flagged."""
    today = pl.col("day") == DAY + timedelta(days=day)
    rows = snapshot["references"].filter(~(today & pl.col("account_id").is_in(flagged)))
    return Snapshot(snapshot.snapshot_id, snapshot.day, snapshot.parts | {"references": rows})


def rates(treat: Callable[[Snapshot, list[str], int], Snapshot]) -> list[float]:
    """Share of accounts flagged on each day on which the reference is large enough."""
    habits = np.random.default_rng(5).standard_t(4, (ACCOUNTS, 6))
    snapshot, findings, found = Snapshot.empty(), [], []
    for day in range(DAYS):
        seen = world(day, snapshot, habits)
        scored = score(seen, snapshot, POLICY).with_columns(day_maximum=pl.col("l1_score"))
        judged = p_values(scored, Calibration.of(snapshot["references"]), POLICY)
        flagged = judged.filter(pl.col("p_value") <= RATE)["account_id"].to_list()
        if judged["reference_size"].min() >= 1 / RATE:  # type: ignore[operator]
            found.append(len(flagged) / ACCOUNTS)
        findings += flagged_findings(flagged, day)
        recent = [one for one in findings if one["tick"] > DAY + timedelta(days=day - 7)]
        marks = Marks(findings=pl.DataFrame(recent, schema=FINDING.polars))
        scores = SCORE.conform(judged.with_columns(l0_score=pl.lit(0.0)))
        snapshot, _ = learn(snapshot, DAY + timedelta(days=day), seen, scores, REGISTRY.empty(), marks, POLICY)
        snapshot = treat(snapshot, flagged, day)
    return found


def test_the_rate_of_false_positives_stays_at_the_budget_for_a_month() -> None:
    found = rates(keep_all)
    assert len(found) >= 24, "the reference must have been large enough nearly all month"
    assert np.mean(found) == pytest.approx(RATE, rel=0.25)
    assert np.mean(found[-10:]) <= 1.35 * RATE


def test_a_reference_without_the_flagged_would_ratchet_the_rate_up() -> None:
    """That the simulation can show the fault at all."""
    found = rates(leave_out_flagged)
    assert np.mean(found[-5:]) > 2.0 * RATE
