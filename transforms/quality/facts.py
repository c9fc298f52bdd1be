"""What is counted over a whole day's table, and the sample of its rows that is audited one by one."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Self

import numpy as np
import polars as pl
import polars_hash as plh

from schemas.contract import Contract

TIME_COLUMN = {"events": "time"}
"""Tables in which a pause means that a producer was silent."""

NULL_RATES = ("events",)
"""Tables whose null rates are compared with earlier days; in the others they follow from these."""

_HASH = "__sample_hash"
_MINUTES = 1440


@dataclass(frozen=True)
class DayFacts:
    """One table's day, small however large the table was; facts of parts of a day add up to those of the day.

    Attributes:
        contract: the table's contract.
        rows: rows in all.
        nulls: null values by column, for tables of NULL_RATES.
        minutes: minutes of the day in which something happened, for tables of TIME_COLUMN.
        sample: at most `limit` rows, those with the smallest hashes of their content-bound key; with their hash.
        border: smallest hash that is not in the sample; null if every row is.
        limit: how many rows the sample may have.
    """

    contract: Contract
    rows: int
    nulls: Mapping[str, int]
    minutes: frozenset[int]
    sample: pl.DataFrame
    border: int | None
    limit: int

    def merge(self, other: Self) -> "DayFacts":
        """Facts of both parts together."""
        names = self.nulls.keys() | other.nulls.keys()
        sample, border = _smallest(pl.concat([self.sample, other.sample]), self.limit, self.border, other.border)
        return DayFacts(
            self.contract,
            self.rows + other.rows,
            {name: self.nulls.get(name, 0) + other.nulls.get(name, 0) for name in sorted(names)},
            self.minutes | other.minutes,
            sample,
            border,
            self.limit,
        )

    def with_rows(self, frame: pl.DataFrame) -> "DayFacts":
        """Facts of these rows and more of the same table."""
        return self.merge(facts_of(self.contract, frame, self.limit, self.border))

    @cached_property
    def audited(self) -> pl.DataFrame:
        """The sampled rows as the table holds them, in an order that only their content decides."""
        return self.sample.sort(_HASH, maintain_order=True).drop(_HASH)

    @property
    def largest_gap_hours(self) -> float | None:
        """Longest pause between two minutes with rows; null with fewer than two of them."""
        ordered = sorted(self.minutes)
        pauses = [after - before for before, after in pairwise(ordered)]
        return max(pauses) / 60 if pauses else None

    def null_rate(self, column: str) -> float | None:
        """Share of null values of a column; null on a day without rows."""
        return self.nulls[column] / self.rows if self.rows else None


def facts_of(contract: Contract, frame: pl.DataFrame, limit: int, border: int | None = None) -> DayFacts:
    """Facts of one frame of the contract.

    The sample is chosen by a hash of the key, or where the key says where a row was read (`events`), of id and time:
    the same rows whatever the files, their order and their number, and rows with equal keys together or not at all.

    Args:
        contract: what the frame should be; the frame may break it, that is what the audit is for.
        frame: the rows of one UTC day, or a part of them.
        limit: rows to keep.
        border: rows with this hash or a larger one are not kept; null where all may be.
    """
    identity = [name for name in contract.key if name not in contract.position_columns] or ["event_id", "time"]
    columns = [_as_text(name, frame.schema[name]) for name in identity if name in frame.columns]
    hashed = plh.concat_str(columns or [pl.lit("")], separator="\x1f").nchash.xxh3_64()
    time = TIME_COLUMN.get(contract.name)
    minutes: frozenset[int] = frozenset()
    if time is not None and time in frame.columns and frame.schema[time].is_temporal():
        of_day = pl.col(time).dt.epoch("s") // 60 % _MINUTES
        minutes = frozenset(frame.select(of_day.unique()).to_series().drop_nulls().to_list())
    counted = [name for name in frame.columns if contract.name in NULL_RATES and name not in contract.required]
    nulls = {name: frame[name].null_count() for name in counted}
    sample, border = _smallest(frame.with_columns(hashed.alias(_HASH)), limit, border)
    return DayFacts(contract, frame.height, nulls, minutes, sample, border, limit)


def _as_text(name: str, kind: pl.DataType) -> pl.Expr:
    """A column's values as text to be hashed; times as integers, whose digits cost a quarter of a date's."""
    value = pl.col(name).cast(pl.Int64) if kind.is_temporal() else pl.col(name)
    return value.cast(pl.String).fill_null("")


def _smallest(frame: pl.DataFrame, limit: int, *borders: int | None) -> tuple[pl.DataFrame, int | None]:
    """The rows below every border and of the `limit` smallest hashes, and the smallest hash left out.

    Rows with equal hashes stay together, hence there may be fewer. Whatever the parts, the result is that of the whole.
    """
    known = [border for border in borders if border is not None]
    if known:
        frame = frame.filter(pl.col(_HASH) < min(known))
    if frame.height > limit:
        known = [int(np.partition(frame[_HASH].to_numpy(), limit)[limit])]
        frame = frame.filter(pl.col(_HASH) < known[0])
    return frame, min(known) if known else None
