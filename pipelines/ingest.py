"""INGEST: raw records in, fingerprinted events out; no state, no order, no shuffle.

Create ranges | read, decode, write files | messages
"""

import json
import shutil
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import apache_beam as beam
import polars as pl

from pipelines.choosing import choose_formats
from pipelines.cli.progress import Progress
from pipelines.detect import entries
from pipelines.ingest_worker import IngestJob, ReadRange, require_unmoved
from pipelines.lake.accounts_held import accounts_held
from pipelines.lake.commit import Outcome, Write
from pipelines.lake.lake import Lake
from pipelines.lake.plan import Plan
from pipelines.lake.sources import Done, Register, after_run, register_of, write_register
from pipelines.lake.state import Manifest, States, manifest_of
from pipelines.manifests import WriteMessages, is_reported, read_messages, staging
from pipelines.request import Request, SourceCounts
from pipelines.runners import Engine
from pipelines.sources.brokers import KafkaConfig, is_topic
from pipelines.sources.files import list_sources
from pipelines.sources.known import Sighting
from pipelines.sources.ranges import Growing, RangeSpec, Unread, plan_ranges
from pipelines.sources.reading import gone
from pipelines.sources.topics import TopicRequest, require_same_topics, unread
from pipelines.writer import Writer
from schemas.errors import SourceGone, SourceMoved, SourceRefused
from schemas.policy import Policy
from schemas.registry import REGISTRY
from transforms.ingest.accounts_file import ALIASES, Accounts, read_accounts
from transforms.ingest.key import FingerprintKey

_MOST_NOTES = 20
_PLAIN = KafkaConfig()


def plan_ingest(
    writer: Writer,
    request: Request,
    key: FingerprintKey,
    progress: Progress,
    holds_from: datetime,
    growing: Growing | None = None,
) -> Plan | None:
    """The plan of the INGEST run that reads what is new, written down; None where nothing is.

    An unfinished plan must have been executed before: its copies of streams are removed here.

    Args:
        writer: of the lake.
        request: sources, formats, times, accounts file.
        key: for ids that are too long.
        progress: told which format was chosen and why, what is empty, what is the same as another file.
        holds_from: next open feedback border, from which the accounts file holds.
        growing: how sources that are still being written are read; the plan's `left` then says what it leaves.

    Raises:
        SourceRefused: a pattern matches nothing, or the accounts file cannot be read.
        SourceMoved: a file was rotated meanwhile; nothing is planned.
    """
    shutil.rmtree(spool_of(writer.lake), ignore_errors=True)
    plan = None
    try:
        plan = _plan(writer, request, key, progress, holds_from, growing)
    except FileNotFoundError as error:
        raise SourceMoved(
            str(error.filename), "it went away while it was looked at", "run the command again"
        ) from error
    finally:
        if plan is None:
            shutil.rmtree(spool_of(writer.lake), ignore_errors=True)
    return plan


def _plan(
    writer: Writer,
    request: Request,
    key: FingerprintKey,
    progress: Progress,
    holds_from: datetime,
    growing: Growing | None,
) -> Plan | None:
    lake = writer.lake
    progress.begin("list sources")
    files = [pattern for pattern in request.sources if not is_topic(pattern)]
    listed = list_sources(files, spool_of(lake), spooled=request.spooled)
    chosen = choose_formats(listed, request)
    register = register_of(lake)
    ranges = plan_ranges(
        chosen.sources,
        register,
        range_bytes=request.policy.ingest.range_megabytes * 1_000_000,
        since=request.since,
        until=request.until,
        growing=growing,
        topics=unread_topics(request, register, is_live=growing is not None),
    )
    for source in listed:
        if not source.stays():
            raise SourceMoved(source.name, "it was replaced or cut off while it was looked at", "run the command again")
    remarks = [*sorted(chosen.why.items()), *ranges.notes]
    for name, remark in remarks[:_MOST_NOTES]:
        progress.note(f"{name}: {remark}")
    if len(remarks) > _MOST_NOTES:
        progress.note(f"and {len(remarks) - _MOST_NOTES:,} more remarks like these")
    refused = [entry for entry in [*chosen.refused, *ranges.refused] if not _is_to_come(entry[0], request, growing)]
    for name, reason in refused:
        progress.warn(f"{name} is refused: {reason}")
    accounts = _accounts(lake, request, key, holds_from, progress)
    known = set(register)
    is_known = all(s.source in known and not s.lost for s in ranges.sightings)
    if not ranges.ranges and not refused and accounts is None and is_known:
        return None
    work = {
        "ranges": [spec.to_json() for spec in ranges.ranges],
        "sightings": [sighting.to_json() for sighting in ranges.sightings],
        "refused": [list(each) for each in refused],
        "left": ranges.left,
        "accounts": None if accounts is None else json.loads(accounts.write_json()),
    }
    return writer.plan("ingest", work, request.policy)


