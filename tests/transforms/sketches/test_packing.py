"""Frames as bytes and back."""

import io
import json
from datetime import UTC, datetime

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from transforms.sketches.packing import pack, unpack

PARTS = {
    "one": pl.DataFrame({"name": ["a", None], "when": [datetime(2026, 1, 1, tzinfo=UTC)] * 2, "many": [[1, 2], []]}),
    "none": pl.DataFrame(schema={"x": pl.Int64()}),
}


def test_what_is_packed_comes_out_again() -> None:
    found = unpack(pack("test", 3, PARTS), "test", 3)
    assert list(found) == list(PARTS)
    for name, frame in PARTS.items():
        assert_frame_equal(found[name], frame)


def test_what_comes_out_is_packed_to_the_same_bytes() -> None:
    packed = pack("test", 3, PARTS)
    again = pack("test", 3, unpack(packed, "test", 3))
    assert pack("test", 3, {name: frame.filter(False) for name, frame in PARTS.items()}) == pack(
        "test", 3, {name: frame.clear() for name, frame in unpack(again, "test", 3).items()}
    )
    assert again == packed


@pytest.mark.parametrize("kind", [pl.Int64(), pl.Int32(), pl.Enum(["a"]), pl.Enum(["b"]), pl.List(pl.Int8())], ids=str)
def test_parts_without_rows_keep_the_types_of_their_columns(kind: pl.DataType) -> None:
    part = pl.DataFrame(schema={"x": kind})
    for _ in range(2):
        assert unpack(pack("test", 3, {"part": part}), "test", 3)["part"].schema == part.schema


def test_states_whose_parts_are_files_are_read_as_well() -> None:
    bodies = []
    for frame in PARTS.values():
        body = io.BytesIO()
        frame.write_ipc(body, compression="lz4")
        bodies.append(body.getvalue())
    head = {"kind": "test", "version": 3, "parts": list(PARTS), "lengths": [len(body) for body in bodies]}
    found = unpack(b"stillwatch state\n" + json.dumps(head).encode() + b"\n" + b"".join(bodies), "test", 3)
    for name, frame in PARTS.items():
        assert_frame_equal(found[name], frame)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"anything", "not a state of test"),
        (pack("other", 3, PARTS), "a state of other version 3, not of test version 3"),
        (pack("test", 2, PARTS), "a state of test version 2, not of test version 3"),
        (pack("test", 3, PARTS)[:-1], "bytes, not"),
        (pack("test", 3, PARTS) + b"x", "bytes, not"),
    ],
    ids=["no state", "another kind", "another version", "cut short", "too long"],
)
def test_other_bytes_are_refused_with_the_reason(data: bytes, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        unpack(data, "test", 3)
