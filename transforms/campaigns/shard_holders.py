"""Who holds the shared keys of a shard, as rows: a tick changes a few of them, and leaves the others alone."""

import numpy as np
import polars as pl

from transforms.campaigns.kinds import TIES

KEY = ["kind", "key"]
HOLDING = [*KEY, "account_hash"]
_TIME = pl.Datetime("us", "UTC")
HOLDERS = pl.Schema(
    {
        "kind": pl.String(),
        "key": pl.Int64(),
        "account_hash": pl.Int64(),
        "account_id": pl.String(),
        "calls": pl.Int64(),
        "elicited": pl.Int64(),
        "output_tokens": pl.Int64(),
        "output_known": pl.Int64(),
        "first_tick": _TIME,
        "last_tick": _TIME,
        "first_time": _TIME,
        "created_at": _TIME,
        "card": pl.String(),
        "burst": pl.String(),
        "is_told": pl.Boolean(),
        "place": pl.Int64(),
        "sitting_place": pl.Int64(),
        "awake": pl.Int64(),
    }
)
"""One row an account that holds a key; what is on file of it is as of the day on which it first showed the key, `place` and
`sitting_place` count the visits and sittings with the key up to its last, `awake` the minutes in which the key was in use (turns.py)."""


def held(before: pl.DataFrame, known: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """The holders after the rows, sorted; those that show nothing stay as they are.

    Args:
        before: all holders.
        known: those of them that the rows speak of.
        rows: what they showed, by key, account and tick.
    """
    fresh = rows.select(
        *KEY, "account_hash", "account_id", "elicited", "output_tokens", "output_known", "first_time", "created_at",
        "card", "burst", "place", "sitting_place", "awake", calls="count", first_tick="tick", last_tick="tick", is_told=pl.lit(value=False),
    ).select(HOLDERS.names())  # fmt: skip
    showing = (
        pl.concat([known, fresh])
        .group_by(HOLDING, maintain_order=True)
        .agg(
            pl.col("account_id").first(),
            pl.col("calls", "elicited", "output_tokens", "output_known").sum(),
            pl.col("first_tick").min(),
            pl.col("last_tick").max(),
            pl.col("first_time").min(),
            pl.col("created_at", "card", "burst").first(),
            pl.col("is_told").any(),
            pl.col("place", "sitting_place", "awake").max(),
        )
        .select(HOLDERS.names())
    )
    others = before.join(showing, on=HOLDING, how="anti", maintain_order="left")
    return _sorted(pl.concat([others, showing]))


def of_rows(holders: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """The holders that rows speak of, in their order: a few of all, which everything else is done to."""
    return holders.join(rows.select(HOLDING).unique(), on=HOLDING, how="semi", maintain_order="left")


def _sorted(holders: pl.DataFrame) -> pl.DataFrame:
    """The holders by kind, key and account: by numbers, in a sixth of the time that Polars takes for rows with a text."""
    kind = holders["kind"].cast(pl.Enum(sorted(TIES))).to_physical().to_numpy()
    return holders[np.lexsort((holders["account_hash"].to_numpy(), holders["key"].to_numpy(), kind))]