def unread_topics(request: Request, register: Register, *, is_live: bool = False) -> Unread | None:
    """What the topics among the sources hold unread; None where no topic is among them."""
    uris = [pattern for pattern in request.sources if is_topic(pattern)]
    if not uris:
        return None
    asked = TopicRequest(
        policy=request.policy,
        config=request.kafka,
        input_format=request.input_format,
        since=request.since,
        until=request.until,
        accepts_gaps=request.accepts_gaps,
        is_live=is_live,
    )
    return unread(uris, register, asked)


def _is_to_come(name: str, request: Request, growing: Growing | None) -> bool:
    """Whether a source is standard input that still comes: one that is repeated from its beginning is short at first."""
    is_live = growing is not None and growing.ended is not None and name not in growing.ended
    return is_live and name == "-" and request.spooled is not None


def spool_of(lake: Lake) -> Path:
    """Where streams are copied to; holds text, so it is emptied whenever no plan needs it."""
    return lake.root / "_stillwatch" / "spool"


def build(job: IngestJob, ranges: Sequence[dict[str, Any]], pipeline: beam.Pipeline) -> object:
    """Applies the pipeline."""
    return (
        pipeline
        | "Ranges" >> beam.Create([json.dumps(spec) for spec in ranges])
        | "Read ranges" >> beam.ParDo(ReadRange(job)).with_output_types(tuple[int, bytes])
        | "Gather messages" >> beam.GroupByKey()
        | "Write messages" >> beam.ParDo(WriteMessages(job.root, job.run_id))
    )


def execute_ingest(
    writer: Writer,
    engine: Engine,
    plan: Plan,
    key: FingerprintKey,
    progress: Progress,
    kafka: KafkaConfig = _PLAIN,
) -> list[SourceCounts]:
    """Executes an INGEST plan and commits it; repeated after a crash, it does the same.

    Raises:
        SourceGone: a planned source is gone; put back, the plan can be executed.
        SourceMoved: there is another file in its place, or another topic; nothing was committed.
        BrokerGone: the brokers of a topic do not answer; nothing was committed.
        LakeError: the lake cannot be written.
    """
    lake, work = writer.lake, plan.work
    job = IngestJob(str(lake.root), plan.run_id, plan.policy, key, kafka)
    messages: list[dict[str, Any]] = []
    if work["ranges"]:
        if not is_reported(lake.root, plan.run_id):
            require_sources(plan)
            shutil.rmtree(staging(lake.root, plan.run_id), ignore_errors=True)
            with told(lake.root, plan, progress):
                engine.execute(lambda pipeline: build(job, work["ranges"], pipeline))
            pieces_read = (piece for data in work["ranges"] for piece in RangeSpec.from_json(data).pieces)
            require_same_topics(pieces_read, map(Sighting.from_json, work["sightings"]), kafka)
        messages = read_messages(lake.root, plan.run_id)
        require_unmoved(messages)
    pieces = pieces_of(messages)
    sightings = [Sighting.from_json(data) for data in work["sightings"]]
    manifest = manifest_of(lake)
    register, changed = after_run(register_of(lake), sightings, [Done.from_json(piece["done"]) for piece in pieces])
    written: Manifest = write_register(States(lake.root), plan.run_id, register, changed)
    rows = _source_rows(pieces, work["refused"])
    writes = {table: Write(files=files) for table, files in entries(messages).items() if files}
    if work["accounts"] is not None:
        accounts = pl.read_json(json.dumps(work["accounts"]).encode(), schema=REGISTRY.polars)
        writes["registry"] = _registry_write(lake, REGISTRY.conform(accounts))
    policy_version = Policy.from_json(plan.policy).version
    outcome = Outcome(accounts=0, windows=0, findings=0, policy_version=policy_version, sources=tuple(rows))
    writer.committer.commit(plan, writes, outcome, manifest | written)
    shutil.rmtree(staging(lake.root, plan.run_id), ignore_errors=True)
    shutil.rmtree(spool_of(lake), ignore_errors=True)
    _tell(pieces, progress)
    names = ("records", "appended", "ignored", "rejects")
    return [
        SourceCounts(row["name"], row["format"], **{n: row[n] for n in names}, refused_because=row["refused_because"])
        for row in rows
    ]


