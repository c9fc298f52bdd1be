"""What an account's calls had in common within a tick, key by key."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain

import numpy as np
import numpy.typing as npt
import polars as pl

from schemas.policy import Traits
from schemas.trait import TRAIT, TRAIT_KINDS, TraitKind
from transforms.order.shown import Shown, shown
from transforms.order.ticks import Ticks, flags, moments
from transforms.sketches.grouping import changes, lengths_of, order_of, ranks_of, starts_of
from transforms.sketches.mix import I64

CLAIMS = ("elicits_reasoning", "has_reasoning_tags", "has_rubric")
"""EVENT columns that say of a call what a harvest for training data looks like."""

COLUMNS = (*CLAIMS, "is_refused", "output_tokens", "http_status")
"""EVENT columns that are read here."""

_KINDS = sorted(TRAIT_KINDS, key=lambda kind: kind.name)
_UNKNOWN = -1
_COUNTS = ("count", "refused", "elicited", "output_tokens", "blocked")
_BLOCKS = (401, 403, 429)
"""Status of a call that was turned away: for who calls, or how often."""

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class _Counted:
    """One kind's keys, sorted by cell and key: in which cell, the sums over its calls, and the first of them."""

    cell: I64
    key: I64
    count: I64
    refused: I64
    elicited: I64
    output_tokens: I64
    blocked: I64
    first: I64
    label: pl.Series | None

    def only(self, kept: Bools) -> "_Counted":
        sums = {name: getattr(self, name)[kept] for name in _COUNTS}
        return _Counted(self.cell[kept], self.key[kept], **sums, first=self.first[kept], label=self.label)


class _Of:
    """What is added up of each call: values where they are known. Most logs say nothing, or nearly always no, of some of them."""

    def __init__(self, values: I64 | Bools, known: Bools) -> None:
        self._values, self._known = values, known
        self._is_any, self._is_known, self._is_always_known = values.any(), known.any(), known.all()

    def sums(self, rows: I64, starts: I64) -> I64:
        """The sum over each run of `rows`, `_UNKNOWN` where no call of it is known."""
        if len(starts) == 0 or not self._is_known:
            return np.full(len(starts), _UNKNOWN)
        sums = np.add.reduceat(self._values[rows], starts, dtype=np.int64) if self._is_any else np.zeros_like(starts)
        if not self._is_always_known:
            sums[~np.logical_or.reduceat(self._known[rows], starts)] = _UNKNOWN
        return sums


def traits(ticks: Ticks, gap_ms: I64, identities: Mapping[str, Shown], policy: Traits) -> pl.DataFrame:
    """TRAIT rows, sorted by key; each kind capped per account and tick as its catalogue entry says.

    Args:
        ticks: the calls.
        gap_ms: milliseconds since the account's previous call, -1 where not known.
        identities: keys of what accounts are paid with and how they were created.
        policy: which minhash slots become traits.
    """
    calls, anything = ticks.calls, np.ones(len(ticks.time), dtype=np.bool_)
    of = {
        "refused": _Of(flags(calls, pl.col("is_refused")), anything),
        "elicited": _Of(
            flags(calls, pl.any_horizontal(CLAIMS)),
            calls.select(pl.any_horizontal(pl.col(CLAIMS).is_not_null())).to_series().to_numpy(),
        ),
        "output_tokens": _Of(
            calls["output_tokens"].fill_null(0).to_numpy(), calls["output_tokens"].is_not_null().to_numpy()
        ),
        "blocked": _Of(
            flags(calls, pl.col("http_status").is_in(_BLOCKS)), calls["http_status"].is_not_null().to_numpy()
        ),
    }
    keys = chain(shown(ticks, gap_ms, policy), identities.items())
    found = {name: _counted(ticks, one, of) for name, one in keys if len(one.rows)}
    if not found:
        return TRAIT.empty()
    there = [place for place, kind in enumerate(_KINDS) if kind.name in found]
    counted = [_capped(found.pop(_KINDS[place].name), _KINDS[place]) for place in there]
    kinds = np.repeat(there, [len(one.cell) for one in counted])
    cells = np.concatenate([one.cell for one in counted])
    order = order_of(cells, kinds)  # of one cell and kind by key: rows are
    labels = pl.concat([_labels(one) for one in counted])

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
            "elicited": _known(column("elicited")),
            "output_tokens": _known(column("output_tokens")),
            "blocked": _known(column("blocked")),
        },
        schema=TRAIT.polars,
    )


def _known(sums: I64) -> pl.Series:
    column = pl.Series(sums)
    return column.set(column == _UNKNOWN, None)


def _counted(ticks: Ticks, keys: Shown, of: Mapping[str, _Of]) -> _Counted:
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
        **{name: added.sums(row, starts) for name, added in of.items()},
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


def _labels(rows: _Counted) -> pl.Series:
    if rows.label is None:
        return pl.Series("label", [None], dtype=pl.String).new_from_index(0, len(rows.cell))
    return rows.label.gather(rows.first).alias("label")
