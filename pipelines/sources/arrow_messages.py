"""A block of Arrow IPC in one message: read whole, or refused before it can take more memory than its size is worth."""

import struct
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.sources.reading import DOCUMENT_RECORDS

_STREAM, _FILE, _FILE_START = b"\xff\xff\xff\xff", b"ARROW1", 8
FIRST_BYTES = (_STREAM, _FILE)
"""What a block of Arrow begins with, as a stream and as a file; no text begins so."""
_LEAST_ROW = 8  # bytes of a row that holds a time: a message that claims more rows holds none
_MOST_ROWS = 1 << 24  # as many as a position can tell apart inside a message
_BATCH, _DICTIONARY = "record batch", "dictionary"


class Unreadable(Exception):
    """The message is no block of Arrow IPC that is read; says why, in one clause."""


def is_arrow(value: bytes) -> bool:
    """Whether a message is a block of Arrow IPC, by its first bytes."""
    return value.startswith(FIRST_BYTES)


def read_table(value: bytes, record_bytes: int) -> pa.Table:
    """The rows of a block of Arrow IPC.

    Args:
        value: the message.
        record_bytes: policy ingest.record_bytes; a block may expand to sixteen times that, as a document may.

    Raises:
        Unreadable: it is damaged, expands beyond what is allowed, or has columns of a kind that is not read.
    """
    # A file is a stream between two marks; read so, its footer need not be trusted.
    body = pa.py_buffer(value).slice(_FILE_START if value.startswith(_FILE) else 0)
    most = record_bytes * DOCUMENT_RECORDS
    try:
        expanded = sum(_expanded(body))
        if expanded > most:
            raise Unreadable(f"it expands to {expanded:,} bytes")
        with pa.ipc.open_stream(body) as reader:
            for field in reader.schema:
                if not _is_read(field.type):
                    raise Unreadable(f"it has a column of type {str(field.type)[:40]}")
            batches = list(_batches(reader, min(_MOST_ROWS, expanded // _LEAST_ROW)))
            table = pa.Table.from_batches(batches, reader.schema)
        table.validate(full=True)
        unpacked = sum(map(_unpacked, table.columns))
    except (pa.ArrowException, OSError, struct.error, IndexError, ValueError, OverflowError) as error:
        raise Unreadable(f"it is damaged ({type(error).__name__})") from error
    if unpacked > most:
        raise Unreadable(f"its dictionaries expand to {unpacked:,} bytes")
    return table


def _batches(reader: pa.RecordBatchReader, most_rows: int) -> Iterator[pa.RecordBatch]:
    rows = 0
    for batch in reader:
        rows += batch.num_rows
        if rows > most_rows:
            raise Unreadable(f"it claims {rows:,} rows, more than its bytes can hold")
        batch.validate(full=True)
        yield batch


def _is_read(kind: pa.DataType, *, is_inside: bool = False) -> bool:
    """Whether values of a type take no more room than their bytes: those that share bytes are read at the top only."""
    types = pa.types
    if types.is_dictionary(kind):
        return not is_inside and _is_plain(kind.value_type)
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        return _is_read(kind.value_type, is_inside=True)
    if types.is_struct(kind):
        return all(_is_read(field.type, is_inside=True) for field in kind)
    if types.is_map(kind):
        return _is_read(kind.key_type, is_inside=True) and _is_read(kind.item_type, is_inside=True)
    return _is_plain(kind)


def _is_plain(kind: pa.DataType) -> bool:
    types = pa.types
    is_text = any(
        is_kind(kind) for is_kind in (types.is_string, types.is_large_string, types.is_binary, types.is_large_binary)
    )
    return bool(is_text or types.is_primitive(kind) or types.is_null(kind) or types.is_decimal(kind))


def _unpacked(column: pa.ChunkedArray) -> int:
    """Bytes of the texts that a dictionary's indices repeat."""
    if not pa.types.is_dictionary(column.type) or pa.types.is_primitive(column.type.value_type):
        return 0
    size = 0
    for chunk in column.chunks:
        lengths = pc.binary_length(chunk.dictionary).cast(pa.int64())
        size += pc.sum(lengths.take(chunk.indices)).as_py() or 0
    return size


def _expanded(body: pa.Buffer) -> Iterator[int]:
    """What each batch takes once it is decompressed, told by its own metadata and not yet allocated."""
    reader = pa.ipc.MessageReader.open_stream(body)
    for message in reader:
        if message.type not in (_BATCH, _DICTIONARY):
            continue
        meta, data = bytes(message.metadata), message.body
        place = _field(meta, struct.unpack_from("<I", meta)[0], 2)
        batch = None if place is None else _reference(meta, place)
        if batch is not None and message.type == _DICTIONARY:
            inner = _field(meta, batch, 1)
            batch = None if inner is None else _reference(meta, inner)
        if batch is None:
            raise ValueError("a batch without a body")
        yield _decompressed(meta, batch, data)


def _decompressed(meta: bytes, batch: int, data: pa.Buffer | None) -> int:
    buffers, is_compressed = _field(meta, batch, 2), _field(meta, batch, 3) is not None
    if buffers is None or data is None:
        return 0
    if not is_compressed:
        return int(data.size)
    size, start = 0, _reference(meta, buffers)
    (count,) = struct.unpack_from("<I", meta, start)
    for number in range(count):
        offset, length = struct.unpack_from("<qq", meta, start + 4 + 16 * number)
        if length:
            (stated,) = struct.unpack("<q", bytes(data.slice(offset, 8)))
            size += length if stated < 0 else stated
    return size


def _field(meta: bytes, table: int, number: int) -> int | None:
    """Where a field of a FlatBuffers table lies; None where it is not set."""
    (back,) = struct.unpack_from("<i", meta, table)
    (size,) = struct.unpack_from("<H", meta, table - back)
    at = 4 + 2 * number
    (offset,) = struct.unpack_from("<H", meta, table - back + at) if at < size else (0,)
    return table + offset if offset else None


def _reference(meta: bytes, place: int) -> int:
    return int(place + struct.unpack_from("<I", meta, place)[0])
