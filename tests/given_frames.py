"""Hypothesis strategies for random frames that keep a contract, derived from it."""

import json
from datetime import UTC, datetime
from typing import Any

import polars as pl
import pyarrow as pa
from hypothesis import strategies as st

from schemas.contract import Contract

WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=6)
_EARLIEST, _LATEST = datetime(2001, 1, 1), datetime(2099, 1, 1)  # noqa: DTZ001 - Hypothesis adds the zone itself
MOMENTS = st.datetimes(_EARLIEST, _LATEST, timezones=st.just(UTC))


def values(kind: pa.DataType, notes: dict[str, str]) -> st.SearchStrategy[Any]:
    """Values of an Arrow type within the column's documented limits; never null at the top."""
    low, high = (float(notes[key]) if key in notes else None for key in ("at_least", "at_most"))
    if "one_of" in notes:
        return st.sampled_from(json.loads(notes["one_of"]))
    if pa.types.is_integer(kind):
        bits = kind.bit_width - 1
        return st.integers(-(2**bits) if low is None else int(low), 2**bits - 1 if high is None else int(high))
    if pa.types.is_floating(kind):
        return st.floats(low, high, allow_nan=False, allow_infinity=False)
    if pa.types.is_boolean(kind):
        return st.booleans()
    if pa.types.is_timestamp(kind):
        return MOMENTS
    if pa.types.is_string(kind):
        return WORDS
    if pa.types.is_list(kind):
        return st.lists(values(kind.value_type, {}), max_size=3)
    if pa.types.is_struct(kind):
        return st.fixed_dictionaries({part.name: optional(part, {}) for part in kind})
    raise NotImplementedError(str(kind))


def optional(column: pa.Field, notes: dict[str, str]) -> st.SearchStrategy[Any]:
    """Values of a column, null among them where it may be."""
    present = values(column.type, notes)
    return st.none() | present if column.nullable else present


def frames(contract: Contract, min_rows: int = 0, max_rows: int = 4) -> st.SearchStrategy[pl.DataFrame]:
    """Frames that keep the contract: its columns in order, unique keys, rows in any order."""
    row = st.fixed_dictionaries({c.name: optional(c, contract.metadata(c.name)) for c in contract.arrow})
    rows = st.lists(
        row, min_size=min_rows, max_size=max_rows, unique_by=lambda r: tuple(r[name] for name in contract.key)
    )
    return rows.map(lambda drawn: pl.DataFrame(drawn, schema=contract.polars, orient="row"))
