"""A tick's work done before the watermark passes its end, kept aside, and taken if nothing came for that tick since (decision 0165)."""

import contextlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import polars as pl

from pipelines.detect import entries
from pipelines.detect_job import DetectJob
from pipelines.lake.events_index import EventsIndex
from pipelines.lake.files import require_whole, scan
from pipelines.lake.lake import Lake
from pipelines.lake.state import Manifest, States
from pipelines.manifests import read_messages, staging
from schemas.catalogue import TABLES
from schemas.errors import LakeError
from schemas.event import EVENT

_MOST_PASSED = 15
"""Ticks passed over at most after work that was in vain: where stragglers come to every tick, one in sixteen costs double."""


@dataclass(frozen=True)
class Work:
    """What was done for a tick.

    Attributes:
        job: what was executed; events that come late for earlier ticks are none of it.
        events_version: of the table, as of which it was done.
        messages: what workers reported.
    """

    job: DetectJob
    events_version: int
    messages: list[dict[str, Any]]

    @property
    def states(self) -> list[str]:
        """Names of the states it wrote."""
        return [name for message in self.messages for name in message.get("states", {}).values()]


class Ahead:
    """The work done ahead over one lake, of one tick at most; it is remembered by this process alone.

    Args:
        lake: the lake.
    """

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._work: Work | None = None
        self._tried: datetime | None = None
        self._in_vain = self._to_pass = 0

    @property
    def has_work(self) -> bool:
        """Whether something was done that no run has taken yet."""
        return self._work is not None

    @property
    def states(self) -> list[str]:
        """Names of states that no run names yet."""
        return [] if self._work is None else self._work.states

    def until(self, closed: datetime | None) -> datetime | None:
        """End of the tick whose work is done, where ticks are closed until `closed`; None where nothing is done."""
        return None if self._work is None or self._work.job.closed_from != closed else self._work.job.closed_until

    def is_worth(self, until: datetime) -> bool:
        """Whether the tick that ends then is to be tried: once, and after work that was in vain a few are passed over."""
        if until == self._tried:
            return False
        self._tried = until
        self._to_pass -= 1
        return self._to_pass < 0

    def do(self, job: DetectJob, events_version: int, execute: Callable[[DetectJob], None]) -> None:
        """Executes a job whose run_id names the work, and remembers what was done."""
        self.drop()
        _remove(self._lake, job.run_id)
        execute(job)
        self._work = Work(job, events_version, read_messages(self._lake.root, job.run_id))

    def fitting(self, job: DetectJob, events: EventsIndex) -> Work | None:
        """The work done, if it is what this job would do: all that it reads is the same, and what was written is there.

        Args:
            job: of a run that is about to be planned.
            events: as of the version that it reads.
        """
        work, self._work = self._work, None
        if work is None:
            return None
        is_same = _asked(job) == _asked(work.job) and not self._came(work, events)
        if is_same:
            self._in_vain = self._to_pass = 0
            if self._is_whole(work):
                return work
        else:
            self._in_vain += 1
            self._to_pass = min(2**self._in_vain - 1, _MOST_PASSED)
        _remove(self._lake, work.job.run_id)
        return None

    def hand_over(self, work: Work, run_id: str) -> None:
        """Gives what workers reported to a run whose plan says that it takes the work; without it, the run does it again."""
        staging(self._lake.root, work.job.run_id).rename(staging(self._lake.root, run_id))

    def drop(self) -> None:
        """Removes the work that was done and is not wanted."""
        if self._work is not None:
            _remove(self._lake, self._work.job.run_id)
        self._work = None

    def _came(self, work: Work, events: EventsIndex) -> bool:
        """Whether events of the tick came since. Files tell bounds: one with a straggler seems to hold all since its time."""
        since, until = work.job.closed_from, work.job.closed_until
        paths = events.new_since(work.events_version).holding(since, until).paths()
        times = scan(paths, EVENT).filter(pl.col("time") < until)
        times = times if since is None else times.filter(pl.col("time") >= since)
        return not times.select("time").head(1).collect().is_empty()

    def _is_whole(self, work: Work) -> bool:
        """Whether all files are there: an upkeep removes what no run names."""
        with contextlib.suppress(LakeError):
            for table, files in entries(work.messages).items():
                require_whole(self._lake.folder(table), files)
            return States(self._lake.root).has(work.states) and staging(self._lake.root, work.job.run_id).is_dir()
        return False


def _asked(job: DetectJob) -> DetectJob:
    """What of a job decides about its rows, beside the events of its ticks."""
    return replace(job, run_id="", ahead=None, files=(), late_files=(), manifest=_remembered(job.manifest))


def _remembered(manifest: Manifest) -> Manifest:
    """What DETECT reads of a manifest: an INGEST run changes what was read of sources."""
    return {key: name for key, name in manifest.items() if not key.startswith("sources/")}


def _remove(lake: Lake, name: str) -> None:
    """Removes whatever was written under the name of a work, whether it was finished or killed."""
    for table in TABLES:
        for path in lake.folder(table).glob(f"{name}-*.parquet"):
            path.unlink(missing_ok=True)
    States(lake.root).remove(name)
    shutil.rmtree(staging(lake.root, name), ignore_errors=True)
