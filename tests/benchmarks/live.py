"""`make bench-live`: what a watch costs beside a backfill, and how soon it is back after it was killed."""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks import restarting, topics
from real.kafka_broker import Broker


def main() -> None:
    """Measures, and prints JSON."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--records", type=int, default=500_000, help="of the topic to catch up with")
    asked.add_argument("--accounts", type=int, default=1_000_000, help="open when the watch is killed")
    asked.add_argument("--repeats", type=int, default=3)
    asked.add_argument(
        "scene", nargs="*", choices=["topics", "restarting", []], help="all of them, unless some are named"
    )
    options = asked.parse_args()

    def catching_up(folder: Path) -> object:
        with Broker() as broker:
            return topics.measured(folder, broker, options.records, options.repeats)

    scenes: dict[str, Callable[[Path], object]] = {
        "topics": catching_up,
        "restarting": lambda folder: restarting.restarted(folder, options.accounts, options.repeats),
    }
    found = {}
    for name in options.scene or scenes:
        with tempfile.TemporaryDirectory(prefix="stillwatch-bench-") as folder:
            found[name] = scenes[name](Path(folder))
    sys.stdout.write(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
