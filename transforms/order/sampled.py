"""A bounded sample of each account's tick, for what costs too much to be done for every call."""

import numpy as np
import polars as pl

from schemas.call import LOOKED_AT, SAMPLED_CALL
from transforms.order.ticks import Ticks, moments
from transforms.sketches.grouping import lengths_of, ranks_of
from transforms.sketches.mix import I64, mix

COLUMNS = ("event_id", *LOOKED_AT)
"""EVENT columns that are read here."""


def sampled(ticks: Ticks, most: int) -> pl.DataFrame:
    """SAMPLED_CALL rows: of each account's tick the `most` calls with the smallest hash of their moment.

    A tick is closed as a whole, so the sample does not depend on how a log is cut; neither does it on other accounts.
    """
    rows = _rows(ticks, most)
    tick = moments(np.repeat(ticks.tick, lengths_of(ticks.starts, len(ticks.time)))[rows])
    names = ticks.accounts[ticks.account[rows]]
    return names.hstack(ticks.calls.select(COLUMNS)[rows].get_columns()).with_columns(
        time=moments(ticks.time[rows]), tick=tick
    ).select(SAMPLED_CALL.columns)  # fmt: skip


def _rows(ticks: Ticks, most: int) -> I64:
    """Row numbers of the sample, ascending; calls of one moment are told apart by their order, which is that of their ids."""
    sizes = lengths_of(ticks.starts, len(ticks.time))
    large = np.repeat(sizes > most, sizes)
    if not large.any():
        return np.arange(len(ticks.time), dtype=np.int64)
    rows = np.flatnonzero(large)
    order = np.lexsort((rows, mix(ticks.time[rows].astype(np.uint64)), ticks.cell[rows]))
    cells = ticks.cell[rows][order]
    starts = np.flatnonzero(np.diff(cells, prepend=-1))
    kept = rows[order][ranks_of(starts, len(rows)) < most]
    return np.sort(np.concatenate([np.flatnonzero(~large), kept]))
