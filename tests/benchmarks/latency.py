"""How long questions to a lake of a million accounts take, start-up apart."""

import json
import statistics
from pathlib import Path
from typing import Any

from benchmarks.contest import Bench
from benchmarks.growth import EVERY_ACCOUNTS, MILLION, RECORDS, Point, keep
from benchmarks.measure import STILLWATCH, cost_of

START = "query: nothing (start-up)"


def latency(bench: Bench) -> dict[str, Any]:
    """Median wall seconds of each question, and of those that only start the program."""
    lake, point = _lake(bench)
    account = f"acct-{point.accounts // 2:07d}"
    questions = {
        "help": ["--help"],
        START: _query(lake, "SELECT 1"),
        "query: hours of one account": _query(
            lake, f"SELECT window_end, calls_1h FROM account_windows WHERE account_id = '{account}'"
        ),
        "query: twenty highest scores": _query(
            lake, "SELECT account_id, max(score) AS top FROM account_scores GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 20"
        ),
        "query: calls of all accounts by hour": _query(
            lake, "SELECT date_trunc('hour', time) AS hour, count(*) FROM events GROUP BY 1 ORDER BY 1"
        ),
        "accounts (the review list)": ["accounts", "--lake", str(lake)],
        "explain one account": ["explain", account, "--lake", str(lake)],
    }
    found: dict[str, dict[str, float]] = {}
    for name, arguments in questions.items():
        bench.say(f"latency: {name}")
        costs = [cost_of([STILLWATCH, *arguments], bench.folder) for _ in range(bench.repeats + 1)][1:]
        found[name] = {
            "wall": statistics.median(cost.wall for cost in costs),
            "processor": statistics.median(cost.processor for cost in costs),
            "megabytes": statistics.median(cost.megabytes for cost in costs),
        }
    for name, figures in found.items():
        if name not in ("help", START):
            figures["after_start"] = max(0.0, figures["wall"] - found[START]["wall"])
    return {"accounts": point.accounts, "records": point.records, "questions": found}


def _lake(bench: Bench) -> tuple[Path, Point]:
    """The lake that growth left, or one made now."""
    lake = bench.folder / MILLION
    if not lake.exists():
        accounts = bench.sized(EVERY_ACCOUNTS[-1], 10)
        point = Point("accounts", max(accounts, bench.sized(RECORDS)), accounts, 1)
        bench.say(f"making a lake of {accounts:,} accounts")
        bench.backfill(bench.log("canonical", point.records, point.accounts, point.days))
        keep(bench.lake, lake, point)
    return lake, Point(**json.loads(lake.with_suffix(".json").read_text()))


def _query(lake: Path, sql: str) -> list[str]:
    return ["query", sql, "--lake", str(lake)]
