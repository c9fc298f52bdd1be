"""`backfill`: INGEST over everything, then DETECT and LEARN day by day, then what is still open."""

import os
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from pipelines.cli.progress import Progress
from pipelines.estimating import estimate
from pipelines.host import Detected, Engine, Host, floor_to_day, midnight_after
from pipelines.ingest import execute_ingest, plan_ingest
from pipelines.lake.keys import read_secret
from pipelines.lake.lake import Lake
from pipelines.lake.lease import Lease
from pipelines.lake.leftovers import remove_half_written
from pipelines.lake.plan import Plan, forget_plans, unfinished
from pipelines.request import Request, SourceCounts, Summary
from schemas.score import TIERS
from transforms.ingest.key import FingerprintKey

__all__ = ["backfill", "estimate"]

_KEPT_PLANS = 20
_ALWAYS = datetime(2001, 1, 1, tzinfo=UTC)
"""From when the first accounts file holds: before any event (policy time.earliest)."""


def backfill(request: Request, progress: Progress, after: Callable[[str], None] = lambda _: None) -> Summary:
    """Reads the sources into the lake and flags the accounts that steal.

    Repeated after an interruption, it first finishes what was begun; repeated without new records, it changes nothing.

    Args:
        request: what to read, and how.
        progress: told what happens.
        after: called after each point at which a commit can be interrupted; tests interrupt there.

    Raises:
        StillwatchError: what a user can mend: sources, policy, key, lake, lease.
    """
    began = time.monotonic()
    key = FingerprintKey(read_secret(request.lake, request.key_file, os.environ))
    lake = Lake.create(request.lake, key.id)
    with Lease.acquire(lake.root, "backfill") as lease:
        remove_half_written(lake, lease)
        lake.adopt_contracts(lease)
        run = _Backfill(request, progress, lake, lease, key, after)
        run.finish()
        flagged_before = run.flagged()
        run.ingest()
        run.detect()
        run.show_open()
        forget_plans(lake, _KEPT_PLANS)
        return run.summary(flagged_before, time.monotonic() - began)


class _Backfill:
    """One backfill, step by step."""

    def __init__(
        self,
        request: Request,
        progress: Progress,
        lake: Lake,
        lease: Lease,
        key: FingerprintKey,
        after: Callable[[str], None],
    ) -> None:
        self._request = request
        self._progress = progress
        self._lake = lake
        self._lease = lease
        self._key = key
        self._after = after
        self._host = Host(lake, lease, Engine(request.runner, request.beam_options), after)
        self._sources: list[SourceCounts] = []
        self._detected: list[Detected] = []
        self._days: set[datetime] = set()
        self._quarantined: list[datetime] = []

    def finish(self) -> None:
        """Executes the plan that an interrupted command left behind, if there is one."""
        plan = unfinished(self._lake)
        if plan is not None:
            self._progress.note(f"finishing run {plan.run_id}, which was interrupted")
            self._execute(plan)

    def ingest(self) -> None:
        """Takes in what the sources have that the lake has not."""
        closed = self._host.closed_until()
        holds_from = _ALWAYS if closed is None else closed
        if closed is not None and closed != floor_to_day(closed):
            holds_from = midnight_after(closed)
        plan = plan_ingest(self._lake, self._lease, self._request, self._key, self._progress, holds_from)
        if plan is not None:
            self._execute(plan)

    def detect(self) -> None:
        """Closes what the watermark has passed, a day (or as many rows as a run may take) at a time."""
        policy, host = self._request.policy, self._host
        mark = host.watermark(policy, is_complete=self._request.is_complete)
        closed = host.closed_until()
        if mark is None:
            return
        if closed is not None and closed == floor_to_day(closed):
            self._learn(closed - timedelta(days=1))
        begun = closed
        total = int((mark - (closed or mark)).total_seconds()) if closed is not None else 0
        self._progress.begin("detect", total=total)
        while (until := host.next_border(closed, mark, policy)) is not None:
            self._execute(host.plan_detect(closed, until, self._request.groups, policy))
            if until == floor_to_day(until):
                self._learn(until - timedelta(days=1))
            self._progress.advance(
                int((until - (closed or until)).total_seconds()), detail=f"closed until {until:%Y-%m-%d %H:%M}"
            )
            closed = until
        if closed == begun and closed is not None and host.has_unseen_events():
            self._execute(host.plan_detect(closed, closed, self._request.groups, policy))

    def show_open(self) -> None:
        """Evaluates what is still open, in provisional rows that the next run replaces."""
        host = self._host
        until = host.end_of_open(self._request.policy)
        closed = host.closed_until()
        if until is not None and (closed is None or until > closed):
            self._progress.begin("show what is still open")
            self._execute(host.plan_overlay(closed, until, self._request.groups, self._request.policy))

    def flagged(self) -> set[tuple[str, str]]:
        """Accounts on the review list and their tiers."""
        rows = self._lake.scan("flagged_accounts").select("account_id", "tier").collect()
        return set(rows.iter_rows())

    def summary(self, flagged_before: set[tuple[str, str]], seconds: float) -> Summary:
        """What was done."""
        now = self.flagged()
        known_before = {account for account, _ in flagged_before}
        accounts = self._lake.scan("account_windows").select("account_id").unique().collect().height
        return Summary(
            sources=tuple(_joined(self._sources, self._detected)),
            waiting=self._host.waiting(),
            closed_until=self._host.closed_until(),
            days=len(self._days),
            accounts=accounts,
            account_days=sum(one.account_days for one in self._detected),
            flagged={tier: sum(1 for _, t in now if t == tier) for tier in TIERS},
            newly_flagged={tier: sum(1 for a, t in now if t == tier and a not in known_before) for tier in TIERS},
            quarantined=tuple(self._quarantined),
            seconds=seconds,
        )

    def _learn(self, day: datetime) -> None:
        if self._host.has_windows(day) and not self._host.is_learned(day):
            self._execute(self._host.plan_learn(day, self._request.policy))

    def _execute(self, plan: Plan) -> None:
        if plan.pipeline == "ingest":
            self._sources += execute_ingest(
                self._lake,
                self._lease,
                plan,
                self._key,
                self._request.runner,
                self._request.beam_options,
                self._progress,
                self._after,
            )
        elif plan.pipeline == "detect":
            detected = self._host.detect(plan)
            self._detected.append(detected)
            self._days.add(floor_to_day(detected.closed_until - timedelta(microseconds=1)))
        elif plan.pipeline == "learn":
            if not self._host.learn(plan):
                self._quarantined.append(datetime.fromisoformat(plan.work["day"]))
        else:
            self._host.overlay(plan)


def _joined(sources: Iterable[SourceCounts], detected: Iterable[Detected]) -> list[SourceCounts]:
    """Counts by name of the source, of reading and of detecting together."""
    found: dict[str, SourceCounts] = {}
    for source in sources:
        found[source.name] = source
    for count in (count for one in detected for count in one.counts):
        there = found.get(count["name"], SourceCounts(count["name"], count["format"]))
        found[count["name"]] = replace(
            there,
            accepted=there.accepted + count["accepted"],
            duplicates=there.duplicates + count["duplicates"],
            too_late=there.too_late + count["too_late"],
        )
    return list(found.values())
