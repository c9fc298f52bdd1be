"""Moments of a program at work, told by the changes of its folders: a machine that is suddenly less busy shifts them not."""

import os
import time
from collections.abc import Callable
from pathlib import Path

_PAUSE_SECONDS = 0.005
"""Between two looks; a run of a small lake changes its folders some tens of times in a second."""


def changes_seen(
    folder: Path, most: int | None = None, is_at_work: Callable[[], bool] = lambda: True, seconds: float = 240
) -> int:
    """Looks on until so many changes of a folder were seen, its program ended, or the time is up; how many were seen."""
    seen, before, limit = 0, _entries(folder), time.monotonic() + seconds
    while (most is None or seen < most) and is_at_work() and time.monotonic() < limit:
        now = _entries(folder)
        seen, before = seen + (now != before), now
        time.sleep(_PAUSE_SECONDS)
    return seen


def _entries(folder: Path) -> int:
    """How many files and folders there are, of those that are there while one looks."""
    return sum(len(folders) + len(files) for _, folders, files in os.walk(folder))
