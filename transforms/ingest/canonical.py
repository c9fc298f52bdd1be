"""The canonical record: NDJSON (lines, arrays, one document) and Parquet."""

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from transforms.ingest.accounting import ADDRESS_AND_AGENT, accounts, address_and_agent, first_of
from transforms.ingest.adapter import Block, Context, Decoded, Guess
from transforms.ingest.assembling import Sheet, assemble
from transforms.ingest.canonical_fields import CARRIES, COLUMNS, FIELDS, NAMES, Record
from transforms.ingest.canonical_lines import read_lines
from transforms.ingest.canonical_table import read_table
from transforms.ingest.canonical_values import draft_columns
from transforms.ingest.depth import at_fixed_depth
from transforms.ingest.dotted import field_values, header_values
from transforms.ingest.drafting import DRAFT
from transforms.ingest.framing import Pieces, cut
from transforms.ingest.json_reader import JsonReader, Read
from transforms.ingest.mending import without_lone_surrogates
from transforms.ingest.rejecting import Fault
from transforms.ingest.sniffing import top_level_names

BASES = {"account_id": "account", "org_id": "organisation", "end_user_id": "user", "api_key_id": "key"}
_ROWS = 8192  # decoded objects held at a time: more leave the processor's cache
_KNOWN = frozenset(NAMES)
_READER: JsonReader[Any] = JsonReader(Record)
_COLON = re.compile(rb'["\x00-\x20]:')
_KEYS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_OWN = {column: name for name, column in zip(NAMES, COLUMNS, strict=True)}


class Canonical:
    """stillwatch's own record."""

    name = "canonical"
    presence = CARRIES
    documentation = (
        "One JSON object a line (or an array of them), or one Parquet row, with the fields of the canonical record; only "
        "`time` (the call's start) and `account_id` are required. `time` is RFC 3339 with an offset or a count since "
        "1970, whose size tells seconds (below 1e11), milliseconds (below 1e14) or microseconds. A text (`system`, "
        "`prompt`, `response`) may be a string, a list of parts, or a list of messages, whose last user message is the "
        "prompt; `tools` a list of tools or names, or the same as JSON text; `response_format` a name or an object with "
        "`type`. Ids may be integers. Whole numbers are written without a fraction. A group of fields counts as carried "
        "when the record has one of its keys, be it null; a record with any sampling parameter carries them all. Refused "
        "besides damage: a name that stands twice in a record, and negative counts. Unknown fields are counted."
    )

    def sniff(self, head: bytes) -> Guess:
        """How much the head looks like canonical records."""
        if head[:4] == b"PAR1":
            return Guess(1.0, "a Parquet file")
        names = top_level_names(head)
        known = names & set(NAMES)
        if not {"time", "account_id"} <= names:
            return Guess(0.3 * len(known) / max(1, len(names)), "no fields time and account_id")
        return Guess(0.6 + 0.4 * len(known) / len(names), f"time, account_id and {len(known) - 2} more of its fields")

    def decode(self, block: Block, context: Context) -> Decoded:
        """The block's records as events and rejects."""
        read, draft, doubled = at_fixed_depth(lambda: _read(block, context))
        sheet = Sheet(read.pieces, draft, [*read.faults, *doubled], _OWN)
        decoded = assemble(sheet, self.name, context)
        return Decoded(decoded.events, decoded.rejects, {}, dict(read.unknown))

    def decode_table(self, table: pa.Table, first_row: int, context: Context) -> Decoded:
        """The rows of a Parquet table as events and rejects; a row's position is its number in the file."""
        read = read_table(table, first_row)
        decoded = assemble(
            Sheet(read.pieces, _with_accounts(read.draft, read.pieces, context), read.faults, _OWN), self.name, context
        )
        return Decoded(decoded.events, decoded.rejects, {}, read.unknown)


ADAPTER = Canonical()


def _read(block: Block, context: Context) -> tuple[Read[Any], pl.DataFrame, list[Fault]]:
    """The records read, by columns where that is certain to be the same; the drafts; those in which a name stands twice."""
    pieces = cut(block)
    flat = read_lines(pieces)
    read = _READER.read(pieces if flat is None else pieces.chosen(flat.others))
    if flat is None:
        draft, doubled = _draft(read, np.full(len(read.rows), -1, dtype=np.int64))
        return read, _with_accounts(draft, read.pieces, context), doubled
    carried = flat.carried[read.rows]
    read = _as_parts(read, pieces, flat.others)
    read.unknown.update(flat.unknown)
    draft, doubled = _draft(read, carried)
    by_column = flat.draft.with_columns(pl.Series("row", flat.rows))
    draft = pl.concat([draft, by_column], how="diagonal") if draft.height else by_column
    return read, _with_accounts(draft, read.pieces, context), doubled


def _as_parts(read: Read[Any], pieces: Pieces, rows: npt.NDArray[np.int64]) -> Read[Any]:
    """What was read of some of the pieces (no arrays), told by their numbers among all of them."""
    return Read(
        pieces,
        read.records,
        rows[read.rows].tolist(),
        [replace(fault, row=int(rows[fault.row])) for fault in read.faults],
        read.unknown,
    )


