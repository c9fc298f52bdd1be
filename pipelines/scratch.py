"""A scratch lake: the events of another lake since a border, and what was known there at that border.

DETECT and LEARN go on in it as they would have in the lake, which is only read. It lies in a folder of its own beside the lake,
under a lease; the next command that makes one removes those whose process was killed.
"""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl

from pipelines.lake.checkpoints import Checkpoint
from pipelines.lake.commit import Committer, Outcome, Write
from pipelines.lake.events_index import EventsIndex, entries
from pipelines.lake.files import FileEntry, read_events, scan, write_frame
from pipelines.lake.lake import Lake, may_hold
from pipelines.lake.lease import Lease
from pipelines.lake.plan import planned
from pipelines.lake.sealed import unwritable
from pipelines.lake.state import Manifest, States, manifest_of
from pipelines.rewind import gone_back
from schemas.catalogue import TABLES
from schemas.errors import LakeError, LeaseHeld
from schemas.event import EVENT
from schemas.policy import Policy

_DAY = timedelta(days=1)
_PLACE = ["source", "position"]
_OF_DAYS = ("account_windows", "account_scores", "account_embeddings")
"""What LEARN reads of a day."""


@dataclass(frozen=True)
class Scratch:
    """A scratch lake and the right to write it.

    Attributes:
        lake: the lake.
        lease: its lease.
        first: the time of its first event; None without events.
    """

    lake: Lake
    lease: Lease
    first: datetime | None


@contextlib.contextmanager
def scratch_lake(
    lake: Lake, start: Checkpoint, until: datetime, policy: Policy, beside: Path | None = None
) -> Iterator[Scratch]:
    """A lake that holds what DETECT of another lake met since a border, and the state of that border; removed at the end.

    Events that came too late are left out: what is detected in it again is what was detected there.

    Args:
        lake: the lake to start from; only read.
        start: the border, and the run whose state held there.
        until: end of the ticks of which events are wanted.
        policy: recorded with its first run.
        beside: the folder in which it is made; None for the one that the lake lies in.

    Raises:
        LakeError: the folder cannot be written, or something of the lake cannot be read.
    """
    folder = lake.root.resolve().parent if beside is None else beside
    prefix = f".{lake.root.resolve().name}.scratch-"
    remove_abandoned(folder, prefix)
    try:
        outer = Path(tempfile.mkdtemp(prefix=prefix, dir=folder))
    except OSError as error:
        raise unwritable(folder, error) from error
    try:
        with Lease.acquire(outer, "scratch"):
            made = Lake.create(outer / "lake", lake.key_id)
            with Lease.acquire(made.root, "scratch") as lease:
                yield Scratch(made, lease, _fill(lake, made, lease, start, until, policy))
    finally:
        shutil.rmtree(outer, ignore_errors=True)


def remove_abandoned(folder: Path, prefix: str) -> int:
    """Removes scratch lakes whose process is gone; returns how many."""
    gone = 0
    for outer in sorted(folder.glob(f"{prefix}*")):
        with contextlib.suppress(LeaseHeld), Lease.acquire(outer, "remove"):
            shutil.rmtree(outer, ignore_errors=True)
            gone += 1
    return gone


def _fill(lake: Lake, made: Lake, lease: Lease, start: Checkpoint, until: datetime, policy: Policy) -> datetime | None:
    """Commits what the scratch lake begins with; the time of its first event."""
    plan = planned(made, lease, "rewind", {"since": None, "checkpoint": None}, policy)
    events, first = _events(lake, made, start.border, until)
    writes = {"events": Write(files=tuple(events))} | _rows_before(lake, start.border)
    outcome = Outcome(
        accounts=0,
        windows=0,
        findings=0,
        policy_version=policy.version,
        closed_until=start.border,
        events_version=1 if events else 0,
    )
    Committer(made, lease).commit(plan, writes, outcome, _states(lake, made, start))
    return first


