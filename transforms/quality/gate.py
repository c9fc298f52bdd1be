"""The audit: one closed day against its suites."""

import math
import os
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

import polars as pl

from schemas.catalogue import TABLES
from schemas.policy import Quality
from schemas.quality import QUALITY
from transforms.quality.facts import DayFacts, facts_of
from transforms.quality.suite import (
    FACTS,
    LARGEST_GAP,
    NULL_RATE,
    ROW_COUNT,
    ROWS,
    SHAPE,
    Expectation,
    Suite,
    contract_suite,
    history_suite,
)
from transforms.quality.telling import telling_rows

if TYPE_CHECKING:
    import pandas as pd
    from great_expectations.core.batch_definition import BatchDefinition


def audit(day: datetime, frames: Mapping[str, pl.DataFrame], history: pl.DataFrame, policy: Quality) -> pl.DataFrame:
    """QUALITY rows for a closed day: one an expectation, sorted by the contract's key.

    Deterministic: depends on the rows of the day and of `history` only, not on their order. Less than half a
    second a day whose rows keep their contracts, a second for another, after one for loading Great Expectations.

    Args:
        day: start of the UTC day.
        frames: the day's rows by table name; pass facts to `audit_facts` where a day is too large for memory.
        history: QUALITY rows of earlier days (later ones are ignored).
        policy: section `quality` of the policy.
    """
    facts = {table: facts_of(TABLES[table], frame, policy.audit_rows) for table, frame in frames.items()}
    return audit_facts(day, facts, history, policy)


def audit_facts(day: datetime, facts: Mapping[str, DayFacts], history: pl.DataFrame, policy: Quality) -> pl.DataFrame:
    """The same as `audit`, from facts that were gathered part by part."""
    rows: list[dict[str, Any]] = []
    for table, found in sorted(facts.items()):
        suites = (contract_suite(found.contract), history_suite(day, found, history, policy))
        for suite in suites:
            for about in (SHAPE, ROWS, FACTS):
                expectations = [e for e in suite.expectations if e.about == about]
                if expectations:
                    results = _results(about, found, suite, expectations)
                    rows += [{"day": day, "table": table, **result} for result in results]
    return QUALITY.conform(pl.DataFrame(rows, schema=QUALITY.polars))


def is_fit_for_learning(quality: pl.DataFrame) -> bool:
    """Whether every expectation that is a gate held in these QUALITY rows of one day."""
    return quality.filter(pl.col("is_gate") & ~pl.col("passed")).is_empty()


def _results(about: str, found: DayFacts, suite: Suite, expectations: list[Expectation]) -> list[dict[str, Any]]:
    """One row an expectation. Great Expectations, slow by the row, sees all sampled rows only where one breaks a promise."""
    if about == FACTS:
        asked = [e for e in expectations if not e.holds_anyway]
        facts = _facts(found)
        noted = [_noted(facts[e.column], suite, e) for e in expectations if e.holds_anyway]
        return noted + (_validate(_batch(about, found), suite, asked) if asked else [])
    if about == SHAPE:
        return _validate(_batch(about, found), suite, expectations)
    rows = _lean(found.audited, expectations)
    results = _validate(_as_pandas(telling_rows(rows, expectations)), suite, expectations, rows.height)
    if all(result["passed"] for result in results):
        return results
    return _validate(_as_pandas(rows), suite, expectations)


def _noted(value: float | None, suite: Suite, expectation: Expectation) -> dict[str, Any]:
    """The row of an expectation that no fact can break: there to be compared with later, at a hundredth of the price."""
    return {
        "expectation": expectation.type,
        "column": expectation.column,
        "passed": True,
        "observed": None if value is None else repr(value),
        "is_gate": expectation.is_gate,
        "suite": suite.stamp,
    }


def _facts(found: DayFacts) -> dict[str, float | None]:
    """Facts of the whole day by the names that suites know them by."""
    facts = {ROW_COUNT: float(found.rows), LARGEST_GAP: found.largest_gap_hours}
    return facts | {f"{NULL_RATE}{name}": found.null_rate(name) for name in found.nulls}


