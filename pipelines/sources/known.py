"""How a source is known again: the same first bytes, and the same bytes before the place read up to.

A source is a sequence of bytes (decompressed), not a name: a file that grew, was renamed, or was compressed later is
the same source and is continued. Two files are the same source exactly if the shorter one is the beginning of the
longer one, as far as the first 64 KiB and the last 64 KiB of the shorter tell. A text source's id is made from its
first bytes when it was first seen; Parquet files do not grow and are known by size, beginning and end. A document
(one JSON value over several lines) does not grow either: changed, it is another source, whose records are recognised
by their own ids. The partition of a topic is known by cluster, topic and number (pipelines.sources.topics).
"""

import hashlib
from collections.abc import Container as ContainerOf
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from pipelines.sources.boxes import Box, Span
from pipelines.sources.cutter import TAIL_BYTES, Tail, digest_of
from pipelines.sources.files import HEAD_BYTES, Container, FileSource, Framing
from pipelines.sources.streams import Gap, decompressed

_FIRST_STEP = 64
NAMES_KEPT = 8

Mark = tuple[int, str]
"""Length and digest of some bytes."""


@dataclass(frozen=True)
class Known:
    """What the lake remembers of one source.

    Attributes:
        source: its id, 16 hex digits.
        names: under which names it was seen, the last one last.
        container: text, Parquet, or the partition of a topic.
        format: adapter that reads it.
        framing: lines or document.
        ladder: digests of its first 64, 128, ... bytes, the last one over all of the first 64 KiB it has.
        length: bytes (Parquet: rows; topic: end offset) it had when it was last seen.
        check: the last bytes before `length`.
        open_line: bytes of an unterminated last line that was taken as a record.
        left: bytes of an unterminated last line that was left.
        raws: sizes and digests of files that held exactly this (compressed as they are), the last one last.
        taken: which bytes (rows, offsets) were read for which event times.
        gaps: stretches that were damaged; of a topic, offsets that were gone before they were read.
        latest: its latest event times (microseconds since 1970) with a digest of the event's id, latest first.
        events: events taken.
        begin: of a topic's partition, the first offset it had when it was first seen.
        topic_id: of a topic, what tells it from one of the same name before it; "" where brokers do not say.
        mean_bytes: of a topic, about how long a message is.
    """

    source: str
    names: tuple[str, ...]
    container: Container
    format: str
    framing: Framing
    ladder: tuple[Mark, ...] = ()
    length: int = 0
    check: Mark = (0, "")
    open_line: int = 0
    left: int = 0
    raws: tuple[Mark, ...] = ()
    taken: tuple[Box, ...] = ()
    gaps: tuple[Span, ...] = ()
    latest: tuple[tuple[int, str], ...] = ()
    events: int = 0
    begin: int = 0
    topic_id: str = ""
    mean_bytes: int = 0


