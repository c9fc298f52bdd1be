"""One writer a lake: a lock that dies with its process, and a counter that rises with every holder."""

import contextlib
import fcntl
import json
import os
import socket
import time
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from pipelines.lake.sealed import unwritable
from schemas.errors import LakeError, LeaseHeld

_LARGEST = 65_536
_LONGEST_COMMAND = 500
_TRIES = 5
_PAUSE_SECONDS = 0.05
_HELD: "weakref.WeakSet[Lease]" = weakref.WeakSet()


@dataclass(frozen=True)
class Holder:
    """Who holds the lease, or held it last.

    Attributes:
        token: rises by one with every holder; a writer with an older one must stop.
        host: machine.
        pid: process on that machine.
        since: wall clock at which it was taken, ISO 8601.
        command: what the process was asked to do.
    """

    token: int
    host: str
    pid: int
    since: str
    command: str


class Lease:
    """The right to write one lake, held until released or until this process ends.

    The lock is the kernel's (flock), so it cannot outlive its process, whatever killed it; the file's content only
    says who holds it. Children made by fork give their copy back at once.
    """

    def __init__(self, path: Path, descriptor: int, holder: Holder) -> None:
        self.path = path
        self.holder = holder
        self._descriptor: int | None = descriptor
        _HELD.add(self)

    @classmethod
    def acquire(cls, root: Path, command: str) -> "Lease":
        """The lease of the lake at `root`.

        Args:
            root: the lake.
            command: what the holder does, shown to whoever is refused.

        Raises:
            LeaseHeld: another process, or another part of this one, writes the lake.
            LakeError: the lake cannot be written.
        """
        path = lease_path(root)
        descriptor = _open(path)
        try:
            _lock(descriptor)
        except BlockingIOError as error:
            holder = _read(descriptor)
            os.close(descriptor)
            raise LeaseHeld(
                str(root),
                f"it is being written by {_who(holder)}",
                "wait until it ends, or stop it; reading (query, accounts, explain) is possible meanwhile",
            ) from error
        except OSError as error:
            os.close(descriptor)
            raise LakeError(
                str(path), f"it cannot be locked ({error.strerror})", "put the lake on storage that supports flock"
            ) from error
        former = _read(descriptor)
        holder = Holder(
            token=former.token + 1 if former else 1,
            host=socket.gethostname(),
            pid=os.getpid(),
            since=datetime.now(UTC).isoformat(timespec="seconds"),
            command=command[:_LONGEST_COMMAND],
        )
        try:
            _write(descriptor, holder)
        except OSError as error:
            os.close(descriptor)
            raise unwritable(path, error) from error
        return cls(path, descriptor, holder)

    def check(self) -> None:
        """Nothing while this process may write.

        Raises:
            LakeError: the lease was released, taken by another, or the lake was deleted underneath.
        """
        if self._descriptor is None:
            raise LakeError(str(self.path), "the lease was given back", "run the command again")
        try:
            there, ours = self.path.stat(), os.fstat(self._descriptor)
        except OSError as error:
            raise LakeError(
                str(self.path), "the lake was moved or deleted while it was written", "restore it and run again"
            ) from error
        now = _read(self._descriptor)
        if (there.st_dev, there.st_ino) != (ours.st_dev, ours.st_ino) or now is None or now.token != self.holder.token:
            raise LeaseHeld(
                str(self.path), f"the lease was taken over by {_who(now)}", "stop the other writer and run again"
            )

    def release(self) -> None:
        """Gives the lease back; harmless when it was given back already."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def lease_path(root: Path) -> Path:
    """Where the lease of the lake at `root` lies."""
    return root / "_stillwatch" / "lease"


def who_holds(root: Path) -> Holder | None:
    """The process that writes the lake now, null if none does."""
    path = lease_path(root)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    with _closing(descriptor):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _read(descriptor)
    return None


@contextlib.contextmanager
def _closing(descriptor: int) -> Iterator[None]:
    try:
        yield
    finally:
        os.close(descriptor)


def _open(path: Path) -> int:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise unwritable(path, error) from error


def _lock(descriptor: int) -> None:
    # `who_holds` takes the lock for an instant, so one refusal is not yet an answer.
    for _ in range(_TRIES - 1):
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        time.sleep(_PAUSE_SECONDS)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _read(descriptor: int) -> Holder | None:
    """The holder written in the lease file; null where it was never written or does not parse."""
    try:
        data: dict[str, Any] = json.loads(os.pread(descriptor, _LARGEST, 0))
        return Holder(int(data["token"]), str(data["host"]), int(data["pid"]), str(data["since"]), str(data["command"]))
    except (ValueError, KeyError, TypeError, OSError):
        return None


def _write(descriptor: int, holder: Holder) -> None:
    text = json.dumps(holder.__dict__, indent=1).encode()
    os.pwrite(descriptor, text.ljust(1024), 0)
    os.ftruncate(descriptor, max(len(text), 1024))
    os.fsync(descriptor)


def _who(holder: Holder | None) -> str:
    if holder is None:
        return "another process"
    return f"process {holder.pid} on {holder.host} since {holder.since} ({holder.command})"


def _let_go_in_child() -> None:
    for lease in list(_HELD):
        lease.release()


os.register_at_fork(after_in_child=_let_go_in_child)
