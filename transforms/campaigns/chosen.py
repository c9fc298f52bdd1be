"""Software as some of its users send it: what a pool and its bystanders send, without most of the bystanders.

A library's default client is sent by a pool and by many who have nothing to do with it, and what those do hides the pool: another load,
other ages. Hardly any of them is behind residential proxies, and few have days that look like a harvest. So every key of software is
looked at again, with the holders only that move on to a new network every day, and with those only that lean to a harvest (base.py).
That they do is no coincidence of theirs, since it is what they were chosen for: it counts as it counts for all who send the key.
"""

import polars as pl

from transforms.campaigns.base import Base
from transforms.campaigns.kinds import LEANING, ROVING, SOFTWARE

_KEY = ["kind", "key"]
_CHOICES = (("is_moving", ROVING), ("leans", LEANING))
"""By column of LIVES that chooses the holders: the kinds of their keys."""

_OF = {chosen: kind for _, kinds in _CHOICES for kind, chosen in kinds.items()}
_OF_ALL = ["staying", "moving", "placed", "leaning"]


def with_chosen(shared: pl.DataFrame, base: Base) -> pl.DataFrame:
    """SHARED rows, and once more those of software for every choice that its senders belong to, as kinds of their own."""
    software = shared.filter(pl.col("kind").is_in(SOFTWARE))
    rows = [shared]
    for chosen, kinds in _CHOICES:
        own = software.join(base.lives.filter(chosen), on="account_hash", how="semi")
        rows.append(own.with_columns(pl.col("kind").replace_strict(kinds, return_dtype=pl.String)))
    return pl.concat(rows)


def as_of_all(sums: pl.DataFrame) -> pl.DataFrame:
    """The sums of keys, sorted as given; who moves and who leans is counted, of a chosen one, among all who send the software.

    Args:
        sums: kind, key, tick and kinds.SUMS; whoever shows a chosen key has shown the key itself in the same tick.
    """
    if not sums["kind"].is_in(list(_OF)).any():
        return sums
    every = sums.select(*_KEY, "tick", *_OF_ALL).rename({"kind": "of_kind"})
    known = sums.with_columns(of_kind=pl.col("kind").replace_strict(_OF, default=None, return_dtype=pl.String))
    joined = known.join(every, on=["of_kind", "key", "tick"], how="left", maintain_order="left", suffix="_of_all")
    return joined.with_columns(pl.coalesce(f"{name}_of_all", name).alias(name) for name in _OF_ALL).select(sums.columns)
