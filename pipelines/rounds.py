"""What `backfill`, `watch`, `rebuild` and `replay` share: the runs they are made of, in the order in which these depend on each other."""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from pipelines.ahead import Ahead
from pipelines.cli.progress import Progress
from pipelines.detecting import execute_detect, plan_detect, work_ahead
from pipelines.hunt import execute_hunt
from pipelines.ingest import execute_ingest, plan_ingest
from pipelines.lake.borders import floor_to_day, midnight_after
from pipelines.lake.checkpoints import reached
from pipelines.lake.closed import closed_until, has_unseen_events
from pipelines.lake.keys import read_secret
from pipelines.lake.lake import Lake
from pipelines.lake.learned import has_windows, is_learned
from pipelines.lake.plan import Plan, abandon, unfinished
from pipelines.lake.state import manifest_of
from pipelines.lake.waiting import waiting
from pipelines.lake.watermark import end_of_open, watermark_of
from pipelines.learning import execute_learn, plan_learn
from pipelines.manifests import staging
from pipelines.overlay import execute_overlay, plan_overlay
from pipelines.reference import execute_pin
from pipelines.release import execute_release
from pipelines.replaying import Taken, execute_replay
from pipelines.request import COUNTS, Request, SourceCounts, Summary
from pipelines.rewind import execute_rewind
from pipelines.run_bounds import end_of_next
from pipelines.runners import Engine
from pipelines.sight import facts
from pipelines.sight.alerts import execute_alerts
from pipelines.sources.brokers import BrokerGone
from pipelines.sources.files import has_pipe
from pipelines.sources.ranges import Growing
from pipelines.upkeep import execute_upkeep
from pipelines.writer import Writer, writing
from schemas.errors import SourceGone, SourceMoved
from schemas.score import TIERS
from transforms.ingest.key import FingerprintKey

_ALWAYS = datetime(2001, 1, 1, tzinfo=UTC)
"""From when the first accounts file holds: before any event (policy time.earliest)."""


