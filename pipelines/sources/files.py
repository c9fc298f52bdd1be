"""Which files a command line names, and what each of them is, by its first bytes."""

import contextlib
import glob
import os
import secrets
import shutil
import stat
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, Literal

import pyarrow as pa
import zstandard

from pipelines.sources.members import LARGEST_WINDOW
from pipelines.sources.streams import Gap, decompressed
from schemas.errors import SourceRefused

Compression = Literal["none", "gzip", "zstd"]
Container = Literal["text", "parquet", "topic"]
Framing = Literal["lines", "document"]

HEAD_BYTES = 65_536
"""Decompressed bytes at the start of a file by which it is known again."""

_REFUSED_MAGIC = (
    (b"BZh", "it is compressed with bzip2"),
    (b"\xfd7zXZ\x00", "it is compressed with xz"),
    (b"PK\x03\x04", "it is a zip archive"),
    (b"7z\xbc\xaf\x27\x1c", "it is a 7z archive"),
    (b"\x04\x22\x4d\x18", "it is compressed with lz4"),
    (b"ARROW1", "it is an Arrow file"),
    (b"Obj\x01", "it is an Avro file"),
    (b"ORC", "it is an ORC file"),
    (b"\xff\xfe", "it is UTF-16"),
    (b"\xfe\xff", "it is UTF-16"),
    (b"\x1f\x8b", "it is a gzip file of an unknown method"),
)
_READABLE = "give plain text, gzip, zstd or Parquet"


class _NothingThere(SourceRefused):
    """A pattern names no file."""


@dataclass(frozen=True)
class FileSource:
    """One file to read.

    Attributes:
        path: where it is.
        name: how it is called in messages, counts and `[source.NAME]` rules: as listed, `-` for standard input.
        size: bytes on disk.
        compression: of a text file; `none` for Parquet, which compresses inside.
        container: text (records are lines, or elements of one JSON document) or Parquet.
        format: adapter, "" until one was chosen.
        framing: how records lie in a text file; set together with `format`.
        refused: why it cannot be read, None if it can.
        inode: device and number by which the file system knows it; None where it could not be looked at.
    """

    path: Path
    name: str
    size: int
    compression: Compression = "none"
    container: Container = "text"
    format: str = ""
    framing: Framing = "lines"
    refused: str | None = None
    inode: tuple[int, int] | None = None

    def stays(self) -> bool:
        """Whether the file that was looked at is still there under its name, and nothing of it was cut off."""
        try:
            about = self.path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError:
            return True  # it is refused, and still is
        return self.inode in (None, (about.st_dev, about.st_ino)) and about.st_size >= self.size


def list_sources(
    patterns: Sequence[str], spool: Path, stdin: BinaryIO | None = None, spooled: Path | None = None
) -> list[FileSource]:
    """The files named by paths, globs, folders (searched to the bottom) and `-`, each once, sorted by name.

    In folders, names that begin with a dot are left out, and so are lakes. Standard input and pipes are first copied
    to a file in `spool`, because a run that is repeated after a crash must be able to read them again.

    Args:
        patterns: as on the command line.
        spool: folder for the copies (mode 0600); the caller removes them when the run is complete.
        stdin: what `-` means, None for the process's standard input.
        spooled: the file that standard input is being copied to already: it is not read here.

    Raises:
        SourceRefused: a pattern matches nothing.
    """
    found: dict[Path, FileSource] = {}
    for pattern in patterns:
        for path, name in _expand(pattern):
            if name == "-" and spooled is not None:
                found.setdefault(spooled.resolve(), describe(spooled, name))
                continue
            source = _pipe(path, name, spool, stdin) if name == "-" or _is_pipe(path) else describe(path, name)
            found.setdefault(source.path.resolve(), source)
    return sorted(found.values(), key=lambda source: source.name)


def looks(patterns: Sequence[str]) -> dict[str, tuple[int, int, int, int]]:
    """What a glance tells of the files that patterns name, by name: device, inode, size, time of the last change.

    Equal answers mean that nothing was written since. A pattern that names nothing is passed over; `-` and addresses
    of services (`kafka://...`) are not looked at.

    Raises:
        SourceRefused: a pattern names a pipe, which cannot be read again after a crash.
    """
    found: dict[str, tuple[int, int, int, int]] = {}
    for pattern in patterns:
        if pattern == "-" or "://" in pattern:
            continue
        with contextlib.suppress(_NothingThere):
            for path, name in _expand(pattern):
                if _is_pipe(path):
                    raise SourceRefused(
                        name, "it is a pipe", f"give it as standard input: `stillwatch watch - < {name}`"
                    )
                with contextlib.suppress(OSError):  # gone since it was listed
                    about = path.stat()
                    found[name] = (about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns)
    return found


def has_pipe(patterns: Sequence[str], spooled: Path | None) -> bool:
    """Whether anything of what patterns name can be read once only."""
    return any((p == "-" and spooled is None) or _is_pipe(Path(p)) for p in patterns)


