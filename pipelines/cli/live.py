"""The story of a command that runs for months, and how it is told to stop."""

import os
import signal
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from types import FrameType
from typing import Any

from pipelines.cli.output import to_json
from pipelines.cli.progress import Progress
from pipelines.request import COUNTS

_REMEMBERED = 10_000
"""Remarks that are not told again: about a file or two a minute for a week."""

_TOLD_OF_RUN = ("run_id", "pipeline", "started_at", "finished_at", "closed_until", "accounts", "windows", "findings")


class LiveProgress(Progress):
    """Tells of each thing once: runs follow one another too fast for a line of each.

    Args:
        named: as Progress.
    """

    def __init__(self, **named: Any) -> None:
        super().__init__(**named)
        self._told: OrderedDict[str, None] = OrderedDict()
        self._turn = ""

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

    def ran(self, run: Mapping[str, Any]) -> None:
        """A run was committed: nothing is said of each."""

    def alerted(self, alert: Mapping[str, Any]) -> None:
        """An alert was raised or cleared; both matter, each time."""
        if alert["cleared_at"] is None:
            super().warn(f"alert: {alert['name']}: {alert['message']}. {alert['fix']}")
        elif alert["raised_at"] == alert["cleared_at"]:
            super().warn(f"alert, over by now: {alert['name']}: {alert['message']}. {alert['fix']}")
        else:
            super().warn(f"alert is over: {alert['name']}: {alert['kind']}")

    def failed(self, error: BaseException) -> None:
        """The command ends with an error: it is told at its end."""

    def turned(self, line: str) -> None:
        """Shows one line that is written over again and again; only on a terminal."""
        if self._live:
            with self._lock:
                self._turn = line
                self._show(line)

    def end(self) -> None:
        """Leaves the terminal with a line of its own."""
        with self._lock:
            if self._live and self._turn and not self._quiet:
                self._stream.write("\n")
            self._turn = ""
        super().end()

    def _stay(self, line: str) -> None:
        super()._stay(line)
        if self._live and self._turn:
            self._show(self._turn)

    def _is_new(self, text: str) -> bool:
        is_new = text not in self._told
        self._told[text] = None
        self._told.move_to_end(text)
        if len(self._told) > _REMEMBERED:
            self._told.popitem(last=False)
        return is_new


class LoggedProgress(LiveProgress):
    """The same as one JSON object a line, for what gathers logs.

    Every line has `time` (RFC 3339, UTC), `level` (`info` or `warning`), `event` and `message`; `run` has the columns of
    `runs` that are no lists and the sums over its sources, `alert` those of `alerts`.
    """

    def ran(self, run: Mapping[str, Any]) -> None:
        """A run was committed."""
        if self._quiet:
            return
        sums = {name: sum(source[name] for source in run["sources"]) for name in COUNTS}
        seconds = (run["finished_at"] - run["started_at"]).total_seconds()
        told = {name: run[name] for name in _TOLD_OF_RUN}
        self._log("info", "run", f"run {run['run_id']} is committed", told | {"seconds": seconds} | sums)

    def alerted(self, alert: Mapping[str, Any]) -> None:
        """An alert was raised or cleared."""
        event = "alert_raised" if alert["cleared_at"] is None else "alert_cleared"
        self._log("warning", event, alert["message"], {k: v for k, v in alert.items() if k != "message"})

    def turned(self, line: str) -> None:
        """Nothing."""

    def note(self, text: str) -> None:
        """Tells something, the first time."""
        if self._is_new(text) and not self._quiet:
            self._log("info", "note", text)

    def warn(self, text: str) -> None:
        """Tells something that matters even when quiet, the first time."""
        if self._is_new(text):
            self._log("warning", "warning", text)

    def failed(self, error: BaseException) -> None:
        """The command ends with an error, which is also told in the usual line."""
        self._log("error", "error", str(error))

    def _log(self, level: str, event: str, message: str, more: Mapping[str, Any] | None = None) -> None:
        head = {"time": datetime.now(UTC), "level": level, "event": event, "message": message}
        with self._lock:
            self._stream.write(to_json(head | dict(more or {})) + "\n")
            self._stream.flush()


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
