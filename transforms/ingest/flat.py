"""Flat JSON objects, one a line, column by column: the fast way in for logs whose records look alike.

A record goes this way only if it provably reads as on the exact way (json_reader): Polars and msgspec agree on every
object that has no nulls, no doubled or unforeseen names, no text where another kind stands, and no half surrogates; which of
them do is told from counts of bytes. All others, and blocks that Polars refuses, are left to the exact way.
"""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any

import msgspec
import numpy as np
import numpy.typing as npt
import polars as pl

from transforms.ingest.framing import Lines, Pieces

LEAST_RECORDS = 64
"""Fewer records are decoded one by one: a read by columns costs 0.6 ms whatever it reads (kernel.md 1)."""

_SAMPLES = 16
_QUOTE, _COLON, _BLANK, _BACKSLASH, _BRACKET = b'": \\['

_RAW = msgspec.json.Decoder(dict[str, msgspec.Raw])
_KINDS: dict[int, type[pl.DataType]] = {_QUOTE: pl.String, ord("t"): pl.Boolean, ord("f"): pl.Boolean}
_KINDS |= dict.fromkeys(b"-0123456789", pl.Float64)
_TYPES: dict[type[pl.DataType], Any] = {
    pl.String: str | None,
    pl.Boolean: bool | None,
    pl.Float64: float | None,
    pl.Int64: Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)] | None,
}
_DECODER_ERRORS = (msgspec.MsgspecError, RecursionError, UnicodeDecodeError)

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Flat:
    """Records read by columns.

    Attributes:
        frame: one column a name that was met, no nulls but where a record lacks the name.
        rows: for each of them, which piece it was.
        others: the other pieces.
    """

    frame: pl.DataFrame
    rows: Ints
    others: Ints


def read_flat(pieces: Pieces, kind_of: Callable[[str, type[pl.DataType]], type[pl.DataType] | None]) -> Flat | None:
    """The records of a block that can be read by columns; None where none can.

    Args:
        pieces: the records.
        kind_of: for a name and the kind its value looks like (String, Float64, Boolean) the type to read it as; None
            for what has to be read one by one.
    """
    lines = pieces.texts
    if len(lines) < LEAST_RECORDS or not isinstance(lines, Lines):
        return None
    first = np.frombuffer(lines.data, np.uint8)[lines.starts]
    if (first == _BRACKET).any() or (first <= _BLANK).any():  # arrays, perhaps
        return None
    schema = _schema(lines, kind_of)
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
    certain = _certain(lines, frame)
    if not certain.all():
        frame, rows = frame.filter(pl.Series(certain)), rows[certain]
    others = np.setdiff1d(np.arange(len(pieces.texts)), rows, assume_unique=True)
    return None if frame.is_empty() else Flat(frame, rows, others)


def _schema(
    lines: Lines, kind_of: Callable[[str, type[pl.DataType]], type[pl.DataType] | None]
) -> dict[str, type[pl.DataType]]:
    """What the names met in a few of the lines are to be read as."""
    schema: dict[str, type[pl.DataType]] = {}
    for line in lines[:: max(1, len(lines) // _SAMPLES)]:
        try:
            values = _RAW.decode(line)
        except _DECODER_ERRORS:
            continue
        for name, value in values.items():
            looks = _KINDS.get(bytes(value)[0]) if name not in schema else None
            kind = None if looks is None else kind_of(name, looks)
            if kind is not None:
                schema[name] = kind
    return schema


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


def _certain(lines: Lines, frame: pl.DataFrame) -> Bools:
    """Records that read the same on the exact way.

    A colon behind a quote or a blank ends a name, or stands inside a text: so there are at least as many as the object
    has members. Where there are just as many as filled columns, every member is a filled column: none is null, none
    unforeseen, none there twice, and each colon is followed by its value. Where as many values begin with a quote as
    columns of text are filled, no text column was filled from a number, an object or a list; and into columns of other
    kinds Polars takes nothing but their kind.
    """
    data, ends = np.frombuffer(lines.data, np.uint8), lines.ends
    colons = np.flatnonzero(data == _COLON)  # an object that was read has at least a brace and a newline behind each
    before = data[colons - 1]
    colons = colons[(before == _QUOTE) | (before <= _BLANK)]
    values = data[colons + 1]
    values = np.where(values == _BLANK, data[colons + 2], values)
    texts = [name for name, kind in frame.schema.items() if kind == pl.String]
    certain = _each(colons, ends) == _filled(frame, frame.columns)
    certain &= _each(colons[values == _QUOTE], ends) == _filled(frame, texts)
    backslashes = np.flatnonzero(data == _BACKSLASH)
    if backslashes.size:
        escapes = backslashes[data[backslashes + 1] == ord("u")]
        certain &= _each(escapes, ends) == 0
    return np.asarray(certain)


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
