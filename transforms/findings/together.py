"""What an account's own evidence is worth together: many kinds of it are many chances, so their decades say more than they are worth."""

import math

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from schemas.policy import Policy

F64 = npt.NDArray[np.float64]

_DIGITS = 6


def worth(decades: F64, kinds: int) -> F64:
    """Decades that some kinds of evidence come to, of what theirs add up to (Fisher 1925, "Statistical methods for research workers").

    Of independent shares the sum of -log10 is as large with the probability that a Poisson variable of mean decades * ln 10 is below the
    number of kinds: 5 decades of five kinds have 1 honest account-day in 90, not in 100,000.

    Args:
        decades: sums over kinds, at least 0.
        kinds: how many were looked at.
    """
    mean = decades * math.log(10.0)
    below = np.ones_like(mean)
    for number in range(kinds - 1, 0, -1):
        below = 1.0 + below * mean / number
    return np.asarray(np.maximum((mean - np.log(below)) / math.log(10.0), 0.0))


def weighed(hours: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    """Hours whose signals are those of L1 and L3: their points become parts of what they are worth together, `own_points`.

    Args:
        hours: rows with `signals`.
        policy: evidence.kinds.
    """
    numbers = hours["signals"].list.len().to_numpy()
    if not numbers.any():
        return hours.with_columns(own_points=pl.lit(0.0))
    single = hours["signals"].filter(pl.Series(numbers > 0)).explode().struct.unnest()
    row, points = np.repeat(np.arange(len(numbers)), numbers), single["points"].to_numpy()
    whole = np.bincount(row, points, len(numbers)).astype(np.float64)
    part = np.divide(worth(whole, policy.evidence.kinds), whole, out=np.zeros_like(whole), where=whole > 0)
    counted = np.round(points * part[row], _DIGITS)
    signals = single.with_columns(points=pl.Series(counted)).to_struct().rechunk().to_arrow()
    offsets = pa.array(np.concatenate([[0], np.cumsum(numbers)]), pa.int64())
    lists = pl.Series(pa.LargeListArray.from_arrays(offsets, signals), dtype=hours.schema["signals"])
    own = np.round(np.bincount(row, counted, len(numbers)), _DIGITS)
    return hours.with_columns(signals=lists, own_points=pl.Series(own))
