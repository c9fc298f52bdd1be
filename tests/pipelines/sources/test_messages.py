"""Messages of a topic as records: whatever a message holds, each record once, at a place that no other has."""

import json
from collections.abc import Iterator
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from polars.testing import assert_frame_equal

from mock_cluster import MockCluster
from pipelines.sources.boxes import EVER
from pipelines.sources.brokers import BrokerGone, KafkaConfig
from pipelines.sources.cutter import Broken, End
from pipelines.sources.messages import INSIDE_BITS, LeftOut, Taker, read_messages
from pipelines.sources.ranges import Piece
from pipelines.sources.reading import Rows
from schemas.errors import SourceMoved
from schemas.event import EVENT
from schemas.policy import Policy, SourceRule
from transforms.ingest.adapter import Block, Context, Decoded, merged
from transforms.ingest.key import FingerprintKey
from transforms.ingest.registry import ADAPTERS

CONTEXT = Context("f" * 16, "kafka://b/calls/0", SourceRule(), Policy(), FingerprintKey(bytes(range(32))))
LONGEST = 16_777_216


def record(number: int, **more: Any) -> bytes:
    return json.dumps({"time": f"2026-03-02T20:00:{number % 60:02d}Z", "account_id": f"a{number}"} | more).encode()


@pytest.fixture(scope="module")
def cluster() -> Iterator[MockCluster]:
    with MockCluster() as mock:
        yield mock


def piece(start: int, end: int, topic: str) -> Piece:
    return Piece(
        "f" * 16, f"kafka://b/{topic}/0", "b", "none", "topic", "canonical", "lines", start, end, end, (EVER,),
        again=False, last_line="take", size=1, topic=topic,
    )  # fmt: skip


def parts(
    cluster: MockCluster, topic: str, start: int, end: int, *, longest: int = LONGEST, chunk: int = 1 << 24
) -> list[Block | Rows | Broken | LeftOut | End]:
    with Taker(cluster.address, KafkaConfig(), seconds=5) as taker:
        return list(read_messages(piece(start, end, topic), taker, longest, chunk))


def decoded(found: list[Block | Rows | Broken | LeftOut | End]) -> Decoded:
    return merged(ADAPTERS["canonical"].decode(part, CONTEXT) for part in found if isinstance(part, Block))


def places(events: pl.DataFrame) -> list[tuple[int, int]]:
    return [(position >> INSIDE_BITS, position & (1 << INSIDE_BITS) - 1) for position in events["position"]]


def test_a_message_may_hold_a_record_lines_an_array_or_a_document(cluster: MockCluster) -> None:
    array = b"[" + record(1) + b"," + record(2) + b"]"
    document = b"[\n" + record(5) + b",\n" + record(6) + b"\n]"
    cluster.write("kinds", [record(0), array, record(3) + b"\n" + record(4), document, b"\n\n" + record(7) + b"\n"])
    events = decoded(parts(cluster, "kinds", 0, 5)).events
    assert sorted(events["account_id"]) == [f"a{n}" for n in range(8)]
    line = len(record(3)) + 1
    assert places(events) == [(0, 0), (1, 0), (1, 1), (2, 0), (2, line), (3, 2), (3, 2 + line + 1), (4, 2)]


def test_exactly_the_offsets_asked_for_are_read(cluster: MockCluster) -> None:
    cluster.write("exact", [record(n) for n in range(50)])
    events = decoded(parts(cluster, "exact", 7, 21)).events
    assert [offset for offset, _ in places(events)] == list(range(7, 21))


def test_how_messages_are_put_together_changes_nothing(cluster: MockCluster) -> None:
    texts = [record(n, prompt="one two three four five six seven eight nine") for n in range(70)]
    texts[17:17] = [b'{"time": 5', b"\xff\xfe", b'[{"time": "x"},', b"\xef\xbb\xbf" + record(201), b"7\r\n8\r\n"]
    cluster.write("joined", texts)
    together, apart = (decoded(parts(cluster, "joined", 0, len(texts), chunk=chunk)) for chunk in (1 << 24, 1))
    alone = merged(
        ADAPTERS["canonical"].decode(Block(text, offset << INSIDE_BITS, 1), CONTEXT)
        for offset, text in enumerate(texts)
    )
    for other in (apart, alone):
        assert_frame_equal(together.events, other.events)
        assert_frame_equal(together.rejects, other.rejects)
    assert together.rejects.height >= 5
    assert together.events.height == 71


