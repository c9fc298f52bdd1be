"""Which accounts hold the same key: an index of keys over all accounts, and the rows of keys that are shared.

An account holds a key from the first tick in which it shows it until `links.memory_days` after the last; a key is shared
while two accounts or more hold it. Keys are independent of each other, so they may be spread over any number of shards.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

import numpy as np
import numpy.typing as npt
import polars as pl

from schemas.policy import Policy
from schemas.shared import SHARED
from transforms.links.compact import Compact
from transforms.links.crowd import DAY_MINUTES, Alone, Crowd
from transforms.links.segments import EPOCH_DAYS, Names, Segment, with_names, with_rows
from transforms.sketches.grouping import first_not_less, lengths_of, stands_at, starts_of
from transforms.sketches.mix import U64
from transforms.sketches.packing import pack, unpack

_POSTINGS = pl.Schema({"word": pl.UInt64(), "account_hash": pl.Int64(), "day": pl.Int32()})
_CAPPED = pl.Schema({"word": pl.UInt64(), "day": pl.Int32()})
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Table:
    """Keys that were shared.

    Attributes:
        postings: word, account_hash and the last day on which the account showed it, sorted; all holders of words that
            at least two accounts held at once, as long as any of them holds it.
        capped: words that more accounts held than `links.most_holders`, and the last day on which anybody showed them.
    """

    postings: pl.DataFrame
    capped: pl.DataFrame

    @classmethod
    def empty(cls) -> Self:
        """Nothing is shared yet."""
        return cls(pl.DataFrame(schema=_POSTINGS), pl.DataFrame(schema=_CAPPED))

    def to_bytes(self) -> bytes:
        """The table as versioned bytes."""
        return pack("postings", 1, {"postings": self.postings, "capped": self.capped})

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """The inverse of `to_bytes`; raises ValueError on other bytes."""
        return cls(**unpack(data, "postings", 1))

    def since(self, day: int) -> "Table":
        """Without what nobody showed since."""
        if (self.postings["day"] >= day).all() and (self.capped["day"] >= day).all():
            return self
        return Table(self.postings.filter(pl.col("day") >= day), self.capped.filter(pl.col("day") >= day))

    def with_day(self, postings: pl.DataFrame, shown: U64, full: U64, day: int) -> "Table":
        """After a day's rows.

        Args:
            postings: holders that are new or showed the word.
            shown: capped words that were shown.
            full: words that are capped from now on.
            day: days since 1970.
        """
        kept, capped = self.postings, np.concatenate([shown, full])
        if postings.height or len(full):
            kept = _with(kept.filter(~_is_among(kept["word"].to_numpy(), full)) if len(full) else kept, postings)
        elif not len(shown):
            return self
        days = pl.DataFrame({"word": capped, "day": np.full(len(capped), day)}, schema=_CAPPED)
        return Table(kept, pl.concat([self.capped, days]).group_by("word").agg(pl.col("day").max()).sort("word"))


Piece = Table | Segment | Names
"""What is stored of the index as one."""


@dataclass(frozen=True)
class PostingState:
    """The index of one shard; what did not change between two states is the same object.

    Attributes:
        table: keys that were shared.
        segments: keys with one holder, by day.
        names: names of the accounts in the segments.
    """

    table: Table
    segments: tuple[Segment, ...]
    names: tuple[Names, ...]

    @classmethod
    def empty(cls) -> Self:
        """Nothing seen yet."""
        return cls(Table.empty(), (), ())

    @classmethod
    def of(cls, pieces: Mapping[str, Piece]) -> Self:
        """The state of these pieces."""
        ordered = [piece for _, piece in sorted(pieces.items())]
        table = next((piece for piece in ordered if isinstance(piece, Table)), Table.empty())
        segments = tuple(piece for piece in ordered if isinstance(piece, Segment))
        return cls(table, segments, tuple(piece for piece in ordered if isinstance(piece, Names)))

    def pieces(self) -> dict[str, Piece]:
        """What the state is stored as, by a name that says kind, day and number; what did not change is the same object."""
        made: dict[str, Piece] = {"postings": self.table}
        for number, segment in enumerate(self.segments):
            of_day = sum(other.day == segment.day for other in self.segments[:number])
            made[f"segments-{_EPOCH + timedelta(days=segment.day):%Y%m%d}-{of_day:03d}"] = segment
        for number, one in enumerate(self.names):
            of_epoch = sum(other.epoch == one.epoch for other in self.names[:number])
            made[f"names-{one.epoch:05d}-{of_epoch:03d}"] = one
        return made

    def since(self, day: int) -> "PostingState":
        """Without what nobody showed since."""
        return PostingState(
            self.table.since(day),
            tuple(segment for segment in self.segments if segment.day >= day),
            tuple(one for one in self.names if (one.epoch + 1) * EPOCH_DAYS > day),
        )


def step(state: PostingState, traits: Compact, until: datetime, policy: Policy) -> tuple[PostingState, pl.DataFrame]:
    """The index at `until`, and rows of keys that were shared in their tick.

    A row is passed on if in its tick at least two accounts hold the key and no more than `links.most_holders`. When a key
    becomes shared, the account that held it alone is passed on with it, with its first row. A key that too many hold
    is not passed on again until nobody has shown it for `links.memory_days`.

    Args:
        state: as of the end of the last closed tick.
        traits: those of a shard of keys, of ticks before `until` not given before.
        until: border up to which ticks are closed.
        policy: links.memory_days, links.most_holders.

    Returns:
        The state, and SHARED rows.
    """
    found = [SHARED.empty()]
    days = traits.rows["tick"].to_numpy() // DAY_MINUTES
    for day in np.unique(days).tolist():
        today = Compact(traits.rows[np.flatnonzero(days == day)], traits.names)
        state, shared = step_day(state.since(day - policy.links.memory_days), today, day, policy.links.most_holders)
        found.append(shared)
    last = (until - _EPOCH) // timedelta(days=1)
    return state.since(last - policy.links.memory_days), SHARED.conform(pl.concat(found))


def step_day(state: PostingState, traits: Compact, day: int, most: int) -> tuple[PostingState, pl.DataFrame]:
    """The same for traits of one day, of which nothing is too old to be remembered."""
    rows, table = traits.rows, state.table
    by_word = np.argsort(rows["word"].to_numpy())
    ordered = rows["word"].to_numpy()[by_word]
    starts = starts_of(ordered.view(np.int64))
    words, sizes = ordered[starts], lengths_of(starts, len(ordered))
    is_capped = _is_among(words, table.capped["word"].to_numpy())
    was_shared = _is_among(words, table.postings["word"].to_numpy())
    alone = Alone.of(state.segments, words, np.flatnonzero(~is_capped & ~was_shared), day)
    is_simple = ~is_capped & ~was_shared & ~alone.is_held & (sizes == 1)
    chosen = np.flatnonzero(~is_capped & ~is_simple)
    number = np.full(len(words), -1)
    number[chosen] = np.arange(len(chosen))
    of_row = np.empty(len(ordered), dtype=np.int64)
    of_row[by_word] = np.repeat(number, sizes)
    crowd = Crowd.of(rows, of_row, words[chosen], table.postings, alone.only(chosen), was_shared[chosen], day, most)
    after = table.with_day(crowd.postings(), words[is_capped], crowd.words[crowd.is_over], day)
    single = np.concatenate([by_word[starts[is_simple]], crowd.first_rows_alone()])
    changed = PostingState(
        after,
        with_rows(state.segments, day, rows[np.sort(single)]),
        with_names(state.names, day, traits.names),
    )
    return changed, crowd.shown(state.segments, [traits.names, *[one.rows for one in changed.names]])


def _with(table: pl.DataFrame, postings: pl.DataFrame) -> pl.DataFrame:
    """The table, which is sorted, with other postings: of each word and account the latest day."""
    order = np.lexsort((postings["account_hash"].to_numpy(), postings["word"].to_numpy()))
    word, account, day = (postings[name].to_numpy()[order] for name in _POSTINGS.names())
    firsts = starts_of(word.view(np.int64), account)
    day = np.maximum.reduceat(day, firsts) if len(firsts) else day
    word, account = word[firsts], account[firsts]
    held, words = table["account_hash"].to_numpy(), table["word"].to_numpy()
    high = np.searchsorted(words, word, side="right")
    at = first_not_less(held, account, np.searchsorted(words, word), high)
    is_held = stands_at(held, account, at, high)
    days = table["day"].to_numpy().copy()
    days[at[is_held]] = np.maximum(days[at[is_held]], day[is_held])
    new = np.flatnonzero(~is_held)
    return pl.DataFrame(
        {
            "word": np.insert(words, at[new], word[new]),
            "account_hash": np.insert(held, at[new], account[new]),
            "day": np.insert(days, at[new], day[new]),
        },
        schema=_POSTINGS,
    )


def _is_among(words: U64, held: U64) -> npt.NDArray[np.bool_]:
    """Of each word whether it is among those held, which are sorted."""
    is_held = np.zeros(len(words), dtype=np.bool_)
    if len(held):
        is_held[:] = held[np.minimum(np.searchsorted(held, words), len(held) - 1)] == words
    return is_held