def _draft(read: Read[Any], carried: npt.NDArray[np.int64]) -> tuple[pl.DataFrame, list[Fault]]:
    """The draft of the records read, and the records in which a name stands twice.

    Args:
        read: the records.
        carried: for each of them the presence bits of its names, if these are known and none stands twice, else -1.
    """
    parts, filled = [], []
    for low in range(0, len(read.records), _ROWS):
        some = read.records[low : low + _ROWS]
        values = zip(*map(msgspec.structs.astuple, some), strict=False)  # behind the known fields come unknown ones
        part = draft_columns(dict(zip(NAMES, values, strict=False)))
        parts.append(part)
        filled.append(part["filled"].to_numpy())
    if not parts:
        return pl.DataFrame(schema=DRAFT), []
    draft = pl.concat(parts, how="diagonal").with_columns(pl.Series("row", read.rows, dtype=pl.Int64))
    members = _members(read)
    suspects = np.flatnonzero((members != np.concatenate(filled) + _unknown_filled(read)) & (carried < 0))
    draft = draft.with_columns(presence=pl.col("presence") | pl.Series(np.maximum(carried, 0)))
    return _with_presence(draft.drop("filled"), read, members, suspects)


def _unknown_filled(read: Read[Any]) -> Any:
    """How many unknown fields each record has, of those the reader told apart."""
    counts = np.zeros(len(read.records), dtype=np.int64)
    for index in range(len(read.unknown)):
        name = f"unknown_{index}"
        counts += np.fromiter((getattr(r, name, None) is not None for r in read.records), np.int64, len(counts))
    return counts


def _members(read: Read[Any]) -> Any:
    """Colons behind a quote or a blank in each record: at least as many as the object has members.

    Exactly as many where no text holds such a colon and no value is an object. So a record whose filled fields are as
    many has no null, no unknown and no doubled name, and need not be looked at again.
    """
    pieces = read.pieces.texts
    texts = [t if isinstance(t := pieces[row], bytes) else read.pieces.text(row) for row in read.rows]
    data = np.frombuffer(b"\n".join(texts), np.uint8)
    before, after = data[:-1], data[1:]
    places = np.flatnonzero((after == ord(":")) & ((before == ord('"')) | (before <= ord(" "))))
    ends = np.cumsum(np.fromiter(map(len, texts), np.int64, len(texts)) + 1)
    return np.diff(np.searchsorted(places, ends), prepend=0)


def _with_presence(
    draft: pl.DataFrame, read: Read[Any], members: Any, suspects: Any
) -> tuple[pl.DataFrame, list[Fault]]:
    """The draft with the bits of fields that are there and null; the records in which a name stands twice."""
    presence = draft["presence"].to_numpy().copy()
    refused: list[Fault] = []
    for index in suspects.tolist():
        row = read.rows[index]
        try:
            names, twice = _names(without_lone_surrogates(read.pieces.text(row)), int(members[index]))
        except RecursionError:  # at the very edge of what the first look allowed
            refused.append(Fault(row, "too_deep"))
            continue
        presence[index] |= _bits(names)
        if twice is not None:
            refused.append(Fault(row, "not_json", twice if twice in _KNOWN else None))
    draft = draft.with_columns(pl.Series("presence", presence))
    if refused:
        draft = draft.filter(~pl.col("row").is_in([fault.row for fault in refused]))
    return draft, refused


@lru_cache(maxsize=1024)
def _bits(names: frozenset[str]) -> int:
    """Presence bits of the fields of these names, all of them known."""
    bits = 0
    for field in FIELDS:
        bits |= field.group.value if field.name in names else 0
    return bits


def _names(text: bytes, members: int) -> tuple[frozenset[str], str | None]:
    """The known fields of a record that decoded, and a name that stands there twice.

    Where the colons are those of the names and those inside the values, no name can stand there twice.
    """
    values = _KEYS.decode(text)
    known = _KNOWN.intersection(values)
    if len(values) == members:
        return known, None
    inside = sum(len(_COLON.findall(value)) for value in values.values() if len(value) > 3 and b":" in bytes(value))
    if len(values) + inside == members:
        return known, None
    pairs: list[tuple[str, Any]] = json.loads(text, object_pairs_hook=list, parse_int=len)
    counts = Counter(name for name, _ in pairs)
    return known, next((name for name, count in counts.items() if count > 1), None)


def _with_accounts(draft: pl.DataFrame, pieces: Pieces, context: Context) -> pl.DataFrame:
    rule, size = context.rule, draft.height

    def column(name: str) -> pl.Series:
        return draft[name] if name in draft.columns else pl.Series(name, [None], pl.String).new_from_index(0, size)

    def look_up(name: str) -> pl.Series:
        if name == ADDRESS_AND_AGENT:
            return address_and_agent(column("source_ip"), column("user_agent"), context.key)
        if name in NAMES:
            return column(COLUMNS[NAMES.index(name)]).cast(pl.String)
        texts = [pieces.text(row) for row in draft["row"]]
        if name.startswith("header:"):
            return header_values(texts, ("headers", "request_headers"), name.removeprefix("header:"))
        return field_values(texts, name)

    account, basis = accounts(
        _named(rule.account, "account_id"), BASES | {ADDRESS_AND_AGENT: ADDRESS_AND_AGENT}, look_up, size
    )
    return draft.with_columns(
        account.alias("account_id"),
        basis.alias("account_basis"),
        first_of(_named(rule.api_key, "api_key_id"), look_up, size).alias("api_key_id"),
        first_of(_named(rule.end_user, "end_user_id"), look_up, size).alias("end_user_id"),
        first_of(_named(rule.client_fingerprint, "client_fingerprint"), look_up, size).alias("client_fingerprint"),
    )


def _named(rule: Sequence[str], default: str) -> Sequence[str]:
    return rule if len(rule) > 0 else (default,)
