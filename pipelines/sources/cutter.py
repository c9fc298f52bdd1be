"""Whole records out of a byte stream: those whose first byte lies in a range, whatever the pieces the stream comes in."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import msgspec

from pipelines.sources.streams import Gap
from transforms.ingest.adapter import Block
from transforms.ingest.marks import newlines

TAIL_BYTES = 65_536
"""Bytes before a position whose digest says that two files are the same up to there."""

LastLine = Literal["take", "leave"]
"""An unterminated last line: `take` it as a record, or `leave` it until the file grows, unless it is one whole JSON
value and therefore finished."""

BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Broken:
    """A record, or a stretch of a source, that could not be read; it becomes one row of `rejects`.

    Attributes:
        position: decompressed offset of its first byte (Parquet: number of its first row).
        length: its bytes; 0 where a stream broke between two records.
        reason: `too_long` or `damaged_stream`, as in schemas.reject.REASONS.
        line: number of its line within the piece, from 1; None where there are no lines.
        digest: 32 hex digits of blake2b over its bytes, as far as they could be read; key it before it is stored.
        why: one clause for the run's summary.
    """

    position: int
    length: int
    reason: Literal["too_long", "damaged_stream"]
    line: int | None
    digest: str
    why: str


@dataclass(frozen=True)
class End:
    """What was found at the end of a piece.

    Attributes:
        read_until: offset (row) up to which records were taken; a later piece goes on here.
        open_line: bytes of an unterminated last line that was taken as a record, 0 if there was none.
        left: bytes of an unterminated last line that was left.
        check: length and digest of the last bytes before `read_until` (see TAIL_BYTES); (0, "") for Parquet.
        gaps: stretches [from, to) that could not be read.
    """

    read_until: int
    open_line: int
    left: int
    check: tuple[int, str]
    gaps: tuple[tuple[int, int], ...]


class Tail:
    """The last bytes of a stream."""

    def __init__(self) -> None:
        self._bytes = b""

    def pass_by(self, data: bytes) -> None:
        """These bytes come next."""
        self._bytes = data[-TAIL_BYTES:] if len(data) >= TAIL_BYTES else (self._bytes + data)[-TAIL_BYTES:]

    def mark(self) -> tuple[int, str]:
        """Length and digest of what the tail holds now."""
        return len(self._bytes), digest_of(self._bytes)


def digest_of(data: bytes) -> str:
    """32 hex digits of blake2b."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


