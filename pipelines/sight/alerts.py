"""Alerts: raised when a condition is first seen, cleared when it no longer holds, each change a run of its own."""

import json
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl

from pipelines.lake.commit import Outcome, Write
from pipelines.lake.lake import Lake
from pipelines.lake.plan import Plan
from pipelines.sight.conditions import Condition
from schemas.alert import ALERT
from schemas.policy import Policy

if TYPE_CHECKING:
    from pipelines.writer import Writer


def open_alerts(lake: Lake) -> pl.DataFrame:
    """ALERT rows that still hold, the one raised last first."""
    return (
        lake.read("alerts").filter(pl.col("cleared_at").is_null()).sort("raised_at", "kind", "subject", descending=True)
    )


def updated(
    rows: pl.DataFrame, conditions: Sequence[Condition], judged: Collection[str], now: datetime, policy: Policy
) -> pl.DataFrame | None:
    """The table after a look; None where it says the same as before.

    May be asked several times of one moment, of the hours that closed since the last look: what was raised, gone and is
    raised again at that moment is one row.

    Args:
        rows: ALERT rows as they are.
        conditions: what holds now.
        judged: kinds that were looked at: an alert of another kind stays as it is.
        now: the time by this machine's clock.
        policy: section alerts.
    """
    holding = {(condition.kind, condition.subject): condition for condition in conditions}
    forgotten = now - timedelta(days=policy.alerts.kept_days)
    is_stale = timedelta(minutes=policy.alerts.seen_minutes)
    result, changed = [], False
    for row in rows.iter_rows(named=True):
        if row["cleared_at"] is not None or row["kind"] not in judged:
            is_kept = row["cleared_at"] is None or row["cleared_at"] >= forgotten
            changed |= not is_kept
            result += [row] if is_kept else []
            continue
        condition = holding.pop((row["kind"], row["subject"]), None)
        if condition is None:
            result.append(row | {"cleared_at": now, "last_seen_at": now})
            changed = True
        elif now - row["last_seen_at"] >= is_stale:
            told = {"name": condition.name, "message": condition.message, "fix": condition.fix}
            result.append(row | told | {"last_seen_at": now})
            changed = True
        else:
            result.append(row)
    at_once = {(row["kind"], row["subject"]): number for number, row in enumerate(result) if row["raised_at"] == now}
    for condition in holding.values():
        raised = vars(condition) | {"raised_at": now, "last_seen_at": now, "cleared_at": None}
        number = at_once.get((condition.kind, condition.subject))
        if number is None:
            result.append(raised)
        else:
            result[number] = raised | {"since": result[number]["since"]}
        changed = True
    return ALERT.conform(pl.DataFrame(result, schema=ALERT.polars)) if changed else None


def plan_alerts(writer: "Writer", rows: pl.DataFrame, policy: Policy) -> Plan:
    """The plan of the run that puts these rows in the place of the former ones, written down."""
    return writer.plan("alert", {"alerts": json.loads(rows.write_json())}, policy)


def execute_alerts(writer: "Writer", plan: Plan) -> None:
    """Executes an alert plan and commits it; repeated after a crash, it does the same."""
    rows = pl.read_json(json.dumps(plan.work["alerts"]).encode(), schema=ALERT.polars)
    write = Write(overwrite=True, rows=ALERT.conform(rows))
    outcome = Outcome(accounts=0, windows=0, findings=0, policy_version=Policy.from_json(plan.policy).version)
    writer.commit(plan, {"alerts": write}, outcome)
