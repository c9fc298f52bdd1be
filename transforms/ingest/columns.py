"""Decoded values as columns, without a cost for columns that hold nothing."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
import pyarrow as pa

from transforms.ingest.moments import BEYOND, microseconds

_STRINGS = pa.list_(pa.string())


def is_nothing(values: Sequence[Any]) -> bool:
    """Whether every value is None."""
    return values == (None,) * len(values)  # stops at the first value that is something


def whole(values: Sequence[int | None]) -> pl.Series:
    """Integers of 64 bits."""
    return _series(values, pa.int64(), pl.Int64)


def number(values: Sequence[float | None]) -> pl.Series:
    """Floats."""
    return _series(values, pa.float64(), pl.Float64)


def flag(values: Sequence[bool | None]) -> pl.Series:
    """Booleans."""
    return _series(values, pa.bool_(), pl.Boolean)


def text(values: Sequence[str | None]) -> pl.Series:
    """Strings."""
    return _series(values, pa.string(), pl.String)


def name(values: Sequence[str | int | None]) -> pl.Series:
    """Names: strings, and integers as their decimal digits."""
    try:
        return text(values)  # type: ignore[arg-type]
    except pa.ArrowTypeError:
        return text([str(value) if isinstance(value, int) else value for value in values])


def names(values: Sequence[Sequence[str | int] | None]) -> pl.Series:
    """Lists of names."""
    if is_nothing(values):
        return pl.Series([None], dtype=pl.List(pl.String)).new_from_index(0, len(values))
    lists = [None if value is None else [str(item) for item in value] for value in values]
    series = pl.from_arrow(pa.array(lists, _STRINGS))
    assert isinstance(series, pl.Series)  # noqa: S101 - an array makes a series
    return series


def frame_of(values: Mapping[str, Sequence[Any]], kinds: Mapping[str, Any]) -> pl.DataFrame:
    """Columns by name.

    Args:
        values: for each name the values.
        kinds: for each name a type of Polars, or `moment` for times as sources write them.
    """
    return pl.DataFrame({name: _KINDS[kind](tuple(values[name])) for name, kind in kinds.items()})


def rounded(values: pl.Series) -> pl.Series:
    """Floats as the nearest integers; far ones as an integer no check accepts."""
    return values.round(0).clip(-BEYOND, BEYOND).cast(pl.Int64)


def _series(values: Sequence[Any], kind: pa.DataType, polars_kind: type[pl.DataType]) -> pl.Series:
    if is_nothing(values):
        return pl.Series([None], dtype=polars_kind).new_from_index(0, len(values))
    series = pl.from_arrow(pa.array(values, kind))
    assert isinstance(series, pl.Series)  # noqa: S101 - an array makes a series
    return series


_KINDS: dict[Any, Any] = {
    "moment": microseconds,
    pl.Int64: whole,
    pl.Float64: number,
    pl.Boolean: flag,
    pl.String: name,
    pl.List(pl.String): names,
}
