"""How the cost of a record grows with events, accounts and days: one dimension at a time."""

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import nnls

from benchmarks.contest import Bench
from benchmarks.measure import Cost

RECORDS, ACCOUNTS, DAYS = 2_000_000, 20_000, 1
EVENTS = (1_000_000, 2_000_000, 4_000_000, 8_000_000, 16_000_000, 20_000_000, 32_000_000)
"""Twofold each, and 20 M, which the goal for memory names."""

EVERY_ACCOUNTS = (1_000, 10_000, 100_000, 1_000_000)
EVERY_DAYS = (1, 4, 16, 64)
MILLION = "lake-of-a-million-accounts"


@dataclass(frozen=True)
class Point:
    """One log of the growth: its dimension and its size."""

    dimension: str
    records: int
    accounts: int
    days: int


def points(bench: Bench, most: int) -> Iterator[Point]:
    """What is measured, events up to `most`."""
    accounts, records = bench.sized(ACCOUNTS, 20), bench.sized(RECORDS)
    for events in EVENTS:
        if events <= most:
            yield Point("events", bench.sized(events), accounts, DAYS)
    for count in EVERY_ACCOUNTS:
        yield Point("accounts", records, bench.sized(count, 10), DAYS)
    for days in sorted({max(1, int(days * min(1.0, bench.scale))) for days in EVERY_DAYS}):
        yield Point("days", records, accounts, days)


def growth(bench: Bench, most: int) -> dict[str, Any]:
    """One run a point: processor time a record, peak memory, account-hours, and what explains the time."""
    measured: list[dict[str, Any]] = []
    for point in points(bench, most):
        bench.say(f"growth: {point.records:,} records of {point.accounts:,} accounts on {point.days} days")
        log = bench.log("canonical", point.records, point.accounts, point.days)
        cost = bench.backfill(log)
        facts = bench.facts(bench.folder / "days.csv")
        measured.append({**vars(point), **_told(point, cost), "account_hours": facts["windows"]})
        if point.accounts == bench.sized(EVERY_ACCOUNTS[-1], 10):
            keep(bench.lake, bench.folder / MILLION, point)
        log.unlink()  # the largest has 17 GB
    return {"points": measured, "fit": fit(measured)}


def keep(lake: Path, target: Path, point: Point) -> None:
    """Keeps the lake of a run for the part that asks it questions."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.move(lake, target)
    target.with_suffix(".json").write_text(json.dumps(vars(point)))


def fit(measured: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Processor seconds as start + a * records + b * account-hours + c * days, none of them negative: least squares of the relative error.

    The largest relative error says how much of the growth these terms leave unexplained.
    """
    rows = [(1.0, point["records"] / 1e6, point["account_hours"] / 1e6, float(point["days"])) for point in measured]
    terms, seconds = np.array(rows), np.array([point["processor"] for point in measured])
    found, _ = nnls(terms / seconds[:, None], np.ones(len(seconds)))
    start, record, hour, day = found.tolist()
    return {
        "start_seconds": start,
        "microseconds_a_record": record,
        "microseconds_an_account_hour": hour,
        "seconds_a_day": day,
        "largest_error": float(np.abs(terms @ found / seconds - 1).max()),
    }


def _told(point: Point, cost: Cost) -> dict[str, float]:
    return {
        "wall": cost.wall,
        "processor": cost.processor,
        "microseconds": cost.processor / point.records * 1e6,
        "megabytes": cost.megabytes,
    }