def pieces_of(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What workers report of each piece they read, in the order in which the pieces were planned."""
    return [piece for message in sorted(messages, key=lambda m: int(m["range"])) for piece in message["pieces"]]


def require_sources(plan: Plan) -> None:
    """Nothing where every file of the plan is still there.

    Raises:
        SourceGone: one is not.
    """
    for data in plan.work["ranges"]:
        for piece in RangeSpec.from_json(data).pieces:
            if piece.container != "topic" and not Path(piece.path).exists():
                error = gone(piece)
                fix = f"put it back and run the command again, or drop run {plan.run_id}: `doctor --abandon {plan.sequence}`"
                raise SourceGone(error.where, error.problem, fix)


def _accounts(
    lake: Lake, request: Request, key: FingerprintKey, holds_from: datetime, progress: Progress
) -> pl.DataFrame | None:
    """Rows of the accounts file that differ from what holds; None where none does."""
    if request.accounts is None:
        return None
    try:
        data = request.accounts.read_bytes()
    except OSError as error:
        fix = "name an existing CSV or Parquet file"
        raise SourceRefused(str(request.accounts), f"it cannot be read ({error.strerror})", fix) from error
    found = read_accounts(data, str(request.accounts), key, request.policy)
    there = accounts_held(lake)
    columns = [name for name in REGISTRY.columns if name != "holds_from"]
    new = found.frame.select(columns).join(there.select(columns), on=columns, how="anti", nulls_equal=True)
    if not new.is_empty() or found.frame.is_empty():  # a watch reads it at every turn
        _tell_losses(found, str(request.accounts), progress)
    if new.is_empty():
        return None
    return REGISTRY.conform(new.with_columns(pl.lit(holds_from).alias("holds_from")))


_SHOWN_COLUMNS, _SHOWN_CHARACTERS = 5, 40
"""Of the columns of an accounts file that are not read, as many are named, and so much of their names."""


def _tell_losses(found: Accounts, name: str, progress: Progress) -> None:
    """Warns of what an accounts file says and nobody could read."""
    for reason, count in sorted(found.rejected.items()):
        progress.warn(f"{name}: {count} rows left out: {reason}")
    for column, count in sorted(found.blanked.items()):
        progress.warn(f"{name}: {count} values of {column} cannot be read and count as not known")
    if found.unknown_columns:
        columns = ", ".join(column[:_SHOWN_CHARACTERS] for column in found.unknown_columns[:_SHOWN_COLUMNS])
        progress.warn(
            f"{name}: {len(found.unknown_columns)} columns are not read ({columns}); read are {', '.join(ALIASES)}, by any of their usual names"
        )


def _registry_write(lake: Lake, new: pl.DataFrame) -> Write:
    """Appends rows; one about an account whose row holds from the same border takes that row's place."""
    since = new["holds_from"].min()
    assert isinstance(since, datetime)  # noqa: S101 - the column's type
    replaced = lake.read("registry").filter(pl.col("holds_from") >= since)
    if replaced.is_empty():
        return Write(rows=new)
    kept = replaced.join(new, on=list(REGISTRY.key), how="anti")
    return Write(replace_from=("holds_from", since), rows=REGISTRY.conform(pl.concat([kept, new])))


def _source_rows(pieces: list[dict[str, Any]], refused: list[list[str]]) -> list[dict[str, Any]]:
    """Counts by source, as the table `runs` has them."""
    rows: dict[str, dict[str, Any]] = {}
    for piece in pieces:
        row = rows.setdefault(piece["source"], _row(piece["source"], piece["name"], piece["format"], None))
        ignored = sum(piece["ignored"].values())
        row["appended"] += piece["appended"]
        row["ignored"] += ignored
        row["rejects"] += piece["rejects"]
        row["records"] += piece["appended"] + ignored + piece["rejects"]
    return [*rows.values(), *[_row(name, name, None, reason) for name, reason in refused]]


def _row(source: str, name: str, form: str | None, refused: str | None) -> dict[str, Any]:
    counts = ("records", "appended", "ignored", "rejects", "accepted", "duplicates", "too_late")
    return {"source": source, "name": name, "format": form, **dict.fromkeys(counts, 0), "refused_because": refused}


def _tell(pieces: list[dict[str, Any]], progress: Progress) -> None:
    """Why records were ignored, and which fields are not read."""
    ignored: Counter[str] = Counter()
    unknown: Counter[str] = Counter()
    for piece in pieces:
        ignored.update(piece["ignored"])
        unknown.update(piece["unknown"])
    for reason, count in sorted(ignored.items()):
        progress.note(f"ignored {count:,} records: {reason}")
    if unknown:
        named = ", ".join(f"{name} ({count:,})" for name, count in unknown.most_common(5))
        progress.note(f"fields not read: {named}{' ...' if len(unknown) > 5 else ''}")


@contextmanager
def told(root: Path, plan: Plan, progress: Progress) -> Iterator[None]:
    """Tells how far the workers are, by the marks they leave."""
    specs = [RangeSpec.from_json(data) for data in plan.work["ranges"]]
    progress.begin("ingest", total=sum(spec.size for spec in specs))
    stop, seen = threading.Event(), set[str]()

    def look() -> None:
        for path in sorted(staging(root, plan.run_id).glob("range-*.done")):
            if path.name not in seen:
                seen.add(path.name)
                done = json.loads(path.read_text() or '{"bytes": 0, "records": 0}')
                progress.advance(done["bytes"], records=done["records"])

    def watch() -> None:
        while not stop.wait(0.5):
            look()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        look()
