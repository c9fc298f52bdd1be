"""Shared keys once more: plain Python, tick by tick over all rows, slow and obvious."""

from collections import defaultdict
from datetime import timedelta
from typing import Any

import polars as pl

from schemas.policy import Links
from schemas.shared import SHARED
from schemas.trait import TRAIT_KINDS

Row = dict[str, Any]

_TIES = {kind.name for kind in TRAIT_KINDS if kind.links}


class _Key:
    """What is known of one key."""

    def __init__(self) -> None:
        self.last: dict[str, Any] = {}  # of each holder the last day on which it showed the key
        self.rows: list[Row] = []
        self.was_shared = False
        self.capped: Any = None  # the last day on which a capped key was shown

    def forget(self, since: Any) -> None:
        self.last = {account: day for account, day in self.last.items() if day >= since}
        self.rows = [row for row in self.rows if row["tick"].date() >= since]
        self.was_shared = self.was_shared and bool(self.last)
        if self.capped is not None and self.capped < since:
            self.capped = None


def shared(traits: pl.DataFrame, policy: Links) -> pl.DataFrame:
    """SHARED rows of TRAIT rows."""
    keys: dict[tuple[str, int], _Key] = defaultdict(_Key)
    ticks: dict[Any, dict[tuple[str, int], list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in traits.sort("tick", "kind").to_dicts():
        if row["kind"] in _TIES:
            name = "handle" if row["kind"].startswith("handle") else row["kind"]
            ticks[row["tick"]][name, row["key"]].append(row)
    out = []
    for tick in sorted(ticks):
        for name, rows in ticks[tick].items():
            key, day = keys[name], tick.date()
            key.forget(day - timedelta(days=policy.memory_days))
            if key.capped is not None:
                key.capped = day
                continue
            joined = {row["account_id"] for row in rows} - set(key.last)
            earlier = None
            if key.last and joined and not key.was_shared:
                earlier = key.rows[0]
            key.last |= {row["account_id"]: day for row in rows}
            holders = len(key.last)
            if holders > policy.most_holders:
                mark = min((row for row in rows if row["account_id"] in joined), key=lambda row: row["account_hash"])
                out.append(mark | {"holders": holders, "is_new": True, "is_capped": True})
                keys[name] = _Key()
                keys[name].capped = day
                continue
            key.rows += rows
            if holders < 2:
                continue
            key.was_shared = True
            if earlier is not None:
                out.append(earlier | {"tick": tick, "holders": holders, "is_new": True, "is_capped": False})
            said = {"holders": holders, "is_capped": False}
            out += [row | said | {"is_new": row["account_id"] in joined} for row in rows]
    return SHARED.conform(pl.DataFrame(out, schema=traits.schema | SHARED.polars).select(SHARED.columns))
