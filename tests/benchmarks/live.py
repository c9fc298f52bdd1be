"""`make bench-live`: what a watch costs beside a backfill, how late it finds, and how soon it is back after it was killed."""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks import lagging, restarting, sessionizing, soaking, topics
from real.kafka_broker import Broker


def main() -> None:
    """Measures, and prints JSON."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--records", type=int, default=500_000, help="of the topic to catch up with")
    asked.add_argument("--accounts", type=int, default=1_000_000, help="open when the watch is killed")
    asked.add_argument("--repeats", type=int, default=3)
    asked.add_argument(
        "--minutes", type=float, default=8.0, help="how long records come in the scenes latency and soak"
    )
    asked.add_argument(
        "--tick-seconds", type=float, help="that a tick of event time takes in the scenes latency (10) and soak (2)"
    )
    asked.add_argument(
        "--rate", type=float, help="records a second there; if not given, half of the measured peak, and 100"
    )
    asked.add_argument(
        "--history-days", type=int, default=soaking.HISTORY_DAYS, help="days that are in the lake before a soak begins"
    )
    asked.add_argument(
        "scene",
        nargs="*",
        choices=["topics", "latency", "peers", "restarting", "soak", []],
        help="all but soak, unless some are named",
    )
    options = asked.parse_args()

    def catching_up(folder: Path) -> object:
        with Broker() as broker:
            return topics.measured(folder, broker, options.records, options.repeats)

    def late(folder: Path) -> object:
        with Broker() as broker:
            return lagging.measured(
                folder, broker, options.records, options.minutes, options.tick_seconds or 10.0, options.rate
            )

    def soaked(folder: Path) -> object:
        with Broker() as broker:
            return soaking.soaked(
                folder,
                broker,
                options.minutes,
                options.rate or soaking.RATE,
                options.tick_seconds or soaking.TICK_SECONDS,
                options.history_days,
            )

    def beside_peers(folder: Path) -> object:
        with Broker() as broker:
            return sessionizing.measured(folder, broker, options.records, options.repeats)

    scenes: dict[str, Callable[[Path], object]] = {
        "topics": catching_up,
        "latency": late,
        "peers": beside_peers,
        "soak": soaked,
        "restarting": lambda folder: restarting.restarted(folder, options.accounts, options.repeats),
    }
    found = {}
    for name in options.scene or [name for name in scenes if name != "soak"]:
        with tempfile.TemporaryDirectory(prefix="stillwatch-bench-") as folder:
            found[name] = scenes[name](Path(folder))
    sys.stdout.write(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
