"""The operator's own list of accounts (`--accounts FILE`), CSV or Parquet."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from schemas.errors import SourceRefused
from schemas.policy import Policy
from schemas.registry import REGISTRY
from transforms.ingest.accounting import digested
from transforms.ingest.drafting import LABEL_CHARACTERS
from transforms.ingest.key import FingerprintKey
from transforms.ingest.moments import microseconds

ALIASES: dict[str, tuple[str, ...]] = {
    "account_id": ("account_id", "account", "team_id", "tenant_id", "customer_id", "organization_id", "id"),
    "plan": ("plan", "tier", "subscription", "plan_name"),
    "created_at": ("created_at", "account_created_at", "created", "creation_date", "signup_date", "registered_at"),
    "signup_path": ("signup_path", "signup", "signup_channel", "channel"),
    "payment_id": ("payment_id", "payment", "payment_method", "payment_fingerprint", "card_fingerprint"),
    "country": ("country", "country_code"),
    "contract": ("contract", "contract_type", "agreement"),
}
"""Names a column may have, best first; case, blanks and punctuation do not matter."""

COLUMNS = {name: kind for name, kind in REGISTRY.polars.items() if name != "holds_from"}
"""The columns of the result: REGISTRY without the border from which it holds."""

_FIELD_BYTES = 131_072
_COUNT = re.compile(r"\d{9,16}(?:\.\d{1,9})?")


@dataclass(frozen=True)
class Accounts:
    """What an accounts file says; its rows = accounts + rejected.

    Attributes:
        frame: one row an account (COLUMNS), sorted by account_id.
        rejected: rows that were left out, by reason.
        blanked: values that could not be read and are null, by column.
        unknown_columns: columns that were not read.
    """

    frame: pl.DataFrame
    rejected: dict[str, int]
    blanked: dict[str, int]
    unknown_columns: list[str]


def read_accounts(data: bytes, name: str, key: FingerprintKey, policy: Policy) -> Accounts:
    """The accounts of a file; of several rows about one account the last counts.

    Args:
        data: the file, CSV (comma, semicolon, tab or bar; with a header) or Parquet.
        name: its name, for errors.
        key: the lake's key: ids too long for the lake are replaced as they are in events.
        policy: longest id, bounds of times.

    Raises:
        SourceRefused: it is empty, is neither, or names no account column.
    """
    header, rows = _table(data, name) if data[:4] == b"PAR1" else _csv(data, name)
    places = _places(header)
    if "account_id" not in places:
        raise SourceRefused(name, "no column names the account", f"name one of them {', '.join(ALIASES['account_id'])}")
    rejected: Counter[str] = Counter()
    blanked: Counter[str] = Counter()
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        if isinstance(row, str):
            rejected[row] += 1
            continue
        account = _text(row[places["account_id"]]) if places["account_id"] < len(row) else None
        if len(row) > len(header) or account is None:
            rejected["too many cells" if len(row) > len(header) else "no account"] += 1
            continue
        if account in found:
            rejected["superseded by a later row"] += 1
        found[account] = _values(row, places, policy, blanked)
    unknown = [column for place, column in enumerate(header) if place not in places.values()]
    return Accounts(_frame(found, key, policy), dict(rejected), dict(blanked), unknown)


def _frame(found: Mapping[str, Mapping[str, Any]], key: FingerprintKey, policy: Policy) -> pl.DataFrame:
    ids = pl.Series("account_id", list(found), dtype=pl.String)
    too_long = ids.str.len_chars() > policy.ingest.account_id_characters
    columns = {
        name: pl.Series(name, [values.get(name) for values in found.values()], dtype=kind)
        for name, kind in COLUMNS.items()
        if name != "account_id"
    }
    frame = pl.DataFrame({"account_id": digested(ids, too_long, key) if too_long.any() else ids, **columns})
    return frame.select(list(COLUMNS)).sort("account_id").rechunk()


def _values(row: Sequence[Any], places: Mapping[str, int], policy: Policy, blanked: Counter[str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, place in places.items():
        cell = row[place] if place < len(row) else None
        if name == "created_at":
            values[name] = _time(cell, policy)
            if values[name] is None and _text(cell) is not None:
                blanked[name] += 1
        elif name != "account_id":
            text = _text(cell)
            values[name] = None if text is None else text[:LABEL_CHARACTERS]
    return values


def _places(header: Sequence[str]) -> dict[str, int]:
    plain = [re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") for name in header]
    places: dict[str, int] = {}
    for name, aliases in ALIASES.items():
        known = [alias for alias in aliases if alias in plain]
        if known:
            places[name] = plain.index(known[0])
    return places


def _csv(data: bytes, name: str) -> tuple[list[str], Iterator[list[str] | str]]:
    text = data.decode("utf-8-sig", "surrogateescape")
    first = text.lstrip().split("\n", 1)[0]
    if first.strip() == "" or "\x00" in first:
        raise SourceRefused(name, "has no header", "give a CSV with a header, or Parquet")
    delimiter = max(",;\t|", key=first.count)
    rows = _rows(csv.reader(io.StringIO(text.lstrip(), newline=""), delimiter=delimiter))
    header = next(rows)
    if isinstance(header, str):
        raise SourceRefused(name, f"its header is unreadable ({header})", "give a CSV with a header, or Parquet")
    return header, rows


def _rows(reader: "Iterable[list[str]]") -> Iterator[list[str] | str]:
    iterator = iter(reader)
    while True:
        try:
            row = next(iterator)
        except StopIteration:
            return
        except csv.Error:
            yield "not CSV"
            continue
        if not any(cell.strip() for cell in row):
            continue
        if any(len(cell) > _FIELD_BYTES or not _is_clean(cell) for cell in row):
            yield "not UTF-8, or not text"
        else:
            yield row


def _is_clean(cell: str) -> bool:
    return "\x00" not in cell and (cell.isascii() or not any("\ud800" <= character <= "\udfff" for character in cell))


def _table(data: bytes, name: str) -> tuple[list[str], Iterator[list[Any] | str]]:
    try:
        table = pq.read_table(pa.BufferReader(data))
        columns = [column.to_pylist() for column in table.columns]
    except (pa.ArrowException, OSError, ValueError) as error:
        raise SourceRefused(name, f"is not readable Parquet ({type(error).__name__})", "write it again") from error
    return table.column_names, (list(row) for row in zip(*columns, strict=True))


def _text(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int | datetime):
        return None
    text = str(value).strip()
    return text if text != "" else None


def _time(value: Any, policy: Policy) -> datetime | None:
    moment: Any = value
    if isinstance(value, str):
        text = value.strip()
        try:
            moment = float(text) if _COUNT.fullmatch(text) else datetime.fromisoformat(text)
        except ValueError:
            return None
    if isinstance(moment, bool) or not isinstance(moment, datetime | int | float):
        return None
    count = microseconds([moment])[0]
    if count is None or not policy.time.earliest_time <= _at(count) < policy.time.latest_time:
        return None
    return _at(count)


def _at(count: int) -> datetime:
    try:
        return datetime.fromtimestamp(count // 1_000_000, UTC).replace(microsecond=count % 1_000_000)
    except (ValueError, OverflowError, OSError):
        return datetime.max.replace(tzinfo=UTC)
