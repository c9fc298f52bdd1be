"""Cuts a block into records, before anything is decoded."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from transforms.ingest.adapter import Block
from transforms.ingest.depth import at_fixed_depth

BOM = b"\xef\xbb\xbf"
BLANK = b" \t\r\n"
_RAW = msgspec.json.Decoder(list[msgspec.Raw])
_ONE = msgspec.json.Decoder(msgspec.Raw)
_SCAN = json.JSONDecoder().raw_decode


@dataclass(frozen=True)
class Element:
    """A record inside a JSON array that fills one line; cut out only when its bytes are asked for."""

    line: bytes
    index: int


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
    texts = block.data.split(b"\n")
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    positions = block.offset + np.cumsum(lengths + 1) - lengths - 1
    numbers = np.arange(block.line, block.line + len(texts))
    if b"\r" in block.data:
        texts = [text.removesuffix(b"\r") for text in texts]
    if BOM[:1] in block.data:  # one byte is found much faster than three
        texts = [text.removeprefix(BOM) for text in texts]
    kept = [row for row, text in enumerate(texts) if text and not text.isspace()]
    if len(kept) < len(texts):
        texts = [texts[row] for row in kept]
        positions, numbers = positions[kept], numbers[kept]
    return Pieces(texts, positions, numbers)


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
