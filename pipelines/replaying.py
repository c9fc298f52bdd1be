"""Records that were refused are read again, with today's program and policy.

    Create ranges | read, decode, write files | messages

Where a record lies and what its digest was is in `rejects`; which file holds it, in the register of sources. A record that is
taken now is appended to `events` and leaves `rejects`, in one run; whatever else is refused stays as it is.
"""

import fnmatch
import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import apache_beam as beam
import polars as pl
import pyarrow.parquet as pq

from pipelines.cli.progress import Progress
from pipelines.detect import entries
from pipelines.ingest import pieces_of, require_sources, spool_of, told
from pipelines.ingest_worker import IngestJob, require_unmoved
from pipelines.lake.commit import Outcome, Write
from pipelines.lake.lake import Lake
from pipelines.lake.plan import Plan
from pipelines.lake.sources import Register, register_of, with_events, write_register
from pipelines.lake.state import States, manifest_of
from pipelines.lake.times import from_micros, to_micros
from pipelines.manifests import WriteMessages, read_messages, staging
from pipelines.replay_worker import READ_AGAIN, ReplayRange
from pipelines.runners import Engine
from pipelines.sources.boxes import EVER
from pipelines.sources.files import FileSource, describe, list_sources
from pipelines.sources.known import Known, beginning
from pipelines.sources.ranges import Piece, RangeSpec, bundled
from pipelines.sources.recognise import recognise
from pipelines.writer import Writer
from schemas.errors import SourceRefused
from schemas.policy import Policy
from schemas.reject import REJECT
from transforms.ingest.key import FingerprintKey
from transforms.ingest.registry import ADAPTERS

_NEAR = 1_048_576
"""Bytes between two refused records up to which they are read in one go: seeking costs as much as reading a megabyte."""

_STEP = 65_536


@dataclass(frozen=True)
class ReplayRequest:
    """What is to be read again.

    Attributes:
        lake: folder of the lake.
        sources: where the sources are now, as for `backfill`; those not among them are looked for where they were last.
        match: glob over names of sources; only those are replayed.
        since: only records completed from then on; others stay refused.
        input_format: name of an adapter, or `auto` for the one that refused them.
        policy: the configuration.
        runner: name of the engine.
        beam_options: options of the engine.
        key_file: file of the fingerprint key.
    """

    lake: Path
    sources: tuple[str, ...] = ()
    match: str = "*"
    since: datetime | None = None
    input_format: str = "auto"
    policy: Policy | None = None
    runner: str = "embedded"
    beam_options: tuple[str, ...] = ()
    key_file: Path | None = None


@dataclass(frozen=True)
class Found:
    """One source with refused records.

    Attributes:
        source: its id.
        name: its name.
        rejects: refused records of it, without places where the stream broke.
        why_not: why they cannot be read again; None if they can.
    """

    source: str
    name: str
    rejects: int
    why_not: str | None


@dataclass(frozen=True)
class Taken:
    """What became of refused records.

    Attributes:
        appended: became events.
        ignored: are left out by a stated rule now.
        first: earliest time of these events; None without any.
    """

    appended: int
    ignored: int
    first: datetime | None


@dataclass(frozen=True)
class Search:
    """Which refused records there are, and where.

    Attributes:
        found: by source.
        ranges: what has to be read.
    """

    found: tuple[Found, ...]
    ranges: tuple[RangeSpec, ...]


