"""Blocks of Arrow in messages: the rows they hold, and nothing that costs more than its bytes are worth."""

import struct
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.sources.arrow_messages import Unreadable, is_arrow, read_table

LONGEST = 1_000_000  # a block may expand to sixteen times that


def block(table: pa.Table, *, kind: str = "stream", compression: str | None = None) -> bytes:
    sink = pa.BufferOutputStream()
    opened = pa.ipc.new_stream if kind == "stream" else pa.ipc.new_file
    with opened(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression=compression)) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


ROWS = pa.table(
    {
        "time": pa.array([1_772_481_600_000_000 + n for n in range(50)], pa.timestamp("us")),
        "account_id": pa.array([f"a{n % 3}" for n in range(50)]).dictionary_encode(),
        "logit_bias_tokens": pa.array([[n, n + 1] for n in range(50)]),
        "prompt": [f"prompt {n}" for n in range(50)],
    }
)


@pytest.mark.parametrize("kind", ["stream", "file"])
@pytest.mark.parametrize("compression", [None, "lz4", "zstd"])
def test_a_block_gives_its_rows_however_it_was_written(kind: str, compression: str | None) -> None:
    written = block(ROWS, kind=kind, compression=compression)
    assert is_arrow(written)
    assert read_table(written, LONGEST).equals(ROWS)


def test_text_is_no_block() -> None:
    assert not any(map(is_arrow, (b"", b"{}", b"[1]", b"ARRO", "\uffff".encode())))


def test_a_block_that_expands_beyond_what_is_allowed_is_refused_before_it_is_expanded() -> None:
    bomb = block(pa.table({"prompt": ["\0" * 100_000_000]}), compression="zstd")
    assert len(bomb) < 20_000
    before = pa.total_allocated_bytes()
    with pytest.raises(Unreadable, match="expands to 100,000,"):
        read_table(bomb, LONGEST)
    assert pa.total_allocated_bytes() - before < 1_000_000


def test_a_dictionary_that_repeats_a_long_text_is_refused() -> None:
    repeated = pa.DictionaryArray.from_arrays(pa.array([0] * 10_000, pa.int32()), pa.array(["x" * 100_000]))
    with pytest.raises(Unreadable, match="dictionaries expand to 1,000,000,000"):
        read_table(block(pa.table({"prompt": repeated})), LONGEST)


def test_rows_without_bytes_are_refused() -> None:
    with pytest.raises(Unreadable, match="claims 10,000,000 rows"):
        read_table(block(pa.table({"time": pa.nulls(10_000_000)})), LONGEST)


@pytest.mark.parametrize(
    "column",
    [
        pa.array(["x"] * 9, pa.string_view()),
        pa.RunEndEncodedArray.from_arrays(pa.array([9], pa.int32()), pa.array(["x"])),
        pa.array([["x"]] * 9, pa.list_(pa.dictionary(pa.int32(), pa.string()))),
    ],
    ids=lambda column: str(column.type),
)
def test_columns_whose_values_share_bytes_are_refused_by_type(column: Any) -> None:
    with pytest.raises(Unreadable, match="has a column of type"):
        read_table(block(pa.table({"prompt": column})), LONGEST)


@settings(max_examples=200, deadline=None)
@given(
    place=st.floats(0, 1, exclude_max=True),
    junk=st.binary(min_size=1, max_size=9),
    is_cut=st.booleans(),
    compression=st.sampled_from([None, "lz4"]),
)
def test_a_damaged_block_gives_rows_or_a_reason_and_nothing_else(
    place: float, junk: bytes, is_cut: bool, compression: str | None
) -> None:
    whole = block(ROWS, compression=compression)
    at = 4 + int(place * (len(whole) - 4))
    damaged = whole[:at] if is_cut else whole[:at] + junk + whole[at + len(junk) :]
    try:
        table = read_table(damaged, LONGEST)
    except Unreadable:
        return
    table.validate(full=True)
    assert table.num_rows <= len(ROWS) * 2


def test_offsets_that_point_outside_are_refused() -> None:
    written = block(pa.table({"prompt": ["abc", "def"]}))
    place = written.rindex(struct.pack("<iii", 0, 3, 6))
    wild = written[: place + 4] + struct.pack("<i", 2**30) + written[place + 8 :]
    with pytest.raises(Unreadable, match="damaged"):
        read_table(wild, LONGEST)
