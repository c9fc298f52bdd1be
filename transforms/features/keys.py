"""Keys of ticks become keys of hours, and how often a key was shown in the 24 hours up to an hour's end."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import polars as pl

from schemas.trait import TraitKind
from transforms.features.hours import Hours, numbers_of
from transforms.features.state import CAPS, KEYS, KIND, KINDS
from transforms.features.trailing import HOUR_US, first_within, places, sums
from transforms.sketches.grouping import lengths_of, order_of, ranks_of, starts_of
from transforms.sketches.mix import I64

AT_ONCE = 1_000_000
"""Rows of keys that are added up at once: some 200 bytes each while it is done, and a busy day has millions."""


@dataclass(frozen=True)
class Keys:
    """One kind's keys of every hour, sorted by account, key and hour; capped.

    Attributes:
        kind: the kind and its cap.
        account: account of each row, numbered as in `Hours`.
        key: the key.
        hour: hours since 1970.
        count: calls of the hour that showed it.
        refused: those of them that were refused.
    """

    kind: TraitKind
    account: I64
    key: I64
    hour: I64
    count: I64
    refused: I64


@dataclass(frozen=True)
class Used:
    """Keys of one kind that were shown in the hours that end.

    Attributes:
        window: the window.
        key: the key.
        count: calls of the hour that showed it.
        day: calls of the 24 hours up to the hour's end that showed it.
        day_refused: those of them that were refused.
    """

    window: I64
    key: I64
    count: I64
    day: I64
    day_refused: I64


def shown_of(traits: pl.DataFrame) -> pl.DataFrame:
    """TRAIT rows of the kinds that features look at, as `KEYS` rows that still have to be added up."""
    hour = (pl.col("tick").dt.timestamp("us") // HOUR_US).cast(KEYS["hour"]).alias("hour")
    return (
        traits.with_columns(pl.col("kind").cast(KIND, strict=False))
        .filter(pl.col("kind").is_not_null())
        .select("account_id", "kind", "key", hour, "count", "refused")
    )


class Shown:
    """Keys of the accounts whose hours end, to be added up for some of the accounts at a time."""

    def __init__(self, kept: pl.DataFrame, ending: pl.DataFrame, accounts: pl.Series) -> None:
        """Numbers their rows.

        Args:
            kept: `KEYS` rows of earlier hours.
            ending: `KEYS` rows of the ticks of hours that end, in the order of ticks.
            accounts: the accounts looked at, in order; all those of `ending` among them.
        """
        self._frames = tuple((frame, numbers_of(frame["account_id"], accounts)) for frame in (kept, ending))
        self._accounts = len(accounts)

    def others(self) -> pl.DataFrame:
        """The `KEYS` rows of earlier hours of accounts that are not looked at."""
        kept, number = self._frames[0]
        return kept.filter(pl.Series(number < 0))

    def parts(self) -> list[tuple[int, int]]:
        """Accounts [from, to) that have at most `AT_ONCE` rows together, or are one with more."""
        rows = sum(np.bincount(number[number >= 0], minlength=self._accounts) for _, number in self._frames)
        after = np.cumsum(rows)
        borders = [0]
        while borders[-1] < self._accounts:
            before = after[borders[-1] - 1] if borders[-1] else 0
            borders.append(max(int(np.searchsorted(after, before + AT_ONCE, side="right")), borders[-1] + 1))
        return list(pairwise(borders))

    def by_kind(self, low: int, high: int) -> list[Keys]:
        """Every kind's keys of the accounts [low, high), which are numbered from 0."""
        mine = [(frame, number, np.flatnonzero((number >= low) & (number < high))) for frame, number in self._frames]
        account = np.concatenate([number[rows] for _, number, rows in mine]) - low
        kinds, hour, *values = (
            np.concatenate([frame[name].to_physical().to_numpy()[rows] for frame, _, rows in mine])
            for name in ("kind", "hour", "key", "count", "refused")
        )
        order = np.argsort(kinds, kind="stable")
        borders = np.searchsorted(kinds[order], np.arange(len(KINDS) + 1))
        of_kinds = [order[first:last] for first, last in pairwise(borders)]
        return [
            _added_up(CAPS[kind], account[rows], hour[rows].astype(np.int64), *[column[rows] for column in values])
            for kind, rows in zip(KINDS, of_kinds, strict=True)
        ]