def search(lake: Lake, request: ReplayRequest, policy: Policy) -> Search:
    """The refused records that a replay would read again.

    Raises:
        SourceRefused: a source named in the request does not exist, or the format is unknown.
    """
    if request.input_format != "auto" and request.input_format not in ADAPTERS:
        raise SourceRefused(
            "--format", f"there is no format {request.input_format}", f"use {', '.join(sorted(ADAPTERS))}"
        )
    register = register_of(lake)
    refused = lake.read("rejects").filter(READ_AGAIN).group_by("source").agg("position").sort("source")
    wanted = {
        source: sorted(positions)
        for source, positions in refused.iter_rows()
        if source not in register or any(fnmatch.fnmatchcase(name, request.match) for name in register[source].names)
    }
    files = _files(lake, request, [register[source] for source in wanted if source in register], register)
    found, pieces = [], []
    for source, positions in wanted.items():
        known, file = register.get(source), files.get(source)
        name = source if known is None else known.names[-1]
        is_topic = known is not None and known.container == "topic"
        why = "records of topics are not read again" if is_topic else "its file is not where it was; name it"
        found.append(Found(source, name, len(positions), None if file is not None else why))
        if known is not None and file is not None:
            pieces += list(_pieces(known, file, positions, request, policy))
    bites = enumerate(bundled(pieces, policy.ingest.range_megabytes * 1_000_000))
    return Search(tuple(found), tuple(RangeSpec(number, tuple(bundle)) for number, bundle in bites))


def plan_replay(writer: Writer, searched: Search, policy: Policy) -> Plan | None:
    """The plan of the run that reads refused records again, written down; None where there is nothing to read."""
    if not searched.ranges:
        return None
    work = {
        "ranges": [spec.to_json() for spec in searched.ranges],
        "rejects_version": writer.lake.versions()["rejects"],
    }
    return writer.plan("replay", work, policy)


def execute_replay(writer: Writer, engine: Engine, plan: Plan, key: FingerprintKey, progress: Progress) -> Taken:
    """Executes a replay and commits it; repeated after a crash, it does the same.

    Raises:
        SourceRefused: a planned source is gone; put back, the plan can be executed.
        LakeError: the lake cannot be written.
    """
    lake, work = writer.lake, plan.work
    job = IngestJob(str(lake.root), plan.run_id, plan.policy, key)
    require_sources(plan)
    shutil.rmtree(staging(lake.root, plan.run_id), ignore_errors=True)
    with told(lake.root, plan, progress):
        engine.execute(lambda pipeline: _build(job, work, pipeline))
    messages = read_messages(lake.root, plan.run_id)
    require_unmoved(messages)
    pieces = pieces_of(messages)
    manifest = manifest_of(lake)
    register = with_events(
        register_of(lake),
        [(piece["source"], piece["appended"], [tuple(one) for one in piece["latest"]]) for piece in pieces],
    )
    written = write_register(States(lake.root), plan.run_id, register, {piece["source"] for piece in pieces})
    files = entries(messages)
    gone = [(piece["source"], position) for piece in pieces for position in piece["gone"]]
    taken = pl.DataFrame(gone, schema={"source": pl.String, "position": pl.Int64}, orient="row")
    rest = lake.read("rejects", work["rejects_version"]).join(taken, on=["source", "position"], how="anti")
    writes = {
        "events": Write(files=files.get("events", ())),
        "rejects": Write(overwrite=True, files=files.get("rejects", ()), rows=REJECT.conform(rest)),
    }
    counts = _counts(pieces)
    version = Policy.from_json(plan.policy).version
    outcome = Outcome(accounts=0, windows=0, findings=0, policy_version=version, sources=tuple(counts))
    writer.committer.commit(plan, writes, outcome, manifest | written)
    shutil.rmtree(staging(lake.root, plan.run_id), ignore_errors=True)
    shutil.rmtree(spool_of(lake), ignore_errors=True)
    first = min((entry.least["time"] for entry in files.get("events", ())), default=None)
    return Taken(
        appended=sum(row["appended"] for row in counts),
        ignored=sum(row["ignored"] for row in counts),
        first=None if first is None else from_micros(first),
    )


def _build(job: IngestJob, work: dict[str, Any], pipeline: beam.Pipeline) -> object:
    return (
        pipeline
        | "Ranges" >> beam.Create([json.dumps(spec) for spec in work["ranges"]])
        | "Replay ranges" >> beam.ParDo(ReplayRange(job, work["rejects_version"])).with_output_types(tuple[int, bytes])
        | "Gather messages" >> beam.GroupByKey()
        | "Write messages" >> beam.ParDo(WriteMessages(job.root, job.run_id))
    )


