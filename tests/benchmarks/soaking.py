"""A watch over a topic at a fixed rate for as long as one likes: what memory it holds, minute by minute."""

import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.feeding import Feeder, write_with_thieves
from benchmarks.lagging import committed
from benchmarks.logs import Shape
from benchmarks.measure import STILLWATCH, machine
from real.kafka_broker import Broker

GROWTH = 0.05
"""How much more memory the last quarter may hold than the second: what is open is as much in both."""

PARTITIONS, ACCOUNTS = 8, 500
OWN_TEXTS = 20
"""Texts of an account: it says nothing new after some dozens of calls, as a program with templates does, so that what is held of
prompts that accounts have in common is as much in the last quarter as in the second. (Drawn from all paragraphs by all accounts,
there are more such prompts every minute: 34 MB of ties after 12 minutes, and rightly so.)"""

RATE, TICK_SECONDS, LATENCY = 100.0, 2.0, 5.0
"""Records a second, of few accounts, as a small gateway has them; 1,800 ticks and six midnights an hour, so that what a run
or a day leaves behind shows; every part of it a fraction of a processor."""

_EVERY_SECONDS, _MINUTE = 0.5, 60.0
_PATIENCE_SECONDS = 600.0


def soaked(
    folder: Path, broker: Broker, minutes: float, rate: float = RATE, tick_seconds: float = TICK_SECONDS
) -> dict[str, Any]:
    """Megabytes of anonymous memory, the most of each minute, of the watch with all its children; and what it did meanwhile.

    Args:
        folder: for log and lake.
        broker: of the topic.
        minutes: how long records come.
        rate: records a second.
        tick_seconds: seconds of the clock a tick of event time takes.
    """
    key, lake, before = folder / "key", folder / "lake", machine()
    key.write_text("0f" * 32)
    key.chmod(0o600)
    ticks = round(minutes * 60 / tick_seconds)
    shape = Shape(round(rate * tick_seconds * ticks), ACCOUNTS, ticks=ticks, own_texts=OWN_TEXTS)
    log = write_with_thieves(folder / "log.ndjson", "canonical_text", shape)
    broker.create("calls", PARTITIONS)
    watch = [STILLWATCH, "watch", broker.uri("calls"), "--lake", str(lake), "--key-file", str(key)]
    samples: list[list[float]] = []
    with (folder / "watch.log").open("wb") as said:
        process = subprocess.Popen([*watch, "--latency", str(LATENCY), "--log", "json"], stdout=said, stderr=said)
        try:
            with Feeder(log, broker.producer(), "calls", PARTITIONS, tick_seconds) as feeder:
                began = time.monotonic()
                while not feeder.wait(_EVERY_SECONDS):
                    assert process.poll() is None, (folder / "watch.log").read_text()[-2000:]
                    minute = int((time.monotonic() - began) / _MINUTE)
                    while minute >= len(samples):
                        if samples:
                            sys.stderr.write(f"minute {len(samples)}: {max(samples[-1]):.0f} MB\n")
                        samples.append([])
                    samples[minute].append(held(process.pid) / 1e6)
            _until_taken_in(lake, len(log.ended))
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(_PATIENCE_SECONDS)
    runs = committed(lake)
    by_minute = [max(minute) for minute in samples if minute]
    quarters = quarter_medians(by_minute)
    return {
        "machine": before,
        "minutes": minutes,
        "records_per_second": rate,
        "tick_seconds": tick_seconds,
        "records": len(log.ended),
        "events": _events(lake),
        "sent_late_by_at_most": feeder.lag,
        "runs_still_in_the_log": {name: rows.height for (name,), rows in runs.sort("pipeline").group_by("pipeline")},
        "ticks_closed_until": str(runs["closed_until_ms"].max()),
        "thieves": log.thieves,
        "megabytes_by_minute": [round(most, 1) for most in by_minute],
        "least_megabytes_by_minute": [round(min(minute), 1) for minute in samples if minute],
        "megabytes_by_quarter": quarters,
        "growth": quarters[3] / quarters[1] - 1,
        "goal_growth": GROWTH,
    }


def quarter_medians(by_minute: list[float]) -> list[float]:
    """The median of the minutes of each quarter."""
    size = max(1, len(by_minute) // 4)
    return [statistics.median(by_minute[q * size : (q + 1) * size] or by_minute[-1:]) for q in range(4)]


def held(root: int) -> int:
    """Bytes of anonymous memory (without page cache and mapped files) of a process and all its descendants."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            except (FileNotFoundError, ProcessLookupError):
                continue  # it ended meanwhile
            children.setdefault(parent, []).append(int(folder.name))
    total, left = 0, [root]
    while left:
        process = left.pop()
        left += children.get(process, [])
        try:
            lines = (Path("/proc") / str(process) / "status").read_text().splitlines()
        except (FileNotFoundError, ProcessLookupError):
            continue
        total += sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon:"))
    return total


def _until_taken_in(lake: Path, records: int) -> None:
    """Waits until all that was sent is in the lake."""
    limit = time.monotonic() + _PATIENCE_SECONDS
    while _events(lake) < records:
        if time.monotonic() > limit:
            raise TimeoutError(f"{_events(lake)} of {records} records are in the lake after {_PATIENCE_SECONDS:.0f} s")
        time.sleep(1)


def _events(lake: Path) -> int:
    from pipelines.lake.lake import Lake

    opened = Lake.open(lake)
    return opened.collect("events", opened.scan("events").select("source")).height
