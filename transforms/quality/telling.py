"""The few rows of a table by which all of them are judged."""

from collections.abc import Sequence

import polars as pl

from transforms.quality.suite import Expectation


def telling_rows(rows: pl.DataFrame, expectations: Sequence[Expectation]) -> pl.DataFrame:
    """Rows that keep every expectation exactly if all rows do: some tens, where nothing is wrong.

    A null, if there is one; the least and the greatest value, and a NaN; one row a value; the rows whose key is there
    again. How many rows break an expectation, only all of them tell.

    Args:
        rows: the table.
        expectations: about its rows; about one of another kind, every row may tell something.
    """
    places = [pl.lit(0)]
    for expectation in expectations:
        names = expectation.arguments.get("column_list", [expectation.arguments.get("column")])
        if expectation.type not in _TELLING:
            return rows
        if all(name in rows.columns for name in names):
            places += _TELLING[expectation.type](names, rows.schema)
    if rows.is_empty():
        return rows
    lists = [place.cast(pl.UInt32).implode().alias(str(number)) for number, place in enumerate(places)]
    told = rows.select(pl.concat_list(lists).list.explode().drop_nulls().unique().sort())
    return rows[told.to_series()]


def _null(names: list[str], _: pl.Schema) -> list[pl.Expr]:
    return [pl.col(name).is_null().arg_max() for name in names]


def _extremes(names: list[str], schema: pl.Schema) -> list[pl.Expr]:
    ends = [end for name in names for end in (pl.col(name).arg_min(), pl.col(name).arg_max())]
    return ends + [pl.col(name).is_nan().arg_max() for name in names if schema[name].is_float()]


def _values(names: list[str], _: pl.Schema) -> list[pl.Expr]:
    return [pl.col(name).arg_unique() for name in names]


def _repeated(names: list[str], _: pl.Schema) -> list[pl.Expr]:
    return [pl.struct(names).is_duplicated().arg_true()]


_TELLING = {
    "expect_column_values_to_not_be_null": _null,
    "expect_column_values_to_be_between": _extremes,
    "expect_column_values_to_be_in_set": _values,
    "expect_column_values_to_be_unique": _repeated,
    "expect_compound_columns_to_be_unique": _repeated,
}
