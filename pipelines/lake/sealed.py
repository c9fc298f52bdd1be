"""Files that are either whole and as written, or refused."""

import hashlib
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TypeVar

from schemas.errors import LakeError

T = TypeVar("T")

DIGEST_BYTES = 16

_LINE_BYTES = 256
"""No line before a payload is longer."""


def write_whole(path: Path, data: bytes) -> None:
    """Puts the bytes at `path` so that a crash leaves either the former file or the new one, never a part.

    Raises:
        LakeError: the disk is full, read-only, or the folder is gone.
    """
    with writing_whole(path) as file:
        file.write(data)


@contextmanager
def writing_whole(path: Path) -> Iterator[BinaryIO]:
    """A file to write into; at the end it is durable and at `path`, whole, and where something fails nothing has changed there.

    Raises:
        LakeError: the disk is full, read-only, or the folder is gone.
    """
    temporary = temporary_beside(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        move_into_place(temporary, path)
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        temporary.unlink(missing_ok=True)


def temporary_beside(path: Path) -> Path:
    """Where a file is written before it is moved to `path`: a name that no other writer has, on whatever machine.

    Two workers may write one file at once, where one was taken for dead; their process ids can be equal in two containers.
    """
    return path.with_name(f".{path.name}.{os.getpid()}.{secrets.randbits(63)}.tmp")


def move_into_place(temporary: Path, path: Path) -> None:
    """Renames a fully written file and makes the new name durable."""
    temporary.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def seal(kind: str, version: int, payload: bytes) -> bytes:
    """The payload behind one line that names its kind, version, length and digest.

    >>> seal("plan", 1, b"{}")[:20]
    b'stillwatch plan 1 2 '
    """
    head = f"stillwatch {kind} {version} {len(payload)}".encode()
    return head + b" " + _digest(head, payload) + b"\n" + payload


def _digest(head: bytes, payload: bytes) -> bytes:
    return hashlib.blake2b(head + b"\n" + payload, digest_size=DIGEST_BYTES).hexdigest().encode()


def unseal(where: Path, data: bytes, kind: str, version: int, fix: str) -> bytes:
    """The payload of sealed bytes.

    Args:
        where: the file they came from, for the error.
        data: what the file holds.
        kind: the kind expected.
        version: the version this program reads; a newer one brings what reads or replaces the older.
        fix: what to do about a damaged file.

    Raises:
        LakeError: not sealed, cut short, changed, or of another version.
    """
    words, payload = _opened(where, data, kind, version, fix)
    if words[3] != str(len(payload)).encode():
        raise LakeError(str(where), f"the {kind} is cut short or lengthened", fix)
    if words[4] != _digest(b" ".join(words[:4]), payload):
        raise LakeError(str(where), f"the {kind} was changed after it was written (checksum)", fix)
    return payload


def _opened(where: Path, data: bytes, kind: str, version: int, fix: str) -> tuple[list[bytes], bytes]:
    """The words of the line before the payload, and what there is of that.

    Raises:
        LakeError: not sealed, or of another version.
    """
    head, newline, payload = data.partition(b"\n")
    words = head.split(b" ")
    if not newline or len(words) != 5 or words[:2] != [b"stillwatch", kind.encode()] or not words[2].isdigit():
        raise LakeError(str(where), f"it is not a {kind} of stillwatch", fix)
    if int(words[2]) > version:
        raise LakeError(
            str(where), f"it is {kind} version {int(words[2])}, newer than {version}", "use a newer stillwatch"
        )
    if int(words[2]) < version:
        raise LakeError(str(where), f"it is {kind} version {int(words[2])}, older than {version}", fix)
    return words, payload


def read_sealed_head(path: Path, kind: str, version: int, fix: str, size: int) -> bytes:
    """The first bytes of the payload of a sealed file, which is as long as it says; its checksum is not looked at.

    Args:
        path: the file.
        kind: as of `unseal`.
        version: as of `unseal`.
        fix: as of `unseal`.
        size: how many bytes are wanted, where there are so many.

    Raises:
        LakeError: missing, unreadable, not sealed, cut short, or of another version.
    """

    def begin() -> tuple[bytes, int]:
        with path.open("rb") as file:
            return file.read(_LINE_BYTES + size), os.fstat(file.fileno()).st_size

    data, length = _readable(path, kind, fix, begin)
    words, payload = _opened(path, data, kind, version, fix)
    if words[3] != str(length - len(data) + len(payload)).encode():
        raise LakeError(str(path), f"the {kind} is cut short or lengthened", fix)
    return payload[:size]


def read_sealed(path: Path, kind: str, version: int, fix: str) -> bytes:
    """The payload of a sealed file; see `unseal`.

    Raises:
        LakeError: also where the file is missing or unreadable.
    """
    return unseal(path, _readable(path, kind, fix, path.read_bytes), kind, version, fix)


def _readable(path: Path, kind: str, fix: str, read: Callable[[], T]) -> T:
    """What `read` gives, or one sentence about the file."""
    try:
        return read()
    except FileNotFoundError as error:
        raise LakeError(str(path), f"the {kind} is missing", fix) from error
    except OSError as error:
        raise LakeError(
            str(path), f"the {kind} cannot be read ({error.strerror})", "mend the disk or rights"
        ) from error


def unwritable(path: Path, error: OSError) -> LakeError:
    """The one sentence for a write that the file system refused."""
    return LakeError(
        str(path),
        f"it cannot be written ({error.strerror or error})",
        "free space or make the lake writable, then run the same command again: it continues where it stopped",
    )
