"""A real broker that dies, a topic that is cut off, made anew or widened, a watch that is killed: each record once."""

import json
import random
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from changes import changes_seen
from dying import COMMAND
from lake_proofs import assert_accounted
from pipelines.cli.progress import Progress
from pipelines.lake.lake import Lake
from pipelines.lake.lease import Lease
from pipelines.request import Request
from pipelines.rounds import Rounds
from pipelines.sources.brokers import BrokerGone, OffsetsLost
from pipelines.writer import Writer
from programs import LONGEST_SECONDS, Program, run_to_end
from real.kafka_broker import Broker
from schemas.policy import Kafka, Policy
from transforms.ingest.key import FingerprintKey

pytestmark = pytest.mark.slow
KEY = FingerprintKey(bytes(range(32)))
START = datetime(2026, 3, 2, 20, tzinfo=UTC)
POISON = (b"", b"{", b"\xff\xff\xff\xff\x10\x00", b"\x1f\x8b\x08poison", b"[" * 50_000, None)


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    with Broker() as started:
        yield started


def record(number: int) -> bytes:
    moment = START + timedelta(seconds=number * 20)
    known = {"event_id": f"c{number}", "time": moment.isoformat(), "account_id": f"a{number % 3}", "operation": "chat"}
    return json.dumps(known).encode()


def ingest(root: Path, *sources: str, after: Callable[[str], None] = lambda _: None, **more: Any) -> None:
    """What one backfill does of INGEST."""
    lake = Lake.create(root, KEY.id)
    with Lease.acquire(root, "test") as lease:
        rounds = Rounds(Request(sources, root, **more), Progress(quiet=True), Writer(lake, lease, after), KEY)
        rounds.finish()
        rounds.ingest()


def taken(root: Path) -> list[str]:
    """Ids of the events, each as often as it is there."""
    if not (root / "_stillwatch" / "lake.json").exists():
        return []
    return sorted(Lake.open(root).read("events")["event_id"])


def ids(*numbers: int) -> list[str]:
    return sorted(f"c{number}" for number in numbers)


def command(folder: Path, source: str) -> list[object]:
    key = folder / "key"
    key.write_text("0f" * 32)
    key.chmod(0o600)
    return [*COMMAND, "watch", source, "--lake", folder / "lake", "--key-file", key, "--latency", "0.2"]


def test_only_what_was_committed_in_transactions_is_read_and_their_marks_are_no_loss(
    broker: Broker, tmp_path: Path
) -> None:
    broker.create("transactions", 1)
    producer = broker.producer(**{"transactional.id": "t"})
    producer.init_transactions(60)
    for number, is_kept in enumerate((True, False, True)):
        producer.begin_transaction()
        producer.produce("transactions", record(number), partition=0)
        producer.flush(30)
        producer.commit_transaction() if is_kept else producer.abort_transaction()
    ingest(tmp_path, broker.uri("transactions"))
    assert taken(tmp_path) == ids(0, 2)
    producer.begin_transaction()
    producer.produce("transactions", record(3), partition=0)
    producer.flush(30)
    ingest(tmp_path, broker.uri("transactions"))
    assert taken(tmp_path) == ids(0, 2)  # it is open
    producer.commit_transaction()
    ingest(tmp_path, broker.uri("transactions"))
    assert taken(tmp_path) == ids(0, 2, 3)


