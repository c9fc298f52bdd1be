"""Software as accounts send it that move on to a new network every day: what a pool and its bystanders send, without the bystanders.

A library's default client is sent by a pool and by many who have nothing to do with it, and what those do hides the pool: another load,
other ages. Behind residential proxies are hardly any of them. So every key of software is looked at a second time, with the holders
only that move (base.py). That they do is no coincidence of theirs: it counts as it counts for all who send the key.
"""

import polars as pl

from transforms.campaigns.base import Base
from transforms.campaigns.kinds import ROVING

_KEY = ["kind", "key"]
_OF = {roving: kind for kind, roving in ROVING.items()}
_OF_ALL = ["staying", "moving"]


def with_roving(shared: pl.DataFrame, base: Base) -> pl.DataFrame:
    """SHARED rows, and once more those of software that accounts show which move, as kinds of their own."""
    moving = base.lives.filter("is_moving")
    if moving.is_empty():
        return shared
    roving = shared.filter(pl.col("kind").is_in(list(ROVING))).join(moving, on="account_hash", how="semi")
    return pl.concat([shared, roving.with_columns(pl.col("kind").replace_strict(ROVING, return_dtype=pl.String))])


def as_of_all(sums: pl.DataFrame) -> pl.DataFrame:
    """The sums of keys, sorted as given; who stays and who moves of a roving one is counted among all who send the software.

    Args:
        sums: kind, key, tick and kinds.SUMS; whoever shows a roving key has shown the key itself in the same tick.
    """
    if not sums["kind"].is_in(list(_OF)).any():
        return sums
    every = sums.select(*_KEY, "tick", *_OF_ALL).rename({"kind": "of_kind"})
    known = sums.with_columns(of_kind=pl.col("kind").replace_strict(_OF, default=None, return_dtype=pl.String))
    joined = known.join(every, on=["of_kind", "key", "tick"], how="left", maintain_order="left", suffix="_of_all")
    return joined.with_columns(pl.coalesce(f"{name}_of_all", name).alias(name) for name in _OF_ALL).select(sums.columns)
