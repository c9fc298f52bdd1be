"""Cuts a block into records, before anything is decoded."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, overload

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from transforms.ingest.adapter import Block
from transforms.ingest.depth import at_fixed_depth

BOM = b"\xef\xbb\xbf"
BLANK = b" \t\r\n"
_FIRST = 1 << 16  # bytes that tell how long lines are
_LONG = 1024  # bytes of a line from which its end is found faster by itself than by a look at every byte
_NEWLINE, _RETURN, _SPACE = b"\n\r "
_RAW = msgspec.json.Decoder(list[msgspec.Raw])
_ONE = msgspec.json.Decoder(msgspec.Raw)
_SCAN = json.JSONDecoder().raw_decode


@dataclass(frozen=True)
class Element:
    """A record inside a JSON array that fills one line; cut out only when its bytes are asked for."""

    line: bytes
    index: int


class Lines(Sequence[bytes]):
    """Lines of a text, cut out only when they are asked for.

    Attributes:
        data: the text.
        starts: where each line begins.
        ends: where each ends, ascending.
    """

    def __init__(self, data: bytes, starts: npt.NDArray[np.int64], ends: npt.NDArray[np.int64]) -> None:
        self.data = data
        self.starts = starts
        self.ends = ends

    def __len__(self) -> int:
        return len(self.starts)

    def __iter__(self) -> Iterator[bytes]:
        data = self.data
        return (data[start:end] for start, end in zip(self.starts.tolist(), self.ends.tolist(), strict=True))

    @overload
    def __getitem__(self, row: int) -> bytes: ...
    @overload
    def __getitem__(self, row: slice) -> "Lines": ...
    def __getitem__(self, row: int | slice) -> "bytes | Lines":
        if isinstance(row, slice):
            return Lines(self.data, self.starts[row], self.ends[row])
        return self.data[self.starts[row] : self.ends[row]]

    def chosen(self, rows: npt.NDArray[Any]) -> "Lines":
        """Some of the lines, by numbers or as a mask."""
        return Lines(self.data, self.starts[rows], self.ends[rows])

    def together(self) -> "Lines":
        """The same lines of a text that holds nothing else, each with a newline behind it."""
        lengths = self.ends - self.starts + 1
        if int(lengths.sum()) == len(self.data):
            return self
        ends = np.cumsum(lengths)
        return Lines(b"".join([part for line in self for part in (line, b"\n")]), ends - lengths, ends - 1)


@dataclass(frozen=True)
class Pieces:
    """Records of a source, not decoded yet.

    Attributes:
        texts: their bytes.
        positions: where each begins: its offset, plus the element's number inside an array that fills a line.
        lines: the line each stands in, from 1; None where the source has no lines.
    """

    texts: Sequence[bytes | Element]
    positions: npt.NDArray[np.int64]
    lines: npt.NDArray[np.int64] | None

    def chosen(self, rows: npt.NDArray[np.int64]) -> "Pieces":
        """Some of the pieces."""
        texts = self.texts.chosen(rows) if isinstance(self.texts, Lines) else [self.texts[row] for row in rows.tolist()]
        return Pieces(texts, self.positions[rows], None if self.lines is None else self.lines[rows])

    def text(self, row: int) -> bytes:
        """The bytes of one record."""
        text = self.texts[row]
        if isinstance(text, bytes):
            return text
        start, end = elements(text.line)[text.index]
        return text.line[start:end]


def cut(block: Block) -> Pieces:
    """The records of a block: its lines that are not blank, or the values of its document.

    A byte order mark at the start of a line and a carriage return at its end are not part of a record.
    """
    return _document(block) if block.framing == "document" else _lines(block)


def elements(text: bytes) -> list[tuple[int, int]]:
    """Where the elements of a JSON array begin and end; what cannot be read any more is one last element.

    >>> elements(b'[{"a":1}, 2]'), elements(b'[{"a":1},{"b"')
    ([(1, 8), (10, 11)], [(1, 8), (9, 13)])
    """
    return list(_elements(text))


def is_utf8(data: bytes) -> bool:
    """Whether the bytes are UTF-8 throughout."""
    if data.isascii():
        return True
    offsets = pa.py_buffer(np.array([0, len(data)], dtype=np.int64))
    whole = pa.Array.from_buffers(pa.large_binary(), 1, [None, offsets, pa.py_buffer(data)])
    try:
        whole.cast(pa.large_string())
    except pa.ArrowInvalid:
        return False
    return True


def _lines(block: Block) -> Pieces:
    data = np.frombuffer(block.data, np.uint8)
    ends = _newlines(block.data)
    if len(data) and data[-1] != _NEWLINE:
        ends = np.append(ends, len(data))
    starts = np.concatenate([ends[:0], np.zeros(min(len(ends), 1), dtype=np.int64), ends[:-1] + 1])
    positions, numbers = _places(block, starts)
    if b"\r" in block.data:
        ends = ends - ((ends > starts) & (data[ends - 1] == _RETURN))
    if BOM[:1] in block.data:  # one byte is found much faster than three
        marked = [row for row, start in enumerate(starts.tolist()) if block.data.startswith(BOM, start)]
        starts = starts.copy()
        starts[marked] += len(BOM)
    filled = starts < ends
    if not filled.all():
        starts, ends, positions, numbers = starts[filled], ends[filled], positions[filled], numbers[filled]
    lines = Lines(block.data, starts, ends)
    blank = [row for row in np.flatnonzero(data[starts] <= _SPACE).tolist() if lines[row].isspace()]
    if blank:
        kept = np.delete(np.arange(len(lines)), blank)
        lines, positions, numbers = lines.chosen(kept), positions[kept], numbers[kept]
    return Pieces(lines, positions, numbers)


def _places(block: Block, starts: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Position and number of each line, from where it begins in the block."""
    rows = np.arange(len(starts))
    if block.joints is None:
        return block.offset + starts, block.line + rows
    joints = block.joints
    text = np.searchsorted(joints.starts, starts, side="right") - 1
    first = np.searchsorted(starts, joints.starts)
    return joints.positions[text] + starts - joints.starts[text], 1 + rows - first[text]


