"""Sessions of accounts with Bytewax, from a topic: its own Kafka source, event clock, session windows and file sink.

Calls of an account stand in the order of their time; the clock waits longer than the log lasts, so that none is late
however the partitions are read, and what is still open is closed at the end of the topic.
"""

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import bytewax.operators as op
from bytewax.connectors.files import FileSink
from bytewax.connectors.kafka import KafkaSource
from bytewax.dataflow import Dataflow
from bytewax.operators import windowing
from bytewax.testing import run_main

GAP = timedelta(minutes=30) - timedelta(milliseconds=1)
"""Less than 30 minutes, in a log of milliseconds; Bytewax' gap is inclusive."""

WAIT = timedelta(days=3)

EPOCH = timedelta(hours=1)
"""Between two looks at what would have to be saved, of all accounts; 10 s by itself. In its favour: nothing is saved here."""


def main(address: str, topic: str, target: str) -> None:
    """Writes a line a session: account, calls."""
    flow = Dataflow("sessions")
    messages = op.input("calls", flow, KafkaSource([address], [topic], tail=False))
    calls = op.map("parse", messages, lambda message: json.loads(message.value))
    clock = windowing.EventClock(_ended, WAIT)
    windows = windowing.count_window(
        "sessions", calls, clock, windowing.SessionWindower(GAP), lambda call: str(call["account_id"])
    )
    lines = op.map("line", windows.down, lambda session: (session[0], f"{session[0]},{session[1][1]}"))
    op.output("lines", lines, FileSink(Path(target)))
    run_main(flow, epoch_interval=EPOCH)


def _ended(call: dict[str, Any]) -> datetime:
    """When a call was complete."""
    return datetime.fromisoformat(call["time"]).astimezone(UTC) + timedelta(milliseconds=call["latency_ms"])


if __name__ == "__main__":
    main(*sys.argv[1:])
