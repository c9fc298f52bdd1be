"""Catching up with a topic against a backfill of the same records from a file, as whole processes in turn.

The broker is a real one, on the same machine, and takes processor time of its own.
"""

import shutil
import statistics
import sys
from pathlib import Path

from benchmarks.logs import Shape, write_log
from benchmarks.measure import DONE, STILLWATCH, Cost, cost_of, machine
from real.kafka_broker import Broker

PARTITIONS = 8
GOAL = 0.6


def measured(folder: Path, broker: Broker, records: int, repeats: int) -> dict[str, object]:
    """Seconds of both ways, each the median of the repeats, and the ratio of their speeds."""
    key, log, before = folder / "key", folder / "log.ndjson", machine()
    key.write_text("0f" * 32)
    key.chmod(0o600)
    write_log(log, "canonical_text", Shape(records))
    broker.create("calls", PARTITIONS)
    lines = log.read_bytes().splitlines()
    for partition in range(PARTITIONS):
        broker.write("calls", lines[partition::PARTITIONS], partition)
    del lines
    ways: dict[str, tuple[str, list[str]]] = {
        "file": ("backfill", [str(log), "--complete"]),
        "topic": ("watch", [broker.uri("calls"), "--once", "--complete"]),
    }
    costs: dict[str, list[Cost]] = {way: [] for way in ways}
    for _ in range(repeats):
        for way, (command, arguments) in ways.items():
            lake = folder / "lake"
            shutil.rmtree(lake, ignore_errors=True)
            whole = [STILLWATCH, command, *arguments, "--lake", str(lake), "--key-file", str(key), "--quiet"]
            costs[way].append(cost_of(whole, folder, DONE))
            sys.stderr.write(f"{way}: {costs[way][-1].wall:.1f} s\n")
    seconds = {way: statistics.median(cost.wall for cost in some) for way, some in costs.items()}
    return {
        "machine": before,
        "records": records,
        "bytes": log.stat().st_size,
        "wall_seconds": seconds,
        "processor_seconds": {way: statistics.median(c.processor for c in some) for way, some in costs.items()},
        "peak_megabytes": {way: max(c.megabytes for c in some) for way, some in costs.items()},
        "ratio": seconds["file"] / seconds["topic"],
        "goal": GOAL,
    }
