"""What a lake tells from outside of how it is kept up to date: read only, without a lease, while it is being written."""

from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.lake.closed import closed_until
from pipelines.lake.lake import Lake
from pipelines.lake.lease import Holder, who_holds
from pipelines.lake.plan import last_plan_of, waiting_plans
from pipelines.lake.sources import Register, register_of
from pipelines.lake.state import manifest_of
from pipelines.lake.times import from_micros
from pipelines.lake.waiting import waiting
from pipelines.sight import facts
from pipelines.sight.alerts import open_alerts
from schemas.policy import Policy


@dataclass(frozen=True)
class SourceStatus:
    """One source.

    Attributes:
        source: its id.
        name: where it was last seen.
        format: adapter that reads it.
        events: events taken from it.
        progress: event time that enough of its events reach (policy time.progress_events); None where it has fewer.
        latest: its latest event time; None without any.
        resting_since: since when it had not grown, where the last DETECT run did not wait for it; None where it did.
    """

    source: str
    name: str
    format: str
    events: int
    progress: datetime | None
    latest: datetime | None
    resting_since: datetime | None


@dataclass(frozen=True)
class Status:
    """How a lake is.

    Attributes:
        lake: its folder.
        writer: who holds the lease now; None where nobody does.
        unfinished: id of the run that was begun and is not in `runs`; None without any.
        last_run: run_id, pipeline and finished_at of the last run; None before the first.
        closed_until: event time up to which ticks are closed; None before the first.
        behind_seconds: this machine's clock less that; None likewise.
        waiting: events whose tick is not closed.
        open_accounts: accounts whose session may still go on.
        state_bytes: bytes of the states that hold.
        scored_alike: account-days of the largest reference: models give a rate where it is large enough.
        least_alike: by tier, how many it takes for a rate as small as the tier's budget.
        flagged: accounts on the review list, by tier.
        rejects: refused records, by reason.
        quarantined: days that failed their audit and were not released.
        reference: what the distribution test compares with: see `facts.reference`.
        alerts: open rows of the table `alerts`.
        sources: every source, the one furthest behind first.
    """

    lake: str
    writer: Holder | None
    unfinished: str | None
    last_run: dict[str, Any] | None
    closed_until: datetime | None
    behind_seconds: float | None
    waiting: int
    open_accounts: int
    state_bytes: int
    scored_alike: int
    least_alike: dict[str, int]
    flagged: dict[str, int]
    rejects: dict[str, int]
    quarantined: list[datetime]
    reference: dict[str, Any]
    alerts: list[dict[str, Any]]
    sources: list[SourceStatus]

    def to_plain(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        return asdict(self)


def status(root: Path, now: datetime) -> Status:
    """How the lake is; nothing is written.

    Args:
        root: its folder.
        now: the time by this machine's clock.

    Raises:
        LakeError: there is no lake, or it is damaged.
    """
    lake = Lake.open(root)
    last = lake.last_run()
    manifest, closed = manifest_of(lake), closed_until(lake)
    plans = waiting_plans(lake)
    plan = last_plan_of(lake, "detect")
    idle = {} if plan is None else {s: datetime.fromisoformat(since) for s, since in plan.work.get("idle", [])}
    policy = Policy() if plan is None else Policy.from_json(plan.policy)
    return Status(
        lake=str(root),
        writer=who_holds(root),
        unfinished=None if not plans else plans[0][1].stem,
        last_run=None if last is None else {name: last[name] for name in ("run_id", "pipeline", "finished_at")},
        closed_until=closed,
        behind_seconds=None if closed is None else (now - closed).total_seconds(),
        waiting=waiting(lake),
        open_accounts=facts.open_accounts(lake, manifest),
        state_bytes=facts.state_bytes(lake, manifest),
        scored_alike=facts.scored_alike(lake, manifest),
        least_alike=facts.least_alike(policy.rates),
        flagged=facts.flagged_by_tier(lake),
        rejects=facts.rejects_by_reason(lake),
        quarantined=facts.quarantined_days(lake),
        reference=facts.reference(lake, manifest, closed, policy),
        alerts=open_alerts(lake).drop("cleared_at").to_dicts(),
        sources=_sources(register_of(lake), idle, policy),
    )


def _sources(register: Register, idle: dict[str, datetime], policy: Policy) -> list[SourceStatus]:
    needed = policy.time.progress_events
    found = []
    for source, known in register.items():
        times = [from_micros(time) for time, _ in known.latest]
        name = known.names[-1] if known.names else source
        progress = times[needed - 1] if len(times) >= needed else None
        latest = times[0] if times else None
        found.append(SourceStatus(source, name, known.format, known.events, progress, latest, idle.get(source)))
    return sorted(
        found, key=lambda s: (s.resting_since is not None, s.progress is None, s.progress or s.latest, s.name)
    )


def sources_frame(told: Status) -> pl.DataFrame:
    """The sources as a table for people."""
    rows = [asdict(source) for source in told.sources]
    schema = {"name": pl.String, "format": pl.String, "events": pl.Int64} | dict.fromkeys(
        ("progress", "latest", "resting_since"), pl.Datetime("us", "UTC")
    )
    return pl.DataFrame(rows, schema_overrides=schema).select(list(schema)) if rows else pl.DataFrame(schema=schema)
