"""What a process cost, and how costs are compared: whole processes, in turn, medians.

This module and whoever measures with it load nothing heavy: the peak memory of a child cannot read below its parent's.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parents[1]
PYTHON = sys.executable
STILLWATCH = str(Path(sys.executable).with_name("stillwatch"))

DONE = (0, 3)
"""Exit codes of a command whose work is done: 3 where a day of the log fails its audit."""


@dataclass(frozen=True)
class Cost:
    """What one process and its children cost: wall seconds, processor seconds, peak MiB of the largest of them."""

    wall: float
    processor: float
    megabytes: float


class Failed(RuntimeError):
    """A measured command failed; what it last said stands in the message."""


def cost_of(command: Sequence[str], folder: Path, allowed: Sequence[int] = (0,)) -> Cost:
    """Runs a command in a folder to its end; what it prints goes to `said.log` there.

    Raises:
        Failed: it ended with another code than the allowed ones.
    """
    said = folder / "said.log"
    environment = {**os.environ, "PYTHONPATH": str(TESTS), "TMPDIR": str(folder)}
    began = time.monotonic()
    with said.open("wb") as out, Path(os.devnull).open("rb") as nothing:
        redirections = [(os.POSIX_SPAWN_DUP2, nothing.fileno(), 0)]
        redirections += [(os.POSIX_SPAWN_DUP2, out.fileno(), number) for number in (1, 2)]
        child = os.posix_spawn(command[0], list(command), environment, file_actions=redirections)
        _, status, used = os.wait4(child, 0)
    wall = time.monotonic() - began
    if os.waitstatus_to_exitcode(status) not in allowed:
        last = said.read_bytes()[-2000:].decode(errors="replace")
        raise Failed(f"{' '.join(command)}\nended with {os.waitstatus_to_exitcode(status)}: {last}")
    unit = 1024 if sys.platform != "darwin" else 1024 * 1024
    return Cost(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / unit)


def told(command: Sequence[str], folder: Path) -> Any:
    """What a command prints, as JSON.

    Raises:
        Failed: it failed.
    """
    environment = {**os.environ, "PYTHONPATH": str(TESTS), "TMPDIR": str(folder)}
    done = subprocess.run(command, check=False, capture_output=True, env=environment)
    if done.returncode:
        raise Failed(
            f"{' '.join(command)}\nended with {done.returncode}: {done.stderr[-2000:].decode(errors='replace')}"
        )
    return json.loads(done.stdout)


def module(name: str, *arguments: object) -> list[str]:
    """The command line of one of these modules."""
    return [PYTHON, "-m", f"benchmarks.{name}", *map(str, arguments)]


def summary(costs: Sequence[Cost], records: int) -> dict[str, Any]:
    """Medians, extremes and rates of some runs over as many records each."""
    each = [cost.processor / records * 1e6 for cost in costs]
    walls = [cost.wall for cost in costs]
    return {
        "records": records,
        "runs": [asdict(cost) for cost in costs],
        "records_per_second": records / statistics.median(walls),
        "microseconds": statistics.median(each),
        "microseconds_least": min(each),
        "microseconds_most": max(each),
        "megabytes": statistics.median(cost.megabytes for cost in costs),
    }


def ratios(ours: Sequence[Cost], theirs: Sequence[Cost]) -> dict[str, float]:
    """Our speed as a share of theirs, pair by pair (run in turn, so a slow minute hits both), as medians."""
    return {
        "processor": statistics.median(b.processor / a.processor for a, b in zip(ours, theirs, strict=True)),
        "wall": statistics.median(b.wall / a.wall for a, b in zip(ours, theirs, strict=True)),
    }


def machine() -> dict[str, Any]:
    """What the figures were taken on."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {"processors": count, "gib": round(pages / 2**30), "python": sys.version.split()[0], "load": _load()}


def _load() -> float:
    """How busy the machine was before anything was measured."""
    return round(os.getloadavg()[0], 1)
