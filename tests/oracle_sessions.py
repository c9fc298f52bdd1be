"""Sessions once more, directly from events: plain Python, slow and obvious."""

from datetime import datetime, timedelta
from typing import Any

import polars as pl

from oracle_order import Event, floor
from schemas.policy import Policy
from schemas.session import SESSION

DAY = timedelta(days=1)


def sessions(calls: list[Event], until: datetime, policy: Policy, *, still_open: bool = False) -> pl.DataFrame:
    """SESSION rows of ordered calls: those closed at `until`, or those still open."""
    idle = timedelta(minutes=policy.sessions.idle_minutes)
    found: list[list[Event]] = []
    for call in calls:
        last = found[-1][-1] if found else None
        goes_on = (
            last is not None
            and last["account_id"] == call["account_id"]
            and call["time"] - last["time"] < idle
            and last["time"].date() == call["time"].date()
        )
        if goes_on:
            found[-1].append(call)
        else:
            found.append([call])
    rows = [_row(calls_of, idle, still_open) for calls_of in found if (_end(calls_of, idle) > until) == still_open]
    return SESSION.conform(pl.DataFrame(rows, schema=SESSION.polars))


def _end(calls: list[Event], idle: timedelta) -> datetime:
    return min(calls[-1]["time"] + idle, floor(calls[-1]["time"], DAY) + DAY)


def _row(calls: list[Event], idle: timedelta, provisional: bool) -> dict[str, Any]:
    with_tokens = [c for c in calls if c["input_tokens"] is not None and c["output_tokens"] is not None]
    with_bytes = [c["bytes_out"] for c in calls if c["bytes_out"] is not None]
    last = calls[-1]["time"]
    return {
        "account_id": calls[0]["account_id"],
        "session_start": calls[0]["time"],
        "session_end": last,
        "calls": len(calls),
        "errors": sum(1 for c in calls if c["http_status"] is not None and c["http_status"] >= 400),
        "refused": sum(1 for c in calls if c["is_refused"]),
        "input_tokens": sum(c["input_tokens"] for c in with_tokens) if with_tokens else None,
        "output_tokens": sum(c["output_tokens"] for c in with_tokens) if with_tokens else None,
        "bytes_out": sum(with_bytes) if with_bytes else None,
        "ended_by": "midnight" if last + idle > floor(last, DAY) + DAY else "idle",
        "provisional": provisional,
    }