def test_a_message_without_a_value_is_counted_and_holds_no_record(cluster: MockCluster) -> None:
    cluster.write("tombs", [None, record(1), b"", None])
    found = parts(cluster, "tombs", 0, 4)
    assert [part for part in found if isinstance(part, LeftOut)] == [LeftOut("message without a value", 3)]
    assert decoded(found).events.height == 1


def test_a_message_of_ten_megabytes_is_read(cluster: MockCluster) -> None:
    cluster.write("large", [record(1, prompt="word " * 2_000_000)])
    assert decoded(parts(cluster, "large", 0, 1)).events.height == 1


def test_a_message_longer_than_any_record_is_one_reject(cluster: MockCluster) -> None:
    cluster.write("longer", [b'{"a": "' + b"x" * 20_000_000 + b'"}'])
    found = parts(cluster, "longer", 0, 1)
    (broken,) = [part for part in found if isinstance(part, Broken)]
    assert (broken.position, broken.reason, broken.length) == (0, "too_long", 20_000_009)


def test_lines_of_a_long_message_are_judged_one_by_one(cluster: MockCluster) -> None:
    text = b"\n".join([record(1), record(2, prompt="x" * 3000), record(3)])
    cluster.write("lines", [text])
    found = parts(cluster, "lines", 0, 1, longest=2000)
    (broken,) = [part for part in found if isinstance(part, Broken)]
    assert (broken.position, broken.line) == (len(record(1)) + 1, 2)
    assert places(decoded(found).events) == [(0, 0), (0, text.rindex(b"\n") + 1)]


def test_a_record_without_an_id_keeps_its_id_however_it_is_read(cluster: MockCluster) -> None:
    cluster.write("nameless", [record(1), record(1), record(2) + b"\n" + record(2)])
    whole = decoded(parts(cluster, "nameless", 0, 3)).events
    assert whole["event_id"].n_unique() == 4
    halves = [decoded(parts(cluster, "nameless", low, high)).events for low, high in ((0, 1), (1, 3))]
    assert_frame_equal(whole, EVENT.conform(pl.concat(halves)))


def test_offsets_that_were_never_there_are_not_waited_for_longer_than_allowed(cluster: MockCluster) -> None:
    cluster.write("short", [record(1)])
    with Taker(cluster.address, KafkaConfig(), seconds=0.5) as taker, pytest.raises(BrokerGone, match="up to 8"):
        list(read_messages(piece(0, 9, "short"), taker, LONGEST))


def test_offsets_out_of_range_are_lost_and_named(cluster: MockCluster) -> None:
    cluster.write("range", [record(1)])
    with Taker(cluster.address, KafkaConfig(), seconds=5) as taker, pytest.raises(SourceMoved, match="range/0"):
        list(read_messages(piece(50, 60, "range"), taker, LONGEST))


def test_a_sample_tells_format_and_length(cluster: MockCluster) -> None:
    cluster.write("sample", [record(n) for n in range(1000)])
    with Taker(cluster.address, KafkaConfig(), seconds=5) as taker:
        sample = taker.sample("sample", 0, (0, 1000))
    assert sample.text.startswith(record(0) + b"\n" + record(1))
    assert sample.mean_bytes == pytest.approx(len(record(100)), abs=3)


def test_a_block_of_arrow_gives_its_rows_and_a_damaged_one_is_a_reject(cluster: MockCluster) -> None:
    rows = pa.table({"time": [1_772_481_600 + n for n in range(3)], "account_id": ["a", "b", "c"]})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema) as writer:
        writer.write_table(rows)
    written = bytes(sink.getvalue())
    cluster.write("arrow", [record(1), written, written[:100], written])
    found = parts(cluster, "arrow", 0, 4)
    assert [(part.first_row, part.table.num_rows) for part in found if isinstance(part, Rows)] == [
        (1 << INSIDE_BITS, 3),
        (3 << INSIDE_BITS, 3),
    ]
    (broken,) = [part for part in found if isinstance(part, Broken)]
    assert (broken.position, broken.length, broken.reason) == (2 << INSIDE_BITS, 100, "damaged_stream")
