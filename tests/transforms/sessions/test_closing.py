"""When a session closes, when it is still open, and what it says where nothing was known."""

from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest

from given_events import DAY, framed
from schemas.policy import Policy
from schemas.registry import REGISTRY
from transforms import order, sessions

IDLE = timedelta(minutes=30)
US = timedelta(microseconds=1)
NOON = DAY + timedelta(hours=12)


def _stepped(
    until: datetime, *rows: dict[str, Any], state: sessions.SessionState | None = None
) -> tuple[sessions.SessionState, pl.DataFrame]:
    base = {"source": "a", "account_id": "acct", "account_basis": "account", "operation": "chat", "presence": 0}
    log = framed([base | {"position": n, "event_id": f"e{n}", "time": NOON} | row for n, row in enumerate(rows)])
    _, made = order.step(order.OrderState.empty(), log, REGISTRY.empty(), until, Policy())
    return sessions.step(sessions.SessionState.empty() if state is None else state, made.tallies, until, Policy())


@pytest.mark.parametrize(("last", "is_closed"), [(-US, True), (timedelta(), True), (US, False)])
def test_a_session_closes_when_the_idle_timeout_has_passed_to_the_microsecond(last: timedelta, is_closed: bool) -> None:
    state, closed = _stepped(NOON + IDLE, {"time": NOON + last})
    assert (closed.height, state.sessions.height) == ((1, 0) if is_closed else (0, 1))


@pytest.mark.parametrize(("pause", "expected"), [(IDLE - US, 1), (IDLE, 2)])
def test_two_calls_in_two_runs_are_one_session_or_two_as_in_one_run(pause: timedelta, expected: int) -> None:
    state, closed = _stepped(NOON + timedelta(minutes=5), {})
    assert closed.is_empty()
    _, rows = _stepped(NOON + timedelta(hours=4), {"time": NOON + pause}, state=state)
    assert rows.height == expected
    assert rows["calls"].sum() == 2


@pytest.mark.parametrize(
    ("last", "ended_by"),
    [(-IDLE, "idle"), (-IDLE + US, "midnight"), (-US, "midnight")],
)
def test_a_session_ends_at_midnight_if_its_timeout_would_reach_beyond(last: timedelta, ended_by: str) -> None:
    _, closed = _stepped(DAY + timedelta(days=1), {"time": DAY + timedelta(days=1) + last})
    assert closed["ended_by"].to_list() == [ended_by]


def test_sums_of_what_no_call_carried_are_null_and_of_what_some_carried_are_not() -> None:
    _, nothing = _stepped(DAY + timedelta(days=1), {}, {"http_status": 500, "is_refused": True})
    assert nothing.select("input_tokens", "output_tokens", "bytes_out", "errors", "refused").row(0) == (
        *[None] * 3,
        *[1, 1],
    )
    _, some = _stepped(DAY + timedelta(days=1), {}, {"input_tokens": 0, "output_tokens": 7, "bytes_out": 0})
    assert some.select("input_tokens", "output_tokens", "bytes_out").row(0) == (0, 7, 0)


def test_what_is_open_is_provisional_and_its_bytes_go_on() -> None:
    state, _ = _stepped(NOON + timedelta(minutes=5), {})
    shown = sessions.still_open(sessions.SessionState.from_bytes(state.to_bytes()), Policy())
    assert shown.select("session_start", "calls", "provisional").rows() == [(NOON, 1, True)]
    with pytest.raises(ValueError, match="state of sessions"):
        sessions.SessionState.from_bytes(b"other bytes")
