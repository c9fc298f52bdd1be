"""A topic read by stillwatch, which does all it does, and by Bytewax and Quix Streams, which make sessions of it and nothing else."""

import json
import shutil
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import peers
from benchmarks.logs import Shape, write_log
from benchmarks.measure import DONE, STILLWATCH, Cost, Failed, cost_of, machine, ratios, summary
from real.kafka_broker import Broker

PARTITIONS, ACCOUNTS = 8, 20_000
HERE = Path(__file__).parent

Sessions = Counter[tuple[str, int]]
"""How many sessions of so many calls each account has."""


def measured(folder: Path, broker: Broker, records: int, repeats: int) -> dict[str, Any]:
    """Whole processes in turn over one topic, keyed by account; all must count the same sessions.

    Raises:
        Failed: they do not.
    """
    key, log, before = folder / "key", folder / "log.ndjson", machine()
    key.write_text("0f" * 32)
    key.chmod(0o600)
    write_log(log, "canonical", Shape(records, min(ACCOUNTS, records)))
    broker.create("calls", PARTITIONS)
    _write_keyed(broker, log)
    program, result = str(peers.python()), folder / "result.csv"
    others: dict[str, Sequence[str]] = {
        "Bytewax 0.21.1": [program, str(HERE / "plain_bytewax.py"), broker.address, "calls", str(result)],
        "Quix Streams 3.28.1": [
            program,
            str(HERE / "plain_quix.py"),
            broker.address,
            "calls",
            str(result),
            str(records),
        ],
    }
    ours: list[Cost] = []
    theirs: dict[str, list[Cost]] = {name: [] for name in others}
    for number in range(repeats):
        lake = folder / "lake"
        shutil.rmtree(lake, ignore_errors=True)
        watch = [STILLWATCH, "watch", broker.uri("calls"), "--once", "--complete", "--lake", str(lake)]
        ours.append(cost_of([*watch, "--key-file", str(key), "--quiet"], folder, DONE))
        wanted = sessions_of_lake(lake)
        for name, command in others.items():
            result.unlink(missing_ok=True)
            theirs[name].append(cost_of(command, folder))
            if (found := sessions_of_lines(result)) != wanted:
                raise Failed(f"{name} counts {found.total()} sessions, stillwatch {wanted.total()}: see {result}")
            sys.stderr.write(f"round {number}: {name}: {theirs[name][-1]}, stillwatch: {ours[-1]}\n")
    return {
        "machine": before,
        "records": records,
        "sessions": wanted.total(),
        "stillwatch": summary(ours, records),
        "others": {name: {**summary(costs, records), "ratio": ratios(ours, costs)} for name, costs in theirs.items()},
    }


def sessions_of_lake(lake: Path) -> Sessions:
    """What stillwatch found."""
    from pipelines.lake.lake import Lake

    rows = Lake.open(lake).read("sessions").select("account_id", "calls")
    return Counter(rows.iter_rows())


def sessions_of_lines(path: Path) -> Sessions:
    """What another one wrote: a line a session, account and calls."""
    rows = (line.rsplit(",", 1) for line in path.read_text().splitlines())
    return Counter((account, int(calls)) for account, calls in rows)


def _write_keyed(broker: Broker, log: Path) -> None:
    """Writes the log to the topic; an account's calls to one partition, in their order."""
    producer = broker.producer()
    with log.open("rb") as lines:
        for line in lines:
            account = json.loads(line)["account_id"]
            try:
                producer.produce("calls", line.rstrip(b"\n"), key=account)
            except BufferError:  # the broker is slower: its answers make room
                producer.flush(60)
                producer.produce("calls", line.rstrip(b"\n"), key=account)
            producer.poll(0)
    assert producer.flush(60) == 0
