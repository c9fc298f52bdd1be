"""Flat JSON objects, one a line, column by column: the fast way in for logs whose records look alike.

A record goes this way only if it provably reads as on the exact way (json_reader): Polars and msgspec agree on every
object without doubled or unforeseen names, text where another kind stands, nested values, or half surrogates; which of them
do is told from the bytes around colons. All others, and blocks that Polars refuses, are left to the exact way.
"""

import io
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any

import msgspec
import numpy as np
import numpy.typing as npt
import polars as pl

from transforms.ingest.framing import Lines, Pieces
from transforms.ingest.marks import members

LEAST_RECORDS = 64
"""Fewer records are decoded one by one: a read by columns costs 0.6 ms whatever it reads (kernel.md 1)."""

_SAMPLES = 16
_SHAPES = 4  # shapes of records told apart in a block
_QUOTE, _COLON, _BLANK, _BACKSLASH, _BRACKET, _NULL = b'": \\[n'

_RAW = msgspec.json.Decoder(dict[str, msgspec.Raw])
_KINDS: dict[int, type[pl.DataType]] = {_QUOTE: pl.String, ord("t"): pl.Boolean, ord("f"): pl.Boolean}
_KINDS |= dict.fromkeys(b"-0123456789", pl.Float64) | {_NULL: pl.Null}
_TYPES: dict[type[pl.DataType], Any] = {
    pl.String: str | None,
    pl.Boolean: bool | None,
    pl.Float64: float | None,
    pl.Int64: Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)] | None,
}
_DECODER_ERRORS = (msgspec.MsgspecError, RecursionError, UnicodeDecodeError)

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]
Words = npt.NDArray[np.uint64]


KindOf = Callable[[str, type[pl.DataType]], type[pl.DataType] | None]
"""For a name and what its value looks like (String, Float64, Boolean, Null) the type to read it as; None for what has to be
read one by one."""


@dataclass(frozen=True)
class Flat:
    """Records read by columns.

    Attributes:
        frame: one column a name that was met and can be read so; null where a record lacks the name or says null.
        rows: for each record, which piece it was.
        others: the other pieces.
        shape: for each piece, which of `shapes` it has; -1 where that is not known. A record of the frame without a shape
            has just the names that it fills.
        shapes: names of records, in their order.
    """

    frame: pl.DataFrame
    rows: Ints
    others: Ints
    shape: Ints
    shapes: tuple[tuple[str, ...], ...]


def read_flat(pieces: Pieces, kind_of: KindOf) -> Flat | None:
    """The records of a block that can be read by columns; None where none can.

    Args:
        pieces: the records.
        kind_of: how values are to be read.
    """
    lines = pieces.texts
    if len(lines) < LEAST_RECORDS or not isinstance(lines, Lines):
        return None
    first = np.frombuffer(lines.data, np.uint8)[lines.starts]
    if (first == _BRACKET).any() or (first <= _BLANK).any():  # arrays, perhaps
        return None
    schema, shapes = _met(lines, kind_of)
    if not schema:
        return None
    rows, lines = np.arange(len(lines)), lines.together()
    frame = _parsed(lines, schema)
    if frame is None:
        wanted = _readable(lines, schema)
        rows, lines = rows[wanted], lines.chosen(wanted).together()
        frame = _parsed(lines, schema) if len(lines) >= LEAST_RECORDS else None
    if frame is None:
        return None
    certain, found = _certain(lines, frame, shapes)
    shape = np.full(len(pieces.texts), -1, dtype=np.int64)
    shape[rows] = found
    if not certain.all():
        frame, rows = frame.filter(pl.Series(certain)), rows[certain]
    others = np.setdiff1d(np.arange(len(pieces.texts)), rows, assume_unique=True)
    return None if frame.is_empty() else Flat(frame, rows, others, shape, shapes)


