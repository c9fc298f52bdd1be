"""`watch`: the runs of a backfill, again and again, over sources that are still being written.

One supervisor under one lease: what has come is taken in, then the ticks that the watermark has passed are closed, one
run of each in turn, so that neither starves the other. A lake that `backfill` wrote is continued, and the reverse.
"""

import gc
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from pipelines.backfill import KEPT_PLANS
from pipelines.cli.progress import Progress
from pipelines.lake.lake import Lake
from pipelines.lake.plan import Plan, forget_plans, unfinished
from pipelines.lake.recent import kept_recent
from pipelines.lake.sources import Register, register_of
from pipelines.lake.waiting import waiting
from pipelines.lake.watermark import live_watermark_of, watermark_of
from pipelines.request import Request, Summary
from pipelines.rounds import Rounds, begun
from pipelines.sight.lookout import Lookout
from pipelines.sight.view import View
from pipelines.sources.brokers import OffsetsLost, is_topic
from pipelines.sources.files import looks
from pipelines.sources.idling import Idling
from pipelines.sources.ranges import Growing
from pipelines.sources.spool import Spool, remains
from pipelines.upkeep import tend
from schemas.errors import SourceMoved, SourceRefused
from transforms.quality import prepare

_MEGABYTE = 1_000_000
_SLICE_SECONDS = 0.2
"""How often a waiting supervisor looks whether standard input has ended or is full."""

_TENDED_RUNS, _MOST_UNTENDED_RUNS = 32, 96
"""Runs between two looks at what has to be kept small, where nothing waits and where something does: half of policy upkeep.small_files, as
each table has at most one file of a run; and three times that, so that who catches up for days keeps it small, too."""


def watch(
    request: Request,
    progress: Progress,
    stop: threading.Event,
    *,
    is_once: bool = False,
    after: Callable[[str], None] = lambda _: None,
    view: View | None = None,
) -> Summary:
    """Reads the sources into the lake as they are written, and flags the accounts that steal, until it is stopped.

    Killed at any moment and started again, it first finishes what was begun.

    Args:
        request: what to read, and how; `is_complete` holds for the end of `is_once` or of standard input.
        progress: told what happens.
        stop: once set, the run under way is finished and nothing more is begun.
        is_once: read what is there, show what is still open, and end.
        after: called after each point at which a commit can be interrupted; tests interrupt there.
        view: told what the host knows of itself, for monitors and a terminal.

    Raises:
        StillwatchError: what a user can mend: sources, policy, key, lake, lease.
    """
    began = time.monotonic()
    with kept_recent(), begun(request, "watch", progress, after) as rounds:
        flagged_before = rounds.flagged()
        view = View() if view is None else view
        view.begun(rounds.lake, rounds.lake.last_sequence(), waiting(rounds.lake))
        supervisor = _Supervisor(request, rounds, progress, stop, view, is_once=is_once, after=after)
        supervisor.run()
        rounds.ahead.drop()
        return rounds.summary(flagged_before, time.monotonic() - began)


