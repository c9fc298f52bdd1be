import json
import sys
from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.ingest.adapter import Block
from transforms.ingest.depth import at_fixed_depth
from transforms.ingest.framing import cut
from transforms.ingest.json_reader import MOST_UNKNOWN, OTHERS, JsonReader, Read
from transforms.ingest.mending import MOST_PARTS


class Item(msgspec.Struct, gc=False):
    role: str | None = None
    text: str | None = None


class Thing(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    name: str | None = None
    count: Annotated[int, msgspec.Meta(ge=0)] | None = None
    items: list[Item] | None = None


READER = JsonReader(Thing, ("items",))


def read(*lines: bytes) -> Read[Thing]:
    return at_fixed_depth(lambda: READER.read(cut(Block(b"\n".join(lines), 0, 1, "lines"))))


def fault(line: bytes) -> tuple[str, str | None]:
    found = read(line)
    assert found.records == []
    return found.faults[0].reason, found.faults[0].column


@pytest.mark.parametrize(
    ("line", "reason", "column"),
    [
        (b'{"name": "a"', "not_json", None),
        (b'{"name": "a"} x', "not_json", None),
        (b"17", "not_json", None),
        (b'"text"', "not_json", None),
        (b'{"name": "a\x00b"}', "not_json", None),
        (b'{"name": NaN}', "not_json", None),
        (b'{"name": "\xff"}', "not_utf8", None),
        (b'{"other": "\xff"}', "not_utf8", None),
        (b'{"name": 5}', "wrong_type", "name"),
        (b'{"count": "5"}', "wrong_type", "count"),
        (b'{"count": 5.0}', "wrong_type", "count"),
        (b'{"count": -5}', "impossible_value", "count"),
        (b'{"count": 1' + b"0" * 5000 + b"}", "impossible_value", "count"),
        (b'{"other": ' + b"[" * 5000 + b"]" * 5000 + b"}", "too_deep", None),
    ],
)
def test_damage_is_a_fault_with_its_reason(line: bytes, reason: str, column: str | None) -> None:
    assert fault(line) == (reason, column)


def test_good_records_around_damage_are_kept_in_their_places() -> None:
    found = read(b'{"name": "a"}', b'{"name": ', b'{"name": "c"}')
    assert [(row, record.name) for row, record in zip(found.rows, found.records, strict=True)] == [(0, "a"), (2, "c")]
    assert [fault.row for fault in found.faults] == [1]


def test_one_bad_byte_does_not_condemn_other_lines() -> None:
    found = read(b'{"name": "\xff"}', '{"name": "ä"}'.encode())
    assert [record.name for record in found.records] == ["ä"]


def test_arrays_become_their_elements() -> None:
    found = read(b'[{"name": "a"}, {"name": 5}, {"name": "c"}]', b'{"name": "d"}')
    assert [record.name for record in found.records] == ["a", "c", "d"]
    assert found.pieces.positions.tolist() == [0, 1, 2, 44]
    assert found.pieces.text(1) == b'{"name": 5}'


def test_a_torn_array_keeps_what_came_before() -> None:
    found = read(b'[{"name": "a"}, {"name": "b"}, {"na')
    assert [record.name for record in found.records] == ["a", "b"]
    assert [(fault.row, fault.reason) for fault in found.faults] == [(2, "not_json")]


def test_half_an_emoji_reads_as_a_replacement_character() -> None:
    assert read(rb'{"name": "a\ud83d"}').records[0].name == "a\ufffd"
    assert read(rb'{"name": "\ude00\ud83d\ude00"}').records[0].name == "\ufffd\U0001f600"


def test_an_escaped_backslash_before_u_is_no_emoji() -> None:
    assert read(rb'{"name": "\\ud83d \ud83d"}').records[0].name == "\\ud83d \ufffd"


def test_odd_parts_of_a_tolerant_field_are_absent() -> None:
    (record,) = read(b'{"name": "a", "items": [{"text": "x"}, 5, {"text": 7, "role": "user"}]}').records
    assert record.items == [Item(text="x"), Item(role="user")]


def test_a_tolerant_field_of_another_kind_is_absent() -> None:
    (record,) = read(b'{"name": "a", "items": {"x": 1}}').records
    assert (record.name, record.items) == ("a", None)


def test_many_odd_parts_cost_the_field_not_the_record() -> None:
    odd = b", ".join([b"5"] * (MOST_PARTS + 1))
    (record,) = read(b'{"name": "a", "items": [' + odd + b', {"text": "x"}]}').records
    assert (record.name, record.items) == ("a", None)


def test_a_field_that_matters_is_not_tolerant() -> None:
    assert fault(b'{"name": 5, "items": 5}') == ("wrong_type", "name")


def test_unknown_fields_are_counted_by_record() -> None:
    found = read(b'{"x": null, "name": "a"}', b'{"x": 1, "y": {"x": 2}}', b'[{"x": 1}, {"z": 1}]', b'{"name": "b"}')
    assert dict(found.unknown) == {"x": 3, "y": 1, "z": 1}
    assert len(found.records) == 5


def test_unknown_names_cannot_flood_the_counts() -> None:
    found = read(*(json.dumps({f"field {number}": 1}).encode() for number in range(3 * MOST_UNKNOWN)))
    assert len(found.records) == 3 * MOST_UNKNOWN == sum(found.unknown.values())
    assert len(found.unknown) <= 2 * MOST_UNKNOWN + 1
    assert found.unknown[OTHERS] == MOST_UNKNOWN


def test_unknown_names_may_hold_anything() -> None:
    names = ['quo"te', "back\\slash", "line\nbreak", "`tick` - at `$.name`", "", "x" * 5000, "ü"]
    found = read(*(json.dumps({name: 1, "name": "a"}).encode() for name in names))
    assert [record.name for record in found.records] == ["a"] * len(names)
    assert sum(found.unknown.values()) == len(names)


def test_the_allowed_depth_does_not_depend_on_the_callers() -> None:
    def line(depth: int) -> int:
        return len(read(b'{"other": ' + b"[" * depth + b"]" * depth + b"}").records)

    def from_below(frames: int, depth: int) -> int:
        return line(depth) if frames == 0 else from_below(frames - 1, depth)

    spare = sys.getrecursionlimit() // 2
    border = max(depth for depth in range(spare, 2 * spare) if line(depth))
    assert (from_below(spare // 2, border), from_below(spare // 2, border + 1)) == (1, 0)


@given(
    st.lists(
        st.fixed_dictionaries(
            {},
            optional={
                "name": st.text() | st.integers(),
                "count": st.integers(-2, 2),
                "items": st.lists(
                    st.fixed_dictionaries({"text": st.text() | st.booleans()}) | st.integers(), max_size=3
                ),
                "other": st.integers(),
            },
        ),
        min_size=1,
        max_size=6,
    )
)
def test_a_record_is_read_alike_alone_in_lines_and_in_arrays(things: list[dict[str, Any]]) -> None:
    lines = [json.dumps(thing).encode() for thing in things]
    alone = [read(line) for line in lines]
    records = [record for single in alone for record in single.records]
    for together in (read(*lines), read(b"[" + b",".join(lines) + b"]")):
        assert [msgspec.structs.astuple(record)[:3] for record in together.records] == [
            msgspec.structs.astuple(record)[:3] for record in records
        ]
        assert [(fault.reason, fault.column) for fault in together.faults] == [
            (fault.reason, fault.column) for single in alone for fault in single.faults
        ]


def test_an_error_of_ours_is_not_swallowed() -> None:
    def work() -> None:
        raise LookupError("ours")

    with pytest.raises(LookupError, match="ours"):
        at_fixed_depth(work)
