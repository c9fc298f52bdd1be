"""Until where the next DETECT run goes: as far as a day and the rows of a run allow."""

from datetime import datetime
from typing import Any

import numpy as np
import polars as pl

from pipelines.detect_job import events_at
from pipelines.lake.borders import floor_to_day, floor_to_tick, midnight_after
from pipelines.lake.events_index import EventsIndex
from pipelines.lake.files import scan
from pipelines.lake.lake import Lake
from pipelines.lake.times import from_micros, to_micros
from schemas.event import EVENT
from schemas.policy import Policy

RUN_ROWS = 1_000_000
"""Events one DETECT run takes at most: bounds the memory of its workers whatever the length of a day (1.2 KB an event of
a quarter of them, measured); half as many would write the state of all accounts twice as often."""


def end_of_next(lake: Lake, closed: datetime | None, mark: datetime, policy: Policy) -> datetime:
    """The end of a run that begins at `closed`: the day's end, the watermark, or as far as its rows allow.

    Args:
        lake: the lake.
        closed: end of the last closed tick; None before the first.
        mark: the watermark, after `closed`.
        policy: the configuration.
    """
    index = events_at(lake, lake.versions()["events"])
    first = _first_event(index, closed, mark)
    if closed is not None and closed != floor_to_day(closed):
        until = min(midnight_after(closed), mark)
    elif first is None:
        return mark
    else:
        until = min(midnight_after(first), mark)
    held = index.holding(closed, until)
    if held.rows <= RUN_ROWS:
        return until
    early = _earliest(held, closed, until, RUN_ROWS + 1)
    if len(early) <= RUN_ROWS:
        return until
    crowded = floor_to_tick(from_micros(int(early[-1])), policy.time.tick)
    least = floor_to_tick(from_micros(int(early[0])), policy.time.tick) + policy.time.tick
    return min(until, max(crowded, least))


def _first_event(index: EventsIndex, closed: datetime | None, mark: datetime) -> datetime | None:
    """The first event time in [closed, mark); only files that begin before it are opened, however much is still ahead."""
    held = index.holding(closed, mark)
    since = None if closed is None else to_micros(closed)
    begins = pl.col("time_least").is_not_null() & (True if since is None else pl.col("time_least") >= since)
    ahead: int | None = held.files.filter(begins)["time_least"].min()  # type: ignore[assignment]
    astride = EventsIndex(held.folder, held.version, held.files.filter(~begins))
    inside = _times(astride, closed, mark).min().collect().item() if astride.rows else None
    known = [time for time in (inside, None if ahead is None else from_micros(ahead)) if time is not None]
    return min(known, default=None)


def _earliest(index: EventsIndex, since: datetime | None, until: datetime, count: int) -> "np.ndarray[Any, Any]":
    """The `count` earliest event times in [since, until), ascending, in microseconds; all of them if they are fewer.

    Only files that begin early enough are opened: where the earliest-ending ones hold enough, what begins after their
    end is too late.
    """
    begins = pl.col("time_least") >= (0 if since is None else to_micros(since))
    whole = index.files.filter(begins & pl.col("time_most").is_not_null()).sort("time_most")
    enough = whole.filter(pl.col("rows").cum_sum() >= count)
    if not enough.is_empty():
        until = min(until, from_micros(enough["time_most"][0] + 1))
    times = _times(index.holding(since, until), since, until).collect().to_series().to_physical().to_numpy()
    if len(times) > count:
        times = np.partition(times, count - 1)[:count]
    return np.sort(times)


def _times(index: EventsIndex, since: datetime | None, until: datetime) -> pl.LazyFrame:
    """Event times in [since, until)."""
    rows = scan(index.paths(), EVENT).filter(pl.col("time") < until)
    return (rows if since is None else rows.filter(pl.col("time") >= since)).select("time")
