"""A watch over a topic at a fixed rate for as long as one likes: what memory it holds, minute by minute.

It goes on with a lake that a backfill of a month filled: what is remembered for a month (holders of keys, reference days,
issued handles) grows for a month, and is flat only then.
"""

import signal
import statistics
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.feeding import Feeder, write_with_thieves
from benchmarks.lagging import committed
from benchmarks.logs import TICKS_A_DAY, Shape
from benchmarks.measure import DONE, STILLWATCH, cost_of, machine
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

HISTORY_DAYS = 31
"""Longer than anything is remembered of an account that still calls: schemas.policy links.memory_days and
rules.handle_memory_days are 30, learning.reference_days 28."""

_EVERY_SECONDS, _MINUTE = 0.5, 60.0
_PATIENCE_SECONDS = 600.0


def soaked(
    folder: Path,
    broker: Broker,
    minutes: float,
    rate: float = RATE,
    tick_seconds: float = TICK_SECONDS,
    history_days: int = HISTORY_DAYS,
) -> dict[str, Any]:
    """Megabytes of anonymous memory, the most of each minute, of the watch with all its children; and what it did meanwhile.

    Args:
        folder: for log and lake.
        broker: of the topic.
        minutes: how long records come.
        rate: records a second.
        tick_seconds: seconds of the clock a tick of event time takes.
        history_days: days before, as full of the same accounts, that a backfill brought into the lake.

    Raises:
        Failed: the backfill did not end well.
    """
    key, lake, before = folder / "key", folder / "lake", machine()
    key.write_text("0f" * 32)
    key.chmod(0o600)
    ticks, before_ticks, a_tick = round(minutes * 60 / tick_seconds), history_days * TICKS_A_DAY, rate * tick_seconds
    past = Shape(round(a_tick * before_ticks), ACCOUNTS, ticks=before_ticks, own_texts=OWN_TEXTS)
    known_before = 0
    if history_days:
        remembered = write_with_thieves(folder / "history.ndjson", "canonical_text", past)
        known = ["--lake", str(lake), "--key-file", str(key), "--quiet"]
        cost_of([STILLWATCH, "backfill", str(remembered.path), *known], folder, DONE)
        known_before = _events(lake)
    shape = replace(
        past, records=round(a_tick * ticks), ticks=ticks, first_tick=before_ticks, first_number=past.records
    )
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
            _until_taken_in(lake, known_before + len(log.ended))
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
        "history_days": history_days,
        "history_events": known_before,
        "events": _events(lake) - known_before,
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
