"""Accounts tied by networks alone: connected components of accounts and network prefixes of a day (EvilCohort, P12)."""

import polars as pl

from transforms.evaluate.baselines.tables import Tables, scored


def shared_networks(tables: Tables) -> pl.DataFrame:
    """Accounts in the day's component that an account belongs to, known at the day's end."""
    day = pl.col("tick").dt.truncate("1d").alias("day")
    pairs = tables.prefixes.select("account_id", "key", day).unique()
    node = pl.struct("day", "account_id").rank("dense").alias("component")
    labelled = pairs.with_columns(node)
    while True:
        # The smallest label walks along shared networks until nothing moves.
        walked = labelled.with_columns(pl.col("component").min().over("day", "key")).with_columns(
            pl.col("component").min().over("day", "account_id")
        )
        if walked["component"].equals(labelled["component"]):
            break
        labelled = walked
    accounts = labelled.select("day", "account_id", "component").unique()
    size = pl.len().over("component").cast(pl.Float64)
    return scored(accounts.with_columns(score=size, window_end=pl.col("day") + pl.duration(days=1)))
