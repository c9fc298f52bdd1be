"""What a run over ticks is to do: decided when it is planned, from what the lake has reached, and told to every worker."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pipelines.lake.borders import floor_to_day
from pipelines.lake.closed import closed_until
from pipelines.lake.events_index import EventsIndex
from pipelines.lake.lake import Lake
from pipelines.lake.references import reference_at
from pipelines.lake.state import Manifest, manifest_of
from schemas.errors import StillwatchError
from schemas.policy import Policy

DEFAULT_GROUPS = 4


@dataclass(frozen=True)
class DetectJob:
    """Everything a worker needs to know of a run.

    Attributes:
        root: the lake.
        run_id: the run.
        policy: as JSON.
        closed_from: end of the ticks closed before; None before the first run.
        closed_until: end of the ticks to close.
        files: event files that can hold events of these ticks.
        late_files: files that came since the last run and can hold events of ticks closed before.
        groups: account groups.
        manifest: states by `stage/key`.
        snapshot: name of the snapshot, None before the first.
        registry_version: version of `registry` to read.
        reconsiders: version of `findings` with what was published of these ticks before; None where they are closed for
            the first time.
        provisional: only show what would close; nothing is remembered.
        reference: name of the pinned reference, None for the snapshot's own.
        ahead: what names of files and states begin with where the work is done before its run is planned; None for the run.
    """

    root: str
    run_id: str
    policy: str
    closed_from: datetime | None
    closed_until: datetime
    files: tuple[str, ...]
    late_files: tuple[str, ...]
    groups: int
    manifest: Manifest
    snapshot: str | None
    registry_version: int
    reconsiders: int | None = None
    provisional: bool = False
    reference: str | None = None
    ahead: str | None = None

    @property
    def label(self) -> str:
        """What names of files and states begin with."""
        return self.run_id if self.ahead is None else self.ahead


def groups_of(lake: Lake) -> int | None:
    """How many account groups a lake keeps its state in; None where it has none yet."""
    return sum(1 for name in manifest_of(lake) if name.startswith("order/")) or None


def agreed_groups(lake: Lake, wanted: int | None) -> int:
    """How many account groups a run has.

    Raises:
        StillwatchError: another number is wanted than the lake keeps its state in.
    """
    there = groups_of(lake)
    if there is not None and wanted is not None and wanted != there:
        raise StillwatchError("--groups", f"this lake keeps its state in {there} groups", f"use --groups {there}")
    return there or wanted or DEFAULT_GROUPS


def work_until(lake: Lake, until: datetime, groups: int | None, policy: Policy) -> dict[str, Any]:
    """What of a plan says which ticks are looked at and by what they are judged, as plain JSON."""
    closed, versions = closed_until(lake), lake.versions()
    return {
        "closed_from": None if closed is None else closed.isoformat(),
        "closed_until": until.isoformat(),
        "events_version": versions["events"],
        "groups": agreed_groups(lake, groups),
        "registry_version": versions["registry"],
        "reference": reference_before(lake, until, policy),
    }


def reference_before(lake: Lake, until: datetime, policy: Policy) -> str | None:
    """Name of the pinned reference that the ticks before a time are judged with; no run closes ticks of two days."""
    return reference_at(lake, floor_to_day(until - timedelta(microseconds=1)), policy)


def events_at(lake: Lake, version: int) -> EventsIndex:
    """Which files hold which events, as of a version of the table."""
    return EventsIndex.of(lake.opened("events", version), lake.folder("events"))


def job_of(lake: Lake, run_id: str, policy: str, work: dict[str, Any], *, provisional: bool) -> DetectJob:
    """What workers are told of a run whose plan says this."""
    manifest = manifest_of(lake)
    closed = None if work["closed_from"] is None else datetime.fromisoformat(work["closed_from"])
    until = datetime.fromisoformat(work["closed_until"])
    index = events_at(lake, work["events_version"])
    late: list[Path] = []
    if closed is not None and not provisional:
        late = index.new_since(work["seen_version"]).holding(None, closed).paths()
    return DetectJob(
        root=str(lake.root),
        run_id=run_id,
        policy=policy,
        closed_from=closed,
        closed_until=until,
        files=tuple(str(path) for path in index.holding(closed, until).paths()),
        late_files=tuple(str(path) for path in late),
        groups=work["groups"],
        manifest=manifest,
        snapshot=manifest.get("snapshot"),
        registry_version=work["registry_version"],
        reconsiders=work.get("reconsiders"),
        provisional=provisional,
        reference=work.get("reference"),
    )
