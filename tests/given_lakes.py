"""Logs of a few accounts, lakes made of them, and what must be true of two such lakes."""

import random
import shutil
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
from polars.testing import assert_frame_equal

from pipelines.backfill import backfill
from pipelines.cli.progress import Progress
from pipelines.lake.lake import Lake
from pipelines.request import Request, Summary
from schemas.catalogue import PARITY_TABLES
from schemas.policy import Policy

START = datetime(2026, 3, 2, tzinfo=UTC)
DAY = timedelta(days=1)


class Killed(BaseException):
    """Stands for SIGKILL: nothing may catch it."""


def record(number: int, rng: random.Random) -> dict[str, object]:
    """Two and a half days of five accounts; the second one sweeps the vocabulary from the second day on."""
    account = number % 5
    moment = START + timedelta(seconds=number * 90)
    sweeps = account == 1 and moment >= START + DAY
    return {
        "event_id": f"call-{number}",
        "time": moment.isoformat(),
        "end_time": (moment + timedelta(seconds=1)).isoformat(),
        "account_id": f"acct-{account}",
        "plan": "api",
        "operation": "chat",
        "model_requested": "m",
        "http_status": 200,
        "refused": rng.random() < 0.1,
        "input_tokens": 300,
        "output_tokens": 30 + rng.randrange(9),
        "latency_ms": 1000,
        "logit_bias_tokens": [number * 5 + k for k in range(5)] if sweeps else [],
        "max_tokens": 1 if sweeps else 500,
        "prompt": f"{rng.choice('abcdefgh')} {rng.randrange(50)}",
        "source_ip": f"10.0.{account}.{rng.randrange(200)}",
    }


def run_backfill(lake: Path, sources: Sequence[Path], policy: Policy | None = None, **more: object) -> Summary:
    """Reads the sources into the lake with the key beside it; of two account groups: each costs a tiny lake as much as a large one."""
    lake.parent.mkdir(exist_ok=True)
    key = lake.parent / "key"
    if not key.exists():
        key.write_text("0f" * 32)
        key.chmod(0o600)
    request = Request(
        tuple(map(str, sources)),
        lake,
        policy=policy or Policy(),
        key_file=key,
        is_complete=bool(more.get("complete", True)),
        groups=more.get("groups", 2),  # type: ignore[arg-type]
    )
    return backfill(request, Progress(quiet=True), more.get("after", lambda _: None))  # type: ignore[arg-type]


def tables_of(lake: Path, *without: str) -> dict[str, pl.DataFrame]:
    """The parity tables without provisional rows, and the audits."""
    opened, found = Lake.open(lake), {}
    for table in ("quality", *(name for name in PARITY_TABLES if name not in without)):
        rows = opened.read(table)
        found[table] = rows.filter(~pl.col("provisional")) if "provisional" in rows.columns else rows
    return found


def assert_equal(one: Path, other: Path, *without: str) -> None:
    """Two lakes hold the same, byte for byte, but for the tables left out."""
    left, right = tables_of(one, *without), tables_of(other, *without)
    for table, rows in left.items():
        assert_frame_equal(rows, right[table], check_exact=True)


def assert_everything_adds_up(lake: Path) -> None:
    """Per source, over all runs (DESIGN invariant 2), and against the rows that are there."""
    opened = Lake.open(lake)
    counts = opened.read("runs").select(pl.col("sources").explode().drop_nulls()).unnest("sources")
    summed = counts.group_by("source").agg(pl.col(pl.Int64).sum())
    held = {table: opened.read(table).group_by("source").len() for table in ("events", "rejects", "too_late")}
    for row in summed.iter_rows(named=True):
        assert row["records"] == row["appended"] + row["ignored"] + row["rejects"]
        assert row["appended"] == row["accepted"] + row["duplicates"] + row["too_late"]
        for count, table in (("appended", "events"), ("rejects", "rejects"), ("too_late", "too_late")):
            assert row[count] == held[table].filter(pl.col("source") == row["source"])["len"].sum(), count
        assert min(row["accepted"], row["duplicates"], row["too_late"]) >= 0


def copy_of(folder: Path, to: Path) -> Path:
    """The lake of a folder that was copied with everything in it."""
    shutil.copytree(folder, to, dirs_exist_ok=True)
    return to / "lake"


class StopOnce(threading.Event):
    """Set as soon as something is true of a lake: a watch that was given it as its stop ends then."""

    def __init__(self, lake: Path, holds: Callable[[Lake], bool]) -> None:
        super().__init__()
        self._lake, self._holds, self._asked = lake, holds, 0

    def is_set(self) -> bool:
        """Looks whenever it is asked."""
        self._asked += 1
        assert self._asked < 2_000, "it did not come to it"
        if (self._lake / "_stillwatch" / "lake.json").exists() and self._holds(Lake.open(self._lake)):
            self.set()
        return super().is_set()
