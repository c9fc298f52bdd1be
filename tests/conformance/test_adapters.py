"""What every adapter must keep; adapters are discovered, so that a new one is tested from its first day."""

import sys
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from ingest_blocks import SOURCE, blocks, context, decoded
from schemas.event import EVENT, Presence
from schemas.reject import REJECT
from transforms.ingest import ADAPTERS, Adapter, Decoded, choose, merged

FIXTURES = Path(__file__).parents[1] / "fixtures" / "ingest"
CANARY = b"CANARY-9f31-quiet-harbour"
EXPECTED = {"canonical", "combined", "litellm", "nginx_json"}

FEW = settings(max_examples=12)
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
every_adapter = pytest.mark.parametrize("adapter", ADAPTERS.values(), ids=lambda adapter: adapter.name)


def fixture(adapter: Adapter, kind: str) -> bytes:
    (path,) = (FIXTURES / adapter.name).glob(f"{kind}.*")
    return path.read_bytes()


def lines(adapter: Adapter, kind: str = "records") -> list[bytes]:
    return fixture(adapter, kind).removesuffix(b"\n").split(b"\n")


def as_object(line: bytes) -> dict[str, Any] | None:
    try:
        record = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return record if isinstance(record, dict) else None


def assert_same(one: Decoded, other: Decoded) -> None:
    assert_frame_equal(one.events, other.events)
    assert_frame_equal(one.rejects, other.rejects)
    assert (one.ignored, one.unknown_fields) == (other.ignored, other.unknown_fields)


def test_every_adapter_of_the_room_was_found() -> None:
    assert set(ADAPTERS) == EXPECTED, "an adapter came or went: adjust EXPECTED and its fixtures"


@every_adapter
def test_every_record_is_an_event_a_reject_or_ignored(adapter: Adapter) -> None:
    result = decoded(adapter.name, fixture(adapter, "records"))
    stated = [line for line in lines(adapter) if line.strip() != b""]
    elements = sum(len(msgspec.json.decode(line)) - 1 for line in stated if line.startswith(b"["))
    assert result.records == len(stated) + elements
    assert result.events.height > 0
    assert result.rejects.height > 0


@every_adapter
def test_output_keeps_the_contracts(adapter: Adapter) -> None:
    result = decoded(adapter.name, fixture(adapter, "records"))
    EVENT.check(result.events)
    REJECT.check(result.rejects)
    positions = pl.concat([result.events["position"], result.rejects["position"]])
    assert positions.is_unique().all()


@every_adapter
def test_no_record_shows_a_group_its_adapter_does_not_claim(adapter: Adapter) -> None:
    result = decoded(adapter.name, fixture(adapter, "records"))
    beyond = [Presence(bits) & ~adapter.presence for bits in result.events["presence"]]
    assert beyond == [Presence(0)] * result.events.height


@every_adapter
def test_same_bytes_give_the_same_events(adapter: Adapter) -> None:
    data = fixture(adapter, "records")
    assert_same(decoded(adapter.name, data), decoded(adapter.name, data))


@every_adapter
@FEW
@given(cuts=st.lists(st.integers(1, 40), max_size=6))
def test_blocks_do_not_decide_what_is_accepted(adapter: Adapter, cuts: list[int]) -> None:
    whole = decoded(adapter.name, fixture(adapter, "records"))
    assert_same(merged(adapter.decode(block, context()) for block in blocks(lines(adapter), cuts)), whole)


@every_adapter
def test_an_empty_block_holds_no_records(adapter: Adapter) -> None:
    assert decoded(adapter.name, b"").records == 0
    assert decoded(adapter.name, b"\n \n\r\n").records == 0


@every_adapter
def test_a_reject_names_its_source_and_its_place(adapter: Adapter) -> None:
    data = fixture(adapter, "records")
    starts = {0} | {place + 1 for place, byte in enumerate(data) if byte == ord("\n")}
    rejects = decoded(adapter.name, data).rejects
    for reject in rejects.iter_rows(named=True):
        assert (reject["source"], reject["source_name"], reject["format"]) == (SOURCE, "calls.log", adapter.name)
        assert reject["position"] in starts
        assert data[: reject["position"]].count(b"\n") == reject["line"] - 1
        assert data[reject["position"] :].split(b"\n")[0].rstrip(b"\r").__len__() == reject["length"]