def _files(lake: Lake, request: ReplayRequest, wanted: Sequence[Known], register: Register) -> dict[str, FileSource]:
    """The file of each source, by id: among those named, else where it was seen; known by its content."""
    listed = list_sources(request.sources, spool_of(lake)) if request.sources else []
    there = {file.path.resolve() for file in listed}
    for known in wanted:
        for name in reversed(known.names):
            path = Path(name)
            if path.is_file() and path.resolve() not in there:
                there.add(path.resolve())
                listed.append(describe(path, name))
    seen = recognise(listed, register)
    return {sight.source: sight.listed for sight in seen.sights if sight.known is not None}


def _pieces(
    known: Known, file: FileSource, positions: Sequence[int], request: ReplayRequest, policy: Policy
) -> Iterator[Piece]:
    """What of a source has to be read: in a plain file the neighbourhoods of the records, else from the first one on."""
    times = (EVER[0] if request.since is None else to_micros(request.since), EVER[1])
    is_plain = file.container == "text" and file.compression == "none" and known.framing == "lines"
    range_bytes = policy.ingest.range_megabytes * 1_000_000
    mark = beginning(file.path)
    for first, last in _neighbours(positions, _NEAR if is_plain else EVER[1], range_bytes if is_plain else EVER[1]):
        start = _start(known, file, first)
        yield Piece(
            source=known.source,
            name=known.names[-1],
            path=str(file.path),
            compression=file.compression,
            container=file.container,
            format=known.format if request.input_format == "auto" else request.input_format,
            framing=known.framing,
            start=start,
            end=known.length if known.framing == "document" else last + 1,
            stop=known.length,
            times=(times,),
            again=True,
            last_line="take",
            size=last + 1 - start,
            mark=mark,
        )


def _neighbours(positions: Sequence[int], near: int, most: int) -> Iterator[tuple[int, int]]:
    """First and last of the positions that are read together, of ascending ones.

    >>> list(_neighbours([1, 2, 9], 5, 100)), list(_neighbours([1, 2, 9], 7, 4))
    ([(1, 2), (9, 9)], [(1, 2), (9, 9)])
    """
    first = last = positions[0]
    for position in positions[1:]:
        if position - last > near or position - first > most:
            yield first, last
            first = position
        last = position
    yield first, last


def _start(known: Known, file: FileSource, position: int) -> int:
    """From where on a source is read to come to a record."""
    if file.container == "parquet":
        groups, row = pq.read_metadata(file.path), 0
        for number in range(groups.num_row_groups):
            if row + groups.row_group(number).num_rows > position:
                break
            row += groups.row_group(number).num_rows
        return row
    if file.compression != "none" or known.framing == "document":
        return 0
    return _line_start(file.path, position)


def _line_start(path: Path, position: int) -> int:
    """Where the line begins that holds a byte: an element of an array that fills a line begins inside it."""
    with path.open("rb") as file:
        high = position
        while high > 0:
            low = max(0, high - _STEP)
            file.seek(low)
            newline = file.read(high - low).rfind(b"\n")
            if newline >= 0:
                return low + newline + 1
            high = low
    return 0


def _counts(pieces: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Counts by source, as the table `runs` has them: rejects that are gone count negative."""
    rows: dict[str, dict[str, Any]] = {}
    zeros = dict.fromkeys(("records", "appended", "ignored", "rejects", "accepted", "duplicates", "too_late"), 0)
    for piece in pieces:
        known = {"source": piece["source"], "name": piece["name"], "format": piece["format"], "refused_because": None}
        row = rows.setdefault(piece["source"], known | zeros)
        for name in ("appended", "ignored", "rejects"):
            row[name] += piece[name]
            row["records"] += piece[name]
    return [rows[source] for source in sorted(rows)]