def describe(path: Path, name: str) -> FileSource:
    """What the file is, by its first bytes; `refused` says why where it cannot be read."""
    try:
        with path.open("rb") as file:
            about = os.fstat(file.fileno())
            size, inode = about.st_size, (about.st_dev, about.st_ino)
            magic = file.read(18)
            file.seek(max(0, size - 4))
            last = file.read(4)
    except OSError as error:
        return FileSource(path, name, 0, refused=f"it cannot be read ({error.strerror}); correct its rights")
    if magic.startswith(b"PAR1"):
        is_whole = size >= 12 and last == b"PAR1"
        refused = None if is_whole else "the Parquet file is cut off (no footer); write it again"
        return FileSource(path, name, size, container="parquet", refused=refused, inode=inode)
    compression: Compression = "none"
    if magic.startswith(b"\x1f\x8b\x08"):
        compression = "gzip"
    elif magic.startswith(b"\x28\xb5\x2f\xfd") or (magic[1:4] == b"\x2a\x4d\x18" and magic[0] & 0xF0 == 0x50):
        compression = "zstd"
    refused = _refused_magic(magic)
    if compression == "zstd" and refused is None:
        refused = _refused_window(magic)
    source = FileSource(path, name, size, compression, refused=refused, inode=inode)
    if compression == "none" or refused is not None:
        return source
    inner = head(source)
    archive = "it is a tar archive" if inner[257:262] == b"ustar" else None
    refused = archive or ("it is Parquet inside" if inner.startswith(b"PAR1") else None) or _refused_magic(inner)
    return replace(source, refused=refused and f"decompressed, {refused}")


def head(source: FileSource, length: int = HEAD_BYTES) -> bytes:
    """The first decompressed bytes of a text source, fewer where it is shorter or its stream is damaged."""
    if source.compression == "none":
        with source.path.open("rb") as file:
            return file.read(length)
    try:
        with pa.OSFile(str(source.path)) as raw, pa.CompressedInputStream(raw, source.compression) as stream:
            return bytes(stream.read(length))
    except OSError:
        return _sound_head(source, length)


def expansion(source: FileSource, length: int) -> float:
    """How many bytes one byte of a compressed source becomes, by its first `length` decompressed ones; 1 where its beginning is damaged."""
    try:
        with pa.OSFile(str(source.path)) as raw, pa.CompressedInputStream(raw, source.compression) as stream:
            return len(stream.read(length)) / max(raw.tell(), 1)
    except OSError:
        return 1.0


def _sound_head(source: FileSource, length: int) -> bytes:
    """The first bytes of a stream that is damaged or cut off near its start: as far as they can be trusted."""
    found = b""
    for data in decompressed(source.path, source.compression):
        if isinstance(data, Gap) or len(found) >= length:
            break
        found += data
    return found[:length]


def _refused_magic(magic: bytes) -> str | None:
    for start, what in _REFUSED_MAGIC:
        if magic.startswith(start) and not magic.startswith(b"\x1f\x8b\x08"):
            return f"{what}; {_READABLE}"
    return None


def _refused_window(magic: bytes) -> str | None:
    try:
        window = zstandard.get_frame_parameters(magic).window_size
    except zstandard.ZstdError:
        return None
    if window > LARGEST_WINDOW:
        return f"its zstd window of {window >> 20} MiB is above {LARGEST_WINDOW >> 20}; compress it without --long"
    return None


def _expand(pattern: str) -> Iterator[tuple[Path, str]]:
    """Path and name of each file a pattern names, in order."""
    if pattern == "-":
        yield Path("-"), "-"
        return
    path = Path(pattern)
    matches = [pattern] if os.path.lexists(pattern) else sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207 - Path.glob takes no absolute pattern
    count = 0
    for each in map(Path, matches):
        for file in _walk(each) if each.is_dir() else [each]:
            count += 1
            yield file, str(file)
    if count == 0:
        what = "the folder holds no file" if path.is_dir() else "no file matches"
        raise _NothingThere(pattern, what, "correct the path, or quote the pattern so that it arrives unexpanded")


def _walk(folder: Path) -> Iterator[Path]:
    if (folder / "_stillwatch" / "lake.json").exists():
        return
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise SourceRefused(str(folder), f"it cannot be listed ({error.strerror})", "correct its rights") from error
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            if not entry.is_symlink():
                yield from _walk(entry)
        elif entry.is_file():
            yield entry


def _is_pipe(path: Path) -> bool:
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or stat.S_ISCHR(mode)


def _pipe(path: Path, name: str, spool: Path, stdin: BinaryIO | None) -> FileSource:
    """A stream, copied to a file and described."""
    target = spool / f"spool-{secrets.token_hex(8)}"
    try:
        spool.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as copy:
            if name == "-":
                shutil.copyfileobj(sys.stdin.buffer if stdin is None else stdin, copy, 1 << 20)
            else:
                with path.open("rb") as stream:
                    shutil.copyfileobj(stream, copy, 1 << 20)
            copy.flush()
            os.fsync(copy.fileno())
    except OSError as error:
        target.unlink(missing_ok=True)
        fix = "free space in the lake, or write the stream to a file and name that"
        raise SourceRefused(name, f"it cannot be copied ({error.strerror})", fix) from error
    return describe(target, name)
