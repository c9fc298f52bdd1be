"""Standard input as a file that grows: copied as it arrives, given back to the disk once it is committed."""

import contextlib
import ctypes
import os
import secrets
import threading
from pathlib import Path

from pipelines.sources.files import HEAD_BYTES
from schemas.errors import SourceRefused

_BITE = 1 << 20
_BLOCK = 4096
_PUNCH_HOLE = 0x01 | 0x02
"""FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE: the bytes go, the offsets of what follows stay."""

_FIX = "free space in the lake, or write the stream to a file and name that"


class Spool:
    """Copies a stream into a file of its own (mode 0600) until it ends, never further ahead than allowed.

    The copy is a source like any file that grows: known by its first bytes, continued where it was read up to, the
    unterminated last line left until more comes. A stream that is repeated from its beginning is recognised.

    Args:
        folder: where the copy lies.
        descriptor: the stream.
        most_bytes: bytes that may lie there uncommitted; the stream's writer has to wait beyond.

    Attributes:
        path: the copy.
    """

    def __init__(self, folder: Path, descriptor: int, most_bytes: int) -> None:
        self._descriptor = descriptor
        self._most = most_bytes
        self._written = self._released = self._punched = 0
        self._has_ended = False
        self._error: OSError | None = None
        self._changed = threading.Condition()
        self.path = folder / f"stdin-{secrets.token_hex(8)}"
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise SourceRefused("-", f"it cannot be copied ({error.strerror})", _FIX) from error
        threading.Thread(target=self._copy, name="standard input", daemon=True).start()

    def sync(self) -> int:
        """Makes durable what has arrived; how many bytes that is.

        Raises:
            SourceRefused: the stream could not be read or copied.
        """
        written = self.written
        if self._error is not None:
            raise SourceRefused("-", f"it cannot be copied ({self._error.strerror})", _FIX) from self._error
        os.fsync(self._file)
        return written

    @property
    def written(self) -> int:
        """Bytes that have arrived."""
        with self._changed:
            return self._written

    @property
    def has_ended(self) -> bool:
        """Whether the stream is over and all of it was copied."""
        with self._changed:
            return self._has_ended

    @property
    def is_full(self) -> bool:
        """Whether the stream's writer has to wait."""
        with self._changed:
            return self._written - self._released >= self._most

    def release(self, looked_at: int, committed: int) -> None:
        """Lets the stream go on, and gives back the disk under what is committed.

        Args:
            looked_at: bytes that the last run had before it; less may have been committed, where a stream is repeated
                from its beginning and has not yet come to what is new.
            committed: bytes at the beginning that are committed; those by which the source is known again stay.
        """
        with self._changed:
            self._released = max(self._released, looked_at)
            self._changed.notify_all()
        begin = max(self._punched, HEAD_BYTES)
        end = (min(looked_at, committed) - HEAD_BYTES) // _BLOCK * _BLOCK
        if end > begin and _punch(self._file, begin, end - begin):
            self._punched = end

    def close(self) -> None:
        """Removes the copy."""
        self.path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self.path.parent.rmdir()

    def _copy(self) -> None:
        try:
            while True:
                with self._changed:
                    self._changed.wait_for(lambda: self._written - self._released < self._most)
                data = os.read(self._descriptor, _BITE)
                if not data:
                    break
                view = memoryview(data)
                while view:
                    view = view[os.write(self._file, view) :]
                with self._changed:
                    self._written += len(data)
                    self._changed.notify_all()
        except OSError as error:
            self._error = error
        with self._changed:
            self._has_ended = True
            self._changed.notify_all()


def remains(folder: Path) -> list[Path]:
    """Copies that a killed process left behind, with whatever of them was not committed; sorted."""
    return sorted(folder.glob("stdin-*"))


def _punch(descriptor: int, begin: int, length: int) -> bool:
    """Whether the disk under a stretch of a file was given back; not every file system can."""
    function = getattr(ctypes.CDLL(None, use_errno=True), "fallocate", None)
    if function is None:
        return False
    function.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)
    return bool(function(descriptor, _PUNCH_HOLE, begin, length) == 0)
