"""Words of a day that more than one row or account is about: who holds them, tick by tick, and which rows are passed on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import polars as pl

from schemas.shared import SHARED
from transforms.links.compact import MINUTE, ROWS, described
from transforms.links.segments import Segment, find
from transforms.sketches.grouping import first_not_less, order_of, stands_at, starts_of
from transforms.sketches.mix import I64, U64

Bools = npt.NDArray[np.bool_]

DAY_MINUTES = 24 * 60
_BITS = 11  # that hold a minute of the day
_MINUTES = (1 << _BITS) - 1
_NEVER = _MINUTES  # a minute after the day's last


@dataclass(frozen=True)
class Alone:
    """The one account that held each of some words before, of those that were never shared.

    Attributes:
        is_held: whether there is one.
        is_of_today: whether a row of the day is remembered.
        account: its account_hash, 0 where there is none.
        last: the last day on which it showed the word.
    """

    is_held: Bools
    is_of_today: Bools
    account: I64
    last: I64

    @classmethod
    def of(cls, segments: Sequence[Segment], words: U64, asked: I64, day: int) -> Self:
        """Of words, sorted and each once; only the places `asked`, ascending, are looked at."""
        found = find(segments, words[asked], latest=True)
        account, last = np.zeros(len(words), dtype=np.int64), np.full(len(words), -1)
        days = np.array([*[segment.day for segment in segments], -1])
        account[asked], last[asked] = found.account, days[found.segment]
        return cls(last >= 0, last == day, account, last)

    def only(self, places: I64) -> "Alone":
        """The same of some of the words."""
        return Alone(self.is_held[places], self.is_of_today[places], self.account[places], self.last[places])


@dataclass(frozen=True)
class Crowd:
    """Rows of a day about some words, sorted by word, account, tick and kind, and what follows from them word by word.

    Attributes:
        rows: `ROWS` of the day.
        day: days since 1970.
        words: the words, each once.
        alone: who held them alone before.
        was_shared: words that are in the table of shared ones.
        number: of each row the place of its word.
        at: of each row the row of `rows`.
        minute: of each row the minute of the day.
        pairs: rows at which a word's next account begins.
        is_new: of each pair whether the account did not hold the word before.
        joins: pairs that are new, by word, minute and account.
        codes: word and minute of each of them.
        held: accounts that held the word before the day.
        begin: of each word its first place in `joins`.
        end: of each word the number of its holders after the day's rows.
        full: of each word the minute from which nothing is passed on.
        crossed: words that get more holders than may be on this day.
    """

    rows: pl.DataFrame
    day: int
    words: U64
    alone: Alone
    was_shared: Bools
    number: I64
    at: I64
    minute: I64
    pairs: I64
    is_new: Bools
    joins: I64
    codes: I64
    held: I64
    begin: I64
    end: I64
    full: I64
    crossed: I64

    @classmethod
    def of(
        cls,
        rows: pl.DataFrame,
        number: I64,
        words: U64,
        postings: pl.DataFrame,
        alone: Alone,
        was_shared: Bools,
        day: int,
        most: int,
    ) -> Self:
        """What follows from rows of which `number` says which word they are about, -1 for none of these."""
        at = np.flatnonzero(number >= 0)
        account = rows["account_hash"].to_numpy()[at]
        order = order_of(number[at], account)  # of one account by tick and kind: rows are
        at, account = at[order], account[order]
        number = number[at]
        minute = rows["tick"].to_numpy()[at].astype(np.int64) - day * DAY_MINUTES
        pairs = starts_of(number, account)
        held, is_known = _known(number[pairs], account[pairs], words, postings, alone, was_shared)
        code = number[pairs] << _BITS | minute[pairs]
        joins = np.flatnonzero(~is_known)
        joins = joins[np.argsort(code[joins], kind="stable")]
        codes = code[joins]
        begin = np.searchsorted(codes, np.arange(len(words)) << _BITS)
        end = held + np.diff(begin, append=len(codes))
        full = np.full(len(words), _NEVER)
        full[held > most] = 0
        crossed = np.flatnonzero((held <= most) & (end > most))
        full[crossed] = codes[begin[crossed] + most - held[crossed]] & _MINUTES
        return cls(
            rows,
            day,
            words,
            alone,
            was_shared,
            number,
            at,
            minute,
            pairs,
            ~is_known,
            joins,
            codes,
            held,
            begin,
            end,
            full,
            crossed,
        )

    @property
    def is_over(self) -> Bools:
        """Of each word whether more hold it than may."""
        return self.full < _NEVER

    @property
    def is_shared(self) -> Bools:
        """Of each word whether it stands in the table after the day's rows."""
        return ~self.is_over & (self.was_shared | (self.end > 1))

    def first_rows_alone(self) -> I64:
        """Rows of `rows` to remember: the first of each word with one holder of which none of the day is remembered."""
        of = self.number[self.pairs]
        kept = ~self.is_over & ~self.is_shared & ~self.alone.is_of_today
        return self.at[self.pairs[kept[of]]]

    def postings(self) -> pl.DataFrame:
        """Word, account_hash and day of all holders of shared words that are new or showed them."""
        of = self.number[self.pairs]
        pairs = np.flatnonzero(self.is_shared[of])
        joined = np.flatnonzero(self.is_shared & ~self.was_shared & self.alone.is_held)
        account = self.rows["account_hash"].to_numpy()[self.at[self.pairs[pairs]]]
        return pl.DataFrame(
            {
                "word": np.concatenate([self.words[of[pairs]], self.words[joined]]),
                "account_hash": np.concatenate([account, self.alone.account[joined]]),
                "day": np.concatenate([np.full(len(pairs), self.day), self.alone.last[joined]]).astype(np.int32),
            }
        )

    def shown(self, segments: Sequence[Segment], names: Sequence[pl.DataFrame]) -> pl.DataFrame:
        """SHARED rows: what is passed on."""
        parts = [self._passed(), *self._earlier(segments), self._marks()]
        made = pl.concat(part for part in parts)
        needed = made.select("account_hash").unique()
        known = pl.concat(one.join(needed, on="account_hash", how="semi") for one in names).unique("account_hash")
        midnight = self.day * DAY_MINUTES * MINUTE
        return SHARED.shape(
            described(made)
            .with_columns(tick=(midnight + made["passed"] * MINUTE).cast(SHARED.polars["tick"]))
            .join(known, on="account_hash", how="left", maintain_order="left")
        )

    def _holders(self, number: I64, minute: I64) -> I64:
        """Accounts that hold a word as of the end of a minute's tick."""
        joined = np.searchsorted(self.codes, number << _BITS | minute, side="right")
        return self.held[number] + joined - self.begin[number]

    def _passed(self) -> pl.DataFrame:
        """Rows of the day in whose tick the word is shared."""
        holders = self._holders(self.number, self.minute)
        rows = np.flatnonzero((holders > 1) & (self.minute < self.full[self.number]))
        pair = np.searchsorted(self.pairs, rows, side="right") - 1
        is_new = self.is_new[pair] & (self.minute[rows] == self.minute[self.pairs[pair]])
        return self._out(self.rows[self.at[rows]], self.minute[rows], holders[rows], is_new)

    def _earlier(self, segments: Sequence[Segment]) -> list[pl.DataFrame]:
        """The first row of the account that held a word alone, in the tick in which it becomes shared."""
        fresh = np.flatnonzero(~self.was_shared & (self.end > 1))
        second = self.codes[self.begin[fresh] + 1 - self.held[fresh]] & _MINUTES
        kept = second < self.full[fresh]
        fresh, second = fresh[kept], second[kept]
        holders, is_held = self._holders(fresh, second), self.held[fresh] > 0
        out = []
        here = np.flatnonzero(~is_held)
        first = self.joins[self.begin[fresh[here]]]
        row = self.pairs[first]
        is_earlier = self.minute[row] < second[here]
        here, row = here[is_earlier], row[is_earlier]
        out.append(self._out(self.rows[self.at[row]], second[here], holders[here], np.True_))
        fresh, second, holders = fresh[is_held], second[is_held], holders[is_held]
        found = find(segments, self.words[fresh], latest=False)
        for number in np.unique(found.segment).tolist():
            of, segment = np.flatnonzero(found.segment == number), segments[number]
            rows = segment.rows[found.row[of]].cast(ROWS)
            out.append(self._out(rows, second[of], holders[of], np.True_))
        return out

    def _marks(self) -> pl.DataFrame:
        """One row of each word that has too many holders now, of an account that comes with the tick that is too much."""
        minute = self.full[self.crossed]
        row = self.pairs[self.joins[np.searchsorted(self.codes, self.crossed << _BITS | minute)]]
        holders = self._holders(self.crossed, minute)
        return self._out(self.rows[self.at[row]], minute, holders, np.True_, is_capped=True)

    def _out(
        self, rows: pl.DataFrame, passed: I64, holders: I64, is_new: "Bools | np.bool_", *, is_capped: bool = False
    ) -> pl.DataFrame:
        return rows.with_columns(
            pl.Series("passed", passed, pl.Int64),
            pl.Series("holders", holders, pl.Int64),
            pl.Series("is_new", np.broadcast_to(is_new, len(passed))),
            is_capped=pl.lit(is_capped),
        )


def _known(
    number: I64, account: I64, words: U64, postings: pl.DataFrame, alone: Alone, was_shared: Bools
) -> tuple[I64, Bools]:
    """How many accounts held each word before, and which pairs of word and account did."""
    held = alone.is_held.astype(np.int64)
    is_known = alone.is_held[number] & (alone.account[number] == account)
    if was_shared.any():
        posted, accounts = postings["word"].to_numpy(), postings["account_hash"].to_numpy()
        low, high = (np.searchsorted(posted, words, side=side) for side in ("left", "right"))
        held += high - low
        at = first_not_less(accounts, account, low[number], high[number])
        is_known |= stands_at(accounts, account, at, high[number])
    return held, is_known
