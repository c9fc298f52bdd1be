"""The story of a command that runs for months, and how it is told to stop."""

import os
import signal
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from pipelines.cli.progress import Progress

_REMEMBERED = 10_000
"""Remarks that are not told again: about a file or two a minute for a week."""


class LiveProgress(Progress):
    """Tells of each thing once: runs follow one another too fast for a line of each.

    Args:
        named: as Progress.
    """

    def __init__(self, **named: Any) -> None:
        super().__init__(**named)
        self._told: OrderedDict[str, None] = OrderedDict()

    def begin(self, phase: str, *, total: int = 0, files: int = 0) -> None:
        """Nothing: a phase is over in a moment."""

    def advance(self, done: int = 0, *, files: int = 0, records: int = 0, detail: str | None = None) -> None:
        """Nothing."""

    def note(self, text: str) -> None:
        """Tells something that stays on the screen, the first time."""
        if self._is_new(text):
            super().note(text)

    def warn(self, text: str) -> None:
        """Tells something that matters even when quiet, the first time."""
        if self._is_new(text):
            super().warn(text)

    def _is_new(self, text: str) -> bool:
        is_new = text not in self._told
        self._told[text] = None
        self._told.move_to_end(text)
        if len(self._told) > _REMEMBERED:
            self._told.popitem(last=False)
        return is_new


@contextmanager
def stopping(*, quiet: bool = False) -> Iterator[threading.Event]:
    """What SIGTERM and SIGINT set; the second of them has its usual effect, at once."""
    stop = threading.Event()
    usual = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def told(_number: int, _frame: FrameType | None) -> None:
        for number, handler in usual.items():
            signal.signal(number, handler)
        stop.set()
        if not quiet:
            os.write(2, b"stopping after the run under way; once more to stop at once\n")

    for number in usual:
        signal.signal(number, told)
    try:
        yield stop
    finally:
        for number, handler in usual.items():
            signal.signal(number, handler)
