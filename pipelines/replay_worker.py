"""What a worker of a replay does with its range: refused records, found again by position and digest, become events."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apache_beam as beam
import numpy as np
import polars as pl

from pipelines.ingest_worker import IngestJob, RangeWriter, moved, rule_for
from pipelines.lake.lake import Lake
from pipelines.lake.sealed import write_whole
from pipelines.lake.sources import latest_times
from pipelines.manifests import staging
from pipelines.sources.cutter import digest_of
from pipelines.sources.ranges import Piece, RangeSpec
from pipelines.sources.reading import Rows, read_rows, read_text
from schemas.errors import SourceMoved
from schemas.policy import Policy
from schemas.reject import REJECT
from transforms.ingest.adapter import Block, Context, Decoded
from transforms.ingest.fingerprint import text_digest
from transforms.ingest.framing import BOM, Pieces, cut, elements
from transforms.ingest.registry import ADAPTERS
from transforms.ingest.rejecting import record_digest

READ_AGAIN = pl.col("reason") != "damaged_stream"
"""Which rejects are records; where a stream broke, a mended file is read by the next `backfill`."""


_IS_LONG = pl.col("reason") == "too_long"


class ReplayRange(beam.DoFn):
    """One range in; its events written and one message out.

    Args:
        job: the run.
        rejects_version: version of `rejects` with what is to be replayed.
    """

    def __init__(self, job: IngestJob, rejects_version: int) -> None:
        self._job = job
        self._version = rejects_version

    def process(self, element: str) -> Iterator[tuple[int, bytes]]:
        """A RangeSpec as JSON."""
        job, spec = self._job, RangeSpec.from_json(json.loads(element))
        writer = RangeWriter(job, spec.number, Policy.from_json(job.policy))
        refused = Lake.open(Path(job.root)).read("rejects", self._version).filter(READ_AGAIN)
        try:
            for piece in spec.pieces:
                writer.pieces.append(_Replayed(piece, job, refused, writer).read())
            message = writer.finish()
        except SourceMoved as error:
            message = moved(spec.number, error)
        path = staging(Path(job.root), job.run_id) / f"range-{spec.number}.done"
        write_whole(path, json.dumps({"bytes": spec.size, "records": writer.records}).encode())
        yield 0, json.dumps(message, sort_keys=True).encode()


class _Replayed:
    """One piece of a source, of which only refused records are taken."""

    def __init__(self, piece: Piece, job: IngestJob, refused: pl.DataFrame, writer: RangeWriter) -> None:
        policy = Policy.from_json(job.policy)
        place = pl.col("position") >= piece.start
        if piece.end is not None:
            place = place & (pl.col("position") < piece.end)
        self._refused = refused.filter((pl.col("source") == piece.source) & place)
        self._piece = piece
        self._record_bytes = policy.ingest.record_bytes
        self._writer = writer
        self._adapter: Any = ADAPTERS[piece.format]
        self._context = Context(piece.source, piece.name, rule_for(policy, piece.name), policy, job.key)
        self._appended = self._ignored = self._rejected = 0
        self._gone: list[int] = []
        self._latest: list[pl.DataFrame] = []

    def read(self) -> dict[str, Any]:
        """Reads, writes, and tells what was done."""
        piece = self._piece
        parts = read_rows(piece) if piece.container == "parquet" else read_text(piece, self._record_bytes)
        for part in parts:
            if isinstance(part, Rows):
                end = part.first_row + part.table.num_rows
                wanted = self._between(part.first_row, end)
                if not wanted.is_empty():
                    self._take(self._adapter.decode_table(part.table, part.first_row, self._context), wanted)
            elif isinstance(part, Block):
                self._block(part)  # what is still too long or broken keeps its reject
        latest = latest_times(pl.concat(self._latest)) if self._latest else ()
        return {
            "source": piece.source,
            "name": piece.name,
            "format": piece.format,
            "appended": self._appended,
            "ignored": self._ignored,
            "rejects": self._rejected - len(self._gone),
            "gone": sorted(self._gone),
            "latest": latest,
        }

    def _between(self, start: int, end: int) -> pl.DataFrame:
        return self._refused.filter((pl.col("position") >= start) & (pl.col("position") < end))

    def _block(self, block: Block) -> None:
        start = block.offset if block.framing == "lines" else 0
        wanted = self._between(start, block.offset + len(block.data))
        single = self._found(block, wanted.filter(~_IS_LONG))
        for whole in self._long(block, wanted.filter(_IS_LONG)):
            self._take_whole(whole)
        if not single.is_empty():
            self._take(self._adapter.decode(block, self._context), single)

    def _found(self, block: Block, wanted: pl.DataFrame) -> pl.DataFrame:
        """Those of the rejects whose bytes are still there."""
        if wanted.is_empty():
            return wanted
        pieces, kept = cut(block), []
        for row in wanted.iter_rows(named=True):
            place = int(np.searchsorted(pieces.positions, row["position"], side="right")) - 1
            if place >= 0:
                texts = _texts(pieces, place, row["position"])
                kept += [row["position"]] if row["digest"] in record_digest(texts, self._context) else []
        return wanted.filter(pl.col("position").is_in(kept))

    def _long(self, block: Block, wanted: pl.DataFrame) -> Iterator[tuple[int, Block]]:
        """Lines and documents that were too long and whose bytes are still there, each as a block of its own."""
        for position, length, line, digest in wanted.select("position", "length", "line", "digest").iter_rows():
            start = max(0, position - block.offset)
            data = block.data if block.framing == "document" else block.data[start : start + length]
            mark = digest_of(BOM[: block.offset] + data if block.framing == "document" else data)
            (now,) = text_digest(pl.Series([mark]), self._context.key, "record")
            if now == digest:
                yield position, Block(data, block.offset + start, line or 1, block.framing)

    def _take(self, decoded: Decoded, wanted: pl.DataFrame) -> None:
        """The events of the wanted records; those outside the times asked for stay refused."""
        mine = decoded.events.join(wanted, on="position", how="semi")
        events = self._in_time(mine)
        refused = decoded.rejects.join(wanted, on="position", how="semi")["position"].to_list()
        early = mine.join(events, on="position", how="anti")["position"].to_list()
        gone = set(wanted["position"].to_list()) - set(refused) - set(early)
        self._ignored += len(gone) - events.height
        self._keep(events, REJECT.empty(), sorted(gone))

    def _take_whole(self, whole: tuple[int, Block]) -> None:
        """What was too long is read as if for the first time: one record, or several that stood in it.

        All of it or, where one of them lies before the times asked for, nothing.
        """
        position, block = whole
        decoded = self._adapter.decode(block, self._context)
        if self._in_time(decoded.events).height == decoded.events.height:
            self._ignored += sum(decoded.ignored.values())
            self._keep(decoded.events, decoded.rejects, [position])

    def _keep(self, events: pl.DataFrame, rejects: pl.DataFrame, gone: list[int]) -> None:
        self._appended += events.height
        self._rejected += rejects.height
        self._gone += gone
        self._latest.append(events.select("time", "event_id"))
        self._writer.records += events.height
        self._writer.add(events, rejects)

    def _in_time(self, events: pl.DataFrame) -> pl.DataFrame:
        if self._piece.wants_all_times:
            return events
        time = pl.col("time").cast(pl.Int64)
        return events.filter(pl.any_horizontal((time >= low) & (time < high) for low, high in self._piece.times))


def _texts(pieces: Pieces, row: int, position: int) -> list[bytes]:
    """What a reject at a position may have been: the record there, or an element of the array that fills its line."""
    text, index = pieces.text(row), position - int(pieces.positions[row])
    whole = [text] if index == 0 else []
    if text.lstrip()[:1] != b"[":
        return whole
    spans = elements(text)
    return whole + [text[low:high] for low, high in spans[index : index + 1]]