def _events(lake: Lake, made: Lake, since: datetime | None, until: datetime) -> tuple[list[FileEntry], datetime | None]:
    """The files of events that DETECT had met in time, linked; those with late events among them written without these."""
    runs = lake.read("runs").filter(pl.col("pipeline") == "detect").sort("sequence")
    met, folder = runs["events_version"].drop_nulls().to_list()[-1], lake.folder("events")
    index = EventsIndex.of(lake.table("events", met), folder).holding(since, until)
    wanted = set(index.files["path"])
    late = lake.scan("too_late", None, ("time", since, until)).select(*_PLACE, "time").collect()
    bounds = (late["time"].min(), late["time"].max())
    taken: list[FileEntry] = []
    for entry in entries(lake.table("events", met), EVENT):
        if entry.path not in wanted:
            continue
        if not late.is_empty() and may_hold(entry, "time", bounds[0], bounds[1] + timedelta(microseconds=1)):  # type: ignore[operator, arg-type]
            places = read_events([folder / entry.path], columns=_PLACE)
            if not places.join(late, on=_PLACE, how="semi").is_empty():
                rows = scan([folder / entry.path], EVENT).collect().join(late, on=_PLACE, how="anti")
                kept = write_frame(made.folder("events"), EVENT, f"timely-{entry.path}", rows, is_new=False)
                taken += [] if kept is None else [kept]
                continue
        _bring(folder / entry.path, made.folder("events") / entry.path)
        taken.append(entry)
    least = index.files["time_least"].min()
    first = None if least is None else pl.select(pl.lit(least).cast(pl.Datetime("us", "UTC"))).item()
    return taken, first if since is None or first is None else max(first, since)


def _rows_before(lake: Lake, border: datetime | None) -> dict[str, Write]:
    """What LEARN and findings look at besides events: as it was at the border, but verdicts and accounts as they are."""
    frames = {
        name: lake.read(name)
        for name in ("registry", "verdicts", "releases", "reference_pins", "findings", "quality", "models")
    }
    if border is None:
        frames |= {name: TABLES[name].empty() for name in ("findings", "quality", "models")}
    else:
        frames["findings"] = frames["findings"].filter(pl.col("tick") < border)
        frames |= {name: frames[name].filter(pl.col("day") < border) for name in ("quality", "models")}
        frames["releases"] = frames["releases"].filter(pl.col("holds_from") > border)
        for day in frames["releases"].filter(pl.col("day") < border)["day"]:
            moment = timedelta(microseconds=1)
            for name in _OF_DAYS:
                rows = lake.read(name, None, ("window_end", day + moment, day + _DAY + moment))
                frames[name] = pl.concat([frames.get(name, TABLES[name].empty()), rows])
    return {name: Write(rows=rows) for name, rows in frames.items() if not rows.is_empty()}


def _states(lake: Lake, made: Lake, start: Checkpoint) -> Manifest:
    """The states of the border, pinned references and what is known of sources, linked."""
    manifest = gone_back(manifest_of(lake), States(lake.root).read_manifest(start.run_id))
    kept = lake.root / "_stillwatch" / "references"
    for file in sorted(kept.iterdir()) if kept.is_dir() else []:
        _bring(file, made.root / file.relative_to(lake.root))
    for name in manifest.values():
        folder = Path("_stillwatch") / (name if name.startswith("snapshots/") else f"state/{name}")
        path = lake.root / folder
        for file in sorted(path.iterdir()) if path.is_dir() else [path]:
            _bring(file, made.root / file.relative_to(lake.root))
    return manifest


def _bring(path: Path, to: Path) -> None:
    """Makes a file of the lake a file of the scratch lake: a second name for it, or, on another disk, a pointer to it."""
    to.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(path, to)
    except FileNotFoundError as error:
        raise LakeError(str(path), "the file went while it was to be read", "run the command again") from error
    except OSError:
        to.symlink_to(path.resolve())
