"""A watch over a lake of many open accounts that is killed and started again: until its first commit, and what a tick writes."""

import os
import signal
import statistics
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.logs import Shape, write_log
from benchmarks.measure import DONE, STILLWATCH, cost_of

GOALS = {"first_commit_seconds": 10.0, "state_bytes": 2 * 2**30}
_CALLS = 2  # of each account; all within the day that windows look back to
_BEFORE = 0.98  # of the log; the rest grows behind it
_TICK_LINES = 1 / 288  # of the log: what one tick holds
_LONGEST_SECONDS = 600.0


@dataclass(frozen=True)
class Turn:
    """One start of the watch.

    Attributes:
        first_commit: seconds from its start to its first commit.
        tick: seconds from its start until it had closed the next tick.
        written: bytes of state that closing it wrote.
        megabytes: peak memory, MiB.
    """

    first_commit: float
    tick: float
    written: int
    megabytes: float


def restarted(folder: Path, accounts: int, repeats: int) -> dict[str, Any]:
    """Medians over the starts, each ended by SIGKILL, and the size of what is remembered."""
    key, log, growing, lake = folder / "key", folder / "log.ndjson", folder / "growing.ndjson", folder / "lake"
    key.write_text("0f" * 32)
    key.chmod(0o600)
    write_log(log, "canonical", Shape(_CALLS * accounts, accounts))
    lines = iter(log.open("rb"))
    with growing.open("wb") as first:
        first.writelines(next(lines) for _ in range(int(_CALLS * accounts * _BEFORE)))
    known = ["--lake", str(lake), "--key-file", str(key)]
    backfill = cost_of([STILLWATCH, "backfill", str(growing), *known, "--quiet"], folder, DONE)
    size = sum(_states(lake).values())
    more = int(_CALLS * accounts * _TICK_LINES)
    turns = [_turn(lake, growing, lines, more, known) for _ in range(repeats)]
    return {
        "accounts": accounts,
        "backfill_megabytes": backfill.megabytes,
        "state_bytes": size,
        "state_bytes_an_account": size / accounts,
        "first_commit_seconds": statistics.median(turn.first_commit for turn in turns),
        "tick_closed_seconds": statistics.median(turn.tick for turn in turns),
        "state_bytes_written_a_tick": statistics.median(turn.written for turn in turns),
        "watch_megabytes": max(turn.megabytes for turn in turns),
        "goals": GOALS,
    }


def _turn(lake: Path, growing: Path, lines: Iterator[bytes], more: int, known: list[str]) -> Turn:
    with growing.open("ab") as log:
        log.writelines(line for line, _ in zip(lines, range(more), strict=False))
    commits, states = _commits(lake), _states(lake)
    began = time.monotonic()
    watch = subprocess.Popen(
        [STILLWATCH, "watch", str(growing), *known, "--latency", "0.5"],
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        first = _until(lake, commits + 1, began)
        tick = _until(lake, commits + 2, began)
        written = sum(size for name, size in _states(lake).items() if name not in states)
    finally:
        os.killpg(watch.pid, signal.SIGKILL)
        _, _, used = os.wait4(watch.pid, 0)
    return Turn(first, tick, written, used.ru_maxrss / 1024)


def _until(lake: Path, commits: int, began: float) -> float:
    """Seconds since the start when the lake has so many commits."""
    while _commits(lake) < commits:
        if time.monotonic() - began > _LONGEST_SECONDS:
            raise TimeoutError(f"no commit within {_LONGEST_SECONDS} s")
        time.sleep(0.02)
    return time.monotonic() - began


def _commits(lake: Path) -> int:
    """How many runs were committed."""
    return max(int(path.stem) for path in (lake / "runs" / "_delta_log").glob("*.json"))


def _states(lake: Path) -> dict[str, int]:
    """Bytes of each file of state."""
    found = {}
    for path in (lake / "_stillwatch" / "state").glob("*/*/*"):
        try:
            found[str(path)] = path.stat().st_size
        except FileNotFoundError:
            continue  # collected meanwhile
    return found
