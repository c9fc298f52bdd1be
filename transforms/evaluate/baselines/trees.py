"""River's half-space trees alone: one model of all windows, scored first and learned later, in order of time."""

import numpy as np
import polars as pl

from transforms.evaluate.baselines.tables import Tables, scored

FEATURES = (
    "calls_24h", "gap_entropy_24h", "active_hours_24h", "out_in_ratio_24h", "output_per_call_24h", "input_per_call_24h",
    "length_band_24h", "template_share_24h", "payload_novelty_24h", "reasoning_elicited_share_24h", "refusal_share_24h",
    "prefixes_24h",
)  # fmt: skip
"""A dozen features as percentile ranks (threats.md 3.2)."""

MOST_LEARNED = 20_000
"""Windows that are learned at most, evenly spread: every one is scored."""

WARM_UP = 1_000
"""Windows learned before the first score: four times the trees' own window."""


def trees_only(tables: Tables) -> pl.DataFrame:
    """The trees' score of every window after the warm-up."""
    from river.anomaly import HalfSpaceTrees  # slow to import, and needed by this one only

    windows = tables.windows.sort("window_end", "account_id")
    day = (pl.col("window_end") - pl.duration(microseconds=1)).dt.date()
    ranks = [((pl.col(f).rank() - 0.5) / pl.col(f).count()).over(day).fill_null(0.5).alias(f) for f in FEATURES]
    rows = windows.select(ranks).to_numpy()
    every = max(1, -(-len(rows) // MOST_LEARNED))
    model = HalfSpaceTrees(n_trees=25, height=8, window_size=250, limits=dict.fromkeys(FEATURES, (0.0, 1.0)), seed=42)
    scores = np.full(len(rows), np.nan)
    learned = 0
    for number, row in enumerate(rows):
        point = dict(zip(FEATURES, row.tolist(), strict=True))
        if learned >= WARM_UP:
            scores[number] = model.score_one(point)
        if number % every == 0:
            model.learn_one(point)
            learned += 1
    return scored(windows.with_columns(score=pl.Series(scores)))