def test_a_topic_may_be_widened_and_is_refused_when_it_is_cut_off_or_made_anew(broker: Broker, tmp_path: Path) -> None:
    uri = broker.uri("changing")
    broker.create("changing", 1)
    broker.write("changing", map(record, range(5)))
    ingest(tmp_path, uri)
    broker.widen("changing", 3)
    broker.write("changing", [record(5)], partition=2)
    ingest(tmp_path, uri)
    assert taken(tmp_path) == ids(*range(6))
    broker.write("changing", map(record, range(6, 10)))
    broker.cut_off("changing", 0, before=7)
    with pytest.raises(OffsetsLost, match=r"changing/0: offsets 5 to 6\)"):
        ingest(tmp_path, uri)
    ingest(tmp_path, uri, accepts_gaps=True)
    assert taken(tmp_path) == ids(*range(6), 8, 9)
    broker.delete("changing")
    broker.create("changing", 1)
    broker.write("changing", map(record, range(10, 30)))  # more than there were: offsets alone do not tell
    with pytest.raises(OffsetsLost, match="made anew"):
        ingest(tmp_path, uri)
    ingest(tmp_path, uri, accepts_gaps=True)
    assert taken(tmp_path) == ids(*range(6), 8, 9, *range(10, 30))


def test_poison_is_counted_and_what_lies_around_it_is_read(broker: Broker, tmp_path: Path) -> None:
    broker.create("poison", 1)
    messages = [record(0), *POISON, record(1), b'{"event_id": "' + b"x" * 20_000_000 + b'"}', record(2)]
    broker.write("poison", messages)
    ingest(tmp_path, broker.uri("poison"))
    assert taken(tmp_path) == ids(0, 1, 2)
    (counts,) = Lake.open(tmp_path).read("runs")["sources"].to_list()[0]
    assert counts["records"] == len(messages) == counts["appended"] + counts["ignored"] + counts["rejects"]
    assert counts["ignored"] == 2


def test_a_watch_that_is_killed_at_any_time_takes_each_record_once(broker: Broker, tmp_path: Path) -> None:
    rng, asked = random.Random(7), command(tmp_path, broker.uri("killed"))
    broker.create("killed", 2)
    for turn in range(4):
        for partition in range(2):
            broker.write(
                "killed",
                (record(4 * n + 2 * partition + turn % 2) for n in range(40 * turn, 40 * turn + 40)),
                partition,
            )
        with Program(asked, {"POLARS_MAX_THREADS": "1"}) as watcher:
            before = len(taken(tmp_path / "lake"))
            if turn:
                changes_seen(tmp_path / "lake", rng.randint(1, 30), seconds=6)
            else:
                watcher.until(lambda before=before: len(taken(tmp_path / "lake")) > before)
            watcher.kill()
    told = run_to_end([*asked, "--once"], {"POLARS_MAX_THREADS": "1"})
    assert told.code in (0, 3), told.err
    found = taken(tmp_path / "lake")
    assert len(found) == 320
    assert len(set(found)) == 320
    assert_accounted(tmp_path / "lake", 320)


def test_a_broker_that_dies_is_waited_for_and_a_second_watch_is_refused(broker: Broker, tmp_path: Path) -> None:
    lake, asked = tmp_path / "lake", command(tmp_path, broker.uri("dying"))
    (tmp_path / "policy.toml").write_text("[kafka]\nwait_seconds = 2.0\n")
    asked += ["--policy", tmp_path / "policy.toml"]
    broker.create("dying", 2)
    broker.write("dying", map(record, range(50)))
    with Program(asked, {"POLARS_MAX_THREADS": "1"}) as watcher:
        watcher.until(lambda: len(taken(lake)) == 50)
        second = run_to_end(asked, {"POLARS_MAX_THREADS": "1"}, LONGEST_SECONDS)
        assert second.code == 1
        assert "Fix:" in second.err
        broker.kill()
        with pytest.raises(BrokerGone):
            ingest(tmp_path / "other", broker.uri("dying"), policy=Policy(kafka=Kafka(wait_seconds=1)))
        time.sleep(5)
        broker.start()
        broker.write("dying", map(record, range(50, 90)), partition=1)
        watcher.until(lambda: len(taken(lake)) == 90)
        told = watcher.stop()
    assert told.code == 0, told.err
    assert told.err.count("no broker answers") == 1
    assert "topics can be read again" in told.err
    assert taken(lake) == ids(*range(90))
