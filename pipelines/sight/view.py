"""What a running watch knows of itself: written by the supervisor, read by monitors and by whoever sits at the terminal."""

import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from typing import Any

import polars as pl
from prometheus_client import CollectorRegistry

from pipelines.lake.closed import closed_until
from pipelines.lake.lake import Lake
from pipelines.lake.plan import Plan
from pipelines.lake.sources import Register
from pipelines.lake.state import manifest_of
from pipelines.sight import facts
from pipelines.sight.alerts import open_alerts
from pipelines.sight.metrics import Meters
from pipelines.sources.ranges import RangeSpec
from schemas.alert import ALERTS

_RATE_SECONDS = 60.0
_OUTCOMES = ("appended", "ignored", "rejects", "accepted", "duplicates", "too_late")
_MAY_CHANGE_ALERTS = ("alert",)
_MAY_QUARANTINE = ("learn", "release", "rewind")


class View:
    """Facts about one process and its lake; safe to be read from several threads.

    Args:
        longest_turn: how long one turn of the supervisor may take before it counts as stuck.
        on_run: told of each run that was committed: its row in `runs`.
        on_alert: told of each alert that was raised or cleared: its row in `alerts`.
        on_turn: told after each turn, with one line for a terminal.
        clock: seconds that only rise.
    """

    def __init__(
        self,
        longest_turn: timedelta = timedelta(minutes=30),
        *,
        on_run: Callable[[Mapping[str, Any]], None] = lambda _: None,
        on_alert: Callable[[Mapping[str, Any]], None] = lambda _: None,
        on_turn: Callable[[str], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._longest, self._clock = longest_turn, clock
        self._on_run, self._on_alert, self._on_turn = on_run, on_alert, on_turn
        self._lock = threading.Lock()
        self._meters = Meters()
        self._is_ready = False
        self._turned = clock()
        self._last: int | None = None
        self._records = self._waiting = self._alerts = 0
        self._bytes = self._backlog = 0
        self._flagged: dict[str, int] = {}
        self._rates: deque[tuple[float, int]] = deque([(clock(), 0)])
        self._closed: datetime | None = None
        self._sources = self._idle = 0
        self._meters.set("build_info", 1, version=version("stillwatch"))
        for name in (
            "ready",
            "backlog_bytes",
            "backlog_records",
            "watermark_timestamp_seconds",
            "closed_timestamp_seconds",
            "lag_seconds",
        ):
            self._meters.set(name, 0)

    # -- what is asked

    def registry(self) -> CollectorRegistry:
        """The metrics as they are now."""
        with self._lock:
            self._tell_lag()
        return self._meters.registry

    def unready(self) -> str | None:
        """Why the host does not work yet; None where it does."""
        return None if self._is_ready else "what was interrupted is being finished"

    def unhealthy(self) -> str | None:
        """Why the host counts as stuck; None where its turns follow one another."""
        rest = timedelta(seconds=self._clock() - self._turned)
        if rest <= self._longest:
            return None
        return f"one turn takes {rest / timedelta(minutes=1):.0f} minutes already, more than watch.longest_turn_minutes"

    def line(self) -> str:
        """One line for a terminal."""
        with self._lock:
            now, (then, before) = self._clock(), self._rates[0]
            rate = (self._records - before) / max(now - then, 1.0)
            parts = [f"{self._records:,} records ({rate:,.0f}/s)"]
            if self._closed is not None:
                behind = max(datetime.now(UTC) - self._closed, timedelta(0))
                parts.append(f"closed until {self._closed:%Y-%m-%d %H:%M} ({_brief(behind)} ago)")
            parts.append(f"{self._sources:,} sources, {self._idle:,} at rest")
            parts += [f"{count:,} {tier}" for tier, count in sorted(self._flagged.items())]
            if self._alerts:
                parts.append(f"{self._alerts} alerts")
            return " · ".join(parts)

    # -- what is told

    def begun(self, lake: Lake, after: int, waiting: int) -> None:
        """The host works now: what was interrupted is finished.

        Args:
            lake: the lake.
            after: sequence number of the last run before this process.
            waiting: events whose tick was not closed when that number was the last.
        """
        with self._lock:
            self._is_ready = True
            self._meters.set("ready", 1)
            self._last, self._waiting = after, waiting
            self._meters.set("waiting_events", waiting)
            self._look_at(lake, None)
            self._turned = self._clock()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Counts the time that something takes."""
        since = self._clock()
        try:
            yield
        finally:
            with self._lock:
                self._meters.add("stage_seconds_total", self._clock() - since, stage=name)

    def planned(self, plan: Plan | None) -> None:
        """An INGEST run was executed, or there was nothing to read."""
        with self._lock:
            self._backlog = 0 if plan is None else plan.work["left"]
            self._meters.set("backlog_bytes", self._backlog)
            size = 0 if plan is None else sum(RangeSpec.from_json(spec).size for spec in plan.work["ranges"])
            self._meters.add("ingested_bytes_total", size)
            self._bytes += size

    def alerted(self, rows: pl.DataFrame) -> None:
        """Alerts were raised or cleared."""
        for row in rows.iter_rows(named=True):
            self._on_alert(row)

    def turned(self, lake: Lake, register: Register | None, idle: Collection[str], mark: datetime | None) -> None:
        """The supervisor has come around once.

        Args:
            lake: the lake.
            register: all sources; None where nothing was looked at yet.
            idle: ids of those that are not waited for.
            mark: the watermark.
        """
        with self._lock:
            self._turned = self._clock()
            if mark is not None:
                self._meters.set("watermark_timestamp_seconds", mark.timestamp())
            if register is not None:
                self._sources, self._idle = len(register), len(idle)
                self._meters.set("sources", len(idle), state="idle")
                self._meters.set("sources", len(register) - len(idle), state="active")
            assert self._last is not None, "begun comes first"  # noqa: S101 - called by the supervisor
            new = facts.runs_after(lake, self._last) if lake.last_sequence() > self._last else []
            for row in new:
                self._count(lake, row)
            if new:
                self._look_at(lake, {row["pipeline"] for row in new})
            unread = self._backlog * self._records / self._bytes if self._bytes else 0
            self._meters.set("backlog_records", round(unread))
            self._rates.append((self._turned, self._records))
            while len(self._rates) > 1 and self._turned - self._rates[0][0] > _RATE_SECONDS:
                self._rates.popleft()
        for row in new:
            self._on_run(row)
        self._on_turn(self.line())

    def _count(self, lake: Lake, row: Mapping[str, Any]) -> None:
        """Adds what a run did."""
        self._last = row["sequence"]
        sums = {name: sum(s[name] for s in row["sources"]) for name in _OUTCOMES}
        for name in ("appended", "ignored", "rejects"):
            self._meters.add("ingested_records_total", sums[name], outcome=name)
        for name in ("accepted", "duplicates", "too_late"):
            self._meters.add("detected_events_total", sums[name], outcome=name)
        if sums["rejects"] > 0:
            for reason, count in facts.rejects_of_run(lake, row["run_id"]).items():
                self._meters.add("rejected_records_total", count, reason=reason)
        self._records += sum(sums[name] for name in ("appended", "ignored", "rejects"))
        self._waiting += sums["appended"] - sums["accepted"] - sums["duplicates"] - sums["too_late"]
        self._meters.set("waiting_events", self._waiting)
        self._meters.add("finding_revisions_total", row["findings"])
        seconds = (row["finished_at"] - row["started_at"]).total_seconds()
        self._meters.observe("run_duration_seconds", seconds, pipeline=row["pipeline"])
        self._meters.set("last_commit_timestamp_seconds", row["finished_at"].timestamp())
        if row["pipeline"] in ("detect", "rewind"):
            self._closed = row["closed_until"]

    def _look_at(self, lake: Lake, pipelines: Collection[str] | None) -> None:
        """Takes from the lake what runs of some pipelines may have changed; None for everything."""
        last = lake.last_run()
        if last is None:
            return
        manifest = manifest_of(lake)
        self._meters.set("state_bytes", facts.state_bytes(lake, manifest))
        if pipelines is None or not set(pipelines) <= {"ingest", "alert"}:
            self._flagged = facts.flagged_by_tier(lake)
            for tier, count in self._flagged.items():
                self._meters.set("flagged_accounts", count, tier=tier)
        if pipelines is None or not set(pipelines).isdisjoint(_MAY_QUARANTINE):
            self._meters.set("quarantined_days", len(facts.quarantined_days(lake)))
        if pipelines is None or not set(pipelines).isdisjoint(_MAY_CHANGE_ALERTS):
            held = dict(open_alerts(lake).group_by("kind").len().iter_rows())
            self._alerts = sum(held.values())
            for kind in ALERTS:
                self._meters.set("alerts_open", held.get(kind, 0), kind=kind)
        if pipelines is None:
            self._closed = closed_until(lake)

    def _tell_lag(self) -> None:
        if self._closed is not None:
            self._meters.set("closed_timestamp_seconds", self._closed.timestamp())
            self._meters.set("lag_seconds", (datetime.now(UTC) - self._closed).total_seconds())


def _brief(span: timedelta) -> str:
    """A length of time in one unit.

    >>> _brief(timedelta(minutes=7)), _brief(timedelta(hours=50))
    ('7 min', '50 h')
    """
    minutes = span / timedelta(minutes=1)
    return f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.0f} h"
