"""Which state `rebuild` can start from: the manifests as of day borders, and which runs still count.

State is written whole by each run and named in its manifest, so a checkpoint is a manifest that is not collected. A
rewind takes runs back: they stay in `runs`, but what they closed and learned no longer stands.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import polars as pl

from pipelines.lake.state import States

_STATE = ("detect", "learn")
_BEFORE_ALL = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Checkpoint:
    """State as of a day border, after the border's LEARN.

    Attributes:
        border: the midnight up to which ticks were closed; None for the state before the first run.
        run_id: the run whose manifest names the states; None for no state at all.
    """

    border: datetime | None
    run_id: str | None


def standing(runs: pl.DataFrame) -> pl.DataFrame:
    """The rows of `runs`, by sequence, without the DETECT and LEARN runs that a later rewind took back."""
    border = pl.when(pl.col("pipeline") == "rewind").then(pl.col("closed_until").fill_null(_BEFORE_ALL))
    back_to = border.cum_min().forward_fill().shift(1)
    is_gone = pl.col("pipeline").is_in(_STATE) & (pl.col("closed_until") > back_to)
    return runs.sort("sequence", descending=True).filter(~is_gone.fill_null(value=False)).reverse()


def reached(runs: pl.DataFrame) -> datetime | None:
    """The furthest end that closed ticks ever had, rewinds or not; None before the first DETECT."""
    return runs.filter(pl.col("pipeline") == "detect")["closed_until"].max()  # type: ignore[return-value]


def checkpoints(runs: pl.DataFrame) -> dict[datetime, str]:
    """The last standing run at each day border: border -> run id, in order of time."""
    at_border = pl.col("closed_until") == pl.col("closed_until").dt.truncate("1d")
    rows = standing(runs).filter(pl.col("pipeline").is_in(_STATE) & at_border)
    return dict(sorted(rows.select("closed_until", "run_id").iter_rows()))


def checkpoint_before(runs: pl.DataFrame, states: States, day: datetime) -> Checkpoint:
    """The latest checkpoint at or before a midnight whose manifest is still there; the empty one where none is."""
    known = checkpoints(runs)
    for border in sorted(known, reverse=True):
        if border <= day and states.has_manifest(known[border]):
            return Checkpoint(border, known[border])
    return Checkpoint(None, None)


def to_keep(runs: pl.DataFrame, days: int) -> list[str]:
    """Ids of the runs whose manifests are the checkpoints of the last `days` days before the last closed border."""
    known = checkpoints(runs)
    if not known:
        return []
    since = max(known) - timedelta(days=days)
    return [run_id for border, run_id in known.items() if border >= since]
