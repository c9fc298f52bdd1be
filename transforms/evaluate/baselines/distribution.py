"""Maximum mean discrepancy of windows of calls against everybody's calls, with random Fourier features (after P1).

P1 embeds text; here a call is what is left of it: tokens, length, and the signs of its minhash slots. The reference is the mean
over accounts of the lake itself, so that no truth is needed; a few thieves among many accounts move it little.
"""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from transforms.evaluate.baselines.prada import by_slot
from transforms.evaluate.baselines.tables import Tables, scored

WINDOW = 500
"""Calls of a window: P1 needs 500 and more for mixed pools, 100 for pure accounts."""

LEAST = 100
"""Calls below which a window is not tested (P1)."""

FEATURES = 64
SEED = 20_190_826
"""Seed of the random features."""


def mmd_windows(tables: Tables) -> pl.DataFrame:
    """Squared discrepancy of an account's first calls of a day, less what chance alone gives, as of the last of them."""
    calls = tables.first_calls(WINDOW)
    if calls.is_empty():
        return scored(calls.with_columns(window_end=pl.col("time"), score=pl.lit(0.0)))
    embedded = embed(calls)
    owners = calls.select("account_id", "day").with_row_index("row")
    groups = owners.group_by("account_id", "day", maintain_order=True).agg(
        first=pl.col("row").min(), count=pl.len().cast(pl.Int64)
    )
    first, count = groups["first"].to_numpy().astype(np.int64), groups["count"].to_numpy()
    means = np.add.reduceat(embedded, first, axis=0) / count[:, None]
    apart = ((means - means.mean(axis=0)) ** 2).sum(axis=1)
    # The mean of n draws lies off by (1 - |mean|^2) / n even where nothing is odd; |phi|^2 is 1 on average.
    noise = (1.0 - (means**2).sum(axis=1)) / np.maximum(count, 1)
    table = groups.with_columns(
        score=pl.Series(apart - noise), window_end=calls["time"].gather(pl.Series(first + count - 1))
    )
    return scored(table.filter(pl.col("count") >= LEAST))


def embed(calls: pl.DataFrame) -> NDArray[np.float64]:
    """Random Fourier features of each call, for a Gaussian kernel whose width is the median distance of two calls."""
    sent, made = calls["input_tokens"].to_numpy(), calls["output_tokens"].fill_null(0).to_numpy()
    chars = calls["prompt_chars"].fill_null(0).to_numpy()
    numbers = np.column_stack([np.log1p(sent), np.log1p(made), np.log1p(made) - np.log1p(sent), np.log1p(chars)])
    numbers = (numbers - numbers.mean(axis=0)) / np.maximum(numbers.std(axis=0), 1e-9)
    slots = by_slot(calls["shingle_keys"].fill_null(pl.lit([], dtype=pl.List(pl.Int64))))
    signs = np.where(slots == 0, 0.0, 1.0 - 2.0 * ((slots >> 7) & 1)) / 4.0
    points = np.hstack([numbers, signs])
    rng = np.random.default_rng(SEED)
    pairs = rng.integers(0, len(points), (2, 2_000))
    width = float(np.median(np.linalg.norm(points[pairs[0]] - points[pairs[1]], axis=1))) or 1.0
    frequencies = rng.standard_normal((points.shape[1], FEATURES)) / width
    phases = rng.uniform(0, 2 * np.pi, FEATURES)
    features: NDArray[np.float64] = np.cos(points @ frequencies + phases) * np.sqrt(2.0 / FEATURES)
    return features
