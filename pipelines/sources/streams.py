"""The decompressed bytes of a file, in pieces of bounded size, with the places where the stream is broken."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from pipelines.sources.members import Member, inflate, members_of

CHUNK_BYTES = 16 << 20
"""Bytes handed on at a time: about 30,000 canonical records, or 6,000 with text."""

_BOMB_BYTES = 1 << 30
_BOMB_RATIO = 1100  # just above what deflate can reach; logs reach 10 to 100


@dataclass(frozen=True)
class Gap:
    """The stream is broken here.

    Attributes:
        resume: decompressed offset at which it goes on; None if nothing more can be read.
        at_line_start: the byte at `resume` begins a line.
        why: one clause.
    """

    resume: int | None
    at_line_start: bool
    why: str


def decompressed(path: Path, compression: str, chunk: int = CHUNK_BYTES) -> Iterator[bytes | Gap]:
    """The decompressed bytes of a gzip or zstd file from its start, and its gaps.

    The file is decompressed twice: first to verify every checksum, so that no byte of a damaged member is handed on
    (see `members`), then to read. Memory is bounded by `chunk` and the format's window.
    """
    if is_sound(path, compression):
        yield from _flat(path, compression, chunk)
    else:
        yield from _mended(path, compression)


def is_sound(path: Path, compression: str) -> bool:
    """Whether the whole file decompresses and all its checksums hold."""
    try:
        for part in _flat(path, compression, 1 << 20):
            if isinstance(part, Gap):
                return True  # a bomb is sound; the reader stops at the same place
    except OSError:
        return False
    return True


def _flat(path: Path, compression: str, chunk: int) -> Iterator[bytes | Gap]:
    with pa.OSFile(str(path)) as raw, pa.CompressedInputStream(raw, compression) as stream:
        length = 0
        while data := stream.read(chunk):
            length += len(data)
            if _is_bomb(length, raw.tell()):
                yield Gap(None, at_line_start=False, why=_BOMB)
                return
            yield data


def _mended(path: Path, compression: str) -> Iterator[bytes | Gap]:
    size = path.stat().st_size
    with path.open("rb") as file:
        members = list(members_of(file, size, compression))
        at_line_start = _are_whole_lines(members)
        offset = 0
        for number, member in enumerate(members):
            if member.state == "damaged":
                is_last = number == len(members) - 1
                if member.length is None or is_last:
                    yield Gap(None, at_line_start=False, why="the compressed stream is damaged")
                    return
                offset += member.length
                yield Gap(offset, at_line_start, "the compressed stream is damaged")
                continue
            for data in inflate(file, member, compression):
                offset += len(data)
                yield data
                if _is_bomb(offset, member.end):
                    yield Gap(None, at_line_start=False, why=_BOMB)
                    return
            if member.state == "cut":
                yield Gap(None, at_line_start=False, why="the compressed stream is cut off")


def _are_whole_lines(members: list[Member]) -> bool:
    """Whether this file's writer ends members at line ends: all whole ones do but the last, and there is one."""
    ends = [member.ends_line for member in members[:-1] if member.state == "whole" and member.length]
    return bool(ends) and all(ends)


def _is_bomb(length: int, raw: int) -> bool:
    return length > _BOMB_BYTES and length > raw * _BOMB_RATIO


_BOMB = f"it expands more than {_BOMB_RATIO:,}-fold"
