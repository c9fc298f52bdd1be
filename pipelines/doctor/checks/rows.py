"""Rows are what their contract says: types, bounds, nothing missing; keys are unique; files are sorted as promised."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from pipelines.doctor.case import Case
from pipelines.doctor.symptom import Symptom
from pipelines.lake.files import FileEntry, is_sound, order_of, scan
from schemas.catalogue import TABLES
from schemas.contract import Contract
from schemas.errors import ContractViolation, LakeError

_POSITIONAL = ("events", "too_late", "rejects")
"""Named by a place in a source, which may be read twice (a last line that went on): `counts` holds their number."""

_COPY = "restore the table from a copy of the lake, or run `stillwatch rebuild` from the day of the first of these rows"


def check(case: Case) -> Iterator[Symptom]:
    """File by file what its rows break, then doubled keys; of large tables a part, which is said."""
    for name, contract in TABLES.items():
        try:
            listed = case.files(name)
        except LakeError:
            continue  # `tables` says so
        total = sum(entry.rows for entry in listed)
        share = -(-total // case.policy.doctor.checked_rows)
        if share > 1:
            case.notes.append(f"{name}: {total:,} rows, of which one in {share:,} was looked at")
        readable = [entry for entry in listed if case.path(contract, entry).exists()]
        for entry in _sampled(readable, share):
            yield from _of_file(case.path(contract, entry), contract)
        if name not in _POSITIONAL:
            yield from _doubled(case, contract, readable, max(1, share))


def _sampled(listed: list[FileEntry], share: int) -> list[FileEntry]:
    """Every file, or every so-manieth in the order of names."""
    return listed[:: max(1, share)]


def _of_file(path: Path, contract: Contract) -> Iterator[Symptom]:
    try:
        rows = scan([path], contract).collect() if is_sound(path) else None
    except (OSError, pl.exceptions.PolarsError):
        rows = None
    if rows is None:
        yield Symptom("error", str(path), "its rows cannot be read", _COPY)
        return
    try:
        contract.check(rows, unique_key=False)
    except ContractViolation as error:
        yield Symptom("error", str(path), f"its rows break their contract: {error.problem}", _COPY)
    order = list(order_of(contract))
    if not rows.select(order).equals(rows.select(order).sort(order)):
        problem = f"it is not sorted by {', '.join(order)}, which reading a slice of it relies on"
        yield Symptom("error", str(path), problem, _COPY)


def _doubled(case: Case, contract: Contract, listed: list[FileEntry], share: int) -> Iterator[Symptom]:
    """Keys that stand in two rows; of a large table among one key in `share`, chosen by a hash of the key."""
    keys = list(contract.key)
    rows = scan([case.path(contract, entry) for entry in listed], contract)
    if "provisional" in contract.columns:
        rows = rows.filter(~pl.col("provisional"))  # these may stand beside definite rows of the same hour
    if share > 1:
        rows = rows.filter(pl.struct(keys).hash(seed=0) % share == 0)
    try:
        count = rows.group_by(keys).len().filter(pl.col("len") > 1).select(pl.len()).collect(engine="streaming").item()
    except (OSError, pl.exceptions.PolarsError):
        return  # `_of_file` has named the file
    if count:
        yield Symptom("error", str(case.lake.folder(contract.name)), f"{count:,} keys stand in several rows", _COPY)
