"""INGEST from topics: every record is counted once, whoever is killed, and no secret reaches the lake."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from polars.testing import assert_frame_equal

from mock_cluster import MockCluster
from pipelines import rounds
from pipelines.cli.progress import Progress
from pipelines.lake.lake import Lake
from pipelines.lake.lease import Lease
from pipelines.replaying import ReplayRequest, search
from pipelines.request import Request, SourceCounts
from pipelines.rounds import Rounds
from pipelines.sources import brokers
from pipelines.sources.brokers import BrokerGone, Cluster, KafkaConfig, OffsetsLost, read_config
from pipelines.sources.ranges import Piece
from pipelines.writer import Writer
from schemas.event import EVENT
from schemas.policy import Kafka, Policy
from transforms.ingest.key import FingerprintKey

KEY = FingerprintKey(bytes(range(32)))


class Killed(BaseException):
    """Stands for SIGKILL: nothing may catch it."""


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[MockCluster]:
    monkeypatch.setattr(brokers, "_ID_SECONDS", 0.01)
    with MockCluster() as mock:
        yield mock


def record(number: int) -> bytes:
    time = f"2026-03-02T20:{number // 60 % 60:02d}:{number % 60:02d}Z"
    return json.dumps({"event_id": f"c{number}", "time": time, "account_id": f"a{number % 5}"}).encode()


def ingest(
    root: Path, *sources: str, after: Callable[[str], None] = lambda _: None, **more: Any
) -> list[SourceCounts] | None:
    """What one backfill does of INGEST: finishes what was begun, then takes in what is new."""
    lake = Lake.create(root, KEY.id)
    with Lease.acquire(root, "test") as lease:
        rounds = Rounds(Request(sources, root, **more), Progress(quiet=True), Writer(lake, lease, after), KEY)
        rounds.finish()
        plan = rounds.ingest()
        return None if plan is None else list(rounds.summary(set(), 0.0).sources)


def test_a_topic_gives_the_events_of_a_file_with_the_same_records(cluster: MockCluster, tmp_path: Path) -> None:
    for partition in range(4):
        cluster.write("calls", [record(n) for n in range(partition, 400, 4)], partition)
    (tmp_path / "log").write_bytes(b"\n".join(map(record, range(400))))
    counts = ingest(tmp_path / "topic", cluster.uri("calls"))
    ingest(tmp_path / "file", str(tmp_path / "log"))
    assert counts is not None
    assert [(source.records, source.appended) for source in counts] == [(100, 100)] * 4
    events = [Lake.open(tmp_path / name).read("events") for name in ("topic", "file")]
    assert_frame_equal(*(frame.drop(EVENT.position_columns).sort("event_id") for frame in events))


def test_every_message_is_accounted_for_whatever_it_holds(cluster: MockCluster, tmp_path: Path) -> None:
    lines = record(2) + b"\n" + b"{broken" + b"\n" + record(3)
    cluster.write("calls", [record(1), None, lines, b"[" + record(4) + b", 5]"])
    (counts,) = ingest(tmp_path, cluster.uri("calls")) or []
    assert (counts.records, counts.appended, counts.ignored, counts.rejects) == (7, 4, 1, 2)
    assert Lake.open(tmp_path).read("rejects")["source_name"].unique().to_list() == [f"{cluster.uri('calls')}/0"]
    assert ingest(tmp_path, cluster.uri("calls")) is None


def test_what_a_topic_refused_is_not_read_again_and_a_replay_says_so(cluster: MockCluster, tmp_path: Path) -> None:
    cluster.write("calls", [record(1), b"{broken"])
    ingest(tmp_path, cluster.uri("calls"))
    (found,) = search(Lake.open(tmp_path), ReplayRequest(tmp_path), Policy()).found
    assert (found.name, found.rejects) == (f"{cluster.uri('calls')}/0", 1)
    assert found.why_not == "records of topics are not read again"


@pytest.mark.parametrize("point", ["events", "runs"])
def test_a_run_that_was_killed_is_finished_with_the_offsets_it_planned(
    point: str, cluster: MockCluster, tmp_path: Path
) -> None:
    cluster.write("calls", map(record, range(10)))

    def kill(reached: str) -> None:
        if point in reached:
            raise Killed

    with pytest.raises(Killed):
        ingest(tmp_path, cluster.uri("calls"), after=kill)
    cluster.write("calls", map(record, range(10, 15)))
    ingest(tmp_path, cluster.uri("calls"))
    events = Lake.open(tmp_path).read("events")
    assert sorted(events["event_id"]) == sorted(f"c{n}" for n in range(15))
    assert Lake.open(tmp_path).read("runs").height == 2


def test_a_topic_that_is_made_anew_while_it_is_read_is_looked_at_again_before_anything_is_committed(
    cluster: MockCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.write("calls", map(record, range(10)))
    ids = iter(["planned", "made anew", "made anew", "made anew"])
    monkeypatch.setattr(Cluster, "topic_ids", lambda _, topics: dict.fromkeys(topics, next(ids)))
    (counts,) = ingest(tmp_path, cluster.uri("calls")) or []
    assert counts.appended == 10
    (run,) = Lake.open(tmp_path).read("runs").to_dicts()
    assert run["sequence"] == 2  # the first one was dropped
    assert next(ids, None) is None


def test_a_topic_made_anew_between_a_kill_and_the_repeat_is_refused_as_one_of_another_plan(
    cluster: MockCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.write("calls", map(record, range(10)))
    monkeypatch.setattr(Cluster, "topic_ids", lambda _, topics: dict.fromkeys(topics, "before"))
    ingest(tmp_path, cluster.uri("calls"))
    cluster.write("calls", map(record, range(10, 20)))
    with monkeypatch.context() as patch:
        patch.setattr(rounds, "execute_ingest", _killed)
        with pytest.raises(Killed):
            ingest(tmp_path, cluster.uri("calls"))
    monkeypatch.setattr(Cluster, "topic_ids", lambda _, topics: dict.fromkeys(topics, "after"))
    with pytest.raises(OffsetsLost, match="made anew"):
        ingest(tmp_path, cluster.uri("calls"))
    assert Lake.open(tmp_path).read("events").height == 10


def _killed(*_: object) -> None:
    raise Killed


def test_brokers_that_are_gone_in_the_middle_end_the_run_and_it_is_repeated(
    cluster: MockCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.write("calls", map(record, range(10)))
    impatient = Policy(kafka=Kafka(wait_seconds=5))
    with monkeypatch.context() as patch:
        patch.setattr("pipelines.ingest_worker.read_messages", _gone)
        with pytest.raises(BrokerGone, match="calls/0"):
            ingest(tmp_path, cluster.uri("calls"), policy=impatient)
    assert Lake.open(tmp_path).read("events").is_empty()
    ingest(tmp_path, cluster.uri("calls"), policy=impatient)
    assert Lake.open(tmp_path).read("events").height == 10


def _gone(piece: Piece, *_: object, **_named: object) -> Iterator[object]:
    raise BrokerGone(piece.name, "nothing came", "wait")
    yield


def test_what_retention_takes_between_plan_and_reading_is_refused_by_name_or_recorded(
    cluster: MockCluster, tmp_path: Path
) -> None:
    cluster.write("calls", map(record, range(3)))
    ingest(tmp_path, cluster.uri("calls"))
    cluster.write("calls", map(record, range(3, 10)))

    def kill(reached: str) -> None:
        raise Killed(reached)

    with pytest.raises(Killed):
        ingest(tmp_path, cluster.uri("calls"), after=kill)
    shutil.rmtree(tmp_path / "_stillwatch" / "staging")  # as if it had been killed before anything was read
    for _ in range(7):  # this broker keeps five megabytes of a partition
        cluster.write("calls", [record(10) + b" " * 1_000_000])
    with pytest.raises(OffsetsLost, match=r"calls/0: offsets 3 to \d+\)"):
        ingest(tmp_path, cluster.uri("calls"))
    ingest(tmp_path, cluster.uri("calls"), accepts_gaps=True)
    assert sorted(Lake.open(tmp_path).read("events")["event_id"].unique()) == ["c0", "c1", "c10", "c2"]
    assert ingest(tmp_path, cluster.uri("calls")) is None


def test_no_secret_of_the_connection_is_anywhere_in_the_lake(cluster: MockCluster, tmp_path: Path) -> None:
    cluster.write("calls", map(record, range(10)))
    (tmp_path / "kafka.properties").write_text("sasl.mechanism=PLAIN\nsasl.username=me\nsasl.password=${PW}\n")
    config = read_config(tmp_path / "kafka.properties", {"PW": "hunter2-canary"})
    ingest(tmp_path / "lake", cluster.uri("calls"), kafka=config)
    written = [path for path in (tmp_path / "lake").rglob("*") if path.is_file()]
    assert written
    assert not [path for path in written if b"hunter2-canary" in path.read_bytes()]
    assert config != KafkaConfig()
