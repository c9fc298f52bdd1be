"""Canonical records in Parquet: the same fields and rules, column by column."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, overload

import msgspec
import numpy as np
import polars as pl
import pyarrow as pa

from transforms.ingest.canonical_fields import FIELDS, TYPES, Field
from transforms.ingest.canonical_values import draft_columns
from transforms.ingest.framing import Pieces
from transforms.ingest.moments import microseconds
from transforms.ingest.rejecting import Fault

_ROWS = 1024  # rows made into text at a time


@dataclass(frozen=True)
class ReadTable:
    """What was read of a table.

    Attributes:
        pieces: its rows.
        draft: the rows that could be read.
        faults: the others.
        unknown: rows by the name of an unknown column.
    """

    pieces: Pieces
    draft: pl.DataFrame
    faults: list[Fault]
    unknown: dict[str, int]


class TableRows(Sequence[bytes]):
    """A table's rows as JSON text, made only when asked for: what a reject's digest is made of."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table
        self._low = 0
        self._some: list[bytes] = []

    def __len__(self) -> int:
        return int(self._table.num_rows)

    @overload
    def __getitem__(self, row: int) -> bytes: ...
    @overload
    def __getitem__(self, row: slice) -> list[bytes]: ...
    def __getitem__(self, row: int | slice) -> bytes | list[bytes]:
        if isinstance(row, slice):
            return [self[index] for index in range(*row.indices(len(self)))]
        if not 0 <= row < len(self):
            raise IndexError(row)
        if not self._low <= row < self._low + len(self._some):
            self._low = row - row % _ROWS
            self._some = self._encoded(self._table.slice(self._low, _ROWS))
        return self._some[row - self._low]

    def _encoded(self, some: pa.Table) -> list[bytes]:
        columns = [_python_values(column) for column in some.columns]
        rows = zip(*columns, strict=True) if columns else ()
        return [
            msgspec.json.encode(list(zip(some.column_names, row, strict=True)), enc_hook=str, order="deterministic")
            for row in rows
        ]


def read_table(table: pa.Table, first_row: int) -> ReadTable:
    """The rows of a table as drafts.

    As in JSON, with what Parquet adds: a timestamp without a zone is UTC, a float column may hold whole numbers (pandas
    writes integers with nulls so), NaN is null, and a group of fields counts as carried when one of its columns exists.
    """
    size = table.num_rows
    positions = np.arange(first_row, first_row + size, dtype=np.int64)
    pieces = Pieces(TableRows(table), positions, None)
    names = table.column_names
    faults: list[Fault] = []
    values: dict[str, Any] = {}
    for field in FIELDS:
        places = [place for place, name in enumerate(names) if name == field.name]
        if len(places) > 1:
            faults += [Fault(row, "not_json", field.name) for row in range(size)]
        values[field.name] = (None,) * size if not places else _column(table.column(places[0]), field, faults)
    carried = 0
    for field in FIELDS:
        carried |= field.group.value if field.name in names else 0
    draft = draft_columns(values).with_columns(
        pl.int_range(size, dtype=pl.Int64).alias("row"), (pl.col("presence") | carried).alias("presence")
    )
    bad = sorted({fault.row for fault in faults})
    known = {field.name for field in FIELDS}
    unknown = {name[:64]: size for name in names if name not in known}
    return ReadTable(pieces, draft.drop("filled").filter(~pl.col("row").is_in(bad)), faults, unknown)


def _column(chunks: pa.ChunkedArray, field: Field, faults: list[Fault]) -> Any:
    """A column of the kind the field asks for: as a series where Arrow's type fits, else value by value."""
    column = chunks.combine_chunks()
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if _is_text(column.type):
        column = _valid_text(column, field, faults)
    if field.kind == "moment" and pa.types.is_timestamp(column.type):
        return pl.Series(column.cast(pa.timestamp("us"), safe=False).cast(pa.int64()), dtype=pl.Int64)
    if field.kind in ("name", "label") and _is_text(column.type):
        return pl.Series(column, dtype=pl.String)
    if field.kind == "whole" and _is_small_integer(column.type):
        return pl.Series(column.cast(pa.int64()), dtype=pl.Int64)
    if field.kind == "number" and pa.types.is_floating(column.type):
        return pl.Series(column.cast(pa.float64()), dtype=pl.Float64).fill_nan(None)
    if field.kind == "flag" and pa.types.is_boolean(column.type):
        return pl.Series(column, dtype=pl.Boolean)
    values = tuple(_converted(value, row, field, faults) for row, value in enumerate(column.to_pylist()))
    return microseconds(values) if field.kind == "moment" else values


def _converted(value: Any, row: int, field: Field, faults: list[Fault]) -> Any:
    if isinstance(value, float):
        if np.isnan(value):
            return None
        if field.kind in ("whole", "logprobs") and value.is_integer():
            value = int(value)
    try:
        if isinstance(value, list | dict):
            return msgspec.json.decode(msgspec.json.encode(_without_nulls(value)), type=TYPES[field.kind])
        return msgspec.convert(value, TYPES[field.kind])
    except (msgspec.ValidationError, TypeError) as error:
        is_number = " >= " in str(error) or " <= " in str(error)
        faults.append(Fault(row, "impossible_value" if is_number else "wrong_type", field.name))
        return None


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value if item is not None]
    return value


def _valid_text(column: pa.Array, field: Field, faults: list[Fault]) -> pa.Array:
    try:
        return column.cast(pa.large_binary()).cast(pa.large_string())
    except pa.ArrowInvalid:
        texts: list[str | None] = []
        for row, value in enumerate(column.cast(pa.large_binary()).to_pylist()):
            try:
                texts.append(None if value is None else value.decode())
            except UnicodeDecodeError:
                texts.append(None)
                faults.append(Fault(row, "not_utf8", field.name))
        return pa.array(texts, pa.large_string())


def _is_text(kind: pa.DataType) -> bool:
    return any(
        is_kind(kind)
        for is_kind in (
            pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view,
            pa.types.is_binary, pa.types.is_large_binary, pa.types.is_binary_view,
        )
    )  # fmt: skip


def _is_small_integer(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind)) and not pa.types.is_uint64(kind)


def _python_values(column: pa.ChunkedArray) -> list[Any]:
    try:
        return column.to_pylist()  # type: ignore[no-any-return]
    except (UnicodeDecodeError, ValueError, OverflowError):  # bytes or a date that Python cannot hold
        return [str(cell.cast(pa.large_binary()) if _is_text(cell.type) else cell) for cell in column]
