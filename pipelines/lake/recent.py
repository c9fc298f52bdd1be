"""States that this process wrote or read last: the next run of a watch need not read back and decode what it has just written.

Half of what states cost a tick is reading them (decision 0157). A state's file is never changed, and a name is written again only by a
run that is repeated or planned anew; so what is kept stands for the file that was there, told by its inode, length and time.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

KEPT_BYTES = 100_000_000
"""Bytes of state files that a watch keeps decoded at most; in memory they are some three to four times as many (measured: 31 MB of holders
are 9 MB on disk). What is beyond is read, as it was before."""


@dataclass(frozen=True)
class _Kept:
    mark: tuple[int, int, int]
    size: int
    state: Any


class Recent:
    """States by the place that holds their latest file: one of each stage and key.

    Args:
        most_bytes: of files whose states may be kept; 0 keeps none.
    """

    def __init__(self, most_bytes: int = 0) -> None:
        self.most_bytes = most_bytes
        self._kept: dict[Path, tuple[str, _Kept]] = {}
        self._bytes = 0
        self._lock = Lock()

    def keep(self, path: Path, state: Any) -> None:
        """Keeps the state whose file was written to, or read from, a path; in place of an earlier one of the same stage and key."""
        if not self.most_bytes:
            return
        mark = _mark(path)
        with self._lock:
            self._drop(path.parent)
            if mark is not None and self._bytes + mark[1] <= self.most_bytes:
                self._kept[path.parent] = (path.name, _Kept(mark, mark[1], state))
                self._bytes += mark[1]

    def found(self, path: Path) -> Any | None:
        """The state of the file at a path, if it is kept and the file is the one it was."""
        with self._lock:
            name, kept = self._kept.get(path.parent, ("", None))
        return kept.state if kept is not None and name == path.name and _mark(path) == kept.mark else None

    def forget(self, path: Path) -> None:
        """Lets go of the state of a file that is removed."""
        with self._lock:
            if self._kept.get(path.parent, ("", None))[0] == path.name:
                self._drop(path.parent)

    def states(self) -> dict[Path, Any]:
        """What is kept, by the file it stands for."""
        with self._lock:
            return {folder / name: kept.state for folder, (name, kept) in self._kept.items()}

    def clear(self) -> None:
        """Forgets all."""
        with self._lock:
            self._kept.clear()
            self._bytes = 0

    def _drop(self, folder: Path) -> None:
        gone = self._kept.pop(folder, None)
        self._bytes -= 0 if gone is None else gone[1].size


RECENT = Recent()
"""Of this process; nothing is kept unless somebody asks for it (`kept_recent`)."""

_ASKED: list[int] = []


@contextlib.contextmanager
def kept_recent(most_bytes: int = KEPT_BYTES) -> Iterator[Recent]:
    """Meanwhile this process keeps the states it wrote and read last; until the last who asked for it has ended."""
    _ASKED.append(most_bytes)
    RECENT.most_bytes = max(_ASKED)
    try:
        yield RECENT
    finally:
        _ASKED.remove(most_bytes)
        RECENT.most_bytes = max(_ASKED, default=0)
        if not _ASKED:
            RECENT.clear()


def _mark(path: Path) -> tuple[int, int, int] | None:
    """What tells one file from another that takes its name."""
    try:
        seen = path.stat()
    except OSError:
        return None
    return seen.st_ino, seen.st_size, seen.st_mtime_ns
