"""A lake in an empty folder, and frames that keep their contracts."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest

from pipelines.lake.lake import Lake
from pipelines.lake.lease import Lease
from schemas.contract import Contract

MakeRows = Callable[..., pl.DataFrame]


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake.create(tmp_path / "lake", "0123456789abcdef")


@pytest.fixture
def lease(lake: Lake) -> Iterator[Lease]:
    with Lease.acquire(lake.root, "test") as lease:
        yield lease


@pytest.fixture(scope="session")
def make_rows() -> MakeRows:
    """Rows of a contract: required columns filled with plain values, the others null; columns given override."""

    def make(contract: Contract, count: int, **columns: Any) -> pl.DataFrame:
        data = {f.name: [_plain(contract, f, n) for n in range(count)] for f in contract.arrow if not f.nullable}
        data |= {name: value if isinstance(value, list) else [value] * count for name, value in columns.items()}
        frame = pl.DataFrame({name: pl.Series(values, dtype=contract.polars[name]) for name, values in data.items()})
        return contract.conform(frame)

    return make


def _plain(contract: Contract, column: pa.Field, number: int) -> Any:
    allowed = contract.metadata(column.name).get("one_of")
    if allowed:
        return allowed.split('"')[1]
    if pa.types.is_timestamp(column.type):
        return datetime(2026, 1, 1, number // 60 % 24, number % 60, tzinfo=UTC)
    if pa.types.is_string(column.type):
        return f"{column.name}-{number:06d}"
    if pa.types.is_list(column.type):
        return []
    if pa.types.is_boolean(column.type):
        return False
    if pa.types.is_floating(column.type):
        return 0.5
    return number + 1
