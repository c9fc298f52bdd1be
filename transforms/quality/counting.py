"""How often each promise of a suite is broken: counted over all rows at once, for Great Expectations to look at.

What is counted here is never taken for an answer where it is not 0: then Great Expectations examines the rows themselves.
"""

from collections.abc import Mapping, Sequence

import polars as pl

from transforms.quality.suite import Expectation


def broken_in_rows(rows: pl.DataFrame, expectations: Sequence[Expectation]) -> list[int | None]:
    """For each expectation how many rows break it, or may; null where that cannot be told from here.

    Where Great Expectations and Polars might differ, more rows count: NaN is outside every range, two nulls are the same key.

    Args:
        rows: with columns of the types that the contract promises.
        expectations: about rows.
    """
    counts: list[pl.Expr] = []
    for number, expectation in enumerate(expectations):
        names = expectation.arguments.get("column_list", [expectation.arguments.get("column")])
        is_known = expectation.type in _BREAKS and all(name in rows.columns for name in names)
        breaks = _BREAKS[expectation.type](expectation, names, rows.schema) if is_known else pl.lit(None, pl.UInt32)
        counts.append(breaks.alias(str(number)))
    return list(rows.select(counts).row(0)) if counts else []


def broken_in_facts(facts: Mapping[str, float | None], expectations: Sequence[Expectation]) -> list[int | None]:
    """For each expectation 0 if the fact is within its bounds, 1 if not; null for a fact that there is none of."""
    found: list[int | None] = []
    for expectation in expectations:
        value, limits = facts.get(expectation.column), expectation.arguments
        if value is None or expectation.type not in _OF_ONE_FACT:
            found.append(None)
        else:
            found.append(int(not limits["min_value"] <= value <= limits.get("max_value", value)))
    return found


_OF_ONE_FACT = ("expect_column_min_to_be_between", "expect_column_max_to_be_between")


def _null(_: Expectation, names: list[str], __: pl.Schema) -> pl.Expr:
    return pl.col(names[0]).is_null().sum()


def _outside(expectation: Expectation, names: list[str], schema: pl.Schema) -> pl.Expr:
    value, limits = pl.col(names[0]), expectation.arguments
    breaks = pl.lit(value=False)
    if "min_value" in limits:
        breaks |= value < limits["min_value"]
    if "max_value" in limits:
        breaks |= value > limits["max_value"]
    if schema[names[0]].is_float():
        breaks |= value.is_nan()
    return (breaks & value.is_not_null()).sum()


def _another(expectation: Expectation, names: list[str], _: pl.Schema) -> pl.Expr:
    value = pl.col(names[0])
    return (value.is_not_null() & ~value.is_in(expectation.arguments["value_set"])).sum()


def _repeated(_: Expectation, names: list[str], __: pl.Schema) -> pl.Expr:
    return pl.struct(names).is_duplicated().sum()


_BREAKS = {
    "expect_column_values_to_not_be_null": _null,
    "expect_column_values_to_be_between": _outside,
    "expect_column_values_to_be_in_set": _another,
    "expect_column_values_to_be_unique": _repeated,
    "expect_compound_columns_to_be_unique": _repeated,
}