class Rounds:
    """The runs of one command over a lake, and what they did.

    Args:
        request: what to read, and how.
        progress: told what happens.
        writer: of the lake.
        key: what fingerprints are keyed with; None where nothing is read from sources.
        is_live: files come and go: what an interrupted run was reading and is gone is not waited for.

    Attributes:
        lake: the lake.
        lease: its lease.
        writer: plans and commits the runs.
        ahead: the work of a tick that is not closed yet.
        begun_after: the last run before the command began.
        account_days: pairs of account and UTC day with a call in the ticks of a run, summed over its runs.
        days: UTC days closed in whole or in part.
        quarantined: days that failed their audit.
        replayed: what a replay took, if there was one.
    """

    def __init__(
        self,
        request: Request,
        progress: Progress,
        writer: Writer,
        key: FingerprintKey | None,
        *,
        is_live: bool = False,
    ) -> None:
        self._is_live = is_live
        self._request = request
        self._progress = progress
        self.lake, self.lease = writer.lake, writer.lease
        self._key = key
        self._engine = Engine(request.runner, request.beam_options)
        self.ahead = Ahead(self.lake)
        self.writer = replace(writer, spared=lambda: self.ahead.states)
        self.begun_after = self.lake.last_sequence()
        self.account_days = 0
        self._counts: dict[str, SourceCounts] = {}
        self.days: set[datetime] = set()
        self.quarantined: list[datetime] = []
        self.replayed: Taken | None = None

    def finish(self) -> None:
        """Executes the plans that interrupted commands left behind.

        Usually one at most; two where the entry of a run was lost from the log of `runs` while the next was at work,
        whose rows are in some tables already.
        """
        while (plan := unfinished(self.lake)) is not None:
            self._progress.note(f"finishing run {plan.run_id}, which was interrupted")
            try:
                self.execute(plan)
            except (SourceMoved, BrokerGone):
                if unfinished(self.lake) == plan:
                    raise

    def ingest(self, request: Request | None = None, growing: Growing | None = None) -> Plan | None:
        """Takes in what the sources have that the lake has not; the plan of that run, None where there is nothing.

        Args:
            request: in place of the command's own: its sources as they are now.
            growing: how sources that are still being written are read; None for all of them to their ends.

        Raises:
            SourceRefused: a source cannot be read.
            SourceMoved: again and again a file was rotated between being looked at and being read; nothing is committed.
        """
        closed = reached(self.lake.read("runs"))
        holds_from = _ALWAYS if closed is None else closed
        if closed is not None and closed != floor_to_day(closed):
            holds_from = midnight_after(closed)
        asked = self._request if request is None else request
        for is_last in (False, False, True):
            try:
                plan = plan_ingest(self.writer, asked, self._the_key(), self._progress, holds_from, growing)
                if plan is not None:
                    self.execute(plan)
            except SourceMoved:
                # A pipe is read once; what came through it has to be given again.
                if is_last or has_pipe(asked.sources, asked.spooled) or unfinished(self.lake) is not None:
                    raise
            else:
                return plan
        raise AssertionError("the last turn returns or raises")

    def detect(self) -> None:
        """Closes what the watermark has passed."""
        mark = watermark_of(self.lake, self._request.policy, is_complete=self._request.is_complete)
        if mark is None:
            return
        closed = closed_until(self.lake)
        self.close(mark)
        if closed == closed_until(self.lake):
            self.count_late()

    def close(self, mark: datetime, first: datetime | None = None) -> None:
        """Closes the ticks up to a time, a day (or as many rows as a run may take) at a time, and learns each closed day.

        Args:
            mark: until when.
            first: when the events begin, to tell the time left where no tick is closed yet.
        """
        told = closed_until(self.lake) or first or mark
        self._progress.begin("detect", total=int((mark - told).total_seconds()))
        while (until := self.close_next(mark)) is not None:
            self._progress.advance(
                max(0, int((until - told).total_seconds())), detail=f"closed until {until:%Y-%m-%d %H:%M}"
            )
            told = max(told, until)

    def close_next(self, mark: datetime, idle: Mapping[str, datetime] | None = None) -> datetime | None:
        """One run towards the watermark: what is to be learned at the border that was reached last, or else DETECT.

        Args:
            mark: the watermark.
            idle: sources that were not waited for, and since when they have not grown; recorded in the run's plan.

        Returns:
            Until where ticks are closed now; None where nothing was left to do.
        """
        policy, closed = self._request.policy, closed_until(self.lake)
        if closed is not None and closed == floor_to_day(closed) and self._learn(closed - timedelta(days=1)):
            return closed
        if closed is not None and mark <= closed:
            return None
        until = self.ahead.until(closed)
        if until is None or until > mark:
            until = end_of_next(self.lake, closed, mark, policy)
        self.execute(plan_detect(self.writer, self.ahead, until, self._request.groups, policy, idle))
        return until

    def work_ahead(self, soon: datetime) -> bool:
        """Does the work of the next tick where all sources have passed its end and the watermark has not; whether any was done."""
        return work_ahead(self.writer, self._engine, self.ahead, soon, self._request.groups, self._request.policy)

    def count_late(self) -> None:
        """Looks at events that no run has seen yet although nothing is to be closed: they are late, or far ahead."""
        closed = closed_until(self.lake)
        if closed is not None and has_unseen_events(self.lake):
            self.execute(plan_detect(self.writer, self.ahead, closed, self._request.groups, self._request.policy))

    def show_open(self) -> None:
        """Evaluates what is still open, in provisional rows that the next run replaces."""
        policy, closed = self._request.policy, closed_until(self.lake)
        until = end_of_open(self.lake, policy)
        if until is not None and (closed is None or until > closed):
            self._progress.begin("show what is still open")
            self.execute(plan_overlay(self.writer, until, self._request.groups, policy))

    def flagged(self) -> set[tuple[str, str]]:
        """Accounts on the review list and their tiers."""
        listed = self.lake.scan("flagged_accounts").select("account_id", "tier")
        rows = self.lake.collect("flagged_accounts", listed)
        return set(rows.iter_rows())

    def summary(self, flagged_before: set[tuple[str, str]], seconds: float) -> Summary:
        """What was done."""
        now = self.flagged()
        known_before = {account for account, _ in flagged_before}
        seen = self.lake.scan("account_windows").select("account_id").unique()
        accounts = self.lake.collect("account_windows", seen).height
        return Summary(
            sources=tuple(self._counts.values()),
            waiting=waiting(self.lake),
            closed_until=closed_until(self.lake),
            days=len(self.days),
            accounts=accounts,
            account_days=self.account_days,
            flagged={tier: sum(1 for _, t in now if t == tier) for tier in TIERS},
            newly_flagged={tier: sum(1 for a, t in now if t == tier and a not in known_before) for tier in TIERS},
            quarantined=tuple(self.quarantined),
            scored_alike=facts.scored_alike(self.lake, manifest_of(self.lake)),
            least_alike=facts.least_alike(self._request.policy.rates),
            seconds=seconds,
        )

    def _learn(self, day: datetime) -> bool:
        """Learns a closed day if that is to be done; whether it was."""
        if not has_windows(self.lake, day) or is_learned(self.lake, day):
            return False
        plan = plan_learn(self.writer, day, self._request.policy)
        for released in plan.work["released"]:
            self._progress.note(f"learning {released[:10]}, which was released, before {day:%Y-%m-%d}")
        self.execute(plan)
        return True

    def execute(self, plan: Plan) -> None:
        """Executes a plan, whatever it is of, and commits it.

        Raises:
            SourceMoved: a file it reads is not the one it was planned for; the run is undone, to be planned anew.
            SourceGone: there is no file; except live, the run is kept, for the file to be put back.
            BrokerGone: brokers do not answer; the run is undone, to be planned anew.
        """
        try:
            self._execute(plan)
        except SourceMoved as error:
            if self._is_live or not isinstance(error, SourceGone):
                abandon(self.lake, self.lease, plan.sequence)
                shutil.rmtree(staging(self.lake.root, plan.run_id), ignore_errors=True)
                self._progress.note(f"{error.where}: {error.problem}; run {plan.run_id} is dropped")
            raise
        except BrokerGone:
            # Nothing of it is committed: what it was to read is planned anew once they answer.
            abandon(self.lake, self.lease, plan.sequence)
            shutil.rmtree(staging(self.lake.root, plan.run_id), ignore_errors=True)
            raise

    def _execute(self, plan: Plan) -> None:
        if plan.pipeline == "ingest":
            kafka = self._request.kafka
            for source in execute_ingest(self.writer, self._engine, plan, self._the_key(), self._progress, kafka):
                self._count(source)
        elif plan.pipeline == "replay":
            self.replayed = execute_replay(self.writer, self._engine, plan, self._the_key(), self._progress)
        elif plan.pipeline == "detect":
            detected = execute_detect(self.writer, self._engine, plan)
            self.account_days += detected.account_days
            for count in detected.counts:
                self._count(SourceCounts(**{name: count[name] for name in SourceCounts.__dataclass_fields__}))
            self.days.add(floor_to_day(detected.closed_until - timedelta(microseconds=1)))
        elif plan.pipeline == "learn":
            if not execute_learn(self.writer, self._engine, plan):
                self.quarantined.append(datetime.fromisoformat(plan.work["day"]))
        else:
            self._execute_without_events(plan)

    def _execute_without_events(self, plan: Plan) -> None:
        """Executes a plan that neither takes events in nor closes or learns any."""
        if plan.pipeline == "rewind":
            execute_rewind(self.writer, plan)
        elif plan.pipeline == "release":
            execute_release(self.writer, plan)
        elif plan.pipeline == "reference":
            execute_pin(self.writer, plan)
        elif plan.pipeline == "hunt":
            execute_hunt(self.writer, plan)
        elif plan.pipeline == "upkeep":
            execute_upkeep(self.lake, self.lease, plan, self.writer.after)
        elif plan.pipeline == "alert":
            execute_alerts(self.writer, plan)
        else:
            execute_overlay(self.writer, self._engine, plan)

    def _count(self, more: SourceCounts) -> None:
        """Adds what became of a source in a run to what became of it before."""
        there = self._counts.get(more.name, SourceCounts(more.name, more.format))
        sums = {name: getattr(there, name) + getattr(more, name) for name in COUNTS}
        refused = more.refused_because if more.format is None else None
        self._counts[more.name] = SourceCounts(more.name, more.format or there.format, **sums, refused_because=refused)

    def _the_key(self) -> FingerprintKey:
        assert self._key is not None, "sources are read with a key"  # noqa: S101 - callers are this project's hosts
        return self._key


@contextmanager
def begun(
    request: Request, command: str, progress: Progress, after: Callable[[str], None] = lambda _: None
) -> Iterator[Rounds]:
    """The runs of a command that reads sources, over its lake and under its lease; what was interrupted is finished.

    Raises:
        StillwatchError: what a user can mend: policy, key, lake, lease.
    """
    key = FingerprintKey(read_secret(request.lake, request.key_file, os.environ))
    lake = Lake.create(request.lake, key.id)
    with writing(lake, command, after) as writer:
        rounds = Rounds(request, progress, writer, key, is_live=command == "watch")
        rounds.finish()
        yield rounds
