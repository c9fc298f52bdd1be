"""How long after the watermark could pass a tick's end the findings of that tick are committed, at half of the peak rate.

The peak is what a `watch --once` of the same scene took in and closed a second. Event time goes on faster than the clock,
so that many ticks close in minutes, and crosses a midnight: the audit of a day and its learning lie in between.
"""

import json
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.feeding import Feeder, passable, write_with_thieves
from benchmarks.logs import START_MS, TICK_MS, TICKS_A_DAY, Shape, write_log
from benchmarks.measure import DONE, STILLWATCH, cost_of, machine
from real.kafka_broker import Broker

GOAL_SECONDS = 10.0
PARTITIONS, ACCOUNTS = 8, 20_000
LATENCY = 2.0
"""Of the watch: with the usual 30 s it looks for new records every 15 s, which would be most of what is measured."""

_KIND = "canonical_text"
_WARM_TICKS = 3
_PATIENCE_SECONDS = 900.0


def measured(
    folder: Path, broker: Broker, records: int, minutes: float, tick_seconds: float, rate: float | None = None
) -> dict[str, Any]:
    """Seconds from the moment a tick could close to the commit of the run that closed it, over all ticks but the first.

    Args:
        folder: for logs and lake.
        broker: of the topic.
        records: to catch up with first; what that takes is the peak rate.
        minutes: how long records come.
        tick_seconds: seconds of the clock a tick of event time takes.
        rate: records a second; None for half of the peak rate.
    """
    key, lake, before = folder / "key", folder / "lake", machine()
    key.write_text("0f" * 32)
    key.chmod(0o600)
    ticks = max(_WARM_TICKS + 3, round(minutes * 60 / tick_seconds))
    first = TICKS_A_DAY - ticks // 2  # midnight is in the middle
    write_log(folder / "past.ndjson", _KIND, Shape(records, ACCOUNTS, ticks=first))
    broker.create("calls", PARTITIONS)
    lines = (folder / "past.ndjson").read_bytes().splitlines()
    for partition in range(PARTITIONS):
        broker.write("calls", lines[partition::PARTITIONS], partition)
    del lines
    watch = [STILLWATCH, "watch", broker.uri("calls"), "--lake", str(lake), "--key-file", str(key)]
    caught_up = cost_of([*watch, "--once", "--quiet"], folder, DONE)
    peak = records / caught_up.wall
    rate = peak / 2 if rate is None else rate
    sys.stderr.write(f"caught up with {peak:,.0f} records/s; {ticks} ticks at {rate:,.0f} records/s\n")
    shape = Shape(round(rate * tick_seconds * ticks), ACCOUNTS, ticks=ticks, first_tick=first, first_number=records)
    log = write_with_thieves(folder / "live.ndjson", _KIND, shape)
    with (folder / "watch.log").open("wb") as said:
        process = subprocess.Popen([*watch, "--latency", str(LATENCY), "--log", "json"], stdout=said, stderr=said)
        try:
            with Feeder(log, broker.producer(), "calls", PARTITIONS, tick_seconds) as feeder:
                while not feeder.wait(1.0):
                    assert process.poll() is None, (folder / "watch.log").read_text()[-2000:]
            could = passable(log, feeder.sent, PARTITIONS, 10, TICK_MS)
            _until_closed(lake, max(could))
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(_PATIENCE_SECONDS)
    runs = committed(lake)
    waited = delays(runs, could)
    late = [seconds for _, seconds in waited[_WARM_TICKS:]]
    border = START_MS + TICKS_A_DAY * TICK_MS
    return {
        "machine": before,
        "catch_up_records_per_second": peak,
        "records_per_second": len(log.ended) / (feeder.sent[-1] - feeder.sent[0]),
        "sent_late_by_at_most": feeder.lag,
        "records_a_tick": len(log.ended) / ticks,
        "tick_seconds": tick_seconds,
        "watch_latency_seconds": LATENCY,
        "ticks": len(late),
        "seconds": {
            "p50": statistics.median(late),
            "p99": float(np.quantile(late, 0.99, method="higher")),
            "max": max(late),
            "first_ticks_behind_midnight": [round(s, 2) for end, s in waited if border < end <= border + 3 * TICK_MS],
        },
        "by_tick": [(end, round(seconds, 2)) for end, seconds in waited],
        "runs": {
            name: {
                "runs": rows.height,
                "seconds_median": rows["seconds"].median(),
                "seconds_most": rows["seconds"].max(),
            }
            for (name,), rows in runs.sort("pipeline").group_by("pipeline", maintain_order=True)
        },
        "longest_without_intake_seconds": longest_without(
            runs, "ingest", float(feeder.sent[0]), float(feeder.sent[-1])
        ),
        "thieves": log.thieves,
        "findings": int(runs["findings"].sum()),
        "goal_p99": GOAL_SECONDS,
    }


def delays(runs: pl.DataFrame, could: dict[int, float]) -> list[tuple[int, float]]:
    """By end of the tick: seconds from the moment it could close to the commit of the first run that closed it."""
    closing = runs.filter(pl.col("pipeline") == "detect").sort("sequence")
    ends, commits = closing["closed_until_ms"].to_numpy(), closing["committed"].to_numpy()
    return [(end, float(commits[np.searchsorted(ends, end)] - moment)) for end, moment in sorted(could.items())]


def longest_without(runs: pl.DataFrame, pipeline: str, since: float, until: float) -> float:
    """The longest time between two commits of a pipeline within a span, seconds."""
    moments = runs.filter(pl.col("pipeline") == pipeline, pl.col("committed").is_between(since, until))["committed"]
    return float(np.diff(np.sort(moments.to_numpy())).max())


def committed(lake: Path) -> pl.DataFrame:
    """Every run: sequence, pipeline, closed_until_ms, findings, when it was committed, how long it took.

    When: the modification time of its entry in the log of `runs`, which is the commit.
    """
    from pipelines.lake.lake import Lake

    moments = {}
    for path in (lake / "runs" / "_delta_log").glob("*.json"):
        for line in path.read_text().splitlines():
            if "txn" in (entry := json.loads(line)):
                moments[entry["txn"]["version"]] = path.stat().st_mtime
    runs = Lake.open(lake).read("runs").filter(pl.col("sequence").is_in(list(moments)))
    return runs.select(
        "sequence",
        "pipeline",
        pl.col("closed_until").dt.epoch("ms").alias("closed_until_ms"),
        "findings",
        pl.col("sequence").replace_strict(moments, return_dtype=pl.Float64).alias("committed"),
        (pl.col("finished_at") - pl.col("started_at")).dt.total_microseconds().truediv(1e6).alias("seconds"),
    )


def _until_closed(lake: Path, end: int) -> None:
    """Waits until a tick is closed."""
    limit = time.monotonic() + _PATIENCE_SECONDS
    while (committed(lake)["closed_until_ms"].max() or 0) < end:
        if time.monotonic() > limit:
            raise TimeoutError(f"the last tick was not closed within {_PATIENCE_SECONDS:.0f} s")
        time.sleep(1)
