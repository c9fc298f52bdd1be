"""The story of a long command on stderr: phase, files, records, rate, time left."""

import shutil
import sys
import threading
import time
from collections.abc import Callable
from typing import TextIO

from pipelines.cli.output import neutral

LIVE_SECONDS = 0.2
LOGGED_SECONDS = 5.0


class Progress:
    """Tells how far a command is: a live line on a terminal, a line every five seconds elsewhere.

    Phases follow one another; each leaves one line behind. Safe to call from several threads.

    Args:
        quiet: say nothing but warnings.
        stream: where to; stderr at the time of the call if None.
        clock: seconds that only rise.
    """

    def __init__(
        self, *, quiet: bool = False, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._quiet = quiet
        self._stream = sys.stderr if stream is None else stream
        self._clock = clock
        self._live = self._stream.isatty()
        self._lock = threading.Lock()
        self._phase = ""
        self._began = self._shown = clock()
        self._done = self._total = self._files = self._all_files = self._records = 0
        self._detail = ""

    def begin(self, phase: str, *, total: int = 0, files: int = 0) -> None:
        """Starts a phase and ends the one before; `total` (any unit, 0 if unknown) is what `advance` counts towards."""
        with self._lock:
            self._finish()
            self._phase, self._total, self._all_files, self._detail = phase, total, files, ""
            self._done = self._files = self._records = 0
            self._began = self._shown = self._clock()
            if self._live:
                self._show(self._line())

    def advance(self, done: int = 0, *, files: int = 0, records: int = 0, detail: str | None = None) -> None:
        """Adds to what is done of the total, of the files and of the records; `detail` names what is being worked on."""
        with self._lock:
            self._done += done
            self._files += files
            self._records += records
            if detail is not None:
                self._detail = detail
            now = self._clock()
            if now - self._shown >= (LIVE_SECONDS if self._live else LOGGED_SECONDS):
                self._shown = now
                self._show(self._line())

    def note(self, text: str) -> None:
        """Tells something that stays on the screen."""
        with self._lock:
            if not self._quiet:
                self._stay(text)

    def warn(self, text: str) -> None:
        """Tells something that matters even when quiet."""
        with self._lock:
            self._stay(f"warning: {text}")

    def end(self) -> None:
        """Ends the last phase."""
        with self._lock:
            self._finish()

    def _finish(self) -> None:
        line, was_running = self._line(ended=True), bool(self._phase)
        self._phase = ""
        if was_running and not self._quiet:
            self._stay(line)

    def _line(self, *, ended: bool = False) -> str:
        elapsed = max(self._clock() - self._began, 1e-9)
        parts = []
        if self._all_files or self._files:
            parts.append(f"{self._files:,}{f' of {self._all_files:,}' if self._all_files else ''} files")
        if self._records:
            parts.append(f"{self._records:,} records")
            if elapsed >= 1:
                parts.append(f"{self._records / elapsed:,.0f}/s")
        if ended:
            parts.append(duration(elapsed))
        else:
            if self._total:
                parts.append(f"{min(self._done / self._total, 1):.0%}")
            if self._total > self._done > 0 and elapsed >= 1:
                parts.append(f"{duration(elapsed * (self._total - self._done) / self._done)} left")
            if self._detail:
                parts.append(self._detail)
        return f"{self._phase}: {', '.join(parts)}" if parts else self._phase

    def _show(self, line: str) -> None:
        if self._quiet:
            return
        if self._live:
            width = shutil.get_terminal_size().columns
            self._stream.write(f"\r\x1b[2K{neutral(line)[: width - 1]}")
        else:
            self._stream.write(f"{neutral(line)}\n")
        self._stream.flush()

    def _stay(self, line: str) -> None:
        self._stream.write(f"\r\x1b[2K{neutral(line)}\n" if self._live else f"{neutral(line)}\n")
        if self._live and self._phase:
            self._show(self._line())
        self._stream.flush()


def duration(seconds: float) -> str:
    """A length of time in its two largest units.

    >>> duration(0.44), duration(75), duration(7_260), duration(200_000)
    ('0.4 s', '1 min 15 s', '2 h 1 min', '2 d 7 h')
    """
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes == 0:
        return f"{rest} s"
    hours, minutes_left = divmod(minutes, 60)
    if hours >= 24:
        return f"{hours // 24} d {hours % 24} h"
    return f"{hours} h {minutes_left} min" if hours else f"{minutes} min {rest} s"
