"""The command line as a program of its own that cannot hold up the tests: it ends in time, or is killed with all its children."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from dying import CHECKOUT
from warm import warm

LONGEST_SECONDS = 240
"""A program of these tests takes ten seconds; beside seven others on two cores, a minute."""

_ENDING_SECONDS = 30
"""Until a killed process is gone."""


@dataclass(frozen=True)
class Told:
    """How a program ended.

    Attributes:
        code: its exit code, -9 if it was killed.
        out: what it wrote to stdout.
        err: what it wrote to stderr.
    """

    code: int
    out: str
    err: str


class Program:
    """A program under way, in a session of its own; use as a context, at the end of which nothing of it is left.

    Its output goes to files: a pipe would have to be read until the last of its children has closed it.

    Args:
        command: the program and its arguments.
        around: environment variables besides those of this process.
        folder: where it works.
    """

    def __init__(
        self, command: Sequence[object], around: Mapping[str, str] | None = None, folder: Path = CHECKOUT
    ) -> None:
        self._command = [*map(str, command)]
        self._around = {**os.environ, **(around or {})}
        self._folder = folder

    def __enter__(self) -> Self:
        self._out, self._err = tempfile.TemporaryFile(), tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            self._command,
            cwd=self._folder,
            env=self._around,
            stdin=subprocess.DEVNULL,
            stdout=self._out,
            stderr=self._err,
            start_new_session=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._end()
        self._out.close()
        self._err.close()

    def until(self, holds: Callable[[], bool], seconds: float = LONGEST_SECONDS) -> None:
        """Waits for something to become true while the program is at work.

        Raises:
            AssertionError: the program ended, or it took too long; says what the program had told by then.
        """
        limit = time.monotonic() + seconds
        while not holds():
            if self._process.poll() is not None or time.monotonic() > limit:
                raise AssertionError(f"it did not come to it: {self._end()}")
            time.sleep(0.02)

    def wait(self, seconds: float = LONGEST_SECONDS) -> Told:
        """How the program ends by itself.

        Raises:
            AssertionError: it did not end in time; says what it had told by then.
        """
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self._command[:8]} did not end in {seconds} s: {self._end()}") from None
        return self._end()

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Stands still meanwhile (SIGSTOP), so that what is done to its files happens at one instant for it."""
        os.killpg(self._process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.killpg(self._process.pid, signal.SIGCONT)

    def stop(self, seconds: float = LONGEST_SECONDS, *, all_at_once: bool = False) -> Told:
        """Asks it to stop (SIGTERM), or it and whatever it started, as systemd does; says how it ended."""
        if all_at_once:
            os.killpg(self._process.pid, signal.SIGTERM)
        else:
            self._process.terminate()
        return self.wait(seconds)

    def has_spoken(self) -> bool:
        """Whether it wrote anything to stderr yet."""
        return os.fstat(self._err.fileno()).st_size > 0

    def kill(self) -> Told:
        """SIGKILL, to it and whatever it started."""
        return self._end()

    def _end(self) -> Told:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(_ENDING_SECONDS)
        texts = []
        for file in (self._out, self._err):
            file.seek(0)
            texts.append(file.read().decode(errors="backslashreplace"))
        return Told(self._process.returncode, *texts)


def installed(config: Path) -> dict[str, str]:
    """Environment variables of a shell that finds this environment's stillwatch first, started warm, and a user's settings in a folder."""
    return {
        "PATH": os.pathsep.join((str(warm().parent), str(Path(sys.executable).parent), os.environ["PATH"])),
        "XDG_CONFIG_HOME": str(config),
    }


def run_to_end(
    command: Sequence[object], around: Mapping[str, str] | None = None, seconds: float = LONGEST_SECONDS
) -> Told:
    """Runs a program to its end.

    Args:
        command: the program and its arguments.
        around: environment variables besides those of this process.
        seconds: after which it, and whatever it started, is killed.

    Raises:
        AssertionError: it did not end in time; says what it had told by then.
    """
    with Program(command, around) as program:
        return program.wait(seconds)
