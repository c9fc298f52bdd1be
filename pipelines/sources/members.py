"""The parts of a compressed file that stand on their own: gzip members and zstd frames, each checked for damage.

Only files that failed to decompress come here: a bit that flipped inside a member may change values without breaking
the format, and shows only in the checksum at the member's end. So a damaged member is left out as a whole, and reading
goes on at the next one whose own checksum holds. A member that is merely cut off by the end of the file is right as
far as it goes.
"""

import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Literal

import zstandard

CHUNK = 65_536
OUTPUT = 1 << 20
LARGEST_WINDOW = 1 << 27
"""Memory a zstd frame may ask for: the default limit of the zstd command line (--long=27)."""

_GZIP_MAGIC = b"\x1f\x8b\x08"
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_MOST_EXPANSION = 1032  # deflate's own limit (RFC 1951: 258 bytes from 2 bits)
_AMBIGUOUS = 2**32 // 64  # a longer gzip member may hold more than its 32-bit length field can say
_SEARCH_OUTPUT = 1 << 32  # bytes decompressed in vain while looking for the next member: seconds, not hours


@dataclass(frozen=True)
class Member:
    """One gzip member or zstd frame.

    Attributes:
        start: first byte in the file.
        end: byte behind it.
        length: decompressed length; None where damage hides it.
        state: `whole`: decompresses, and its checksum (zstd: if it has one) holds; `cut`: the file ends within it;
            `damaged`: anything else.
        ends_line: its last decompressed byte is a newline.
    """

    start: int
    end: int
    length: int | None
    state: Literal["whole", "cut", "damaged"]
    ends_line: bool


def members_of(file: BinaryIO, size: int, compression: str) -> Iterator[Member]:
    """All members of a file in order; ends where no further one can be found.

    Args:
        file: opened for reading, seekable.
        size: bytes to look at.
        compression: `gzip` or `zstd`.
    """
    check = _gzip_member if compression == "gzip" else _zstd_frame
    position = 0
    while position < size and not (compression == "gzip" and _only_zeros(file, position, size)):
        member = check(file, position, size)
        if member.state == "cut" or member.end < 0:
            member = _up_to_next(file, member, size, compression)
        yield member
        position = member.end


def inflate(file: BinaryIO, member: Member, compression: str) -> Iterator[bytes]:
    """The decompressed bytes of a whole or cut member, at most a megabyte at a time."""
    part = _Part(file, member.start, member.end)
    if compression == "zstd":
        reader = zstandard.ZstdDecompressor(max_window_size=LARGEST_WINDOW).stream_reader(io.BufferedReader(part))
        while data := reader.read(OUTPUT):
            yield data
        return
    _skip_gzip_header(part)
    engine = zlib.decompressobj(-zlib.MAX_WBITS)
    while not engine.eof and (raw := part.read(CHUNK)):
        while raw and not engine.eof:
            data = engine.decompress(raw, OUTPUT)
            raw = engine.unconsumed_tail
            if data:
                yield data


class _Part(io.RawIOBase):
    """A stretch of a file, as a file."""

    def __init__(self, file: BinaryIO, start: int, end: int) -> None:
        super().__init__()
        file.seek(start)
        self._file = file
        self._left = end - start

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        data = self._file.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(data)
        return data

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _only_zeros(file: BinaryIO, position: int, size: int) -> bool:
    """Whether nothing but padding is left, which gzip itself ignores too."""
    part = _Part(file, position, size)
    while data := part.read(CHUNK):
        if data.strip(b"\0"):
            return False
    return True


def _skip_gzip_header(part: _Part) -> bool:
    """Reads past a member's header (RFC 1952, 2.3); whether it is one that is complete."""
    head = part.read(10)
    if len(head) < 10 or not head.startswith(_GZIP_MAGIC) or head[3] & 0xE0:
        return False
    flags = head[3]
    if flags & 4:
        length = part.read(2)
        if len(length) < 2 or len(part.read(int.from_bytes(length, "little"))) < int.from_bytes(length, "little"):
            return False
    for flag in (8, 16):  # file name, comment: each ends in NUL
        if flags & flag:
            while (byte := part.read(1)) != b"\0":
                if not byte:
                    return False
    return not flags & 2 or len(part.read(2)) == 2


def _gzip_member(file: BinaryIO, start: int, size: int) -> Member:
    part = _Part(file, start, size)
    length, crc, last = 0, 0, b""
    if not _skip_gzip_header(part):
        return Member(start, -1, None, "damaged", ends_line=False)
    engine = zlib.decompressobj(-zlib.MAX_WBITS)
    raw = b""
    try:
        while not engine.eof:
            raw = engine.unconsumed_tail or part.read(CHUNK)
            if not raw:
                return Member(start, size, length, "cut", ends_line=last == b"\n")
            data = engine.decompress(raw, OUTPUT)
            if data:
                length, crc, last = length + len(data), zlib.crc32(data, crc), data[-1:]
    except zlib.error:
        return Member(start, -1, None, "damaged", ends_line=False)
    end = part._file.tell() - len(engine.unused_data) + 8
    if end > size:
        return Member(start, size, length, "cut", ends_line=last == b"\n")
    file.seek(end - 8)
    told_crc, told_length = struct.unpack("<II", file.read(8))
    if told_crc == crc:
        return Member(start, end, length, "whole", ends_line=last == b"\n")
    true_length = length if told_length == length % 2**32 else _length_before(file, start, end, "gzip")
    return Member(start, end, true_length, "damaged", ends_line=False)


