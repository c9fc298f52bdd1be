"""How the cost of a record grows with events, accounts and days: one dimension at a time."""

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
    """Processor seconds as start + a * records + b * account-hours + c * days: least squares of the relative error.

    The largest relative error says how much of the growth these terms leave unexplained.
    """
    rows = [(1.0, point["records"] / 1e6, point["account_hours"] / 1e6, float(point["days"])) for point in measured]
    terms = range(len(rows[0]))
    seconds = [point["processor"] for point in measured]
    weighted = [tuple(value / second for value in row) for row, second in zip(rows, seconds, strict=True)]
    normal = [[sum(row[i] * row[j] for row in weighted) for j in terms] for i in terms]
    right = [sum(row[i] for row in weighted) for i in terms]
    found = _solved(normal, right)
    start, record, hour, day = found
    errors = [
        sum(factor * value for factor, value in zip(found, row, strict=True)) / second - 1
        for row, second in zip(rows, seconds, strict=True)
    ]
    return {
        "start_seconds": start,
        "microseconds_a_record": record,
        "microseconds_an_account_hour": hour,
        "seconds_a_day": day,
        "largest_error": max(map(abs, errors)),
    }


def _solved(matrix: list[list[float]], right: list[float]) -> list[float]:
    """The solution of a small system of equations, by elimination with the largest pivot first."""
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    size = len(rows)
    for step in range(size):
        pivot = max(range(step, size), key=lambda row: abs(rows[row][step]))
        rows[step], rows[pivot] = rows[pivot], rows[step]
        for row in range(size):
            if row != step and not _is_nothing(rows[step][step]):
                factor = rows[row][step] / rows[step][step]
                rows[row] = [a - factor * b for a, b in zip(rows[row], rows[step], strict=True)]
    return [0.0 if _is_nothing(row[i]) else row[size] / row[i] for i, row in enumerate(rows)]


def _is_nothing(pivot: float) -> bool:
    """Whether a term cannot be told from the ones before it: all points have as many days, say."""
    return abs(pivot) < 1e-9


def _told(point: Point, cost: Cost) -> dict[str, float]:
    return {
        "wall": cost.wall,
        "processor": cost.processor,
        "microseconds": cost.processor / point.records * 1e6,
        "megabytes": cost.megabytes,
    }
