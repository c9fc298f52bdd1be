"""A table is judged by few of its rows as by all of them."""

from collections.abc import Callable

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from transforms.quality.suite import Expectation
from transforms.quality.telling import telling_rows

SCHEMA = {"number": pl.Float64(), "word": pl.String(), "place": pl.Int64()}
ROWS = st.lists(
    st.tuples(
        st.one_of(st.none(), st.sampled_from([-1.0, 0.0, 1.0, 2.0, 3.0, float("nan")])),
        st.one_of(st.none(), st.sampled_from(["a", "b", "c"])),
        st.integers(0, 30),
    ),
    max_size=30,
)
HOLDS: dict[str, tuple[dict[str, object], Callable[[pl.DataFrame], bool]]] = {
    "expect_column_values_to_not_be_null": ({"column": "word"}, lambda rows: None not in rows["word"].to_list()),
    "expect_column_values_to_be_between": (
        {"column": "number", "min_value": 0, "max_value": 2},
        lambda rows: all(number is None or 0 <= number <= 2 for number in rows["number"]),
    ),
    "expect_column_values_to_be_in_set": (
        {"column": "word", "value_set": ["a", "b"]},
        lambda rows: {"a", "b", None} >= set(rows["word"]),
    ),
    "expect_column_values_to_be_unique": ({"column": "place"}, lambda rows: rows["place"].n_unique() == rows.height),
    "expect_compound_columns_to_be_unique": (
        {"column_list": ["word", "place"]},
        lambda rows: len(set(rows.select("word", "place").iter_rows())) == rows.height,
    ),
}
EXPECTATIONS = [Expectation(kind, "*", dict(arguments)) for kind, (arguments, _) in HOLDS.items()]


@given(ROWS)
def test_telling_rows_keep_exactly_the_promises_that_all_rows_keep(drawn: list[tuple[object, ...]]) -> None:
    rows = pl.DataFrame(drawn, schema=SCHEMA, orient="row")
    told = telling_rows(rows, EXPECTATIONS)
    assert {kind: holds(told) for kind, (_, holds) in HOLDS.items()} == {k: h(rows) for k, (_, h) in HOLDS.items()}


def test_of_many_rows_that_keep_their_promises_few_are_told() -> None:
    rows = pl.DataFrame({"number": [0.0, 1.0] * 5000, "word": ["a", "b"] * 5000, "place": range(10_000)})
    assert telling_rows(rows, EXPECTATIONS).height <= 10


def test_every_row_may_tell_something_of_an_unforeseen_expectation() -> None:
    rows = pl.DataFrame({"number": [1.0] * 50})
    unforeseen = Expectation("expect_column_mean_to_be_between", "number", {"column": "number"})
    assert telling_rows(rows, [unforeseen]).height == 50