@every_adapter
def test_line_ends_of_another_system_change_nothing_but_places(adapter: Adapter) -> None:
    unix = decoded(adapter.name, fixture(adapter, "records").replace(b"\r\n", b"\n"))
    other = decoded(adapter.name, fixture(adapter, "records").replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
    named = ~pl.col("event_id").str.starts_with(SOURCE)
    columns = pl.exclude("position", "event_id")
    assert_frame_equal(unix.events.filter(named).select(columns), other.events.filter(named).select(columns))
    assert_frame_equal(unix.rejects.drop("position"), other.rejects.drop("position"))


@every_adapter
def test_a_byte_order_mark_changes_nothing_but_places(adapter: Adapter) -> None:
    plain = decoded(adapter.name, fixture(adapter, "records"))
    marked = decoded(adapter.name, b"\xef\xbb\xbf" + fixture(adapter, "records"))
    assert_frame_equal(plain.events.drop("position", "event_id"), marked.events.drop("position", "event_id"))


@every_adapter
def test_zones_are_kept(adapter: Adapter) -> None:
    result = decoded(adapter.name, fixture(adapter, "zones"))
    assert result.events.height == len(lines(adapter, "zones")) > 1
    assert result.events["time"].n_unique() == 1


@every_adapter
def test_no_secret_of_a_text_field_survives(adapter: Adapter) -> None:
    assert all(CANARY in line for line in lines(adapter, "secrets"))
    result = decoded(adapter.name, fixture(adapter, "secrets"))
    assert result.events.height > 0
    assert result.rejects.height > 0, "a damaged record with a secret belongs to the fixture"
    for frame in (result.events, result.rejects):
        assert CANARY.decode() not in frame.write_json()
    assert CANARY.decode() not in repr(result.ignored)


@every_adapter
def test_unknown_fields_are_counted_and_change_nothing(adapter: Adapter) -> None:
    records = [line for line in lines(adapter) if line.startswith(b"{") and line.rstrip().endswith(b"}")]
    plain = decoded(adapter.name, b"\n".join(records))
    more = [line.rstrip()[:-1] + b', "nobody knows this": {"a": [1]}}' for line in records]
    other = decoded(adapter.name, b"\n".join(more))
    assert_frame_equal(plain.events.drop("position", "event_id"), other.events.drop("position", "event_id"))
    read = other.records - other.rejects.filter(pl.col("reason").is_in(["not_utf8", "wrong_type", "not_json"])).height
    assert read <= other.unknown_fields.get("nobody knows this", 0) <= other.records


@every_adapter
@FEW
@given(place=st.integers(0, 5000), byte=st.integers(0, 255))
def test_a_changed_byte_is_at_worst_a_reject(adapter: Adapter, place: int, byte: int) -> None:
    data = bytearray(fixture(adapter, "records"))
    data[place % len(data)] = byte
    result = decoded(adapter.name, bytes(data))
    EVENT.check(result.events)
    REJECT.check(result.rejects)


@every_adapter
@FEW
@given(number=st.integers(0, 40), data=st.data())
def test_any_value_in_any_field_is_at_worst_a_reject(adapter: Adapter, number: int, data: st.DataObject) -> None:
    records = [record for line in lines(adapter) if (record := as_object(line)) is not None]
    if not records:
        pytest.skip("its records are not JSON")
    record = records[number % len(records)]
    place: Any = record
    while True:
        name = data.draw(st.sampled_from(list(place) if isinstance(place, dict) else range(len(place))))
        if not place[name] or not isinstance(place[name], dict | list) or data.draw(st.booleans()):
            break
        place = place[name]
    place[name] = data.draw(ANYTHING)
    result = decoded(adapter.name, msgspec.json.encode(record))
    EVENT.check(result.events)
    REJECT.check(result.rejects)
    assert result.records == 1


@every_adapter
def test_nesting_is_allowed_to_the_same_depth_from_everywhere(adapter: Adapter) -> None:
    first = lines(adapter)[0]
    if as_object(first) is None:
        pytest.skip("its records are not JSON")
    limit = sys.getrecursionlimit()
    depths = range(limit - 40, limit + 2)
    deep = [first[:-1] + b', "x": {"y": null}, "deep": ' + b"[" * d + b"]" * d + b"}" for d in depths]
    arrays = [b"[" + first + b"," + line + b"]" for line in deep]

    def from_below(frames: int) -> Decoded:
        return from_below(frames - 1) if frames else decoded(adapter.name, b"\n".join(deep + arrays))

    near, far = from_below(0), from_below(limit // 2)
    assert_same(near, far)
    assert near.records == 3 * len(deep)
    assert set(near.rejects["reason"]) == {"too_deep"}
    assert len(deep) < near.events.height < 3 * len(deep)


@every_adapter
@FEW
@given(length=st.integers(0, 20_000))
def test_a_cut_off_source_keeps_what_came_before(adapter: Adapter, length: int) -> None:
    data = fixture(adapter, "records")
    length %= len(data)
    whole = decoded(adapter.name, data)
    cut = decoded(adapter.name, data[:length])
    end = data.rfind(b"\n", 0, length) + 1
    for frame, all_of_it in ((cut.events, whole.events), (cut.rejects, whole.rejects)):
        before = pl.col("position") < end
        assert_frame_equal(frame.filter(before), all_of_it.filter(before))


@every_adapter
def test_its_own_records_are_recognised(adapter: Adapter) -> None:
    chosen, framing, why = choose(fixture(adapter, "records"), "calls.log")
    assert (chosen.name, framing) == (adapter.name, "lines")
    assert why != ""


@every_adapter
def test_it_says_what_it_reads(adapter: Adapter) -> None:
    assert len(adapter.documentation) > 200
