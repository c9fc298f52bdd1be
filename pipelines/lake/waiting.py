"""How many events wait for their tick to close, by the counts of all runs."""

import polars as pl

from pipelines.lake.lake import Lake


def waiting(lake: Lake) -> int:
    """Events in the lake whose tick has not closed."""
    sources = lake.scan("runs").select(pl.col("sources").explode(empty_as_null=False)).unnest("sources")
    names = ("appended", "accepted", "duplicates", "too_late")
    totals = lake.collect("runs", sources.select(pl.col(names).sum())).row(0, named=True)
    return int(totals["appended"] - totals["accepted"] - totals["duplicates"] - totals["too_late"])
