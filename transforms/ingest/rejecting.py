"""Records that are refused: why, in the words of the REJECT contract."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import polars as pl

from schemas.reject import REJECT
from transforms.ingest.adapter import Context
from transforms.ingest.fingerprint import text_digest
from transforms.ingest.framing import Pieces

_PLACE = re.compile(r" - at `\$(.*)`$", re.DOTALL)
_INDEX = re.compile(r"\[[^\]]*\]")
_COLUMN_CHARACTERS = 64


@dataclass(frozen=True)
class Fault:
    """Why one record is refused.

    Attributes:
        row: which record of its pieces.
        reason: one of schemas.reject.REASONS.
        column: the field at fault, None for the record as a whole.
    """

    row: int
    reason: str
    column: str | None = None


def path_of(error: Exception) -> str:
    """The field a validation error is about, dotted and without indexes; "" for the record as a whole.

    >>> path_of(ValueError("Expected `str`, got `int` - at `$.messages[0].role`"))
    'messages.role'
    """
    found = _PLACE.search(str(error))
    return "" if found is None else _INDEX.sub("", found[1]).lstrip(".")


def fault_of(row: int, error: Exception) -> Fault:
    """What an exception of the decoder says about a record."""
    column = path_of(error)[:_COLUMN_CHARACTERS] or None
    if isinstance(error, RecursionError):
        return Fault(row, "too_deep")
    if isinstance(error, UnicodeDecodeError):
        return Fault(row, "not_utf8")
    if not isinstance(error, msgspec.ValidationError) or column is None:
        return Fault(row, "not_json")
    if " >= " in str(error) or " <= " in str(error) or "out of range" in str(error):
        return Fault(row, "impossible_value", column)
    return Fault(row, "wrong_type", column)


def rejects(faults: Sequence[Fault], pieces: Pieces, name: str, context: Context) -> pl.DataFrame:
    """REJECT rows for the faults; of several faults of one record the first counts.

    Args:
        faults: what is wrong with which record.
        pieces: the records.
        name: the adapter that refuses them.
        context: source and key.
    """
    first: dict[int, Fault] = {}
    for fault in faults:
        first.setdefault(fault.row, fault)
    if not first:
        return REJECT.empty()
    texts = [pieces.text(row) for row in first]
    frame = pl.DataFrame(
        {
            "position": [int(pieces.positions[row]) for row in first],
            "line": [None if pieces.lines is None else int(pieces.lines[row]) for row in first],
            "reason": [fault.reason for fault in first.values()],
            "column": [fault.column for fault in first.values()],
            "digest": record_digest(texts, context),
            "length": [len(text) for text in texts],
        },
        schema_overrides={"line": pl.Int64, "column": pl.String},
    )
    return REJECT.conform(
        frame.with_columns(
            pl.lit(context.source).alias("source"),
            pl.lit(context.source_name).alias("source_name"),
            pl.lit(name).alias("format"),
        )
    )


def record_digest(texts: Sequence[bytes], context: Context) -> pl.Series:
    """Keyed fingerprints of whole records (Int64), whatever bytes they hold."""
    return text_digest(pl.Series("digest", texts, dtype=pl.Binary), context.key, "record")
