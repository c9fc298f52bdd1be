"""At which hours of the day the accounts of a campaign never call: nobody's night, one, or several.

Facts, as those of course.py: 38 to 60 % of honest API clients call in all hours of the day within two weeks (threats.md T1), so that having
no night is no evidence.
"""

from itertools import combinations
from typing import Any

import numpy as np
import polars as pl

_HOURS = 24
_QUIET = 6
"""Hours in a row in which people in one time zone sleep (threats.md 2.2 #4)."""

_KNOWN = 48
"""Visited hours from which a day is known: of an account that calls at any time, one in 300 has six hours in a row with at most
`_AWAKE` of them (24 times the binomial chance of two or fewer of 48 at a quarter each)."""

_AWAKE = 0.05
"""Share of visited hours that may fall into a night: now and then somebody works late."""

_MOST = 4
"""No more stretches of six hours lie beside each other in a day."""

_STRETCHES = [np.array(list(combinations(range(_HOURS), size))) for size in range(1, _MOST + 1)]
"""First hours of so many stretches, every choice of them."""

VISITED = pl.Schema(
    {"account_hash": pl.Int64(), "hour": pl.Int8(), "visits": pl.Int32(), "first_tick": pl.Datetime("us", "UTC")}
)
"""How many hours with calls an account has had at an hour of the day, and the first tick of the last of them."""


def hours_of(shown: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """VISITED rows of the hours with calls that are not known yet, each by itself, so that facts can be told as of each tick.

    Args:
        shown: account_hash and tick of calls, none before the last of what is known.
        known: VISITED rows before.
    """
    if shown.is_empty():
        return known.clear()
    cell = pl.col("first_tick").dt.truncate("1h").alias("cell")
    hours = shown.group_by("account_hash", cell=pl.col("tick").dt.truncate("1h")).agg(first_tick=pl.col("tick").min())
    new = hours.join(known.select("account_hash", cell), on=["account_hash", "cell"], how="anti")
    one = new.select("account_hash", pl.col("cell").dt.hour().alias("hour"), pl.lit(1).alias("visits"), "first_tick")
    return one.cast(VISITED).sort("account_hash", "first_tick")


def gathered(known: pl.DataFrame, hours: pl.DataFrame) -> pl.DataFrame:
    """One VISITED row an account and hour of the day: what later ticks need.

    Args:
        known: such rows.
        hours: what `hours_of` gave with them.
    """
    if hours.is_empty():
        return known
    summed = pl.concat([known, hours]).group_by("account_hash", "hour")
    return summed.agg(pl.col("visits").sum().cast(pl.Int32), pl.col("first_tick").max()).sort("account_hash", "hour")


def nights(visited: pl.DataFrame) -> dict[str, Any]:
    """Columns of CAMPAIGN about the hours of its accounts.

    Args:
        visited: VISITED rows of its accounts.
    """
    if visited.is_empty():
        return {"rhythm_accounts": None, "sleepless_accounts": None, "nights": None}
    table = np.zeros((visited["account_hash"].n_unique(), _HOURS), dtype=np.int64)
    place = visited["account_hash"].rank("dense").to_numpy() - 1
    np.add.at(table, (place, visited["hour"].to_numpy()), visited["visits"].to_numpy())
    known = table[table.sum(axis=1) >= _KNOWN]
    around = np.concatenate([known, known[:, : _QUIET - 1]], axis=1)
    within = np.stack([around[:, hour : hour + _QUIET].sum(axis=1) for hour in range(_HOURS)], axis=1)
    quiet = within <= _AWAKE * known.sum(axis=1, keepdims=True)
    sleeps = quiet.any(axis=1)
    return {
        "rhythm_accounts": len(known),
        "sleepless_accounts": int((~sleeps).sum()) if len(known) else None,
        "nights": fewest(quiet[sleeps]) if sleeps.any() else None,
    }


def fewest(quiet: "np.ndarray[Any, np.dtype[np.bool_]]") -> list[int]:
    """The fewest stretches of six hours such that everybody is quiet in one of them, by their first hours; of as few the first.

    Where four do not suffice, those four in which most are quiet.

    Args:
        quiet: by account (rows) whether the stretch that begins with an hour (24 columns) is quiet; each row has one.

    >>> night = np.zeros((2, 24), dtype=bool)
    >>> night[0, 20:24], night[1, 22], night[1, 5] = True, True, True
    >>> fewest(night)
    [22]
    """
    masks, weights = np.unique(quiet @ (1 << np.arange(_HOURS)), return_counts=True)
    for chosen in _STRETCHES:
        together = np.bitwise_or.reduce(1 << chosen, axis=1)
        covered = weights @ ((masks[:, None] & together) != 0)
        best = int(covered.argmax())
        if covered[best] == weights.sum():
            break
    return [int(hour) for hour in chosen[best]]
