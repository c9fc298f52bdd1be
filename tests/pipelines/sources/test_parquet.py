"""Parquet files are read by row groups."""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

Take = Callable[..., Any]


def table(rows: int, start: int = 0) -> pa.Table:
    return pa.table({"n": list(range(start, start + rows)), "text": [f"row {n} " * 5 for n in range(rows)]})


@given(rows=st.integers(1, 300), group=st.integers(20, 300), range_bytes=st.integers(1, 40_000))
def test_every_row_is_read_once_with_its_number(
    rows: int, group: int, range_bytes: int, take: Take, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("parquet") / "a.parquet"
    pq.write_table(table(rows), path, row_group_size=group)
    taken = take({}, path, range_bytes=range_bytes)
    assert [position for _, position, _ in taken.records] == list(range(rows))
    assert taken.lines == [repr(row).encode() for row in table(rows).to_pylist()]
    assert taken.broken == []
    assert take(taken.register, path).pieces == []


def test_a_copy_is_not_read_again_and_another_file_is(take: Take, tmp_path: Path) -> None:
    pq.write_table(table(10), tmp_path / "a.parquet")
    shutil.copy(tmp_path / "a.parquet", tmp_path / "b.parquet")
    taken = take({}, tmp_path)
    assert len(taken.records) == 10
    pq.write_table(table(10, start=1), tmp_path / "c.parquet")
    assert len(take(taken.register, tmp_path).records) == 10


def test_a_row_group_that_does_not_decode_is_one_reject(take: Take, tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(table(900), path, row_group_size=300, use_dictionary=False, write_page_checksum=True)
    groups = pq.read_metadata(path)
    column = groups.row_group(1).column(1)
    data = bytearray(path.read_bytes())
    middle = column.data_page_offset + column.total_compressed_size // 2
    data[middle : middle + 8] = b"\xff" * 8
    path.write_bytes(bytes(data))
    taken = take({}, path)
    assert [position for _, position, _ in taken.records] == [*range(300), *range(600, 900)]
    assert [(b.position, b.reason) for b in taken.broken] == [(300, "damaged_stream")]


def test_a_broken_footer_is_a_refusal(take: Take, tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"PAR1" + b"x" * 50 + b"\x10\x00\x00\x00PAR1")
    taken = take({}, tmp_path / "a.parquet")
    assert "it cannot be read" in taken.planned.refused[0][1]


def test_a_window_over_parquet_reads_the_rest_later(take: Take, tmp_path: Path) -> None:
    pq.write_table(table(10), tmp_path / "a.parquet")
    first = take({}, tmp_path, since=datetime(2026, 1, 1, tzinfo=UTC))
    second = take(first.register, tmp_path)
    assert [p.again for p in second.pieces] == [True]
    assert take(second.register, tmp_path).pieces == []
