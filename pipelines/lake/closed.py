"""How far the ticks of a lake are closed."""

from datetime import datetime
from typing import Any

import polars as pl

from pipelines.lake.lake import Lake


def last_closing(lake: Lake) -> dict[str, Any] | None:
    """The row of the last run that moved the end of the closed ticks: DETECT forth, a rewind back; None before the first."""
    runs = lake.read("runs").filter(pl.col("pipeline").is_in(["detect", "rewind"])).sort("sequence")
    return None if runs.is_empty() else runs.row(-1, named=True)


def closed_until(lake: Lake) -> datetime | None:
    """End of the last closed tick; before `checkpoints.reached` while a rebuild is under way; None where none is closed."""
    last = last_closing(lake)
    return None if last is None else last["closed_until"]


def has_unseen_events(lake: Lake) -> bool:
    """Whether events came that no DETECT run has looked at: where no tick is to be closed, all of them late or too far ahead."""
    last = last_closing(lake)
    return last is not None and last["events_version"] != lake.versions()["events"]
