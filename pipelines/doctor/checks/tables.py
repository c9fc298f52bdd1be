"""Every table opens at the version the last run names, and has the columns of its contract."""

from collections.abc import Iterator

import pyarrow as pa

from pipelines.doctor.case import Case
from pipelines.doctor.symptom import Symptom
from pipelines.lake.files import plain
from schemas.catalogue import TABLES
from schemas.contract import Contract
from schemas.errors import LakeError

_NEWER = "use the stillwatch that wrote the lake, or a newer one"


def check(case: Case) -> Iterator[Symptom]:
    """Table by table: one that does not open, and columns that are not as promised."""
    for name, contract in TABLES.items():
        try:
            table = case.lake.opened(name)
            if case.versions[name] != table.version():
                case.lake.table(name, case.versions[name])
        except LakeError as error:
            yield Symptom.of(error)
            continue
        yield from _differences(case, contract, pa.schema(table.schema().to_arrow()))


def _differences(case: Case, contract: Contract, there: pa.Schema) -> Iterator[Symptom]:
    where = str(case.lake.folder(contract.name))
    for promised in plain(contract):
        if promised.name not in there.names:
            how = "made by an older version" if promised.nullable else "it may not be null"
            fix = (
                f"run `stillwatch upkeep {case.root}`, which adds it"
                if promised.nullable
                else "make a new lake with this version and read the sources again"
            )
            severity = "warning" if promised.nullable else "error"
            yield Symptom(severity, where, f"column {promised.name} is missing ({how})", fix)
            continue
        found = there.field(promised.name)
        if not _alike(found.type, promised.type):
            yield Symptom("error", where, f"column {promised.name} is {found.type}, not {promised.type}", _NEWER)
        elif found.nullable and not promised.nullable:
            yield Symptom("error", where, f"column {promised.name} may be null in the log, not by contract", _NEWER)
    for name in there.names:
        if name not in contract.columns:
            yield Symptom("error", where, f"column {name} is unknown to this version", _NEWER)


def _alike(one: pa.DataType, other: pa.DataType) -> bool:
    """Whether the types are equal but for names of list items and view types, which Delta does not keep."""
    if pa.types.is_string(other) or pa.types.is_large_string(other):
        return pa.types.is_string(one) or pa.types.is_large_string(one) or pa.types.is_string_view(one)
    if pa.types.is_list(other):
        is_list = pa.types.is_list(one) or pa.types.is_large_list(one) or pa.types.is_list_view(one)
        return is_list and _alike(one.value_type, other.value_type)
    if pa.types.is_struct(other):
        return pa.types.is_struct(one) and all(
            one.get_field_index(part.name) >= 0 and _alike(one.field(part.name).type, part.type) for part in other
        )
    return bool(one == other)
