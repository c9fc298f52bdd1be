"""One step of the distribution room: sampled calls in, the vectors of the hours that ended out."""

from datetime import datetime

import numpy as np
import polars as pl

from schemas.embedding import EMBEDDING, MAPS
from transforms.distribution.embedding import embed, table, vectors
from transforms.distribution.state import ClosedVectors, DistributionState, OpenVectors
from transforms.sketches.grouping import starts_of
from transforms.sketches.mix import I64

LOOKS_BACK = 24
"""Hours a test looks at, as the features of the same window do."""

_HOUR_US = 3_600_000_000
_KEY = ["account_id", "window_end", "map"]


def step(
    state: DistributionState, calls: pl.DataFrame, until: datetime
) -> tuple[DistributionState, pl.DataFrame, pl.DataFrame]:
    """The state at `until`, and the vectors of the hours that ended by then.

    Args:
        state: as of the end of the last closed tick.
        calls: SAMPLED_CALL rows of the ticks closed since.
        until: end of the last tick closed by this step.

    Returns:
        The state; EMBEDDING rows of the hours that ended; the same accounts and hours with the sum over the 24 hours up to
        each, EMBEDDING rows too.
    """
    border = until.replace(minute=0, second=0, microsecond=0)
    together = state.open.rows
    if not calls.is_empty():
        together = _added(pl.concat([together, embed(calls)]))
    elif border == state.closed.border:
        return state, EMBEDDING.empty(), EMBEDDING.empty()
    if border == state.closed.border:
        return DistributionState(state.closed, OpenVectors(together)), EMBEDDING.empty(), EMBEDDING.empty()
    ended = together.filter(pl.col("window_end") <= border)
    past = pl.concat([state.closed.rows, ended])
    after = DistributionState(
        ClosedVectors.at(border, past), OpenVectors(together.filter(pl.col("window_end") > border))
    )
    return after, ended, trailing(past, ended)


def still_open(state: DistributionState) -> pl.DataFrame:
    """The sums over 24 hours of the accounts of the open hour, as if it ended with what is known of it: EMBEDDING rows."""
    return trailing(pl.concat([state.closed.rows, state.open.rows]), state.open.rows)


def trailing(hours: pl.DataFrame, asked: pl.DataFrame) -> pl.DataFrame:
    """For each row asked for, the sum of the account's rows of the 24 hours up to its window's end: EMBEDDING rows.

    Args:
        hours: EMBEDDING rows, those asked for among them.
        asked: EMBEDDING rows.
    """
    parts = [EMBEDDING.empty()]
    for one in MAPS:
        rows = hours.filter(pl.col("map") == one.name).sort("account_id", "window_end")
        wanted = rows.with_row_index("row").join(asked.filter(pl.col("map") == one.name), on=_KEY, how="semi")
        if not wanted.is_empty():
            parts.append(_trailing(rows, wanted.sort("row")["row"].cast(pl.Int64).to_numpy()))
    return EMBEDDING.conform(pl.concat(parts))


def _trailing(rows: pl.DataFrame, last: I64) -> pl.DataFrame:
    account = rows["account_id"].rle_id().cast(pl.Int64).to_numpy()
    hour = rows["window_end"].to_physical().to_numpy() // _HOUR_US
    spots = account * 2**32 + hour
    first = np.searchsorted(spots, np.maximum(spots[last] - (LOOKS_BACK - 1), account[last] * 2**32))

    def summed(values: I64) -> I64:
        total = np.concatenate([np.zeros_like(values[:1]), np.cumsum(values, axis=0)])
        return np.asarray(total[last + 1] - total[first])

    return rows[last].with_columns(
        calls=pl.Series(summed(rows["calls"].to_numpy())), vector=vectors(summed(table(rows)).astype(np.int32))
    )


def _added(parts: pl.DataFrame) -> pl.DataFrame:
    """Rows of one account, hour and map as one."""
    out = [EMBEDDING.empty()]
    for one in MAPS:
        rows = parts.filter(pl.col("map") == one.name).sort("account_id", "window_end")
        if rows.is_empty():
            continue
        account = rows["account_id"].rle_id().cast(pl.Int64).to_numpy()
        starts = starts_of(account, rows["window_end"].to_physical().to_numpy())
        sums = np.add.reduceat(table(rows), starts, axis=0).astype(np.int32)
        calls = np.add.reduceat(rows["calls"].to_numpy(), starts)
        out.append(rows[starts].with_columns(calls=pl.Series(calls), vector=vectors(sums)))
    return EMBEDDING.conform(pl.concat(out))
