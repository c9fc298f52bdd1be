"""What stands in the holes of a shape, as columns."""

from functools import lru_cache
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from transforms.ingest.shape import Bools, Fitting, Ints

_BACKSLASH, _SPACE, _COMMA = b"\\ ,"
_DECODER_ERRORS = (msgspec.MsgspecError, RecursionError)


def strings(fitting: Fitting, hole: int) -> pl.Series:
    """The strings in a hole, as they are spelled (String)."""
    cut = _cut(fitting.lines.data, fitting.begins[hole], fitting.ends[hole])
    series = pl.from_arrow(cut.cast(pa.large_string(), safe=False))
    assert isinstance(series, pl.Series)  # noqa: S101 - an array makes a series
    return series


def texts(fitting: Fitting, hole: int) -> tuple[pl.Series, Bools]:
    """The strings in a hole, their escapes resolved (String), and which lines hold a string indeed; others have any text."""
    cut = _cut(fitting.lines.data, fitting.begins[hole], fitting.ends[hole])
    series = pl.from_arrow(cut.cast(pa.large_string(), safe=False))
    assert isinstance(series, pl.Series)  # noqa: S101 - an array makes a series
    is_string = np.ones(len(series), dtype=np.bool_)
    offsets, data = _buffers(cut)
    odd = np.flatnonzero(data < _SPACE)
    is_string[np.searchsorted(offsets, odd, side="right") - 1] = False
    escaped = np.unique(np.searchsorted(offsets, np.flatnonzero(data == _BACKSLASH), side="right") - 1)
    if len(escaped):
        resolved = []
        for row in escaped.tolist():
            try:
                resolved.append(_decoder(str).decode(b'"' + data[offsets[row] : offsets[row + 1]].tobytes() + b'"'))
            except _DECODER_ERRORS:
                is_string[row] = False
                resolved.append("")
        series = series.scatter(escaped, pl.Series(resolved, dtype=pl.String))
    return series, is_string


def numbers(fitting: Fitting, hole: int, kind: Any) -> tuple[list[Any], Bools]:
    """The numbers in a hole, and which lines hold a number of this type indeed; others have None.

    Args:
        fitting: the lines.
        hole: which hole.
        kind: a type of numbers for msgspec.
    """
    cut = _cut(fitting.lines.data, fitting.begins[hole], fitting.ends[hole] + 1)
    offsets, data = _buffers(cut)
    listed = data.copy()
    listed[offsets[1:] - 1] = _COMMA
    is_number = np.ones(len(cut), dtype=np.bool_)
    try:
        values = _decoder(list[kind]).decode(b"[" + listed[:-1].tobytes() + b"]")
        if len(values) == len(cut):  # no value is empty, so each stands for one line
            return values, is_number
    except _DECODER_ERRORS:
        pass
    values, decode = [None] * len(cut), _decoder(kind).decode
    for row, (begin, end) in enumerate(zip(offsets[:-1].tolist(), (offsets[1:] - 1).tolist(), strict=True)):
        try:
            values[row] = decode(data[begin:end].tobytes())
        except _DECODER_ERRORS:
            is_number[row] = False
    return values, is_number


def kinds(fitting: Fitting, holes: list[int]) -> tuple[Ints, Ints]:
    """Lines told apart by what stands in some holes: the first line of each kind (as a place in `rows`), and each line's kind."""
    size = len(fitting.rows)
    if not holes:
        return np.zeros(min(size, 1), dtype=np.int64), np.zeros(size, dtype=np.int64)
    kind = np.zeros(size, dtype=np.int64)
    for hole in holes:
        spelled = _cut(fitting.lines.data, fitting.begins[hole], fitting.ends[hole]).dictionary_encode()
        both = kind * len(spelled.dictionary) + spelled.indices.to_numpy()  # at most as many kinds as lines, squared
        _, firsts, kind = np.unique(both, return_index=True, return_inverse=True)
    return firsts, kind


def _cut(data: bytes, begins: Ints, ends: Ints) -> pa.LargeBinaryArray:
    """The bytes between ascending places, copied one behind the other."""
    edges = np.stack([begins, ends], axis=1).reshape(-1)
    parts = pa.Array.from_buffers(
        pa.large_binary(), max(len(edges) - 1, 0), [None, pa.py_buffer(edges), pa.py_buffer(data)]
    )
    return parts.take(pa.array(np.arange(0, len(edges), 2)))


def _buffers(values: pa.LargeBinaryArray) -> tuple[Ints, npt.NDArray[np.uint8]]:
    _, offsets, data = values.buffers()
    edges = np.frombuffer(offsets, np.int64)[: len(values) + 1]
    return edges, np.frombuffer(b"" if data is None else data, np.uint8)[: int(edges[-1])]


@lru_cache(maxsize=16)
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)
