"""Sessions from ticks equal sessions counted call by call."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from event_logs import DAY, event_log
from schemas.policy import Policy
from transforms import order, sessions

POLICY = Policy()
IDLE = timedelta(minutes=POLICY.sessions.idle_minutes)
END = DAY + timedelta(days=3)


def _from_ticks(events: pl.DataFrame) -> list[tuple[str, datetime, datetime, int, str]]:
    _, ordered = order.step(order.OrderState.empty(), events, END, POLICY)
    _, closed = sessions.step(sessions.SessionState.empty(), ordered.tallies, END, POLICY)
    return closed.select("account_id", "session_start", "session_end", "calls", "ended_by").rows()


def _from_calls(events: pl.DataFrame) -> list[tuple[str, datetime, datetime, int, str]]:
    found: list[tuple[str, datetime, datetime, int, str]] = []
    for (account,), calls in sorted(events.group_by("account_id")):
        times = sorted(calls["time"].to_list())
        first = last = times[0]
        count = 0
        for time in [*times, None]:
            if time is None or time - last >= IDLE or time.date() != last.date():
                midnight = datetime(last.year, last.month, last.day, tzinfo=UTC) + timedelta(days=1)
                found.append((account, first, last, count, "midnight" if last + IDLE > midnight else "idle"))
                first, count = time, 0
            last, count = time, count + 1
    return found


@given(st.integers(0, 100_000), st.integers(1, 200))
@settings(max_examples=20)
def test_sessions_from_ticks_equal_sessions_from_calls(seed: int, count: int) -> None:
    events = event_log(seed, count, accounts=3, hours=40)
    assert _from_ticks(events) == _from_calls(events)


@pytest.mark.parametrize(
    ("pause", "expected"), [(IDLE - timedelta(microseconds=1), 1), (IDLE, 2), (IDLE + timedelta(microseconds=1), 2)]
)
def test_a_pause_of_exactly_the_idle_timeout_opens_a_session(pause: timedelta, expected: int) -> None:
    noon = DAY + timedelta(hours=12)
    two = event_log(1, 2, accounts=1).with_columns(
        pl.Series("time", [noon, noon + pause], dtype=pl.Datetime("us", "UTC"))
    )
    assert len(_from_ticks(two)) == expected


@pytest.mark.parametrize("before", [timedelta(microseconds=1), timedelta(minutes=3)])
def test_midnight_cuts_a_session_and_names_it(before: timedelta) -> None:
    midnight = DAY + timedelta(days=1)
    two = event_log(1, 2, accounts=1).with_columns(
        pl.Series("time", [midnight - before, midnight], dtype=pl.Datetime("us", "UTC"))
    )
    assert [row[4] for row in _from_ticks(two)] == ["midnight", "idle"]
