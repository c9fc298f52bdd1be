"""A log of thirty hours small enough to be read hundreds of times, and what makes two lakes of it equal."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import polars as pl
from polars.testing import assert_frame_equal

from dying import kind_of
from pipelines.lake.lake import Lake
from schemas.catalogue import PARITY_TABLES

START = datetime(2026, 3, 2, tzinfo=UTC)
RECORDS = 500
STEP = timedelta(minutes=3, seconds=36)
"""One record every 216 seconds: 400 a day, so that the day closes, is learned, and leaves some hours open."""


@dataclass(frozen=True)
class SmallWorld:
    """Files in one folder.

    Attributes:
        folder: where they are.
    """

    folder: Path

    def make(self) -> "SmallWorld":
        """Writes the log's first half, the accounts file and the key."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.write(450)
        (self.folder / "accounts.csv").write_text("account_id,plan\nacct-0,api\nacct-1,api\nacct-2,pro\n")
        (self.folder / "key").write_text("0f" * 32)
        (self.folder / "key").chmod(0o600)
        return self

    def write(self, count: int) -> None:
        """Writes the first records of the log."""
        self.log.write_bytes(b"".join(islice(lines(), count)))

    @property
    def log(self) -> Path:
        """The log."""
        return self.folder / "log.jsonl"

    def first(self, lake: Path) -> list[object]:
        """Arguments of a backfill that closes a day, learns it, and shows what is open."""
        accounts = ("--accounts", self.folder / "accounts.csv")
        return ["backfill", self.log, "--lake", lake, "--key-file", self.folder / "key", "--groups", 2, *accounts]

    def second(self, lake: Path) -> list[object]:
        """Arguments of the one after it, when the log has grown and ended."""
        return ["backfill", self.log, "--lake", lake, "--key-file", self.folder / "key", "--complete"]


@dataclass(frozen=True)
class Clean:
    """What clean runs give.

    Attributes:
        tables: at the end.
        points: at which their disk changed, of each of the two runs.
    """

    tables: dict[str, pl.DataFrame]
    points: tuple[tuple[str, ...], ...]

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of points, each once."""
        return tuple(dict.fromkeys(kind_of(point) for run in self.points for point in run))


def tables(lake: Path) -> dict[str, pl.DataFrame]:
    """What must be equal: the parity tables without provisional rows, events, rejects, and the counts by source."""
    opened = Lake.open(lake)
    found = {}
    for table in PARITY_TABLES:
        rows = opened.read(table)
        found[table] = rows.filter(~pl.col("provisional")) if "provisional" in rows.columns else rows
    found["events"] = opened.read("events").sort("account_id", "time", "event_id")
    found["rejects"] = opened.read("rejects").drop("source_name")
    found["too_late"] = opened.read("too_late")
    counts = opened.read("runs").select(pl.col("sources").explode()).unnest("sources").drop_nulls("source")
    found["counts"] = (
        counts.group_by("source").agg(pl.exclude("source", "name", "format", "refused_because").sum()).sort("source")
    )
    return found


def assert_equal(one: dict[str, pl.DataFrame], other: dict[str, pl.DataFrame]) -> None:
    """Every table byte for byte."""
    for table, rows in one.items():
        assert_frame_equal(rows, other[table], check_exact=True)


def assert_nothing_lost(counts: pl.DataFrame, waiting: int = 0) -> None:
    """Invariant 2: every record is an event, ignored or a reject; every event was looked at once or waits."""
    total = counts.select(pl.exclude("source").sum()).row(0, named=True)
    assert total["records"] == total["appended"] + total["ignored"] + total["rejects"]
    assert total["appended"] == total["accepted"] + total["duplicates"] + total["too_late"] + waiting


def leftovers(lake: Path) -> list[str]:
    """What a run should have removed: temporary files, staged messages, copies of streams, the mark of a creation."""
    ours = lake / "_stillwatch"
    named = [*lake.rglob(".*.tmp"), *ours.glob("staging/*"), *ours.glob("spool/*"), *ours.glob("creating")]
    return sorted(str(path.relative_to(lake)) for path in named)


def lines() -> Iterator[bytes]:
    """The records of the log, each with its line end."""
    for number in range(RECORDS):
        stated = number - (number % 97 == 96)  # a few records come twice
        yield b"not a record\n" if number % 100 == 50 else json.dumps(_record(stated)).encode() + b"\n"


def _record(number: int) -> dict[str, object]:
    account, moment = min(number % 4, 2), START + number * STEP
    sweeps = account == 2  # every other call: 200 a day, each biasing eight tokens never biased before
    return {
        "event_id": f"call-{number}",
        "time": moment.isoformat(),
        "end_time": (moment + timedelta(seconds=1)).isoformat(),
        "account_id": f"acct-{account}",
        "plan": "api",
        "operation": "chat",
        "model_requested": "m",
        "http_status": 200,
        "input_tokens": 300,
        "output_tokens": 1 if sweeps else 900,
        "latency_ms": 1000,
        "logit_bias_tokens": [number * 8 + k for k in range(8)] if sweeps else [],
        "max_tokens": 1 if sweeps else 500,
        "prompt": f"Classify the following ticket for the billing team, please: {number * 7919 % 1000}",
        "source_ip": f"10.0.{account}.{number % 200}",
    }
