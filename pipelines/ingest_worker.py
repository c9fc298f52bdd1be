"""What an INGEST worker does with its range: records become events and rejects in files of the lake."""

import fnmatch
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apache_beam as beam
import polars as pl

from pipelines.lake.files import FileEntry, write_frame
from pipelines.lake.lake import made_at
from pipelines.lake.sealed import write_whole
from pipelines.lake.sources import Done, latest_times
from pipelines.manifests import staging
from pipelines.sources.brokers import BrokerGone, KafkaConfig
from pipelines.sources.cutter import Broken, End
from pipelines.sources.messages import LeftOut, Taker, read_messages
from pipelines.sources.ranges import Piece, RangeSpec
from pipelines.sources.reading import Rows, read_rows, read_text
from schemas.errors import SourceMoved
from schemas.event import EVENT
from schemas.policy import Policy, SourceRule
from schemas.reject import REJECT
from transforms.ingest.adapter import Block, Context, Decoded
from transforms.ingest.fingerprint import text_digest
from transforms.ingest.key import FingerprintKey
from transforms.ingest.registry import ADAPTERS

FLUSH_ROWS = 300_000
"""Events and rejects held at most before they are written."""

_TABLES: Any = ADAPTERS["canonical"]
"""What reads rows of Parquet and Arrow, whatever the format of text beside them."""

_OWN_FILE_ROWS = 4096
"""Rows of a day from which it gets a file of its own; stray days go together, so that no file spans the years."""

_LATEST_ROWS = 100
"""Latest events kept of a block: as many as `latest_times` keeps of a source."""


@dataclass(frozen=True)
class IngestJob:
    """Everything a worker needs to know of a run; key and secrets travel in memory only.

    Attributes:
        root: the lake.
        run_id: the run.
        policy: as JSON.
        key: what fingerprints are keyed with.
        kafka: how the brokers of topics are reached.
    """

    root: str
    run_id: str
    policy: str
    key: FingerprintKey
    kafka: KafkaConfig = KafkaConfig()


def rule_for(policy: Policy, name: str) -> SourceRule:
    """The first source rule, by name of the section, whose glob matches a source's name; else the defaults."""
    for _, rule in sorted(policy.source.items()):
        if fnmatch.fnmatchcase(name, rule.match):
            return rule
    return SourceRule()


class ReadRange(beam.DoFn):
    """One range in; its files written and one message out."""

    def __init__(self, job: IngestJob) -> None:
        self._job = job

    def process(self, element: str) -> Iterator[tuple[int, bytes]]:
        """A RangeSpec as JSON."""
        spec = RangeSpec.from_json(json.loads(element))
        policy = Policy.from_json(self._job.policy)
        made_at(Path(self._job.root))  # a worker that does not see the lake would write into a folder of its own
        writer = RangeWriter(self._job, spec.number, policy)
        try:
            with ExitStack() as stack:
                takers: dict[str, Taker] = {}
                for piece in spec.pieces:
                    if piece.container == "topic" and piece.path not in takers:
                        taker = Taker(piece.path, self._job.kafka, policy.kafka.wait_seconds)
                        takers[piece.path] = stack.enter_context(taker)
                    _Piece(piece, self._job, policy, writer, takers.get(piece.path)).read()
            message = writer.finish()
        except (SourceMoved, BrokerGone) as error:
            message = moved(spec.number, error)
        path = staging(Path(self._job.root), self._job.run_id) / f"range-{spec.number}.done"
        write_whole(path, json.dumps({"bytes": spec.size, "records": writer.records}).encode())
        yield 0, json.dumps(message, sort_keys=True).encode()


def moved(number: int, error: SourceMoved | BrokerGone) -> dict[str, Any]:
    """The message of a range of which a source is not there as planned: nothing of its run may be committed.

    Told, not raised: an engine hands on the text of an exception, not the exception.
    """
    why = "gone" if isinstance(error, BrokerGone) else "moved"
    return {"range": number, "tables": {}, "pieces": [], why: [error.where, error.problem, error.fix]}


def require_unmoved(messages: Sequence[dict[str, Any]]) -> None:
    """Nothing where every worker read what was planned.

    Raises:
        SourceMoved: one found another file, or none, or offsets that are no longer there.
        BrokerGone: one found no broker that answers.
    """
    for message in sorted(messages, key=lambda message: int(message["range"])):
        if "moved" in message:
            raise SourceMoved(*message["moved"])
        if "gone" in message:
            raise BrokerGone(*message["gone"])