def _met(lines: Lines, kind_of: KindOf) -> tuple[dict[str, type[pl.DataType]], tuple[tuple[str, ...], ...]]:
    """What the names met in a few of the lines are to be read as, and the commonest shapes of these lines."""
    schema: dict[str, type[pl.DataType]] = {}
    silent: dict[str, type[pl.DataType]] = {}
    shapes: Counter[tuple[str, ...]] = Counter()
    for line in lines[:: max(1, len(lines) // _SAMPLES)]:
        try:
            values = _RAW.decode(line)
        except _DECODER_ERRORS:
            continue
        shapes[tuple(values)] += 1
        for name, value in values.items():
            looks = _KINDS.get(bytes(value)[0]) if name not in schema else None
            kind = None if looks is None else kind_of(name, looks)
            if kind is not None:
                (silent if looks == pl.Null else schema)[name] = kind
    return silent | schema, tuple(names for names, _ in shapes.most_common(_SHAPES) if names)


def _parsed(lines: Lines, schema: dict[str, type[pl.DataType]]) -> pl.DataFrame | None:
    """The lines by columns; None where Polars cannot read one of them, of which it does not tell which it is."""
    try:
        frame = pl.read_ndjson(io.BytesIO(lines.data), schema=schema)
    except pl.exceptions.PolarsError:
        return None
    return frame if frame.height == len(lines) else None


def _readable(lines: Lines, schema: dict[str, type[pl.DataType]]) -> Bools:
    """Lines that Polars can most likely read: objects whose fields hold what the schema says."""
    decode, found = _decoder(tuple(schema.items())), np.ones(len(lines), dtype=np.bool_)
    for row, line in enumerate(lines):
        try:
            decode(line)
        except _DECODER_ERRORS:
            found[row] = False
    return found


@lru_cache(maxsize=64)
def _decoder(schema: tuple[tuple[str, type[pl.DataType]], ...]) -> Callable[[bytes], Any]:
    names = {f"f{number}": name for number, (name, _) in enumerate(schema)}
    fields: list[tuple[str, Any, Any]] = [(f"f{n}", _TYPES[kind], None) for n, (_, kind) in enumerate(schema)]
    return msgspec.json.Decoder(msgspec.defstruct("Line", fields, rename=names, gc=False)).decode


def _certain(lines: Lines, frame: pl.DataFrame, shapes: Sequence[tuple[str, ...]]) -> tuple[Bools, Ints]:
    """Records that read the same on the exact way, and the shapes of all that have nulls or what cannot be read by columns.

    A colon behind a quote, or behind blanks behind one, ends a name, or stands in a text behind an escaped quote: so
    there are at least as many as the object has members. Where there are just as many as filled columns, every member is a filled
    column: none is null, none unforeseen, none there twice, and each colon is followed by its value. Where as many values begin
    with a quote as columns of text are filled, no text column was filled from a number, an object or a list; and into columns of
    other kinds Polars takes nothing but their kind. Of records with nulls the names are compared with a shape's, one by one.
    """
    texts = [name for name, kind in frame.schema.items() if kind == pl.String]
    count, strings = members(lines.data, lines.ends)
    certain = count == _filled(frame, frame.columns)
    certain &= strings == _filled(frame, texts)
    shape = np.full(len(lines), -1, dtype=np.int64)
    rows = np.flatnonzero(~certain)
    if shapes and rows.size:
        certain[rows], shape[rows] = _shaped(lines.chosen(rows).together(), count[rows], shapes, frame.schema)
    if b"\\" in lines.data:
        data = np.frombuffer(lines.data, np.uint8)
        backslashes = np.flatnonzero(data == _BACKSLASH)
        escapes = backslashes[data[backslashes + 1] == ord("u")]
        certain &= _each(escapes, lines.ends) == 0
    return np.asarray(certain), shape


def _shaped(lines: Lines, count: Ints, shapes: Sequence[tuple[str, ...]], schema: pl.Schema) -> tuple[Bools, Ints]:
    """Which records have the names of a shape and only nulls and what the schema reads, and which shape it is (-1 for none).

    Args:
        lines: the records.
        count: how many names each may have.
        shapes: names in their order.
        schema: what is read by columns.
    """
    data = np.frombuffer(lines.data, np.uint8)
    colons = np.flatnonzero(data == _COLON)  # an object that was read has at least a brace and a quote before each
    around = _bytes_around(lines.data, colons)
    ahead, before = around[:, 0], around[:, 1]
    ends_name = (before == _QUOTE) | ((before <= _BLANK) & ((ahead == _QUOTE) | (ahead <= _BLANK)))
    colons, values = colons[ends_name], around[ends_name, 3]
    if (values == _BLANK).any():
        values = np.where(values == _BLANK, data[colons + 2], values)
    certain, shape = np.zeros(len(lines), dtype=np.bool_), np.full(len(lines), -1, dtype=np.int64)
    for number, names in enumerate(shapes):
        rows = np.flatnonzero((shape < 0) & (count == len(names)))
        if rows.size:
            places = (np.cumsum(count) - count)[rows, None] + np.arange(len(names))
            alike = _has_names(lines.data, colons[places], names)
            shape[rows[alike]] = number
            certain[rows[alike]] = _has_values(values[places[alike]], names, schema)
    return certain, shape


def _bytes_around(data: bytes, colons: Ints) -> Bytes:
    """The two bytes before each of the places, the byte there, and the one behind, of shape (places, 4).

    Four bytes are fetched as one number: a look at one byte of each place costs as much.
    """
    words = np.ndarray((len(data) - 3,), dtype="<u4", buffer=data, strides=(1,))
    return words[colons - 2].view(np.uint8).reshape(-1, 4)


def _has_names(data: bytes, colons: Ints, names: Sequence[str]) -> Bools:
    """Which records have exactly these names in this order.

    Args:
        data: the text the records lie in.
        colons: where each record's names end, shape (records, names).
        names: the shape.
    """
    texts = [b'"' + name.encode() + b'"' for name in names]
    lengths = np.array([len(text) for text in texts])
    # What stands before the opening quote: if a backslash, the quote is part of a longer name.
    alike = (np.frombuffer(data, np.uint8)[colons - lengths - 1] != _BACKSLASH).all(axis=1)
    words: Words = np.ndarray((len(data) - 7,), dtype="<u8", buffer=data, strides=(1,))
    for end in range(0, int(lengths.max()), 8):
        # Eight bytes at a time, from the closing quote.
        parts = [text[: max(len(text) - end, 0)][-8:] for text in texts]
        wanted = np.array([int.from_bytes(part.rjust(8, b"\0"), "little") for part in parts], dtype=np.uint64)
        masks = np.array([2**64 - 2 ** (8 * (8 - len(part))) for part in parts], dtype=np.uint64)
        found = words[np.maximum(colons - end - 8, 0)]
        found &= masks
        alike &= (found == wanted).all(axis=1)
    return np.asarray(alike)


def _has_values(values: Bytes, names: Sequence[str], schema: pl.Schema) -> Bools:
    """Which records hold, of a shape's names, only nulls and what the schema reads; by the first byte of each value."""
    is_text = np.array([schema.get(name) == pl.String for name in names])
    is_unread = np.array([name not in schema for name in names])
    fits = values == _NULL
    fits |= (values == _QUOTE) & is_text
    fits |= ~is_text & ~is_unread  # Polars takes nothing else into numbers and booleans
    return np.asarray(fits.all(axis=1))


def _each(places: Ints, ends: Ints) -> Ints:
    """How many of the places lie in each line."""
    return np.diff(np.searchsorted(places, ends), prepend=0)


def _filled(frame: pl.DataFrame, names: Sequence[str]) -> Ints:
    """How many of the columns each row fills."""
    partly = [name for name in names if frame[name].null_count()]
    filled = np.full(frame.height, len(names) - len(partly), dtype=np.int64)
    for name in partly:
        filled += frame[name].is_not_null().to_numpy()
    return filled
