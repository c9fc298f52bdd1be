"""The audit: one closed day against its suites."""

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

import polars as pl

from schemas.catalogue import TABLES
from schemas.policy import Quality
from schemas.quality import QUALITY
from transforms.quality.counting import broken_in_facts, broken_in_rows
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
    asked = [
        _Asked(found, suite, about, expectations)
        for _, found in sorted(facts.items())
        for suite in (contract_suite(found.contract), history_suite(day, found, history, policy))
        for about in (SHAPE, ROWS, FACTS)
        if (expectations := [e for e in suite.expectations if e.about == about])
    ]
    counted = [_counted(each) for each in asked]
    nothing_broken = _holds(
        [f"{each.suite.name} {e.type} {e.column}" for each in asked for e in each.expectations], counted
    )
    rows: list[dict[str, Any]] = []
    for each in asked:
        results = _noted(each) if nothing_broken else _results(each)
        rows += [{"day": day, "table": each.found.contract.name, **result} for result in results]
    return QUALITY.conform(pl.DataFrame(rows, schema=QUALITY.polars))


def is_fit_for_learning(quality: pl.DataFrame) -> bool:
    """Whether every expectation that is a gate held in these QUALITY rows of one day."""
    return quality.filter(pl.col("is_gate") & ~pl.col("passed")).is_empty()


@dataclass(frozen=True)
class _Asked:
    """What one suite asks about one of SHAPE, ROWS and FACTS."""

    found: DayFacts
    suite: Suite
    about: str
    expectations: list[Expectation]


def _counted(asked: _Asked) -> list[int | None]:
    """How often each expectation is broken, 0 only where it is kept without doubt."""
    if asked.about == FACTS:
        return broken_in_facts(_facts(asked.found), asked.expectations)
    is_in_shape = asked.found.audited.schema == asked.found.contract.polars
    if asked.about == SHAPE:
        return [0 if is_in_shape else 1]
    if not is_in_shape:
        return [None] * len(asked.expectations)
    return broken_in_rows(_lean(asked.found.audited, asked.expectations), asked.expectations)


def _holds(promises: list[str], counted: list[list[int | None]]) -> bool:
    """Whether Great Expectations finds that every promise was counted, and none is broken."""
    counts = pl.DataFrame({"promise": promises, "broken": [n for part in counted for n in part]}, strict=False)
    expected = (
        ("expect_column_values_to_be_unique", {"column": "promise"}),
        ("expect_column_values_to_not_be_null", {"column": "broken"}),
        ("expect_column_values_to_be_between", {"column": "broken", "min_value": 0, "max_value": 0}),
    )
    asked = [{"type": kind, "kwargs": arguments} for kind, arguments in expected]
    return bool(_outcome(_as_pandas(counts.cast({"broken": pl.Int64})), "promises", asked).success)


def _noted(asked: _Asked) -> list[dict[str, Any]]:
    """The rows of expectations that all hold, as Great Expectations would give them one by one."""
    facts = _facts(asked.found) if asked.about == FACTS else {}
    unspoken = {SHAPE: "", ROWS: f"0 of {asked.found.audited.height} rows"}
    return [
        {
            "expectation": expectation.type,
            "column": expectation.column,
            "passed": True,
            "observed": repr(facts[expectation.column]) if asked.about == FACTS else unspoken[asked.about],
            "is_gate": expectation.is_gate,
            "suite": asked.suite.stamp,
        }
        for expectation in asked.expectations
    ]


def _results(asked: _Asked) -> list[dict[str, Any]]:
    """One row an expectation, each looked at by Great Expectations."""
    if asked.about == ROWS:
        return _validate(_as_pandas(_lean(asked.found.audited, asked.expectations)), asked.suite, asked.expectations)
    return _validate(_batch(asked.about, asked.found), asked.suite, asked.expectations)


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


def _outcome(batch: "pd.DataFrame", name: str, asked: list[dict[str, Any]]) -> Any:
    """What Great Expectations finds when it asks a batch so."""
    import great_expectations as gx

    return (
        _day()
        .get_batch({"dataframe": batch})
        .validate(
            gx.ExpectationSuite(name=name, expectations=asked),
            result_format={"result_format": "BASIC", "partial_unexpected_count": 0},
        )
    )


def _validate(batch: "pd.DataFrame", suite: Suite, expectations: list[Expectation]) -> list[dict[str, Any]]:
    """One row an expectation: expectation, column, passed, observed, is_gate, suite.

    Args:
        batch: what is looked at.
        suite: what the expectations are of.
        expectations: about the columns of the batch.
    """
    outcome = _outcome(batch, suite.name, [{"type": e.type, "kwargs": e.arguments} for e in expectations])
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
                "observed": _observed(expectation, result, batch),
                "is_gate": expectation.is_gate,
                "suite": suite.stamp,
            }
        )
    return rows


def _subject(arguments: Mapping[str, Any]) -> str:
    return str(arguments.get("column", arguments.get("column_list")))


def _observed(expectation: Expectation, result: Any, batch: "pd.DataFrame") -> str | None:
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
    return f"{seen.get('unexpected_count', 0)} of {seen.get('element_count', 0)} rows"


def _exceptions(info: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Great Expectations gives one record, or a mapping of metrics to records."""
    return [info] if "raised_exception" in info else [value for value in info.values() if isinstance(value, Mapping)]


def prepare() -> None:
    """Loads Great Expectations now: seconds for which the first audit would have to wait."""
    _day()


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