class RangeWriter:
    """Gathers a range's rows and writes them in files of bounded size."""

    def __init__(self, job: IngestJob, number: int, policy: Policy) -> None:
        self._job = job
        self._number = number
        self._policy = policy
        self._events: list[pl.DataFrame] = []
        self._rejects: list[pl.DataFrame] = []
        self._held = 0
        self._files: dict[str, list[FileEntry]] = {"events": [], "rejects": []}
        self.records = 0
        self.pieces: list[dict[str, Any]] = []

    def add(self, events: pl.DataFrame, rejects: pl.DataFrame) -> None:
        """Takes rows; writes when enough are held."""
        self._events.append(events)
        self._rejects.append(rejects)
        self._held += events.height + rejects.height
        if self._held >= FLUSH_ROWS:
            self._flush()

    def finish(self) -> dict[str, Any]:
        """Writes the rest; the message of the range."""
        self._flush()
        tables = {table: [entry.to_json() for entry in entries] for table, entries in self._files.items()}
        return {"range": self._number, "tables": tables, "pieces": self.pieces}

    def _flush(self) -> None:
        events = pl.concat([EVENT.empty(), *self._events])
        self._write("rejects", pl.concat([REJECT.empty(), *self._rejects]))
        self._events, self._rejects, self._held = [], [], 0
        if events.is_empty():
            return
        days = events.select(pl.col("time").dt.date().alias("day")).to_series()
        counts = days.value_counts().sort("day")
        large = counts.filter(pl.col("count") >= _OWN_FILE_ROWS)["day"]
        if counts.height == 1:
            self._write("events", events)
            return
        for day in large:
            self._write("events", events.filter(days == day))
        self._write("events", events.filter(~days.is_in(large.implode())))

    def _write(self, table: str, rows: pl.DataFrame) -> None:
        contract = EVENT if table == "events" else REJECT
        name = f"{self._job.run_id}-{self._number:05d}-{len(self._files[table]):04d}.parquet"
        folder = Path(self._job.root) / table
        entry = write_frame(folder, contract, name, contract.shape(rows), self._policy.ingest.row_group_rows)
        if entry is not None:
            self._files[table].append(entry)


def _latest_of(events: pl.DataFrame) -> pl.DataFrame:
    """The latest events, time and id. Repeated records go first: a storm of one late record must not crowd out the others."""
    moments = events["time"].unique().top_k(_LATEST_ROWS)  # cheaper than ids, which are texts
    late = events.filter(pl.col("time").is_in(moments.implode()))
    return late.select("time", "event_id").unique().top_k(_LATEST_ROWS, by=["time", "event_id"])


class _Piece:
    """One piece of a source, read from its start to its end."""

    def __init__(self, piece: Piece, job: IngestJob, policy: Policy, writer: RangeWriter, taker: Taker | None) -> None:
        self._piece = piece
        self._taker = taker
        self._policy = policy
        self._writer = writer
        self._key = job.key
        self._adapter: Any = ADAPTERS[piece.format]
        self._context = Context(piece.source, piece.name, rule_for(policy, piece.name), policy, job.key)
        self._appended = self._rejected = self._bytes = 0
        self._ignored: Counter[str] = Counter()
        self._unknown: Counter[str] = Counter()
        self._latest: list[pl.DataFrame] = []

    def read(self) -> None:
        """Reads, writes, and notes what was done."""
        ending = None
        piece = self._piece
        for part in self._parts():
            if isinstance(part, End):
                ending = part
            elif isinstance(part, Broken):
                self._take(Decoded(EVENT.empty(), self._broken(part)))
            elif isinstance(part, LeftOut):
                self._take(Decoded(EVENT.empty(), REJECT.empty(), {part.rule: part.count}))
            elif isinstance(part, Rows):
                self._bytes += part.table.nbytes
                self._take(_TABLES.decode_table(part.table, part.first_row, self._context))
            else:
                assert isinstance(part, Block)  # noqa: S101 - the only other kind
                self._bytes += len(part.data)
                self._take(self._adapter.decode(part, self._context))
        latest = latest_times(pl.concat([EVENT.empty().select("time", "event_id"), *self._latest]))
        done = Done(piece.source, piece.start, piece.end, piece.times, self._appended, latest, ending, self._bytes)
        self._writer.pieces.append(
            {
                "done": done.to_json(),
                "source": piece.source,
                "name": piece.name,
                "format": piece.format,
                "appended": self._appended,
                "rejects": self._rejected,
                "ignored": dict(sorted(self._ignored.items())),
                "unknown": dict(sorted(self._unknown.items())),
            }
        )

    def _parts(self) -> Iterator[Block | Broken | Rows | LeftOut | End]:
        if self._taker is not None and self._piece.container == "topic":
            longest = self._policy.ingest.record_bytes
            return read_messages(self._piece, self._taker, longest)
        if self._piece.container == "parquet":
            return read_rows(self._piece)
        return read_text(self._piece, self._policy.ingest.record_bytes)

    def _take(self, decoded: Decoded) -> None:
        events = decoded.events
        if not self._piece.wants_all_times:
            time = pl.col("time").cast(pl.Int64)  # an open end of a span is no date
            wanted = pl.any_horizontal((time >= since) & (time < until) for since, until in self._piece.times)
            events = events.filter(wanted)
        rejects = REJECT.empty() if self._piece.again else decoded.rejects
        self._appended += events.height
        self._rejected += rejects.height
        ignored = {} if self._piece.again else decoded.ignored
        if not self._piece.again:
            self._ignored.update(ignored)
            self._unknown.update(decoded.unknown_fields)
        self._latest.append(_latest_of(events))
        self._writer.records += events.height + rejects.height + sum(ignored.values())
        self._writer.add(events, rejects)

    def _broken(self, broken: Broken) -> pl.DataFrame:
        digest = text_digest(pl.Series([broken.digest]), self._key, "record")
        row = {
            "source": self._piece.source,
            "position": broken.position,
            "source_name": self._piece.name,
            "line": broken.line,
            "format": self._piece.format,
            "reason": broken.reason,
            "column": None,
            "digest": digest[0],
            "length": broken.length,
        }
        return REJECT.conform(pl.DataFrame([row], schema=REJECT.polars))
