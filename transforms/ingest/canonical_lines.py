"""Canonical records that lie flat, one a line: read by columns."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from transforms.ingest.canonical_fields import FIELDS
from transforms.ingest.canonical_values import draft_columns
from transforms.ingest.flat import read_flat
from transforms.ingest.framing import Pieces
from transforms.ingest.json_reader import can_be_learned
from transforms.ingest.moments import counted, rfc3339

_FIELDS = {field.name: field for field in FIELDS}
_READ_AS: dict[tuple[str, type[pl.DataType]], type[pl.DataType]] = {
    ("moment", pl.String): pl.String,
    ("moment", pl.Float64): pl.Int64,
    ("name", pl.String): pl.String,
    ("name", pl.Float64): pl.Int64,
    ("label", pl.String): pl.String,
    ("text", pl.String): pl.String,
    ("tools", pl.String): pl.String,
    ("format", pl.String): pl.String,
    ("whole", pl.Float64): pl.Int64,
    ("number", pl.Float64): pl.Float64,
    ("flag", pl.Boolean): pl.Boolean,
    ("logprobs", pl.Boolean): pl.Boolean,
}
"""By kind of field and what a value looks like, the type all values have to be of; other records are read one by one."""

_MOST_LIKELY = {kind: read for (kind, looks), read in reversed(_READ_AS.items())}
"""What the values of a kind of field most likely are, where only nulls have been met."""


@dataclass(frozen=True)
class FlatRecords:
    """What was read by columns.

    Attributes:
        draft: as of canonical_values.draft_columns, without `filled`.
        rows: for each record, which piece it was.
        others: the other pieces.
        carried: for each of the others the presence bits of its names, if these are known and none stands twice, else -1.
        unknown: records by the name of an unknown field.
    """

    draft: pl.DataFrame
    rows: npt.NDArray[np.int64]
    others: npt.NDArray[np.int64]
    carried: npt.NDArray[np.int64]
    unknown: Counter[str]


def read_lines(pieces: Pieces) -> FlatRecords | None:
    """The records that read the same by columns as one by one; None where there are none."""
    flat = read_flat(pieces, _read_as)
    if flat is None:
        return None
    frame, rows, others, shape = flat.frame, flat.rows, flat.others, flat.shape
    spelled = [name for name in frame.columns if _is_moment(name) and frame.schema[name] == pl.String]
    times = {name: rfc3339(frame[name]) for name in spelled}
    known = np.ones(frame.height, dtype=bool)
    for name, time in times.items():
        known &= (time.is_not_null() | frame[name].is_null()).to_numpy()
    frame = frame.with_columns(time.alias(name) for name, time in times.items())
    if not known.all():
        others = np.sort(np.concatenate([others, rows[~known]]))
        frame, rows = frame.filter(pl.Series(known)), rows[known]
    if frame.is_empty():
        return None
    numbers = {n: counted(frame[n]) for n in frame.columns if _is_moment(n) and n not in times}
    draft = draft_columns({name: numbers.get(name, frame[name]) for name in frame.columns if name in _FIELDS})
    carried = np.array([*map(_bits, flat.shapes), 0], dtype=np.int64)[shape]  # -1 is the last
    draft = draft.with_columns(presence=pl.col("presence") | pl.Series(carried[rows]))
    known_names = np.where(shape[others] >= 0, carried[others], -1)
    return FlatRecords(draft.drop("filled"), rows, others, known_names, _unknown(frame, shape[rows], flat.shapes))


def _bits(names: Sequence[str]) -> int:
    """Presence bits of these names: a field that says null is there."""
    bits = 0
    for name in names:
        bits |= _FIELDS[name].group.value if name in _FIELDS else 0
    return bits


def _unknown(frame: pl.DataFrame, shape: npt.NDArray[np.int64], shapes: Sequence[tuple[str, ...]]) -> Counter[str]:
    """Records by the name of an unknown field, be it null."""
    plain = frame.filter(pl.Series(shape < 0))
    found = Counter({name: plain.height - plain[name].null_count() for name in plain.columns if name not in _FIELDS})
    for number, names in enumerate(shapes):
        count = int((shape == number).sum())
        found.update({name: count for name in names if name not in _FIELDS})
    return +found


def _is_moment(name: str) -> bool:
    return name in _FIELDS and _FIELDS[name].kind == "moment"


def _read_as(name: str, looks: type[pl.DataType]) -> type[pl.DataType] | None:
    field = _FIELDS.get(name)
    if field is None:
        return looks if can_be_learned(name) and looks != pl.Null else None
    return _MOST_LIKELY.get(field.kind) if looks == pl.Null else _READ_AS.get((field.kind, looks))