def _as_pandas(rows: pl.DataFrame) -> "pd.DataFrame":
    """What Great Expectations looks at; it knows pandas, not Polars."""
    return rows.to_pandas(use_pyarrow_extension_array=True)


def _batch(about: str, found: DayFacts) -> "pd.DataFrame":
    """The lines of the shape, or the one row of facts."""
    if about == SHAPE:
        lines = [f"{name}: {kind}" for name, kind in found.audited.schema.items()]
        return pl.DataFrame({"column_and_type": lines}).to_pandas()
    facts = _facts(found)
    return pl.DataFrame([facts], schema=dict.fromkeys(facts, pl.Float64)).to_pandas()


def _lean(rows: pl.DataFrame, expectations: list[Expectation]) -> pl.DataFrame:
    """The columns that are asked about, in the cheapest form that answers: Great Expectations hashes all it is given.

    Times become integers, of nested values only whether they are there remains: neither has ranges or sets.
    """
    asked = {name for e in expectations for name in e.arguments.get("column_list", [e.arguments.get("column")])}
    columns = []
    for name, kind in rows.schema.items():
        if name in asked and kind.is_nested():
            columns.append(pl.when(pl.col(name).is_not_null()).then(1).alias(name))
        elif name in asked:
            columns.append(pl.col(name).cast(pl.Int64) if kind.is_temporal() else pl.col(name))
    return rows.select(columns)


def _validate(
    batch: "pd.DataFrame", suite: Suite, expectations: list[Expectation], height: int | None = None
) -> list[dict[str, Any]]:
    """One row an expectation: expectation, column, passed, observed, is_gate, suite.

    Args:
        batch: what is looked at.
        suite: what the expectations are of.
        expectations: about the columns of the batch.
        height: rows that the batch stands for, where not its own.
    """
    import great_expectations as gx

    whole = _day().get_batch({"dataframe": batch})
    asked = [{"type": e.type, "kwargs": e.arguments} for e in expectations]
    outcome = whole.validate(
        gx.ExpectationSuite(name=suite.name, expectations=asked),
        result_format={"result_format": "BASIC", "partial_unexpected_count": 0},
    )
    answered: dict[tuple[str, str], Any] = {}
    for each in outcome.results:
        config: Any = each.expectation_config
        answered[config.type, _subject(config.kwargs)] = each
    rows = []
    for expectation in expectations:
        result = answered[expectation.type, _subject(expectation.arguments)]
        rows.append(
            {
                "expectation": expectation.type,
                "column": expectation.column,
                "passed": bool(result.success),
                "observed": _observed(expectation, result, batch, height),
                "is_gate": expectation.is_gate,
                "suite": suite.stamp,
            }
        )
    return rows


def _subject(arguments: Mapping[str, Any]) -> str:
    return str(arguments.get("column", arguments.get("column_list")))


def _observed(expectation: Expectation, result: Any, batch: "pd.DataFrame", height: int | None) -> str | None:
    """What was seen, without a single value of the rows: numbers, counts, names of columns."""
    raised = [info for info in _exceptions(result.exception_info) if info.get("raised_exception")]
    if raised:
        return f"could not be checked: {raised[0]['exception_message']}"
    seen = result.result
    if expectation.about == SHAPE:
        promised, there = set(expectation.arguments["value_set"]), set(batch["column_and_type"])
        missing, unknown = sorted(promised - there), sorted(there - promised)
        return "; ".join([f"missing {line}" for line in missing] + [f"unknown {line}" for line in unknown])
    if expectation.about == FACTS:
        value = seen.get("observed_value")
        return None if value is None or math.isnan(value) else repr(float(value))
    return f"{seen.get('unexpected_count', 0)} of {seen.get('element_count', 0) if height is None else height} rows"


def _exceptions(info: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Great Expectations gives one record, or a mapping of metrics to records."""
    return [info] if "raised_exception" in info else [value for value in info.values() if isinstance(value, Mapping)]


@cache
def _day() -> "BatchDefinition[Any]":
    """What a frame is handed over as, in a context in memory: no project folder, no progress bars, no word to anybody."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_or_update_pandas("closed day").add_dataframe_asset("table")
    return asset.add_batch_definition_whole_dataframe("whole")
