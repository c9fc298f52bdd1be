"""What an account's calls had in common within a tick, key by key."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from schemas.policy import Traits
from schemas.trait import TRAIT, TRAIT_KINDS, TraitKind
from transforms.order.shown import Shown, shown
from transforms.order.ticks import Ticks, flags, moments
from transforms.sketches.grouping import changes, lengths_of, order_of, ranks_of, starts_of
from transforms.sketches.mix import I64

_KINDS = sorted(TRAIT_KINDS, key=lambda kind: kind.name)


@dataclass(frozen=True)
class _Counted:
    """One kind's keys, sorted by cell and key: in which cell, how many calls, how many of them refused, the first."""

    cell: I64
    key: I64
    count: I64
    refused: I64
    first: I64
    label: str | None

    def only(self, kept: npt.NDArray[np.bool_]) -> "_Counted":
        return _Counted(
            self.cell[kept], self.key[kept], self.count[kept], self.refused[kept], self.first[kept], self.label
        )


def traits(ticks: Ticks, gap_ms: I64, policy: Traits) -> pl.DataFrame:
    """TRAIT rows, sorted by key; each kind capped per account and tick as its catalogue entry says.

    Args:
        ticks: the calls.
        gap_ms: milliseconds since the account's previous call, -1 where not known.
        policy: which minhash slots become traits.
    """
    refused = flags(ticks.calls, pl.col("is_refused"))
    found = {name: _counted(ticks, keys, refused) for name, keys in shown(ticks, gap_ms, policy)}
    counted = [_capped(found.pop(kind.name), kind) for kind in _KINDS]
    kinds = np.repeat(np.arange(len(_KINDS)), [len(one.cell) for one in counted])
    cells = np.concatenate([one.cell for one in counted])
    if len(cells) == 0:
        return TRAIT.empty()
    order = order_of(cells, kinds)  # of one cell and kind by key: rows are
    labels = pl.concat([_labels(ticks, one) for one in counted])

    def column(name: str) -> I64:
        return np.concatenate([getattr(one, name) for one in counted])[order]

    where = ticks.of_cell[cells[order]]
    names = pl.Series([kind.name for kind in _KINDS])
    return pl.DataFrame(
        {
            "account_id": ticks.accounts["account_id"].gather(where),
            "account_hash": ticks.accounts["account_hash"].gather(where),
            "tick": moments(ticks.tick[cells[order]]),
            "kind": names.gather(kinds[order]),
            "key": column("key"),
            "label": labels.gather(order),
            "count": column("count"),
            "refused": column("refused"),
            "first_time": moments(ticks.time[column("first")]),
        },
        schema=TRAIT.polars,
    )


def _counted(ticks: Ticks, keys: Shown, refused: npt.NDArray[np.bool_]) -> _Counted:
    cells = ticks.cell[keys.rows]
    order = order_of(cells, keys.keys)
    cell, key, row = cells[order], keys.keys[order], keys.rows[order]
    fresh = changes(cell, key, row)
    if not fresh.all():  # one call that shows a key twice
        cell, key, row = cell[fresh], key[fresh], row[fresh]
    starts = starts_of(cell, key)
    return _Counted(
        cell=cell[starts],
        key=key[starts],
        count=lengths_of(starts, len(cell)),
        refused=np.add.reduceat(refused[row], starts, dtype=np.int64) if len(starts) else starts,
        first=row[starts],
        label=keys.label,
    )


def _capped(rows: _Counted, kind: TraitKind) -> _Counted:
    """At most `kind.per_tick` keys a cell: the commonest (ties: the smaller key), or the smallest."""
    starts = starts_of(rows.cell)
    sizes = lengths_of(starts, len(rows.cell))
    if not np.any(sizes > kind.per_tick):
        return rows
    ranks = ranks_of(starts, len(rows.cell))
    if kind.keep == "most":
        crowded = np.flatnonzero(np.repeat(sizes > kind.per_tick, sizes))
        by_count = crowded[np.lexsort((rows.key[crowded], -rows.count[crowded], rows.cell[crowded]))]
        ranks[by_count] = ranks[crowded]
    return rows.only(ranks < kind.per_tick)


def _labels(ticks: Ticks, rows: _Counted) -> pl.Series:
    if rows.label is None:
        return pl.Series("label", [None], dtype=pl.String).new_from_index(0, len(rows.cell))
    return ticks.calls[rows.label].gather(rows.first).alias("label")
