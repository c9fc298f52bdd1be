"""One feature against a threshold: volume, volume among peers, share of the commonest template."""

import polars as pl

from transforms.evaluate.baselines.tables import Tables, scored

LEAST_CALLS = 20
"""Calls in 24 h below which a share says nothing: as for stillwatch's own scores."""


def volume(tables: Tables) -> pl.DataFrame:
    """Calls of the last 24 hours."""
    return scored(tables.windows.with_columns(score=pl.col("calls_24h").cast(pl.Float64)))


def robust_z(tables: Tables) -> pl.DataFrame:
    """How far the logarithm of those calls lies above the day's peers: (x - median) / (1.4826 MAD); feature 11 of threats.md."""
    logged = tables.windows.with_columns(
        x=pl.col("calls_24h").log1p(), day=(pl.col("window_end") - pl.duration(microseconds=1)).dt.date()
    )
    over = ["peer_group", "day"]
    centred = logged.with_columns(away=pl.col("x") - pl.col("x").median().over(over))
    spread = 1.4826 * pl.col("away").abs().median().over(over)
    return scored(centred.with_columns(score=pl.when(spread > 0).then(pl.col("away") / spread)))


def template_share(tables: Tables) -> pl.DataFrame:
    """Share of prompts with the commonest template, where they are enough."""
    enough = tables.windows.filter(pl.col("calls_24h") >= LEAST_CALLS)
    return scored(enough.with_columns(score=pl.col("template_share_24h")))