def _newlines(data: bytes) -> npt.NDArray[np.int64]:
    if data.count(b"\n", 0, _FIRST) * _LONG > min(len(data), _FIRST):
        return np.flatnonzero(np.frombuffer(data, np.uint8) == _NEWLINE)
    places, find = [], data.find
    place = find(b"\n")
    while place >= 0:
        places.append(place)
        place = find(b"\n", place + 1)
    return np.array(places, dtype=np.int64)


def _document(block: Block) -> Pieces:
    data = block.data
    start = len(data) - len(data.removeprefix(BOM).lstrip(BLANK))
    if data[start : start + 1] == b"[":
        spans = [(start + low, start + high) for low, high in _elements(data[start:])]
    elif at_fixed_depth(lambda: _is_one_value(data[start:])):
        spans = [(start, len(data.rstrip(BLANK)))]
    else:
        spans = at_fixed_depth(lambda: _scan(data.decode("latin-1"), start, in_array=False))
    offsets = np.array([low for low, _ in spans], dtype=np.int64)
    breaks = np.flatnonzero(np.frombuffer(data, np.uint8) == ord("\n"))
    return Pieces(
        [data[low:high] for low, high in spans],
        block.offset + offsets,
        block.line + np.searchsorted(breaks, offsets),
    )


def _is_one_value(data: bytes) -> bool:
    try:
        _ONE.decode(data)
    except (msgspec.MsgspecError, RecursionError):
        return False
    return True


@lru_cache(maxsize=1)  # faults of one array come one after the other
def _elements(text: bytes) -> tuple[tuple[int, int], ...]:
    return at_fixed_depth(lambda: _split(text))


def _split(text: bytes) -> tuple[tuple[int, int], ...]:
    try:
        values = _RAW.decode(text)
    except (msgspec.MsgspecError, RecursionError):
        # Latin-1 maps every byte to one character, so that places in the string are places in the bytes.
        return tuple(_scan(text.decode("latin-1"), text.index(b"[") + 1, in_array=True))
    spans = []
    end = text.index(b"[") + 1
    for value in values:
        body = bytes(value)
        start = text.index(body, end)  # only blanks and a comma lie between two elements
        end = start + len(body)
        spans.append((start, end))
    return tuple(spans)


def _scan(text: str, start: int, *, in_array: bool) -> list[tuple[int, int]]:
    """The values that can still be told apart, and the rest as one piece."""
    spans: list[tuple[int, int]] = []
    blank, end = BLANK.decode(), len(text.rstrip(BLANK.decode()))
    while True:
        while start < end and text[start] in blank:
            start += 1
        if in_array and start < end and text[start] == "]":
            in_array, start = False, start + 1
            continue
        if start >= end:
            return spans
        try:
            _, stop = _SCAN(text, start)
        except (ValueError, RecursionError):
            return [*spans, (start, end)]
        spans.append((start, stop))
        start = stop
        while start < end and text[start] in blank:
            start += 1
        if start < end and text[start] == ",":
            start += 1
