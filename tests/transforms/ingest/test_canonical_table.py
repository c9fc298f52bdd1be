import io
import json
from datetime import UTC, datetime
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from ingest_blocks import SOURCE, context, decoded
from schemas.event import EVENT, Presence
from schemas.reject import REJECT
from transforms.ingest import Decoded
from transforms.ingest.canonical import ADAPTER

NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=5)
COUNTS = st.none() | st.integers(-5, 2**41)
RECORDS = st.fixed_dictionaries(
    {
        "event_id": NAMES,
        "time": st.integers(1_700_000_000, 1_800_000_000) | st.none(),
        "account_id": NAMES | st.none(),
        "http_status": st.none() | st.integers(90, 610),
        "input_tokens": COUNTS,
        "latency_ms": st.none() | st.floats(-1, 1e6),
        "stream": st.none() | st.booleans(),
        "prompt": st.none() | st.text(max_size=20),
        "tools": st.none() | st.lists(NAMES, max_size=2),
        "reasoning_used": st.none() | st.lists(NAMES, max_size=2),
    }
)


def table(**columns: Any) -> Decoded:
    size = len(next(iter(columns.values())))
    base = {"time": [1_772_442_000] * size, "account_id": ["acme"] * size}
    result = ADAPTER.decode_table(pa.table(base | columns), 100, context())
    EVENT.check(result.events)
    REJECT.check(result.rejects)
    return result


@given(st.lists(RECORDS, min_size=1, max_size=5))
def test_a_table_says_what_the_same_records_say_in_lines(records: list[dict[str, Any]]) -> None:
    lines = b"\n".join(json.dumps(record).encode() for record in records)
    kinds = {"tools": pl.List(pl.String), "reasoning_used": pl.List(pl.String), "latency_ms": pl.Float64}
    frame = pl.DataFrame(
        records,
        schema={
            "event_id": pl.String, "time": pl.Int64, "account_id": pl.String, "http_status": pl.Int64,
            "input_tokens": pl.Int64, "latency_ms": pl.Float64, "stream": pl.Boolean, "prompt": pl.String, **kinds,
        },
    )  # fmt: skip
    in_lines = decoded("canonical", lines)
    in_rows = ADAPTER.decode_table(frame.to_arrow(), 0, context())
    assert_frame_equal(in_rows.events.drop("position"), in_lines.events.drop("position"))
    same = ("reason", "column")
    assert_frame_equal(in_rows.rejects.select(same), in_lines.rejects.select(same))


def test_a_rows_position_is_its_number() -> None:
    result = table(input_tokens=[1, -1, 3])
    assert result.events["position"].to_list() == [100, 102]
    assert result.rejects.select("position", "line", "reason", "column").rows() == [
        (101, None, "impossible_value", "input_tokens")
    ]
    assert result.events["event_id"][1].startswith(f"{SOURCE}:102:")


def test_a_timestamp_without_zone_is_utc() -> None:
    times = pa.array([datetime(2026, 3, 2, 9, 0, 0, 5)], pa.timestamp("ns"))  # noqa: DTZ001 - the point of it
    zoned = pa.array([datetime(2026, 3, 2, 9, 0, 0, 5, UTC)], pa.timestamp("us", "Europe/Oslo"))
    expected = datetime(2026, 3, 2, 9, 0, 0, 5, UTC)
    assert table(time=times).events["time"][0] == table(time=zoned).events["time"][0] == expected


def test_times_may_be_text_or_counts() -> None:
    assert table(time=["2026-03-02T10:00:00+01:00"]).events["time"][0] == datetime(2026, 3, 2, 9, tzinfo=UTC)
    assert table(time=[1_772_442_000_000]).events["time"][0] == datetime(2026, 3, 2, 9, tzinfo=UTC)
    assert table(time=["noon"]).rejects["reason"].to_list() == ["wrong_type"]


def test_whole_floats_are_whole_and_nan_is_missing() -> None:
    result = table(input_tokens=[3.0, float("nan"), 2.5], temperature=[0.5, float("nan"), float("nan")])
    assert result.events["input_tokens"].to_list() == [3, None]
    assert result.rejects["column"].to_list() == ["input_tokens"]


def test_infinity_is_no_value() -> None:
    result = table(temperature=[float("inf")], cost_usd=[float("inf")])
    assert result.rejects.select("reason", "column").rows() == [("impossible_value", "cost_usd")]


def test_columns_of_another_type_are_refused_row_by_row() -> None:
    result = table(refused=[1, None], input_tokens=["7", None])
    assert result.rejects.select("position", "reason", "column").rows() == [(100, "wrong_type", "refused")]
    assert result.events.height == 1


def test_dictionaries_bytes_and_small_integers_are_read() -> None:
    result = table(
        user_agent=pa.array(["a", "a"]).dictionary_encode(),
        provider=pa.array([b"openai", None], pa.binary()),
        http_status=pa.array([200, 404], pa.int16()),
        bytes_out=pa.array([1, 2**63], pa.uint64()),
    )
    assert result.events.select("user_agent", "provider", "http_status", "bytes_out").rows() == [
        ("a", "openai", 200, 1)
    ]
    assert result.rejects["column"].to_list() == ["bytes_out"]


def test_text_that_is_not_utf8_is_refused() -> None:
    broken = pa.Array.from_buffers(
        pa.string(), 2, [None, pa.py_buffer(np.array([0, 1, 3], np.int32)), pa.py_buffer(b"a\xff\xfe")]
    )
    result = table(account_id=broken)
    assert result.events["account_id"].to_list() == ["a"]
    assert result.rejects.select("reason", "column").rows() == [("not_utf8", "account_id")]


def test_a_column_that_stands_twice_is_refused() -> None:
    doubled = pa.Table.from_arrays(
        [pa.array([1_772_442_000]), pa.array(["a"]), pa.array(["b"])], ["time", "account_id", "account_id"]
    )
    result = ADAPTER.decode_table(doubled, 0, context())
    assert result.rejects.select("reason", "column").rows() == [("not_json", "account_id")]


def test_a_column_marks_its_group() -> None:
    bits = Presence(table(temperature=pa.array([None], pa.float64())).events["presence"][0])
    assert bits == Presence.ACCOUNT | Presence.PARAMETERS


def test_messages_and_tools_may_be_nested() -> None:
    prompt = [[{"role": "system", "content": "be brief"}, {"role": "user", "content": "hello"}]]
    tools = [[{"name": "a", "input_schema": {"properties": {"x": {"type": "string"}}}}]]
    nested = table(prompt=prompt, tools=tools).events.row(0, named=True)
    line = json.dumps({"time": 1_772_442_000, "account_id": "acme", "prompt": prompt[0], "tools": tools[0]}).encode()
    flat = decoded("canonical", line).events.row(0, named=True)
    for name in ("prompt_digest", "system_digest", "tool_schema", "tool_count", "message_count"):
        assert nested[name] == flat[name] is not None


def test_unknown_columns_are_counted() -> None:
    assert table(tenant=["a", "b"]).unknown_fields == {"tenant": 2}


def test_no_rows_no_records() -> None:
    assert table(tenant=pa.array([], pa.string())).records == 0


def test_what_parquet_stores_comes_back() -> None:
    buffer = io.BytesIO()
    written = pa.table({"time": [1_772_442_000], "account_id": ["acme"], "prompt": ["hello"]})
    pq.write_table(written, buffer)
    buffer.seek(0)
    assert ADAPTER.decode_table(pq.read_table(buffer), 0, context()).events.height == 1
