"""What to read when two frames that must be equal are not: the first unequal row, and the calls it came from."""

import io
import math
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from schemas.contract import Contract

_SHOWN = 12  # events: enough for a tick or a session of a small world, few enough to read
_REACH = {"tick": (timedelta(0), timedelta(minutes=5)), "window_end": (timedelta(hours=-24), timedelta(0))}


def canonical_bytes(frame: pl.DataFrame, contract: Contract) -> bytes:
    """The rows as Arrow IPC, sorted by key, without columns that say where a row was written.

    Built anew from values, so that what lies under a null or between two buffers cannot differ; floats differ by a bit.
    """
    columns = [name for name in contract.columns if name not in contract.position_columns]
    key = [name for name in contract.key if name in columns]
    ordered = frame.select(columns).sort(key, maintain_order=True)
    anew = pl.DataFrame([pl.Series(name, ordered[name].to_list(), contract.polars[name]) for name in columns])
    buffer = io.BytesIO()
    anew.write_ipc(buffer, compat_level=pl.CompatLevel.oldest())
    return buffer.getvalue()


def assert_same_rows(
    contract: Contract, actual: pl.DataFrame, expected: pl.DataFrame, events: pl.DataFrame, rel_tol: float = 0.0
) -> None:
    """Fails with the first unequal row and its events.

    Args:
        contract: of both frames.
        actual: what the program gave.
        expected: what it should have given.
        events: EVENT rows both came from.
        rel_tol: how far floats may differ; 0 is to the last bit.
    """
    if actual.equals(expected) if rel_tol else canonical_bytes(actual, contract) == canonical_bytes(expected, contract):
        return
    found, wanted = _by_key(actual, contract), _by_key(expected, contract)
    for key in sorted({*found, *wanted}, key=repr):
        unequal = _unequal(found.get(key), wanted.get(key), rel_tol)
        if unequal:
            row = {**(found.get(key) or {}), **(wanted.get(key) or {})}
            raise AssertionError(_told(contract, key, unequal, _behind(row, events)))
    if rel_tol == 0.0:
        raise AssertionError(f"{contract.name}: the rows are equal, their number or bytes are not")


def _by_key(frame: pl.DataFrame, contract: Contract) -> dict[tuple[Any, ...], dict[str, Any]]:
    names = [name for name in contract.key if name not in contract.position_columns]
    rows: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in frame.drop(contract.position_columns, strict=False).to_dicts():
        key = tuple(row[name] for name in names)
        while key in rows:
            key = (*key, "again")
        rows[key] = row
    return rows


def _unequal(one: dict[str, Any] | None, other: dict[str, Any] | None, rel_tol: float) -> list[str]:
    if one is None or other is None:
        return ["the row is missing in what was expected" if other is None else "the row is missing in what was given"]
    return [
        f"{name}: given {one[name]!r}, expected {other[name]!r}"
        for name in other
        if not _is_same(one[name], other[name], rel_tol)
    ]


def _is_same(one: Any, other: Any, rel_tol: float) -> bool:
    if rel_tol and isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=rel_tol)
    return repr(one) == repr(other)  # tells -0.0 from 0.0


def _told(contract: Contract, key: tuple[Any, ...], unequal: list[str], events: pl.DataFrame) -> str:
    named = dict(zip([n for n in contract.key if n not in contract.position_columns], key, strict=False))
    mine = events.sort("time", "event_id")
    rows = [
        f"  { ({name: value for name, value in row.items() if value is not None}) }"
        for row in mine.head(_SHOWN).to_dicts()
    ]
    more = [f"  and {mine.height - _SHOWN} more"] if mine.height > _SHOWN else []
    head = [f"{contract.name}: the first unequal row is {named}", *(f"  {line}" for line in unequal)]
    return "\n".join([*head, f"from {mine.height} events:", *rows, *more])


def _behind(named: dict[str, Any], events: pl.DataFrame) -> pl.DataFrame:
    """Events of the row's account or accounts, where it has any, in the time it speaks of, where it has one."""
    if "account_id" in named:
        events = events.filter(pl.col("account_id") == named["account_id"])
    if "account_ids" in named:
        events = events.filter(pl.col("account_id").is_in(named["account_ids"]))
    for name, (before, after) in _REACH.items():
        moment: datetime | None = named.get(name)
        if moment is not None:
            events = events.filter((pl.col("time") >= moment + before) & (pl.col("time") < moment + after))
    if "session_start" in named:
        events = events.filter(pl.col("time") >= named["session_start"])
    return events
