"""`make bench`: time, processor time and memory of a backfill, beside a plain Polars script on the same file."""

import argparse
import json
import os
import random
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

HERE = Path(__file__).parent
STILLWATCH = Path(sys.executable).with_name("stillwatch")
WORDS = [
    "the",
    "model",
    "of",
    "data",
    "in",
    "a",
    "plan",
    "for",
    "team",
    "which",
    "report",
    "can",
    "be",
    "made",
    "with",
    "care",
    "when",
    "users",
    "ask",
    "it",
    "to",
    "sum",
    "up",
]


@dataclass(frozen=True)
class Cost:
    """What one process cost: wall seconds, processor seconds, peak memory in MB."""

    wall: float
    processor: float
    megabytes: float


def write_log(path: Path, records: int, accounts: int, seed: int) -> None:
    """Canonical records of one UTC day in order of time: benign chatter of 200-character prompts."""
    chance = random.Random(seed)
    start, step = datetime(2026, 3, 2, tzinfo=UTC), timedelta(days=1) / records
    prompts = [" ".join(chance.choices(WORDS, k=36)) for _ in range(5_000)]
    with path.open("w", encoding="utf-8") as log:
        for number in range(records):
            account = int(accounts * chance.random() ** 3)  # a few busy ones, many quiet ones
            record = {
                "event_id": f"e{number}",
                "time": (start + number * step).isoformat(timespec="milliseconds"),
                "account_id": f"acct-{account:06d}",
                "api_key_id": f"key-{account:06d}",
                "operation": "chat",
                "model_requested": "large" if number % 3 else "small",
                "http_status": 200 if number % 50 else 429,
                "latency_ms": chance.randrange(300, 20_000),
                "input_tokens": chance.randrange(20, 4_000),
                "output_tokens": chance.randrange(1, 1_500),
                "temperature": 0.7,
                "message_count": chance.randrange(1, 9),
                "prompt": prompts[number % len(prompts)],
                "response": prompts[(number * 7) % len(prompts)],
            }
            log.write(json.dumps(record) + "\n")


def cost_of(command: list[str]) -> Cost:
    """Runs a command to its end; its output is dropped.

    Raises:
        SystemExit: it failed.
    """
    began = time.monotonic()
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123 - os.devnull is no path of ours
        child = os.posix_spawn(
            command[0], command, os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, nowhere.fileno(), 1)]
        )
    _, status, used = os.wait4(child, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} ended with {os.waitstatus_to_exitcode(status)}")
    return Cost(time.monotonic() - began, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def main() -> None:
    """Writes a log, runs both, prints both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=300_000)
    parser.add_argument("--accounts", type=int, default=5_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="stillwatch-bench-") as folder:
        log, lake, key = Path(folder) / "calls.jsonl", Path(folder) / "lake", Path(folder) / "key"
        write_log(log, asked.records, asked.accounts, asked.seed)
        key.write_text("11" * 32)
        key.chmod(0o600)
        backfill = [str(STILLWATCH), "backfill", str(log), "--lake", str(lake), "--complete", "--quiet"]
        costs = {
            "plain Polars script": cost_of([sys.executable, str(HERE / "plain_polars.py"), str(log)]),
            "stillwatch backfill": cost_of([*backfill, "--key-file", str(key)]),
        }
        size = log.stat().st_size
    if asked.json:
        told = {name: vars(cost) for name, cost in costs.items()}
        sys.stdout.write(json.dumps({"records": asked.records, "bytes": size, **told}) + "\n")
        return
    sys.stdout.write(f"{asked.records:,} canonical records, {size / 1e6:.0f} MB, {asked.accounts:,} accounts\n\n")
    sys.stdout.write(
        f"{'':20}  {'wall s':>7}  {'cpu s':>7}  {'records/s':>10}  {'us cpu/record':>13}  {'peak MB':>8}\n"
    )
    for name, cost in costs.items():
        rate, each = asked.records / cost.wall, cost.processor / asked.records * 1e6
        sys.stdout.write(
            f"{name:20}  {cost.wall:7.2f}  {cost.processor:7.2f}  {rate:10,.0f}  {each:13.2f}  {cost.megabytes:8.0f}\n"
        )


if __name__ == "__main__":
    main()