def used(keys: Keys, hours: Hours) -> Used:
    """The keys of the windows' own hours, with their counts over 24 hours."""
    windows = places(hours.account, hours.hour)
    rows = np.flatnonzero(keys.hour >= hours.hour.min()) if len(windows) else np.empty(0, dtype=np.int64)
    spots = places(keys.account[rows], keys.hour[rows])
    window = np.minimum(np.searchsorted(windows, spots), max(len(windows) - 1, 0))
    found = windows[window] == spots
    rows, window = rows[found], window[found]
    series = np.cumsum(_is_first(keys)) - 1
    first = first_within(series, keys.hour, rows)
    return Used(
        window=window,
        key=keys.key[rows],
        count=keys.count[rows],
        day=sums(keys.count, first, rows),
        day_refused=sums(keys.refused, first, rows),
    )


def rows_of(keys: list[Keys], accounts: pl.Series) -> pl.DataFrame:
    """The keys as `KEYS` rows, kind after kind."""
    whole = {
        name: np.concatenate([getattr(one, name) for one in keys])
        for name in ("account", "key", "hour", "count", "refused")
    }
    kinds = pl.Series(np.repeat(np.arange(len(keys)), [len(one.key) for one in keys]))
    return pl.DataFrame(
        {
            "account_id": accounts.gather(whole["account"]),
            "kind": pl.Series([one.kind.name for one in keys], dtype=KIND).gather(kinds),
            "key": whole["key"],
            "hour": whole["hour"].astype(np.int32),
            "count": whole["count"],
            "refused": whole["refused"],
        }
    )


def _is_first(keys: Keys) -> I64:
    out = np.zeros(len(keys.key), dtype=np.int64)
    out[starts_of(keys.account, keys.key)] = 1
    return out


def _added_up(kind: TraitKind, account: I64, hour: I64, key: I64, count: I64, refused: I64) -> Keys:
    """One row an account, key and hour; of each account's hour as many keys as of a tick, by the same rule."""
    order = order_of(account, key)  # of one key by hour: rows are
    account, hour, key, count, refused = (column[order] for column in (account, hour, key, count, refused))
    starts = starts_of(account, key, hour)
    if len(starts) < len(key):
        account, hour, key = account[starts], hour[starts], key[starts]
        count, refused = np.add.reduceat(count, starts), np.add.reduceat(refused, starts)
    added = Keys(kind, account, key, hour, count, refused)
    most = lengths_of(starts_of(account), len(account)).max(initial=0)
    return _capped(added) if most > kind.per_tick else added


def _capped(keys: Keys) -> Keys:
    """Of each account's hour as many keys as of a tick, by the same rule (schemas.trait)."""
    by_hour = order_of(keys.account, keys.hour)  # of one hour by key: rows are
    cells = starts_of(keys.account[by_hour], keys.hour[by_hour])
    sizes = lengths_of(cells, len(by_hour))
    rank = np.empty(len(by_hour), dtype=np.int64)
    rank[by_hour] = ranks_of(cells, len(by_hour))
    if keys.kind.keep == "most":
        crowded = by_hour[np.repeat(sizes > keys.kind.per_tick, sizes)]
        cell = places(keys.account[crowded], keys.hour[crowded])
        ranked = crowded[np.lexsort((keys.key[crowded], -keys.count[crowded], cell))]
        rank[ranked] = rank[crowded]
    kept = rank < keys.kind.per_tick
    columns = (keys.account, keys.key, keys.hour, keys.count, keys.refused)
    return Keys(keys.kind, *[column[kept] for column in columns])