class Cutter:
    """Cuts the records that begin in [start, end) out of a stream.

    Args:
        start: offset; a record that began before it belongs to another range.
        end: offset; None for the end of the stream.
        record_bytes: longer lines become Broken, one at a time, without being held in memory.
        last_line: see LastLine.
        position: offset of the first byte that will be fed: 0 or start - 1.
    """

    def __init__(self, start: int, end: int | None, record_bytes: int, last_line: LastLine, position: int) -> None:
        self.done = False
        self._start, self._end = start, end
        self._record_bytes, self._last_line = record_bytes, last_line
        self._position = position
        self._in_foreign_line = start > 0
        self._line = 1
        self._tail = Tail()
        self._pending: list[bytes] = []
        self._pending_length = 0
        self._long: hashlib.blake2b | None = None
        self._long_length = 0
        self._open = 0
        self._gaps: list[tuple[int, int]] = []
        self._broken_off = False

    @property
    def record_start(self) -> int:
        """Offset of the first byte of the record that is not complete yet."""
        return self._position - self._pending_length - self._long_length

    def feed(self, data: bytes) -> Iterator[Block | Broken]:
        """Records that are complete with these bytes."""
        data = self._without_bom(data)
        data = self._from_start(data)
        if self._is_past(self.record_start) or not data:
            return
        if self._long is not None:
            newline = data.find(b"\n")
            piece = data if newline < 0 else data[:newline]
            self._lengthen(piece)
            if newline < 0:
                return
            data = data[newline + 1 :]
            yield from self._end_long(terminated=True)
            if self._is_past(self.record_start):
                return
        last = data.rfind(b"\n") + 1
        if last:
            body = b"".join([*self._pending, memoryview(data)[:last]])
            offset = self.record_start
            self._pending, self._pending_length = [], 0
            self._position += last
            self._tail.pass_by(body)
            yield from self._records(body, offset)
        if last < len(data):
            self._hold(data[last:])

    def gap(self, gap: Gap) -> Iterator[Broken]:
        """The stream is broken here: the incomplete record before the gap goes with it."""
        start = max(self.record_start, self._start)
        resume = gap.resume
        held = b"".join(self._pending)
        if resume is not None and resume <= self._start:
            self._tail.pass_by(held)
        elif not self._is_past(start):
            lost = self._position if self._end is None else self._end
            until = max(lost, self._position) if resume is None else resume
            self._gaps.append((start, until))
            yield Broken(start, max(0, until - start), "damaged_stream", self._line, digest_of(held), gap.why)
        if resume is None:
            self._broken_off = self.done = True
            return
        self._tail.pass_by(held)
        self._pending, self._pending_length, self._long, self._long_length = [], 0, None, 0
        self._position = resume
        self._in_foreign_line = not gap.at_line_start or resume < self._start

    def finish(self) -> Iterator[Block | Broken]:
        """What an unterminated last line gives; then `summary` is final."""
        if self._broken_off or self.done or self._is_past(self.record_start) or self._in_foreign_line:
            return
        body = b"".join(self._pending)
        if self._long is not None:
            if self._last_line == "take":
                self._open = self._long_length
                yield from self._end_long(terminated=False)
        elif body and (self._last_line == "take" or is_whole(body)):
            offset = self.record_start
            self._open = len(body)
            self._tail.pass_by(body)
            self._pending, self._pending_length = [], 0
            yield Block(body, offset, self._line, "lines")

    def summary(self) -> End:
        """What the stream came to."""
        return End(
            read_until=self.record_start,
            open_line=self._open,
            left=0 if self._broken_off else self._pending_length + self._long_length,
            check=self._tail.mark(),
            gaps=tuple(self._gaps),
        )

    def _without_bom(self, data: bytes) -> bytes:
        if self._position == 0 and data.startswith(BOM):
            self._position = len(BOM)
            self._tail.pass_by(BOM)
            return data[len(BOM) :]
        return data

    def _from_start(self, data: bytes) -> bytes:
        """The bytes from the first record of the range on."""
        if not self._in_foreign_line:
            return data
        ahead = max(0, self._start - 1 - self._position)
        newline = data.find(b"\n", ahead)
        used = len(data) if newline < 0 else newline + 1
        self._tail.pass_by(data[:used])
        self._position += used
        self._in_foreign_line = newline < 0
        return data[used:]

    def _is_past(self, offset: int) -> bool:
        self.done = self.done or (self._end is not None and offset >= self._end)
        return self.done

    def _records(self, body: bytes, offset: int) -> Iterator[Block | Broken]:
        """Whole lines, without those beyond the range; too long ones singly."""
        if self._end is not None and offset + len(body) > self._end:
            body = body[: body.find(b"\n", self._end - 1 - offset) + 1]
            self.done = True
        begin = line_start = 0
        while line_start < len(body):
            line_end = body.rfind(b"\n", line_start, line_start + self._record_bytes + 1)
            if line_end >= 0:
                line_start = line_end + 1
                continue
            yield from self._block(body[begin:line_start], offset + begin)
            line_end = body.find(b"\n", line_start)
            yield self._too_long(offset + line_start, line_end - line_start, digest_of(body[line_start:line_end]))
            begin = line_start = line_end + 1
        yield from self._block(body[begin:] if begin else body, offset + begin)

    def _block(self, body: bytes, offset: int) -> Iterator[Block]:
        if body:
            yield Block(body, offset, self._line, "lines")
            self._line += newlines(body)

    def _too_long(self, position: int, length: int, digest: str) -> Broken:
        line, self._line = self._line, self._line + 1
        return Broken(position, length, "too_long", line, digest, f"a line of {length:,} bytes")

    def _hold(self, data: bytes) -> None:
        self._pending.append(data)
        self._pending_length += len(data)
        self._position += len(data)
        if self._pending_length > self._record_bytes:
            pieces, self._pending, self._pending_length = self._pending, [], 0
            self._long = hashlib.blake2b(digest_size=16)
            for piece in pieces:
                self._lengthen(piece, is_new=False)

    def _lengthen(self, piece: bytes, *, is_new: bool = True) -> None:
        assert self._long is not None  # noqa: S101 - called while a long line is open
        self._long.update(piece)
        self._long_length += len(piece)
        self._position += len(piece) if is_new else 0
        self._tail.pass_by(piece)

    def _end_long(self, *, terminated: bool) -> Iterator[Broken]:
        assert self._long is not None  # noqa: S101 - called while a long line is open
        broken = self._too_long(self.record_start, self._long_length, self._long.hexdigest())
        self._long, self._long_length = None, 0
        if terminated:
            self._position += 1
            self._tail.pass_by(b"\n")
        yield broken


def is_whole(line: bytes) -> bool:
    """Whether a line without its newline is one whole JSON object or array, so that nothing of it can be missing."""
    if line.lstrip()[:1] not in (b"{", b"["):
        return False
    try:
        msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True
