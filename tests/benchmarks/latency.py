"""How long questions to a lake of a million accounts take, start-up apart."""

import json
import statistics
from pathlib import Path
from typing import Any

from benchmarks.contest import Bench
from benchmarks.growth import EVERY_ACCOUNTS, MILLION, RECORDS, Point, keep
from benchmarks.measure import STILLWATCH, Cost, cost_of

HELP, START = "help", "query: nothing (start-up)"


def latency(bench: Bench) -> dict[str, Any]:
    """Median wall seconds of each question, and of those that only start the program."""
    lake, point = _lake(bench)
    account = f"acct-{point.accounts // 2:07d}"
    questions = {
        HELP: ["--help"],
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
    rounds: list[dict[str, Cost]] = []
    for number in range(bench.repeats + 3):
        bench.say(f"latency: round {number}")
        rounds.append({name: cost_of([STILLWATCH, *asked], bench.folder) for name, asked in questions.items()})
    counted = rounds[1:]  # the first one fills the caches of the disk
    found: dict[str, dict[str, float]] = {}
    for name in questions:
        found[name] = {
            what: statistics.median(getattr(one[name], what) for one in counted)
            for what in ("wall", "processor", "megabytes")
        }
        if name not in (HELP, START):
            # Within a round, so that a slow minute hits both.
            apart = statistics.median(one[name].wall - one[START].wall for one in counted)
            found[name]["after_start"] = max(0.0, apart)
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
