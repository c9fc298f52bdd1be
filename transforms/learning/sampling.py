"""Sampling by hash: the same rows are taken whatever order, machine or batch they come in."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from transforms.sketches.mix import combine

# The first 64 bits of the fractions of the square roots of 2, 3 and 5, made odd: numbers nobody chose.
_MULTIPLIERS = np.array([0x6A09E667F3BCC909, 0xBB67AE8584CAA73B, 0x3C6EF372FE94F82B], dtype=np.uint64)


def sampling_hash(accounts: pl.Series, times: pl.Series) -> pl.Series:
    """A signed 64-bit hash of account and time, uniform: keep the smallest to keep a sample.

    Args:
        accounts: account_hash, Int64.
        times: Datetime.
    """
    table = np.stack([accounts.to_numpy(), times.cast(pl.Int64).to_numpy()], axis=1).view(np.uint64)
    return pl.Series("sample", combine(table, _MULTIPLIERS).view(np.int64))


def smallest(frame: pl.DataFrame, rows: int, ties: Sequence[str]) -> pl.DataFrame:
    """The `rows` rows with the smallest `sample`, sorted by it, ties by the columns `ties`."""
    if frame.height > rows:
        frame = frame.filter(pl.col("sample") <= frame["sample"].sort()[max(rows - 1, 0)])
    return frame.sort("sample", *ties).head(rows)
