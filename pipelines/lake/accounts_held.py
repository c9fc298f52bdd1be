"""What the operator's file says of each account, as it holds at a time."""

from datetime import datetime

import polars as pl

from pipelines.lake.lake import Lake


def accounts_held(lake: Lake, until: datetime | None = None, version: int | None = None) -> pl.DataFrame:
    """REGISTRY rows, the latest of each account, sorted by account_id.

    Args:
        lake: the lake.
        until: only rows that hold before this time; None for all.
        version: of the table; None for that of the last complete run.
    """
    rows = lake.read("registry", version)
    if until is not None:
        rows = rows.filter(pl.col("holds_from") < until)
    return rows.sort("account_id", "holds_from").unique("account_id", keep="last", maintain_order=True)
