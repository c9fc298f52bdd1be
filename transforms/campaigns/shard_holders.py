"""Who holds the shared keys of a shard, as rows: a tick changes a few of them, and leaves the others alone."""

import numpy as np
import polars as pl

from transforms.campaigns.holder_places import HOLDING, KEY, Places, found
from transforms.sketches.mix import I64

__all__ = ["HOLDERS", "HOLDING", "KEY", "held", "of_rows"]

_TIME = pl.Datetime("us", "UTC")
HOLDERS = pl.Schema(
    {
        "kind": pl.String(),
        "key": pl.Int64(),
        "account_hash": pl.Int64(),
        "account_id": pl.String(),
        "calls": pl.Int64(),
        "elicited": pl.Int64(),
        "output_tokens": pl.Int64(),
        "output_known": pl.Int64(),
        "first_tick": _TIME,
        "last_tick": _TIME,
        "first_time": _TIME,
        "created_at": _TIME,
        "card": pl.String(),
        "burst": pl.String(),
        "is_told": pl.Boolean(),
        "place": pl.Int64(),
        "sitting_place": pl.Int64(),
        "awake": pl.Int64(),
    }
)
"""One row an account that holds a key; what is on file of it is as of the day on which it first showed the key, `place` and
`sitting_place` count the visits and sittings with the key up to its last, `awake` the minutes in which the key was in use (turns.py)."""


_SUMS = ("elicited", "output_tokens", "output_known")
_MOST = ("place", "sitting_place", "awake")


def held(before: pl.DataFrame, places: Places, rows: pl.DataFrame) -> pl.DataFrame:
    """The holders after the rows, sorted; those that show nothing stay as they are.

    Args:
        before: all holders, sorted.
        places: where those stand among them that the rows speak of.
        rows: what they showed, by key, account and tick.
    """
    shown = _showing(rows, places)
    old, new = np.flatnonzero(places.is_held), np.flatnonzero(~places.is_held)
    at = places.at[old]
    changed = []
    for name, merge in _MERGES.items():
        values = before[name].to_physical().to_numpy().copy()
        values[at] = merge(values[at], shown[name].to_physical().to_numpy()[old])
        changed.append(pl.Series(name, values).cast(HOLDERS[name]))
    after = before.with_columns(changed)
    if not len(new):
        return after
    order = np.insert(np.arange(before.height), places.at[new], before.height + np.arange(len(new)))
    return pl.concat([after, shown[new]])[order]


_MERGES = (
    dict.fromkeys(("calls", *_SUMS), np.add)
    | dict.fromkeys(("first_tick", "first_time"), np.minimum)
    | dict.fromkeys(("last_tick", *_MOST), np.maximum)
)
"""What becomes of what a holder had shown, and shows. The rest is as of the first time."""


def _showing(rows: pl.DataFrame, places: Places) -> pl.DataFrame:
    """What the rows of each holding come to, as a holder that is new."""

    def of(merge: np.ufunc, name: str, called: str | None = None) -> pl.Series:
        values = rows[name].to_physical().to_numpy()
        merged: I64 = merge.reduceat(values, places.firsts) if len(values) else values
        return pl.Series(called or name, merged).cast(HOLDERS[called or name])

    first = rows.select(*KEY, "account_hash", "account_id", "created_at", "card", "burst")[places.firsts]
    return first.with_columns(
        of(np.add, "count", "calls"),
        *(of(np.add, name) for name in _SUMS),
        of(np.minimum, "tick", "first_tick"),
        of(np.maximum, "tick", "last_tick"),
        of(np.minimum, "first_time"),
        *(of(np.maximum, name) for name in _MOST),
        is_told=pl.lit(value=False),
    ).select(HOLDERS.names())


def of_rows(holders: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """The holders that rows speak of, in their order: a few of all, which everything else is done to."""
    at, is_held = found(holders, rows)
    return holders[np.unique(at[is_held])]