def _zstd_frame(file: BinaryIO, start: int, size: int) -> Member:
    end, is_skippable = _zstd_end(file, start, size)
    if is_skippable:
        return Member(start, min(end, size), 0, "whole" if end <= size else "cut", ends_line=False)
    if end < 0:
        return Member(start, -1, None, "damaged", ends_line=False)
    length, last = 0, b""
    told = _told_length(file, start)
    try:
        for data in inflate(file, Member(start, min(end, size), None, "whole", ends_line=False), "zstd"):
            length, last = length + len(data), data[-1:]
    except zstandard.ZstdError:
        is_header_at_fault = told is not None and end <= size and _decodes_without_length(file, start, end)
        return Member(start, min(end, size), None if is_header_at_fault else told, "damaged", ends_line=False)
    if end > size:
        return Member(start, size, length, "cut", ends_line=last == b"\n")
    return Member(start, end, length, "whole" if told in (None, length) else "damaged", ends_line=last == b"\n")


def _zstd_end(file: BinaryIO, start: int, size: int) -> tuple[int, bool]:
    """The byte behind a frame, by its block headers alone (RFC 8878, 3.1.1), and whether it is a skippable one.

    A frame cut off by the end of the file ends behind `size`; -1 where the headers make no sense.
    """
    file.seek(start)
    head = file.read(18)
    if len(head) >= 8 and head[1:4] == b"\x2a\x4d\x18" and head[0] & 0xF0 == 0x50:
        return start + 8 + int.from_bytes(head[4:8], "little"), True
    if not head.startswith(_ZSTD_MAGIC[: len(head)]) or not head:
        return -1, False
    try:
        position = start + zstandard.frame_header_size(head)
        has_checksum = zstandard.get_frame_parameters(head).has_checksum
    except zstandard.ZstdError:
        return (size + 1, False) if len(head) < 18 else (-1, False)
    while position + 3 <= size:
        file.seek(position)
        block = int.from_bytes(file.read(3), "little")
        kind, length = block >> 1 & 3, block >> 3
        if kind == 3:
            return -1, False
        position += 3 + (1 if kind == 1 else length)
        if block & 1:
            return position + (4 if has_checksum else 0), False
    return size + 1, False


def _decodes_without_length(file: BinaryIO, start: int, end: int) -> bool:
    """Whether a frame's blocks are sound, so that its damage is in the length that the header states."""
    file.seek(start)
    head = file.read(18)
    has_checksum = zstandard.get_frame_parameters(head).has_checksum
    # The same frame under a header that states no length (RFC 8878, 3.1.1.1): flags, and the largest window allowed.
    header = _ZSTD_MAGIC + bytes([4 if has_checksum else 0, (LARGEST_WINDOW.bit_length() - 1 - 10) << 3])
    blocks = _Part(file, start + zstandard.frame_header_size(head), end)
    engine = zstandard.ZstdDecompressor(max_window_size=LARGEST_WINDOW).decompressobj()
    try:
        engine.decompress(header)
        while raw := blocks.read(OUTPUT >> 10):
            engine.decompress(raw)
    except zstandard.ZstdError:
        return False
    return True


def _told_length(file: BinaryIO, start: int) -> int | None:
    """The decompressed length a zstd frame's header states; None where it states none."""
    file.seek(start)
    try:
        length = zstandard.frame_content_size(file.read(18))
    except zstandard.ZstdError:
        return None
    return length if length >= 0 else None


def _up_to_next(file: BinaryIO, broken: Member, size: int, compression: str) -> Member:
    """A broken member with its end: where the next one that is whole begins, or the end of the file.

    A member that seems to be cut off is damaged after all if a whole one begins within it, or if the file ends with
    what looks like its trailer: then a bit flipped in the mark of its end.
    """
    magic = _GZIP_MAGIC if compression == "gzip" else _ZSTD_MAGIC
    check = _gzip_member if compression == "gzip" else _zstd_frame
    spent, position = 0, broken.start
    while spent < _SEARCH_OUTPUT:
        position = _find(file, magic, position + 1, size)
        if position < 0:
            break
        candidate = check(file, position, size)
        if candidate.state == "whole":
            length = _length_before(file, broken.start, position, compression)
            return Member(broken.start, position, length, "damaged", ends_line=False)
        spent += candidate.length or CHUNK
    if broken.state == "cut" and not (compression == "gzip" and _has_trailer(file, broken)):
        return broken
    return Member(broken.start, size, None, "damaged", ends_line=False)


def _has_trailer(file: BinaryIO, cut: Member) -> bool:
    """Whether the last bytes of a gzip member that lacks its end mark state about the length that came out of it.

    Where a member was really cut off, they are arbitrary and do so once in 32,768 times.
    """
    if cut.length is None or cut.end - cut.start < 18:
        return False
    file.seek(cut.end - 4)
    told = int.from_bytes(file.read(4), "little")
    return abs(told - cut.length % 2**32) <= CHUNK


def _length_before(file: BinaryIO, start: int, end: int, compression: str) -> int | None:
    """How long a gzip member was when decompressed, by its trailer; None if unsure.

    A zstd frame states its length in its header, but here not even the borders of its blocks can be made out, so that
    the header may be what is damaged.
    """
    raw = end - start
    if compression == "zstd" or raw < 18 or raw > _AMBIGUOUS:
        return None
    file.seek(end - 4)
    told = int.from_bytes(file.read(4), "little")
    return told if told <= raw * _MOST_EXPANSION else None


def _find(file: BinaryIO, magic: bytes, start: int, size: int) -> int:
    """The next place of some bytes, -1 if there is none."""
    overlap = len(magic) - 1
    position = start
    while position < size:
        file.seek(position)
        data = file.read(min(CHUNK * 16, size - position))
        found = data.find(magic)
        if found >= 0:
            return position + found
        if len(data) <= overlap:
            return -1
        position += len(data) - overlap
    return -1
