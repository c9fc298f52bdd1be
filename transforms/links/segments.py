"""Keys that one account alone has shown: sorted rows that are never changed, by day, and how words are found in them.

Most keys have one holder for ever, so this is where nearly all of what linkage remembers lies. A run adds a segment; of a
day's segments those that are not larger than what comes after them are put together, so that there are few, and a
run writes little but the first of a day. Those of a day that is over become one: a month of small runs leaves as few as a month of large ones.
What is too old leaves by the day, unread.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import polars as pl

from transforms.links.compact import NAMES, ROWS
from transforms.sketches.mix import I64, U64
from transforms.sketches.packing import pack, unpack

EPOCH_DAYS = 30
"""An account's name is stored once in so many days: as long as names are then kept, rows that need them may be remembered."""

_COUNTS = ("after", "count", "refused", "elicited", "output_tokens")
_DAY = pl.Schema({"day": pl.Int32()})
_PLACES_A_WORD = 8  # in the map of all words: one foreign word in nine is searched for in vain
_MOST_BITS = 28  # of the map: 256 MB
_LOOK_UP = 16  # words entered into the map in the time of one search in a segment (measured: 4 and 70 ns)


@dataclass(frozen=True)
class Segment:
    """First rows of a day's words that had one holder; each word once.

    Attributes:
        day: days since 1970.
        rows: `ROWS`, sorted by word; counts in the smallest type that holds them.
    """

    day: int
    rows: pl.DataFrame

    @classmethod
    def of(cls, day: int, *parts: pl.DataFrame) -> Self:
        """Rows of different words as a segment."""
        rows = pl.concat([part.cast(ROWS) for part in parts]).sort("word").rechunk()
        return cls(day, rows.with_columns(rows[name].shrink_dtype() for name in _COUNTS))

    @classmethod
    def empty(cls) -> Self:
        """No word."""
        return cls(0, pl.DataFrame(schema=ROWS))

    @cached_property
    def words(self) -> U64:
        """The words."""
        return self.rows["word"].to_numpy()

    def to_bytes(self) -> bytes:
        """The segment as versioned bytes."""
        return pack("segments", 1, {"day": pl.DataFrame({"day": [self.day]}, schema=_DAY), "rows": self.rows})

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """The inverse of `to_bytes`; raises ValueError on other bytes."""
        parts = unpack(data, "segments", 1)
        return cls(parts["day"].item(), parts["rows"])


@dataclass(frozen=True)
class Names:
    """Names of accounts that the segments speak of.

    Attributes:
        epoch: days since 1970 over EPOCH_DAYS.
        rows: `NAMES`, accounts first seen in this epoch.
    """

    epoch: int
    rows: pl.DataFrame

    @classmethod
    def empty(cls) -> Self:
        """No account."""
        return cls(0, pl.DataFrame(schema=NAMES))

    def to_bytes(self) -> bytes:
        """The names as versioned bytes."""
        return pack("names", 1, {"epoch": pl.DataFrame({"day": [self.epoch]}, schema=_DAY), "rows": self.rows})

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """The inverse of `to_bytes`; raises ValueError on other bytes."""
        parts = unpack(data, "names", 1)
        return cls(parts["epoch"].item(), parts["rows"])


@dataclass(frozen=True)
class Found:
    """The latest or earliest row of words.

    Attributes:
        segment: of each word the number of the segment that has it, -1 where none has.
        row: row of it.
        account: account_hash of the row, 0 where there is none.
    """

    segment: I64
    row: I64
    account: I64


def find(segments: Sequence[Segment], words: U64, *, latest: bool) -> Found:
    """The latest or earliest row of the words, which are sorted and each there once.

    Where there are many words and segments, one pass over all of them marks a map of the words' first bits, and only
    words whose place is marked are searched for.
    """
    found = Found(np.full(len(words), -1), *(np.zeros(len(words), dtype=np.int64) for _ in range(2)))
    places = np.arange(len(words))
    held = sum(len(segment.words) for segment in segments)
    if len(words) * len(segments) * _LOOK_UP > held > 0:
        bits = min(max((held * _PLACES_A_WORD - 1).bit_length(), 1), _MOST_BITS)
        marked, shift = np.zeros(1 << bits, dtype=np.bool_), np.uint64(64 - bits)
        for segment in segments:
            marked[segment.words >> shift] = True
        places = np.flatnonzero(marked[words >> shift])
    numbers = range(len(segments))
    for number in reversed(numbers) if latest else numbers:
        segment = segments[number]
        rows = np.minimum(np.searchsorted(segment.words, words[places]), len(segment.words) - 1)
        is_there = segment.words[rows] == words[places]
        hits, at = places[is_there], rows[is_there]
        found.segment[hits], found.row[hits] = number, at
        found.account[hits] = segment.rows["account_hash"].to_numpy()[at]
        places = places[~is_there]
    return found


def with_rows(segments: Sequence[Segment], day: int, rows: pl.DataFrame) -> tuple[Segment, ...]:
    """The segments and one more; those of the day that are not larger than what comes after them become one with it.

    Args:
        segments: by day, none of a later one.
        day: days since 1970.
        rows: `ROWS` of words that no segment of the day has.
    """
    if rows.is_empty():
        return tuple(segments)
    kept, parts, size = _closed(segments, day), [rows], rows.height
    while kept and kept[-1].day == day and kept[-1].rows.height <= size:
        parts.append(kept.pop().rows)
        size += parts[-1].height
    return (*kept, Segment.of(day, *parts))


def _closed(segments: Sequence[Segment], day: int) -> list[Segment]:
    """The segments; those of the last day before this one as one."""
    kept, of_day = list(segments), list[Segment]()
    while kept and kept[-1].day == segments[-1].day < day:
        of_day.append(kept.pop())
    return [*kept, Segment.of(segments[-1].day, *[one.rows for one in of_day])] if len(of_day) > 1 else list(segments)


def with_names(names: Sequence[Names], day: int, rows: pl.DataFrame) -> tuple[Names, ...]:
    """The names and those of accounts that are new in the day's epoch, put together in the same way."""
    epoch = day // EPOCH_DAYS
    known = [one.rows.select("account_hash") for one in names if one.epoch == epoch]
    new = rows.join(pl.concat(known), on="account_hash", how="anti") if known else rows
    if new.is_empty():
        return tuple(names)
    kept, parts, size = list(names), [new], new.height
    while kept and kept[-1].epoch == epoch and kept[-1].rows.height <= size:
        parts.append(kept.pop().rows)
        size += parts[-1].height
    return (*kept, Names(epoch, pl.concat(parts).sort("account_hash").rechunk()))