@dataclass(frozen=True)
class Sighting:
    """What planning saw of one source; part of the run's plan, so that a repeated run learns the same.

    Attributes:
        source: its id.
        name: where it was seen.
        container: see Known.
        format: adapter.
        framing: lines or document.
        ladder: see Known.
        length: see Known; None where only reading can tell.
        check: see Known; None likewise.
        open_line: see Known.
        raws: sizes and digests of the file and of others that hold exactly the same.
        reread_from: offset from which earlier readings no longer count, because the last line went on.
        reread_gaps: the file changed: what was damaged is read again.
        begin: see Known.
        topic_id: see Known.
        mean_bytes: see Known; the register's own is better once something was read.
        lost: offsets [from, to) that were gone before they were read, which was accepted.
    """

    source: str
    name: str
    container: Container
    format: str
    framing: Framing
    ladder: tuple[Mark, ...]
    length: int | None
    check: Mark | None
    open_line: int
    raws: tuple[Mark, ...]
    reread_from: int | None = None
    reread_gaps: bool = False
    begin: int = 0
    topic_id: str = ""
    mean_bytes: int = 0
    lost: tuple[Span, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain JSON for the plan."""
        return msgspec.to_builtins(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Sighting":
        """The inverse of `to_json`."""
        return msgspec.convert(data, cls)


def ladder_of(head: bytes) -> tuple[Mark, ...]:
    """Digests of the first 64, 128, ... bytes of a source, and of all bytes given.

    >>> [length for length, _ in ladder_of(b"x" * 200)]
    [64, 128, 200]
    """
    steps = []
    step = _FIRST_STEP
    while step < len(head):
        steps.append(step)
        step *= 2
    return tuple((length, digest_of(head[:length])) for length in [*steps, len(head)] if length)


def begins_like(known: Known, head: bytes) -> bool:
    """Whether a file's first bytes begin with all of the first bytes known."""
    if not known.ladder or len(head) < known.ladder[-1][0]:
        return False
    length, digest = known.ladder[-1]
    return digest_of(head[:length]) == digest


def was_shortened(known: Known, head: bytes) -> bool:
    """Whether a whole file is, as far as the ladder tells, the beginning of a longer source."""
    steps = [(length, digest) for length, digest in known.ladder if length <= len(head)]
    if not steps:
        return False
    length, digest = steps[-1]
    return digest_of(head[:length]) == digest


def beginning(path: Path) -> Mark:
    """Length and digest of the first 64 KiB of a file as they are on disk."""
    with path.open("rb") as file:
        first = file.read(HEAD_BYTES)
    return len(first), digest_of(first)


def raw_mark(path: Path) -> Mark:
    """Size of a file, and a digest of its first and last 64 KiB as they are on disk."""
    size = path.stat().st_size
    with path.open("rb") as file:
        first = file.read(HEAD_BYTES)
        file.seek(max(0, size - HEAD_BYTES))
        last = file.read(HEAD_BYTES)
    return size, digest_of(first + last)


def new_id(content: bytes, used: ContainerOf[str]) -> str:
    """An id from a source's first bytes; where another source has it already, a further one derived from it."""
    base = hashlib.blake2b(content, digest_size=8).hexdigest()
    name, number = base, 0
    while name in used:
        number += 1
        name = hashlib.blake2b(f"{base}:{number}".encode(), digest_size=8).hexdigest()
    return name


def measure(source: FileSource, offsets: Iterable[int]) -> tuple[int, dict[int, Mark], Mark]:
    """A text source's decompressed length, its marks before the offsets it reaches, and the mark at its end.

    A plain file is only looked into; a compressed one is decompressed as a whole.
    """
    wanted = sorted(set(offsets))
    if source.compression == "none":
        with source.path.open("rb") as file:
            size = source.size
            marks = {}
            for offset in [*(offset for offset in wanted if offset <= size), size]:
                file.seek(max(0, offset - TAIL_BYTES))
                last = file.read(min(offset, TAIL_BYTES))
                marks[offset] = (len(last), digest_of(last))
        return size, marks, marks[size]
    marks, tail, position = {}, Tail(), 0
    for data in decompressed(source.path, source.compression):
        if isinstance(data, Gap):
            position = position if data.resume is None else data.resume
            continue
        begin = 0
        for offset in [offset for offset in wanted if position <= offset <= position + len(data)]:
            tail.pass_by(data[begin : offset - position])
            begin = offset - position
            marks[offset] = tail.mark()
        tail.pass_by(data[begin:])
        position += len(data)
    return position, marks, tail.mark()


def byte_at(source: FileSource, offset: int) -> bytes:
    """The decompressed byte at an offset of a text source; b"" behind its end."""
    if source.compression == "none":
        with source.path.open("rb") as file:
            file.seek(offset)
            return file.read(1)
    position = 0
    for data in decompressed(source.path, source.compression):
        if isinstance(data, Gap):
            position = position if data.resume is None else data.resume
        elif position <= offset < position + len(data):
            return data[offset - position : offset - position + 1]
        else:
            position += len(data)
    return b""
