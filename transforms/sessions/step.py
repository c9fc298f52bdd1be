"""Ticks become sessions.

A tick is never longer than the idle timeout, so all calls of one tick belong to one session, and first and last call of
each tick decide everything:

    tick        |  .  . |       | .     |       |  ...
    first, last    ^  ^           ^                ^
                      |-- gap --|-- gap >= idle timeout --| a new session begins

A session ends at UTC midnight at the latest, so that a client that never rests has sessions too.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

import polars as pl

from schemas.policy import Policy
from schemas.session import SESSION
from transforms.sketches.packing import pack, unpack

_TIME = pl.Datetime("us", "UTC")
_SUMS = ("calls", "errors", "refused", "tokens_known", "bytes_known", "input_tokens", "output_tokens", "bytes_out")
_OPEN = pl.Schema(
    {"account_id": pl.String(), "session_start": _TIME, "session_end": _TIME} | dict.fromkeys(_SUMS, pl.Int64())
)


@dataclass(frozen=True)
class SessionState:
    """Sessions that may still go on, at most one an account.

    Attributes:
        sessions: account_id, session_start, session_end (so far) and sums.
    """

    sessions: pl.DataFrame

    @classmethod
    def empty(cls) -> Self:
        """No session open."""
        return cls(pl.DataFrame(schema=_OPEN))

    def to_bytes(self) -> bytes:
        """The state as versioned bytes."""
        return pack("sessions", 1, {"sessions": self.sessions})

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """The inverse of `to_bytes`."""
        return cls(unpack(data, "sessions", 1)["sessions"])


def step(
    state: SessionState, tallies: pl.DataFrame, until: datetime, policy: Policy
) -> tuple[SessionState, pl.DataFrame]:
    """The sessions open at `until`, and the SESSION rows of those that closed, sorted by key.

    Args:
        state: as of the end of the last closed tick.
        tallies: TALLY rows of the ticks since then.
        until: end of the last tick closed by this step.
        policy: the idle timeout.
    """
    idle = pl.duration(minutes=policy.sessions.idle_minutes)
    is_closed = pl.min_horizontal(pl.col("session_end") + idle, _midnight()) <= until
    if tallies.is_empty() and not state.sessions.select(is_closed).to_series().any():
        return state, SESSION.empty()
    ticks = tallies.select("account_id", *_SUMS, session_start="first_time", session_end="last_time").select(
        _OPEN.names()
    )
    pieces = pl.concat([state.sessions, ticks]).sort("account_id", "session_start")
    before = pl.col("session_end").shift(1).over("account_id")
    opens = (
        before.is_null()
        | (pl.col("session_start") - before >= idle)
        | (pl.col("session_start").dt.truncate("1d") != before.dt.truncate("1d"))
    )
    sessions = (
        pieces.with_columns(opens.cum_sum().alias("number"))
        .group_by("number", maintain_order=True)
        .agg(
            pl.col("account_id", "session_start").first(),
            pl.col("session_end").last(),
            *[pl.col(name).sum() for name in _SUMS],
        )
        .drop("number")
    )
    is_followed = (pl.col("account_id") == pl.col("account_id").shift(-1)).fill_null(value=False)
    marked = sessions.with_columns((is_closed | is_followed).alias("closed"))
    closed = marked.filter("closed").drop("closed")
    return SessionState(marked.filter(~pl.col("closed")).drop("closed").rechunk()), _rows(
        closed, idle, provisional=False
    )


def still_open(state: SessionState, policy: Policy) -> pl.DataFrame:
    """SESSION rows, provisional, of the sessions that are open."""
    return _rows(state.sessions, pl.duration(minutes=policy.sessions.idle_minutes), provisional=True)


def _midnight() -> pl.Expr:
    return pl.col("session_end").dt.truncate("1d") + pl.duration(days=1)


def _rows(sessions: pl.DataFrame, idle: pl.Expr, *, provisional: bool) -> pl.DataFrame:
    def known(name: str, by: str) -> pl.Expr:
        return pl.when(pl.col(by) > 0).then(pl.col(name)).alias(name)

    return SESSION.conform(
        sessions.with_columns(
            known("input_tokens", "tokens_known"),
            known("output_tokens", "tokens_known"),
            known("bytes_out", "bytes_known"),
            pl.when(pl.col("session_end") + idle > _midnight())
            .then(pl.lit("midnight"))
            .otherwise(pl.lit("idle"))
            .alias("ended_by"),
            pl.lit(value=provisional).alias("provisional"),
        )
    )
