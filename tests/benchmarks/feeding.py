"""A topic that is written as event time goes on, faster than a clock: records, when each was sent, and a thief now and then."""

import json
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import polars as pl
from confluent_kafka import Producer

from benchmarks.logs import START_MS, TICK_MS, Shape, calls_of, lines_of

THIEF_TICKS, THIEF_CALLS = 12, 200
"""Every so many ticks one more account biases eight tokens never biased before in each of so many calls (logit sweep)."""


@dataclass(frozen=True)
class Written:
    """A log on disk, and when each of its records ended (epoch milliseconds of event time, ascending)."""

    path: Path
    ended: np.ndarray
    thieves: int


def write_with_thieves(path: Path, kind: str, shape: Shape) -> Written:
    """Writes a log in the order of completion, thieves among its accounts."""
    ended, thieves, line = [], 0, lines_of(kind)
    due = shape.first_tick + THIEF_TICKS // 2
    with path.open("wb") as log:
        for calls in calls_of(shape, with_text=kind != "canonical"):
            frame = calls.select(line=line, ended="ended")
            last = START_MS + due * TICK_MS
            while calls["ended"][0] <= last < calls["ended"][-1]:
                stolen = [_sweep(due, call) for call in range(THIEF_CALLS)]
                frame = pl.concat([frame, pl.DataFrame(stolen, schema=frame.schema, orient="row")])
                thieves, due = thieves + 1, due + THIEF_TICKS
                last = START_MS + due * TICK_MS
            frame = frame.sort("ended", maintain_order=True)
            frame.select("line").write_csv(log, include_header=False, quote_style="never")
            ended.append(frame["ended"].to_numpy())
    return Written(path, np.concatenate(ended), thieves)


def _sweep(tick: int, call: int) -> tuple[str, int]:
    """One call of the account that sweeps in a tick, and when it ends."""
    ended = START_MS + tick * TICK_MS + 60_000 + call * 1_000
    record = {
        "event_id": f"sweep-{tick}-{call}",
        "time": datetime.fromtimestamp((ended - 500) / 1000, UTC).isoformat(),
        "account_id": f"thief-{tick}",
        "plan": "api",
        "operation": "chat",
        "model_requested": "large",
        "http_status": 200,
        "input_tokens": 300,
        "output_tokens": 1,
        "latency_ms": 500,
        "logit_bias_tokens": [call * 8 + k for k in range(8)],
        "max_tokens": 1,
        "prompt": "Say one word.",
    }
    return json.dumps(record, separators=(",", ":")), ended


@dataclass
class Feeder:
    """Sends a written log to a topic, each record when its event time has come; use as a context, in a thread of its own.

    Attributes:
        log: what is sent.
        producer: to whom.
        topic: where to; records go to its partitions by turns.
        partitions: how many.
        tick_seconds: seconds of the clock that a tick of event time takes.
        sent: when each record was handed over, seconds of the epoch; NaN for those that were not yet.
    """

    log: Written
    producer: Producer
    topic: str
    partitions: int
    tick_seconds: float
    sent: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.sent = np.full(len(self.log.ended), np.nan)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._feed, daemon=True)
        self._failed: BaseException | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self.wait()

    def wait(self, seconds: float | None = None) -> bool:
        """Whether all was sent within a time.

        Raises:
            RuntimeError: a record could not be sent.
        """
        self._thread.join(seconds)
        if self._failed is not None:
            raise RuntimeError("the topic could not be written") from self._failed
        return not self._thread.is_alive()

    @property
    def lag(self) -> float:
        """Seconds by which the latest record was sent after its time: that of a machine too busy to feed."""
        due = (self.log.ended - self.log.ended[0]) / TICK_MS * self.tick_seconds
        return float(np.nanmax(self.sent - self.sent[0] - due))

    def _feed(self) -> None:
        try:
            began = time.monotonic()
            with self.log.path.open("rb") as lines:
                for number, line in enumerate(lines):
                    due = began + (self.log.ended[number] - self.log.ended[0]) / TICK_MS * self.tick_seconds
                    rest = due - time.monotonic()
                    if rest > 0.01 and self._stop.wait(rest):
                        break
                    self.sent[number] = time.time()
                    self.producer.produce(self.topic, line.rstrip(b"\n"), partition=number % self.partitions)
                    self.producer.poll(0)
            self.producer.flush(60)
        except BaseException as error:  # noqa: BLE001 - told to who waits
            self._failed = error


def passable(log: Written, sent: np.ndarray, partitions: int, needed: int, lateness_ms: int) -> dict[int, float]:
    """When the watermark could pass each tick's end: that record was sent which is the `needed`-th of the last of the
    partitions to reach that end and the lateness behind it (schemas.policy time.progress_events, time.lateness).

    Returns:
        Seconds of the epoch by end of the tick, in milliseconds of event time; ticks whose end the log does not reach are left out.
    """
    found = {}
    first = (int(log.ended[0]) // TICK_MS + 1) * TICK_MS
    by_partition = [(log.ended[p::partitions], sent[p::partitions]) for p in range(partitions)]
    for end in range(first, int(log.ended[-1]) - lateness_ms + 1, TICK_MS):
        moments = []
        for ended, when in by_partition:
            index = int(np.searchsorted(ended, end + lateness_ms)) + needed - 1
            moments.append(float(when[index]) if index < len(when) else np.nan)
        if not np.isnan(moments).any():
            found[end] = max(moments)
    return found