class _Supervisor:
    """Decides which run is next."""

    def __init__(
        self,
        request: Request,
        rounds: Rounds,
        progress: Progress,
        stop: threading.Event,
        view: View,
        *,
        is_once: bool,
        after: Callable[[str], None],
    ) -> None:
        self._request, self._rounds, self._progress, self._stop = request, rounds, progress, stop
        self._policy = request.policy
        self._is_once, self._after, self._view = is_once, after, view
        self._idling = Idling(self._policy.watch.idle)
        self._idle: dict[str, datetime] = {}
        self._mark: datetime | None = None
        self._soon: datetime | None = None
        self._register: Register | None = None
        self._most_bytes = self._policy.watch.run_megabytes * _MEGABYTE
        self._looked: object = None
        self._took = float("-inf")
        self._lookout = Lookout(rounds.writer, self._policy)
        self._tended = self._cleared = rounds.begun_after
        self._spool: Spool | None = None
        self._committed = 0
        self._knows_end = self._has_told = self._is_blind = self._is_ready_to_learn = False

    def run(self) -> None:
        """Works until it is stopped, or until there can be nothing more to do."""
        self._take_remains()
        if "-" in self._request.sources:
            most = self._policy.watch.spool_megabytes * _MEGABYTE
            self._spool = Spool(_copies(self._rounds.lake), sys.stdin.fileno(), most)
        self._work()
        if self._spool is not None and (not self._stop.is_set() or self._spool.written == self._committed):
            self._spool.close()

    def _work(self) -> None:
        while not self._stop.is_set():
            with self._view.stage("ingest"):
                is_drained = self._take_in()
            if is_drained and not self._is_blind:
                with self._view.stage("time"):
                    self._look_at_time()
            if self._stop.is_set():
                return
            with self._view.stage("detect"):
                has_closed = self._mark is not None and self._rounds.close_next(self._mark, self._idle) is not None
            is_waited_for = has_closed or not is_drained
            with self._view.stage("upkeep"):
                self._tend(_MOST_UNTENDED_RUNS if is_waited_for else _TENDED_RUNS)
            with self._view.stage("sight"):
                if is_drained:
                    self._look_out()
                self._view.turned(self._rounds.lake, self._register, self._idle, self._mark)
            self._clear_away()
            if is_waited_for:
                continue
            if self._is_over():
                self._end()
                return
            with self._view.stage("ahead"):
                has_worked = self._soon is not None and self._rounds.work_ahead(self._soon)
            if has_worked:
                continue
            with self._view.stage("wait"):
                self._wait()

    def _take_in(self) -> bool:
        """Takes in what has come, as far as one run may; whether nothing of it is left."""
        is_early = time.monotonic() - self._took < self._latency / 2
        if self._looked is not None and is_early and not self._wants_attention():
            return True
        has_ended = self._spool is None or self._spool.has_ended
        arrived = 0 if self._spool is None else self._spool.sync()
        resting = frozenset(self._idle) | (frozenset({"-"}) if self._spool and has_ended else frozenset())
        ended = None if self._is_once and has_ended else resting
        glances = {pattern: looks([pattern]) for pattern in self._request.sources}
        looked, self._knows_end = (glances, arrived, ended), has_ended
        present = tuple(p for p, files in glances.items() if files or "://" in p or (p == "-" and arrived))
        if self._is_once:
            present = tuple(p for p in glances if p != "-" or arrived)
        if not present and not self._has_told:
            self._progress.note("nothing to read yet")
            self._has_told = True
        if not present or (looked == self._looked and not any("://" in pattern for pattern in present)):
            self._looked = looked
            return True
        try:
            plan = self._planned_and_done(present, ended)
        except SourceMoved as error:
            self._progress.note(f"{error.where}: {error.problem}; looking again")
            self._looked, self._knows_end = None, False
            return False
        self._took = time.monotonic()
        self._view.planned(plan)
        left = 0 if plan is None else plan.work["left"]
        most = self._policy.watch.most_run_megabytes if left else self._policy.watch.run_megabytes
        self._most_bytes = min(2 * self._most_bytes, most * _MEGABYTE)
        self._looked = None if left else looked
        if not left and self._spool is not None:
            self._committed = self._committed if plan is None else max(self._committed, _committed(plan))
            self._spool.release(arrived, self._committed)
        return not left

    def _planned_and_done(self, present: tuple[str, ...], ended: frozenset[str] | None) -> Plan | None:
        """One INGEST run; None where there was nothing to do.

        Raises:
            SourceMoved: files were rotated meanwhile; nothing was taken in.
            OffsetsLost: a topic no longer holds records that were not read.
        """
        spooled = None if self._spool is None else self._spool.path
        asked = replace(self._request, sources=present, spooled=spooled)
        try:
            plan = self._rounds.ingest(asked, Growing(self._most_bytes, ended))
        except (SourceMoved, OffsetsLost):
            raise
        except SourceRefused as error:
            if self._is_over() or self._is_once or unfinished(self._rounds.lake) is not None:
                raise  # what is on standard input stays there for the next command
            has_topics = any(is_topic(pattern) for pattern in present)
            if not has_topics:
                self._progress.warn(str(error))
            elif not self._is_blind:
                self._progress.warn(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}: {error} Waiting until it can be read.")
            self._is_blind = has_topics
            return None
        if self._is_blind:
            self._is_blind = False
            self._idling.wake(datetime.now(UTC))
            self._progress.note(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}: topics can be read again")
        return plan

    def _take_remains(self) -> None:
        """Takes in what an earlier command had received on standard input and not yet committed."""
        for path in remains(_copies(self._rounds.lake)):
            plan = None
            if path.stat().st_size:
                plan = self._rounds.ingest(replace(self._request, sources=("-",), spooled=path))
            if plan is not None and plan.work["refused"]:
                fix = f"run the command again with --format, or delete {path}"
                raise SourceRefused("-", "what an earlier command received on standard input is refused", fix)
            path.unlink()

    def _look_at_time(self) -> None:
        """Decides anew which sources rest, and how far time has come: where all that will come is there, as far as a backfill would see it."""
        lake, policy, now = self._rounds.lake, self._policy, datetime.now(UTC)
        register = register_of(lake)
        self._register = register
        if self._is_over():
            self._idle, self._soon = {}, None
            self._mark = watermark_of(lake, policy, is_complete=self._request.is_complete)
            return
        self._idling.see(register, now)
        self._idle = self._idling.idle(register, now)
        self._mark = live_watermark_of(lake, register, policy, self._idle)
        self._soon = live_watermark_of(lake, register, policy, self._idle, policy.watch.ahead)

    def _look_out(self) -> None:
        """Raises and clears alerts, where the host goes on: `is_once` reads history, of which no clock tells anything."""
        if self._is_once or self._register is None:
            return
        growth = {s: grown for s, grown in self._idling.growth().items() if not self._is_over_now(s)}
        changed = self._lookout.look(self._register, growth, datetime.now(UTC))
        if changed is not None:
            self._view.alerted(changed)

    def _is_over_now(self, source: str) -> bool:
        """Whether a source is standard input that has ended: it is not missed."""
        names = self._register[source].names if self._register and source in self._register else ()
        return bool(names) and names[-1] == "-" and (self._spool is None or self._spool.has_ended)

    def _clear_away(self) -> None:
        """Frees what the runs since the last time left in cycles (pipelines, clients, and frames that they hold).

        The command line has the collector look at a million new objects only: right for what ends soon, and at a tick every few
        minutes the memory of many runs.
        """
        last = self._rounds.lake.last_sequence()
        if last != self._cleared:
            gc.collect()
            self._cleared = last

    def _end(self) -> None:
        """Closes and shows what a backfill would at its end: nothing more comes for now."""
        self._rounds.detect()
        self._rounds.show_open()
        self._tend()

    def _tend(self, runs: int = 1) -> None:
        """Keeps the lake small, after so many runs."""
        lake = self._rounds.lake
        last = lake.last_sequence()
        if last - self._tended >= runs:
            tend(lake, self._rounds.lease, self._policy, self._tended, self._after)
            forget_plans(lake, KEPT_PLANS)
            self._tended = last

    def _wait(self) -> None:
        """Waits until it is worth looking again; the first time, what the day's end needs is loaded, for which tick after tick would wait then."""
        if not self._is_ready_to_learn:
            self._is_ready_to_learn = True
            prepare()
        until = time.monotonic() + self._latency / 2
        while (rest := until - time.monotonic()) > 0:
            if self._stop.wait(rest if self._spool is None else min(rest, _SLICE_SECONDS)) or self._wants_attention():
                return

    @property
    def _latency(self) -> float:
        return self._policy.watch.latency_seconds

    def _wants_attention(self) -> bool:
        """Whether standard input has to be looked at now: its end was not seen yet, or its writer waits."""
        return self._spool is not None and (self._spool.is_full or (self._spool.has_ended and not self._knows_end))

    def _is_over(self) -> bool:
        """Whether nothing more can come, or nothing more is wanted; what has come since it was looked at last is still to be taken in."""
        if self._spool is not None and not self._knows_end:
            return False
        return self._is_once or set(self._request.sources) == {"-"}


def _copies(lake: Lake) -> Path:
    """Where standard input is copied to."""
    return lake.root / "_stillwatch" / "stdin"


def _committed(plan: Plan) -> int:
    """Bytes of standard input that are committed once a run that leaves nothing is."""
    return max((s["length"] or 0 for s in plan.work["sightings"] if s["name"] == "-"), default=0)
