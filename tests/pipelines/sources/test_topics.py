"""Which offsets are planned: each once, whatever runs came before, and never past what was lost unread."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from mock_cluster import MockCluster
from pipelines.lake.sources import Done, Register, after_run
from pipelines.sources import brokers, topics
from pipelines.sources.boxes import Box
from pipelines.sources.brokers import Cluster, KafkaConfig, OffsetsLost
from pipelines.sources.known import Sighting
from pipelines.sources.ranges import Growing, Planned, RangeSpec, plan_ranges
from pipelines.sources.topics import TopicRequest, unread
from schemas.errors import SourceRefused
from schemas.policy import Ingest, Policy

ASKED = TopicRequest(Policy(), KafkaConfig())
RECORD = json.dumps({"time": "2026-03-02T20:00:00Z", "account_id": "a", "operation": "chat"}).encode()


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[MockCluster]:
    monkeypatch.setattr(brokers, "_ID_SECONDS", 0.01)
    with MockCluster() as mock:
        yield mock


def plan(
    cluster: MockCluster, register: Register, asked: TopicRequest = ASKED, most: int | None = None, topic: str = "calls"
) -> Planned:
    growing = None if most is None else Growing(most)
    found = unread([cluster.uri(topic)], register, asked)
    planned = plan_ranges([], register, range_bytes=64_000_000, growing=growing, topics=found)
    specs = [RangeSpec.from_json(json.loads(json.dumps(spec.to_json()))) for spec in planned.ranges]
    return replace(planned, ranges=tuple(specs))


def offsets(planned: Planned) -> list[tuple[int, int, int | None]]:
    return sorted((piece.partition, piece.start, piece.end) for spec in planned.ranges for piece in spec.pieces)


def done(register: Register, planned: Planned) -> Register:
    """The register once a plan was executed."""
    pieces = [piece for spec in planned.ranges for piece in spec.pieces]
    sightings = [Sighting.from_json(json.loads(json.dumps(sighting.to_json()))) for sighting in planned.sightings]
    size = len(RECORD)
    reports = [Done(p.source, p.start, p.end, p.times, 1, (), None, ((p.end or 0) - p.start) * size) for p in pieces]
    return after_run(register, sightings, reports)[0]


def cut_off(monkeypatch: pytest.MonkeyPatch, low: int, high: int | None = None) -> None:
    """Retention removes what lies before an offset; or the topic holds less than it did."""
    real = Cluster.bounds

    def bounds(self: Cluster, topic: str, partitions: Any) -> dict[int, tuple[int, int]]:
        found = real(self, topic, partitions)
        ends = {p: b if high is None else min(b, high) for p, (_, b) in found.items()}
        return {p: (min(low, end), end) for p, end in ends.items()}

    monkeypatch.setattr(topics.Cluster, "bounds", bounds)


def test_every_partition_is_a_source_of_its_own_read_to_its_end(cluster: MockCluster) -> None:
    for partition, count in ((0, 5), (2, 3)):
        cluster.write("calls", [RECORD] * count, partition)
    planned = plan(cluster, {})
    assert offsets(planned) == [(0, 0, 5), (2, 0, 3)]
    assert len({sighting.source for sighting in planned.sightings}) == 4  # empty ones are known from now on, too
    assert {sighting.name for sighting in planned.sightings} == {f"{cluster.uri('calls')}/{n}" for n in range(4)}


def test_what_was_read_is_not_planned_again_and_what_came_since_is(cluster: MockCluster) -> None:
    cluster.write("calls", [RECORD] * 5)
    register = done({}, plan(cluster, {}))
    assert offsets(plan(cluster, register)) == []
    cluster.write("calls", [RECORD] * 2)
    cluster.write("calls", [RECORD], partition=3)
    assert offsets(plan(cluster, register)) == [(0, 5, 7), (3, 0, 1)]


def test_an_address_written_in_another_way_means_the_same_source(cluster: MockCluster) -> None:
    cluster.write("calls", [RECORD] * 5)
    register = done({}, plan(cluster, {}))
    other = unread([f"kafka://localhost:{cluster.address.partition(':')[2]}/calls"], register, ASKED)
    assert other.pieces == ()


def test_a_run_takes_no_more_than_it_may_and_every_partition_gets_its_turn(cluster: MockCluster) -> None:
    for partition in range(4):
        cluster.write("calls", [RECORD] * 4000, partition)
    asked = replace(ASKED, policy=replace(Policy(), ingest=Ingest(range_megabytes=1)))
    small = replace(asked.policy.ingest, range_megabytes=1)
    register: Register = {}
    taken = []
    for _ in range(10):
        planned = plan(cluster, register, replace(asked, policy=replace(asked.policy, ingest=small)), most=1_000_000)
        taken += offsets(planned)
        register = done(register, planned)
        if not planned.left:
            break
    assert planned.left == 0
    assert sorted(taken) == [(partition, 0, 4000) for partition in range(4)]
    assert {known.mean_bytes for known in register.values()} == {len(RECORD)}


def test_records_of_other_times_are_still_there_to_be_asked_for(cluster: MockCluster) -> None:
    cluster.write("calls", [RECORD] * 5)
    since = datetime(2026, 3, 2, 21, tzinfo=UTC)
    register = done({}, plan(cluster, {}, replace(ASKED, since=since)))
    (piece,) = [piece for spec in plan(cluster, register).ranges for piece in spec.pieces]
    assert (piece.start, piece.end, piece.again, piece.times[0][1]) == (0, 5, True, int(since.timestamp() * 1e6))


def test_offsets_gone_unread_are_refused_by_name_and_accepted_only_when_asked(
    cluster: MockCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.write("calls", [RECORD] * 5)
    register = done({}, plan(cluster, {}))
    cluster.write("calls", [RECORD] * 5)
    cut_off(monkeypatch, low=8)
    with pytest.raises(OffsetsLost, match=r"calls/0: offsets 5 to 7\).*--accept-gap"):
        plan(cluster, register)
    planned = plan(cluster, register, replace(ASKED, accepts_gaps=True))
    assert offsets(planned) == [(0, 8, 10)]
    register = done(register, planned)
    (known,) = [known for known in register.values() if known.taken]
    assert (known.gaps, known.taken) == (((5, 8),), (Box(0, 10),))
    assert offsets(plan(cluster, register)) == []


def test_what_was_gone_before_a_partition_was_first_seen_is_no_loss(
    cluster: MockCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.write("calls", [RECORD] * 5)
    cut_off(monkeypatch, low=3)
    planned = plan(cluster, {})
    assert offsets(planned) == [(0, 3, 5)]
    assert offsets(plan(cluster, done({}, planned))) == []


def test_a_topic_that_ends_before_what_was_read_is_refused(
    cluster: MockCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.write("calls", [RECORD] * 5)
    register = done({}, plan(cluster, {}))
    cut_off(monkeypatch, low=0, high=2)
    with pytest.raises(OffsetsLost, match="read up to offset 5, and the topic was made anew"):
        plan(cluster, register)


def test_a_topic_made_anew_is_refused_and_once_accepted_another_source(
    cluster: MockCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.write("calls", [RECORD] * 5)
    monkeypatch.setattr(Cluster, "topic_ids", lambda _, names: dict.fromkeys(names, "before"))
    register = done({}, plan(cluster, {}))
    monkeypatch.setattr(Cluster, "topic_ids", lambda _, names: dict.fromkeys(names, "after"))
    with pytest.raises(OffsetsLost, match="made anew"):
        plan(cluster, register)
    planned = plan(cluster, register, replace(ASKED, accepts_gaps=True))
    assert offsets(planned) == [(0, 0, 5)]
    assert not {sighting.source for sighting in planned.sightings} & set(register)
    again = done(register, planned)
    assert offsets(plan(cluster, again)) == []
    assert len(again) == 8


def test_a_topic_that_is_not_there_is_named(cluster: MockCluster) -> None:
    with pytest.raises(SourceRefused, match=r"/nothing: there is no such topic"):
        plan(cluster, {}, topic="nothing")


def test_messages_that_tell_no_format_are_read_as_the_other_partitions_are(cluster: MockCluster) -> None:
    cluster.write("calls", [b"what is this"])
    cluster.write("calls", [RECORD], partition=1)
    planned = plan(cluster, {})
    assert offsets(planned) == [(0, 0, 1), (1, 0, 1)]
    assert {sighting.format for sighting in planned.sightings} == {"canonical", ""}  # "" of those without a message


def test_one_bad_message_in_a_new_partition_stops_no_watch(cluster: MockCluster) -> None:
    cluster.write("calls", [RECORD], partition=1)
    register = done({}, plan(cluster, {}))
    cluster.write("calls", [b"what is this"], partition=2)
    assert offsets(plan(cluster, register, replace(ASKED, is_live=True), most=1_000_000)) == [(2, 0, 1)]


def test_a_topic_whose_messages_tell_no_format_is_refused(cluster: MockCluster) -> None:
    cluster.write("calls", [b"what is this"])
    planned = plan(cluster, {})
    assert (offsets(planned), [name for name, _ in planned.refused]) == ([], [f"{cluster.uri('calls')}/0"])
    with pytest.raises(SourceRefused, match="not clear"):
        plan(cluster, {}, replace(ASKED, is_live=True))
