"""The records of a piece, in blocks of bounded size, and everything of it that could not be read."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.sources.cutter import BOM, Broken, Cutter, End, Tail, digest_of
from pipelines.sources.ranges import Piece
from pipelines.sources.streams import CHUNK_BYTES, Gap, decompressed
from schemas.errors import SourceGone, SourceMoved
from transforms.ingest.adapter import Block

DOCUMENT_RECORDS = 16
"""A document may be this many times as long as a record: it is parsed as a whole."""

BATCH_ROWS = 65_536
_BEYOND = 65_536  # bytes read at a time behind a range's end, in search of the last record's end


@dataclass(frozen=True)
class Rows:
    """Some rows of a Parquet file.

    Attributes:
        table: the rows, with the file's own columns.
        first_row: number of the first one in the file, from 0.
    """

    table: pa.Table
    first_row: int


def read_text(piece: Piece, record_bytes: int, chunk: int = CHUNK_BYTES) -> Iterator[Block | Broken | End]:
    """The whole records of a text piece that begin in [start, end), in order; an End last, if the stream's end was met.

    Blocks are about `chunk` long, never longer than that and one record. A line longer than `record_bytes` and a
    broken stream become Broken, wherever they lie; what is around them is read.

    Args:
        piece: what to read.
        record_bytes: policy ingest.record_bytes.
        chunk: bytes read at a time.

    Raises:
        SourceMoved: before or after reading, the file is not the one that was planned.
    """
    with _held(piece) as file:
        if piece.framing == "document":
            yield from _document(piece, file, record_bytes, chunk)
        else:
            yield from _lines(piece, file, record_bytes, chunk)


def _lines(piece: Piece, file: BinaryIO, record_bytes: int, chunk: int) -> Iterator[Block | Broken | End]:
    begin = max(0, piece.start - 1) if piece.compression == "none" else 0
    cutter = Cutter(piece.start, piece.end, record_bytes, piece.last_line, begin)
    for data in _stream(piece, file, begin, chunk):
        yield from cutter.gap(data) if isinstance(data, Gap) else cutter.feed(data)
        if cutter.done and not isinstance(data, Gap):
            return
    yield from cutter.finish()
    yield cutter.summary()


def read_rows(piece: Piece, batch_rows: int = BATCH_ROWS) -> Iterator[Rows | Broken | End]:
    """The rows [start, end) of a Parquet piece, at most `batch_rows` at a time; an End last.

    A row group that cannot be decoded becomes one Broken, from its first row that could not be read.

    Raises:
        SourceMoved: before or after reading, the file is not the one that was planned.
    """
    with _held(piece):
        yield from _rows(piece, batch_rows)


@contextmanager
def _held(piece: Piece) -> Iterator[BinaryIO]:
    """The file of a piece, open, where it is the planned one both before and after it is read.

    A log that is renamed meanwhile stays the file that was opened; one that is emptied and written anew does not stay
    the same. What is compressed is opened by its name again and again, so there the name must not have moved either.
    """
    path = Path(piece.path)
    try:
        file = path.open("rb", buffering=0)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise gone(piece) from error
    with file:
        _require_same(piece, file)
        yield file
        _require_same(piece, file)
        is_by_name = piece.container == "parquet" or piece.compression != "none"
        if is_by_name and not (path.exists() and os.path.samestat(path.stat(), os.fstat(file.fileno()))):
            raise _moved(piece)


def gone(piece: Piece) -> SourceGone:
    """One sentence about a piece whose file is not there."""
    return SourceGone(piece.name, "it is gone, and an interrupted run was reading it", "put it back and run again")


def _moved(piece: Piece) -> SourceMoved:
    what = "it was replaced or cut off after it had been looked at"
    return SourceMoved(piece.name, what, "run the command again, when nothing is being rotated")


def _require_same(piece: Piece, file: BinaryIO) -> None:
    length, digest = piece.mark
    if not length:
        return
    is_plain = piece.container == "text" and piece.compression == "none"
    is_short = is_plain and os.fstat(file.fileno()).st_size < (piece.stop or 0)
    if is_short or digest_of(os.pread(file.fileno(), length, 0)) != digest:
        raise _moved(piece)


def _rows(piece: Piece, batch_rows: int) -> Iterator[Rows | Broken | End]:
    gaps: list[tuple[int, int]] = []
    end = piece.start if piece.end is None else piece.end
    try:
        file = pq.ParquetFile(piece.path, page_checksum_verification=True, memory_map=False)
    except (OSError, pa.ArrowException) as error:
        yield _lost_rows(piece, piece.start, error)
        yield End(end, 0, 0, (0, ""), ((piece.start, end),))
        return
    with file:
        first = 0
        for number in range(file.num_row_groups):
            rows = file.metadata.row_group(number).num_rows
            row = first
            first += rows
            if row < piece.start or row >= end:
                continue
            try:
                for batch in file.iter_batches(batch_rows, row_groups=[number]):
                    yield Rows(pa.Table.from_batches([batch]), row)
                    row += batch.num_rows
            except (OSError, pa.ArrowException) as error:
                gaps.append((row, first))
                yield _lost_rows(piece, row, error)
    yield End(end, 0, 0, (0, ""), tuple(gaps))


def _lost_rows(piece: Piece, row: int, error: Exception) -> Broken:
    why = f"a row group cannot be decoded ({str(error).splitlines()[0].rstrip('.')})"
    return Broken(row, 0, "damaged_stream", None, digest_of(f"{piece.source}:{row}".encode()), why)


def _stream(piece: Piece, file: BinaryIO, begin: int, chunk: int) -> Iterator[bytes | Gap]:
    if piece.compression != "none":
        yield from decompressed(Path(piece.path), piece.compression, chunk)
        return
    position, stop = begin, piece.stop or 0
    end = stop if piece.end is None else piece.end
    file.seek(position)
    while position < stop:
        wanted = min(chunk, end - position if position < end else _BEYOND, stop - position)
        data = file.read(wanted)
        if not data:
            yield Gap(None, at_line_start=False, why="the file was shortened while it was read")
            return
        position += len(data)
        yield data


def _document(piece: Piece, file: BinaryIO, record_bytes: int, chunk: int) -> Iterator[Block | Broken | End]:
    """The whole of a document as one block."""
    limit = record_bytes * DOCUMENT_RECORDS
    pieces: list[bytes] = []
    digest, tail, length = hashlib.blake2b(digest_size=16), Tail(), 0
    broken = ""
    for data in _stream(piece, file, 0, chunk):
        if isinstance(data, Gap):
            broken = data.why
            break
        length += len(data)
        digest.update(data)
        tail.pass_by(data)
        if length <= limit:
            pieces.append(data)
        else:
            pieces.clear()
    gaps: tuple[tuple[int, int], ...] = ()
    if broken:
        gaps = ((0, length),)
        yield Broken(0, length, "damaged_stream", 1, digest.hexdigest(), broken)
    elif length > limit:
        yield Broken(0, length, "too_long", 1, digest.hexdigest(), f"a document of {length:,} bytes")
    else:
        text = b"".join(pieces)
        body = text.removeprefix(BOM)
        yield Block(body, len(text) - len(body), 1, "document")
    yield End(length, 0, 0, tail.mark(), gaps)
