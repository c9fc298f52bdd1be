"""Where among the holders those stand of whom rows speak: both are sorted, so they are found and not joined.

A tick speaks of a few of the holders of a shard. To join on a text and two integers reads all of them, for each of a dozen questions.
"""

from dataclasses import dataclass
from typing import Self, TypeVar

import numpy as np
import numpy.typing as npt
import polars as pl

from transforms.campaigns.kinds import TIES
from transforms.sketches.grouping import first_not_less, lengths_of, stands_at, starts_of
from transforms.sketches.mix import I64

Bools = npt.NDArray[np.bool_]
Number = TypeVar("Number", np.bool_, np.int64)

KEY = ["kind", "key"]
HOLDING = [*KEY, "account_hash"]
_CODES = pl.Enum(sorted(TIES))


@dataclass(frozen=True)
class Places:
    """Of rows by kind, key and account (a holding each, of one row or more) what holders they speak of.

    Attributes:
        firsts: numbers of the rows with which a holding begins.
        at: by holding, the place of its holder, or where it would have to be put in.
        is_held: by holding, whether there is such a holder.
        key_firsts: numbers of the rows with which a key begins.
        low: by key, the place of its first holder.
        high: by key, the place behind its last holder; `low` where it has none.
        height: number of rows.
    """

    firsts: I64
    at: I64
    is_held: Bools
    key_firsts: I64
    low: I64
    high: I64
    height: int

    @classmethod
    def of(cls, holders: pl.DataFrame, rows: pl.DataFrame) -> Self:
        """Both sorted by kind, key and account; kinds are those of kinds.TIES."""
        codes, keys, accounts = numbers_of(rows)
        firsts, key_firsts = starts_of(codes, keys, accounts), starts_of(codes, keys)
        low, high = _of_keys(holders, codes[key_firsts], keys[key_firsts])
        key_of = np.repeat(np.arange(len(key_firsts)), lengths_of(key_firsts, len(keys)))[firsts]
        held, wanted = holders["account_hash"].to_numpy(), accounts[firsts]
        at = first_not_less(held, wanted, low[key_of], high[key_of])
        return cls(firsts, at, stands_at(held, wanted, at, high[key_of]), key_firsts, low, high, rows.height)

    def by_row(self, by_holding: npt.NDArray[Number]) -> npt.NDArray[Number]:
        """What is known of each holding, of each of its rows."""
        return np.repeat(by_holding, lengths_of(self.firsts, self.height))

    def by_row_of_key(self, by_key: npt.NDArray[Number]) -> npt.NDArray[Number]:
        """What is known of each key, of each of its rows."""
        return np.repeat(by_key, lengths_of(self.key_firsts, self.height))

    def known(self, holders: pl.DataFrame, **columns: str) -> list[pl.Series]:
        """Columns of the holders, by row; null where there is no such holder. Named as given."""
        where = pl.Series(self.by_row(self.at)).set(pl.Series(~self.by_row(self.is_held)), None)
        return [holders[name].gather(where).alias(called) for called, name in columns.items()]

    def holders_of(self, holders: pl.DataFrame, keys: Bools) -> pl.DataFrame:
        """All holders of some of the keys, in their order."""
        low, size = self.low[keys], (self.high - self.low)[keys]
        ends = np.cumsum(size)
        places = np.arange(ends[-1] if len(ends) else 0) + np.repeat(low - ends + size, size)
        return holders.select(pl.all().gather(places))


def numbers_of(rows: pl.DataFrame) -> tuple[I64, I64, I64]:
    """Kind (by its place in the alphabet), key and account."""
    codes = rows["kind"].cast(_CODES).to_physical().cast(pl.Int64).to_numpy()
    return codes, rows["key"].to_numpy(), rows["account_hash"].to_numpy()


def found(holders: pl.DataFrame, rows: pl.DataFrame) -> tuple[I64, Bools]:
    """By row, in any order: the place of the holder that it speaks of, and whether there is one.

    Args:
        holders: sorted by kind, key and account.
        rows: with the columns HOLDING.
    """
    codes, keys, accounts = numbers_of(rows)
    low, high = _of_keys(holders, codes, keys)
    held = holders["account_hash"].to_numpy()
    at = first_not_less(held, accounts, low, high)
    return at, stands_at(held, accounts, at, high)


def _of_keys(holders: pl.DataFrame, codes: I64, keys: I64) -> tuple[I64, I64]:
    """By key, where its holders begin and end; both are where they would be put in where it has none."""
    low, high = np.zeros(len(keys), dtype=np.int64), np.zeros(len(keys), dtype=np.int64)
    every, kinds = holders["key"].to_numpy(), holders["kind"]
    for code in np.unique(codes).tolist():
        kind = _CODES.categories[code]
        begin, end = kinds.search_sorted(kind, "left"), kinds.search_sorted(kind, "right")
        mine = codes == code
        low[mine] = begin + np.searchsorted(every[begin:end], keys[mine], side="left")
        high[mine] = begin + np.searchsorted(every[begin:end], keys[mine], side="right")
    return low, high
