"""Sessions of accounts with Quix Streams, from a topic: its state per message key, since it has no session windows.

Messages are keyed by account, so nothing has to be written back to the broker to bring an account together; without topics for changes of
state, and without committing more often than it does by itself, both in its favour.
"""

import sys
import tempfile
import uuid
from datetime import datetime, timedelta
from typing import Any

from quixstreams import Application
from quixstreams.state import State

GAP_MS = 30 * 60 * 1000


def main(address: str, topic: str, target: str, records: str) -> None:
    """Writes a line a session: account, calls."""
    with tempfile.TemporaryDirectory() as states, open(target, "w", encoding="utf-8") as out:  # noqa: PTH123 - stays open
        application = Application(
            broker_address=address,
            consumer_group=f"sessions-{uuid.uuid4()}",  # one that has read nothing yet
            auto_offset_reset="earliest",
            state_dir=states,
            use_changelog_topics=False,
            auto_create_topics=False,
            loglevel="ERROR",
        )
        calls = application.topic(topic, key_deserializer="str", value_deserializer="json")
        open_sessions: dict[str, int] = {}

        def step(call: dict[str, Any], state: State) -> None:
            account, ended = call["account_id"], _ended_ms(call)
            last, count = state.get("session", default=(None, 0))
            if last is not None and ended - last >= GAP_MS:
                out.write(f"{account},{count}\n")
                count = 0
            state.set("session", (ended, count + 1))
            open_sessions[account] = count + 1

        application.dataframe(calls).update(step, stateful=True)
        application.run(count=int(records), timeout=120, collect=False)
        out.writelines(f"{account},{count}\n" for account, count in open_sessions.items())


def _ended_ms(call: dict[str, Any]) -> int:
    """When a call was complete, milliseconds of the epoch."""
    started = datetime.fromisoformat(call["time"])
    return round((started + timedelta(milliseconds=call["latency_ms"])).timestamp() * 1000)


if __name__ == "__main__":
    main(*sys.argv[1:])
