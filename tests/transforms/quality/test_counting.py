"""What counts as broken: exactly what breaks a promise, and whatever might."""

from collections.abc import Callable

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from transforms.quality.counting import broken_in_facts, broken_in_rows
from transforms.quality.suite import FACTS, Expectation

SCHEMA = {"number": pl.Float64(), "word": pl.String(), "place": pl.Int64()}
ROWS = st.lists(
    st.tuples(
        st.one_of(st.none(), st.sampled_from([-1.0, 0.0, 1.0, 2.0, 3.0, float("nan")])),
        st.one_of(st.none(), st.sampled_from(["a", "b", "c"])),
        st.integers(0, 30),
    ),
    max_size=30,
)
BREAKS: dict[str, tuple[dict[str, object], Callable[[pl.DataFrame], int]]] = {
    "expect_column_values_to_not_be_null": ({"column": "word"}, lambda rows: rows["word"].to_list().count(None)),
    "expect_column_values_to_be_between": (
        {"column": "number", "min_value": 0, "max_value": 2},
        lambda rows: sum(number is not None and not 0 <= number <= 2 for number in rows["number"]),
    ),
    "expect_column_values_to_be_in_set": (
        {"column": "word", "value_set": ["a", "b"]},
        lambda rows: sum(word not in ("a", "b", None) for word in rows["word"]),
    ),
    "expect_column_values_to_be_unique": (
        {"column": "place"},
        lambda rows: sum(rows["place"].to_list().count(place) > 1 for place in rows["place"]),
    ),
    "expect_compound_columns_to_be_unique": (
        {"column_list": ["word", "place"]},
        lambda rows: sum(keys.count(key) > 1 for keys in [rows.select("word", "place").rows()] for key in keys),
    ),
}
EXPECTATIONS = [Expectation(kind, "*", dict(arguments)) for kind, (arguments, _) in BREAKS.items()]


@given(ROWS)
def test_a_count_is_of_the_rows_that_break_a_promise(drawn: list[tuple[object, ...]]) -> None:
    rows = pl.DataFrame(drawn, schema=SCHEMA, orient="row")
    counts = dict(zip(BREAKS, broken_in_rows(rows, EXPECTATIONS), strict=True))
    assert counts == {kind: breaks(rows) for kind, (_, breaks) in BREAKS.items()}


def test_what_is_not_known_here_is_not_counted() -> None:
    rows = pl.DataFrame({"number": [1.0]})
    unforeseen = Expectation("expect_column_mean_to_be_between", "number", {"column": "number"})
    absent = Expectation("expect_column_values_to_not_be_null", "word", {"column": "word"})
    assert broken_in_rows(rows, [unforeseen, absent]) == [None, None]


def test_a_fact_is_within_its_bounds_or_not_or_unknown() -> None:
    def at_most(limits: dict[str, float]) -> Expectation:
        return Expectation(
            "expect_column_max_to_be_between", "rows", {"column": "rows", "min_value": 0.0} | limits, FACTS
        )

    asked = [at_most({}), at_most({"max_value": 5.0}), at_most({"max_value": 4.9})]
    assert broken_in_facts({"rows": 5.0}, asked) == [0, 0, 1]
    assert broken_in_facts({"rows": None}, asked) == [None, None, None]
