"""Great Expectations suites as data, derived from a contract and from earlier days."""

import hashlib
import json
import statistics
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from schemas.contract import Contract
from schemas.policy import Quality
from transforms.quality.facts import DayFacts

WHOLE_TABLE = "*"

SHAPE, ROWS, FACTS = "shape", "rows", "facts"
"""What an expectation looks at: the list of columns with types; the sampled rows; the numbers counted over the day."""

ROW_COUNT, LARGEST_GAP, NULL_RATE = "rows", "largest_gap_hours", "null_rate:"


@dataclass(frozen=True)
class Expectation:
    """One Great Expectations expectation.

    Attributes:
        type: its type in Great Expectations.
        column: the column it is about, `*` for the table.
        arguments: what it is called with, as JSON knows it.
        about: SHAPE, ROWS or FACTS.
        is_gate: whether its failure keeps the day from being learned.
    """

    type: str
    column: str
    arguments: dict[str, Any]
    about: str = ROWS
    is_gate: bool = True


@dataclass(frozen=True)
class Suite:
    """Expectations about one table on one day."""

    name: str
    expectations: tuple[Expectation, ...]

    @property
    def digest(self) -> str:
        """Eight hex digits that change with any expectation."""
        text = json.dumps([[e.type, e.arguments, e.about, e.is_gate] for e in self.expectations], sort_keys=True)
        return hashlib.blake2b(text.encode(), digest_size=4).hexdigest()

    @property
    def stamp(self) -> str:
        """Name and digest, as written beside each result."""
        return f"{self.name}@{self.digest}"


def shape_of(contract: Contract) -> list[str]:
    """One line a column: its name and Polars type."""
    return [f"{name}: {kind}" for name, kind in contract.polars.items()]


def contract_suite(contract: Contract) -> Suite:
    """What the contract promises: columns and types, nulls, ranges, sets, key."""
    found = [
        Expectation(
            "expect_column_distinct_values_to_equal_set",
            WHOLE_TABLE,
            {"column": "column_and_type", "value_set": shape_of(contract)},
            SHAPE,
        )
    ]
    for column in contract.arrow:
        notes = contract.metadata(column.name)
        named = {"column": column.name}
        if not column.nullable:
            found.append(Expectation("expect_column_values_to_not_be_null", column.name, named))
        if "at_least" in notes or "at_most" in notes:
            limits = {f"{end}_value": float(notes[key]) for end, key in _ENDS if key in notes}
            found.append(Expectation("expect_column_values_to_be_between", column.name, named | limits))
        if "one_of" in notes:
            allowed = {"value_set": json.loads(notes["one_of"])}
            found.append(Expectation("expect_column_values_to_be_in_set", column.name, named | allowed))
    if len(contract.key) == 1:
        found.append(Expectation("expect_column_values_to_be_unique", contract.key[0], {"column": contract.key[0]}))
    else:
        keys = {"column_list": list(contract.key)}
        found.append(Expectation("expect_compound_columns_to_be_unique", WHOLE_TABLE, keys))
    return Suite(f"{contract.name}.v{contract.version}", tuple(found))


_ENDS = (("min", "at_least"), ("max", "at_most"))


def history_suite(day: datetime, found: DayFacts, history: pl.DataFrame, policy: Quality) -> Suite:
    """What earlier days let one expect of this one: volume, largest gap, null rates.

    Every fact that is known gets an expectation, so that it is recorded for the days to come; those that cannot be
    compared yet, or not on so small a day, are without a bound. Too few rows are noted but keep nothing from being learned: the last
    day of an export is often a stump.

    Args:
        day: the day audited.
        found: what was counted on it.
        history: QUALITY rows of earlier days, of any table.
        policy: the limits.
    """
    past = _past(found.contract.name, day, history, policy)
    rows = found.rows
    usual_rows = statistics.median(past.get(ROW_COUNT, [0.0]))
    is_comparable = len(past.get(ROW_COUNT, [])) >= policy.history_least_days and (
        max(usual_rows, rows) >= policy.compare_least_rows
    )
    most = usual_rows * policy.volume_factor if is_comparable else None
    least = usual_rows / policy.volume_factor if is_comparable else 0.0
    expected = [
        _most(ROW_COUNT, most),
        Expectation(
            "expect_column_min_to_be_between",
            ROW_COUNT,
            {"column": ROW_COUNT, "min_value": least},
            FACTS,
            is_gate=False,
        ),
    ]
    if found.largest_gap_hours is not None:
        is_busy = rows > policy.gap_least_events
        expected.append(_most(LARGEST_GAP, policy.largest_gap_hours if is_busy else None))
    for column in found.nulls if rows else ():
        name = f"{NULL_RATE}{column}"
        before = past.get(name, [])
        limit = None
        if is_comparable and rows >= max(policy.compare_least_rows, least) and len(before) >= policy.history_least_days:
            limit = min(statistics.median(before) + policy.null_rate_rise, 1.0)
        expected.append(_most(name, limit))
    return Suite(f"{found.contract.name}.history", tuple(expected))


def _most(fact: str, limit: float | None) -> Expectation:
    bounds = {"min_value": 0.0} if limit is None else {"min_value": 0.0, "max_value": limit}
    return Expectation("expect_column_max_to_be_between", fact, {"column": fact, **bounds}, FACTS)


def _past(table: str, day: datetime, history: pl.DataFrame, policy: Quality) -> dict[str, list[float]]:
    """Each fact's values on the last days before this one that had rows, oldest first."""
    facts = (
        history.filter(
            (pl.col("table") == table)
            & (pl.col("day") < day)
            & (pl.col("expectation") == "expect_column_max_to_be_between")
        )
        .with_columns(pl.col("observed").cast(pl.Float64, strict=False).alias("value"))
        .drop_nulls("value")
    )
    busy = facts.filter((pl.col("column") == ROW_COUNT) & (pl.col("value") > 0)).get_column("day").unique().sort()
    recent = facts.filter(pl.col("day").is_in(busy.tail(policy.history_days).to_list())).sort("column", "day")
    return {str(name): group["value"].to_list() for (name,), group in recent.group_by("column", maintain_order=True)}
