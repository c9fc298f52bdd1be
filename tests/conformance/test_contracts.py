"""What every contract must keep; contracts are discovered, so that a new one is tested from its first day."""

import json
import pkgutil
from importlib import import_module
from pathlib import Path

import deltalake
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import schemas
from given_frames import frames
from schemas.catalogue import COMMIT_ORDER, CONTRACTS, PARITY_TABLES, TABLES
from schemas.contract import Contract
from schemas.errors import ContractViolation
from transforms.quality import contract_suite

every_contract = pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.name)
DELTA_TYPES = {pa.string(), pa.int32(), pa.int64(), pa.float64(), pa.bool_(), pa.timestamp("us", tz="UTC")}
FEW = settings(max_examples=8)
EXPECTED = 46


def test_every_contract_defined_in_schemas_is_in_the_catalogue() -> None:
    defined = {}
    for module in pkgutil.iter_modules(schemas.__path__, "schemas."):
        for value in vars(import_module(module.name)).values():
            if isinstance(value, Contract):
                defined[value.name] = value
    assert defined == {contract.name: contract for contract in CONTRACTS}
    assert len(CONTRACTS) == EXPECTED, "a contract came or went: adjust EXPECTED and see that its frame is used"


def test_every_lake_table_has_its_place_in_the_order_of_commits() -> None:
    assert sorted(COMMIT_ORDER) == sorted(TABLES)
    assert set(PARITY_TABLES) < set(TABLES)


@every_contract
def test_every_column_is_documented(contract: Contract) -> None:
    assert contract.doc.startswith("One row"), contract.name
    for column in contract.arrow:
        notes = contract.metadata(column.name)
        assert notes.get("doc", "")[-1:] in {".", ")"}, f"{column.name} lacks a sentence"
        assert column.nullable or "null" not in notes, f"{column.name} is required and explains its null"


@every_contract
def test_the_key_is_made_of_required_columns(contract: Contract) -> None:
    assert set(contract.key) <= set(contract.required)
    assert set(contract.position_columns) <= set(contract.columns)


@every_contract
def test_a_version_once_published_only_grows(contract: Contract, checkout: Path, write_golden: bool) -> None:
    path = checkout / "schemas" / "frozen" / f"{contract.name}.v{contract.version}.json"
    now = contract.snapshot()
    if path.exists():
        breaches = contract.broken_promises(json.loads(path.read_text()))
        assert not breaches, f"{breaches}: raise the version of {contract.name}, then run `make golden`"
    if write_golden:
        path.write_text(json.dumps(now, indent=1) + "\n")
    assert path.exists(), "not frozen yet: run `make golden`"
    assert json.loads(path.read_text()) == now, "grew since it was frozen: run `make golden`"


@every_contract
def test_every_type_is_one_that_delta_has(contract: Contract) -> None:
    def leaves(kind: pa.DataType) -> list[pa.DataType]:
        if pa.types.is_list(kind):
            return leaves(kind.value_type)
        if pa.types.is_struct(kind):
            return [leaf for part in kind for leaf in leaves(part.type)]
        return [kind]

    for column in contract.arrow:
        assert set(leaves(column.type)) <= DELTA_TYPES, column.name
    through_delta = pa.schema(deltalake.Schema.from_arrow(contract.arrow).to_arrow())
    assert pl.Schema(through_delta) == contract.polars


@every_contract
@FEW
@given(data=st.data())
def test_arrow_and_polars_hold_the_same_rows(contract: Contract, data: st.DataObject) -> None:
    frame = data.draw(frames(contract))
    table = frame.to_arrow().cast(contract.arrow)
    assert table.schema.equals(contract.arrow)
    assert_frame_equal(pl.DataFrame(table), frame)


@every_contract
@FEW
@given(data=st.data())
def test_a_random_frame_of_the_contract_passes_its_check(contract: Contract, data: st.DataObject) -> None:
    frame = data.draw(frames(contract))
    contract.check(frame)
    contract.check(contract.conform(frame))


@every_contract
@FEW
@given(data=st.data())
def test_conform_gives_the_same_rows_in_the_same_order_whatever_the_order_was(
    contract: Contract, data: st.DataObject
) -> None:
    frame = data.draw(frames(contract))
    shuffled = frame[data.draw(st.permutations(range(frame.height)))] if frame.height else frame
    assert_frame_equal(contract.conform(shuffled), contract.conform(frame))


def corruptions(contract: Contract, frame: pl.DataFrame) -> list[tuple[str, pl.DataFrame]]:
    """(column, frame with exactly one broken promise about it)."""
    broken: list[tuple[str, pl.DataFrame]] = [("stowaway", frame.with_columns(stowaway=pl.lit(1)))]
    for column in contract.arrow:
        name, kind, notes = column.name, contract.polars[column.name], contract.metadata(column.name)
        broken.append((name, frame.drop(name)))
        other = pl.String if kind != pl.String else pl.Int64
        broken.append((name, frame.with_columns(pl.lit(None, dtype=other).alias(name))))

        def with_first(value: object, name: str = name, kind: pl.DataType = kind) -> tuple[str, pl.DataFrame]:
            spoilt = pl.when(pl.int_range(pl.len()) == 0).then(pl.lit(value, dtype=kind)).otherwise(pl.col(name))
            return name, frame.with_columns(spoilt.alias(name))

        if not column.nullable and not kind.is_nested():
            broken.append(with_first(None))
        if kind.is_float():
            broken.append(with_first(float("nan")))
        if "at_least" in notes:
            broken.append(with_first(float(notes["at_least"]) - 1))
        if "at_most" in notes:
            broken.append(with_first(float(notes["at_most"]) + 1))
        if "one_of" in notes:
            broken.append(with_first("none of these"))
    return broken


@every_contract
@settings(max_examples=2)
@given(data=st.data())
def test_each_single_corruption_is_named(contract: Contract, data: st.DataObject) -> None:
    frame = data.draw(frames(contract, min_rows=1))
    made = corruptions(contract, frame)
    assert len(made) > 2 * len(contract.columns)
    for column, spoilt in made:
        with pytest.raises(ContractViolation) as caught:
            contract.check(spoilt)
        assert column in caught.value.problem


@every_contract
@settings(max_examples=2)
@given(data=st.data())
def test_a_repeated_key_is_refused(contract: Contract, data: st.DataObject) -> None:
    frame = data.draw(frames(contract, min_rows=1))
    with pytest.raises(ContractViolation, match="is not unique"):
        contract.check(pl.concat([frame, frame.head(1)]))


@every_contract
def test_the_quality_suite_asks_for_all_that_the_contract_promises(contract: Contract) -> None:
    suite = contract_suite(contract)
    asked = {(e.type, e.column) for e in suite.expectations}
    assert asked >= {("expect_column_values_to_not_be_null", name) for name in contract.required}
    notes = {name: contract.metadata(name) for name in contract.columns}
    limited = {name for name in notes if notes[name].keys() & {"at_least", "at_most"}}
    assert {name for kind, name in asked if kind == "expect_column_values_to_be_between"} == limited
    listed = {name for name in notes if "one_of" in notes[name]}
    assert {name for kind, name in asked if kind == "expect_column_values_to_be_in_set"} == listed
    assert len(asked) == len(suite.expectations), "two expectations would share one row of the quality table"
