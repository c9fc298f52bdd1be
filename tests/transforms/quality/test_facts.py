"""Facts of parts of a day add up to those of the day, whatever the parts."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from given_frames import frames
from schemas.event import EVENT
from schemas.session import SESSION
from transforms.quality import facts_of

DAY = datetime(2026, 3, 2, tzinfo=UTC)


def events(times: list[datetime], **columns: object) -> pl.DataFrame:
    """Events that keep their contract, one a time."""
    rows = [
        {
            "source": "s",
            "position": index,
            "event_id": f"e{index}",
            "time": time,
            "account_id": "a",
            "account_hash": 1,
            "account_basis": "account",
            "operation": "chat",
            "presence": 3,
            **columns,
        }
        for index, time in enumerate(times)
    ]
    return pl.DataFrame(rows, schema=EVENT.polars)


@given(frames(EVENT, max_rows=6), st.integers(0, 6), st.integers(1, 6))
def test_two_parts_of_a_day_have_the_facts_of_the_whole(frame: pl.DataFrame, cut: int, limit: int) -> None:
    # Ids of few values, so that rows with equal hashes fall on both sides of the cut and of the limit.
    frame = frame.with_columns(
        event_id=pl.col("position").mod(3).cast(pl.String), time=pl.lit(DAY).cast(pl.Datetime("us", "UTC"))
    )
    whole = facts_of(EVENT, frame, limit)
    merged = facts_of(EVENT, frame[:cut], limit).merge(facts_of(EVENT, frame[cut:], limit))
    assert (merged.rows, merged.nulls, merged.minutes) == (whole.rows, whole.nulls, whole.minutes)
    assert_frame_equal(merged.audited, whole.audited, check_row_order=False)


def test_the_sample_does_not_depend_on_where_an_event_was_read() -> None:
    frame = events([DAY + timedelta(minutes=m) for m in range(500)])
    moved = frame.with_columns(source=pl.lit("other"), position=pl.col("position") * 7).reverse()
    here, there = (facts_of(EVENT, f, 50).audited["event_id"].sort() for f in (frame, moved))
    assert here.len() == 50
    assert here.equals(there)


def test_rows_with_equal_keys_are_sampled_together_or_not_at_all() -> None:
    row = {
        "session_start": DAY, "session_end": DAY, "calls": 1, "errors": 0, "refused": 0, "ended_by": "idle",
        "provisional": False,
    }  # fmt: skip
    frame = pl.DataFrame([{"account_id": f"a{n}", **row} for n in range(100)] * 2, schema=SESSION.polars)
    counts = facts_of(SESSION, frame, 51).audited.group_by("account_id").len()
    assert counts["len"].unique().to_list() == [2]
    assert counts.height == 25


def test_the_largest_gap_is_between_minutes_with_events() -> None:
    frame = events([DAY + timedelta(hours=h) for h in (1, 2, 9, 10)])
    assert facts_of(EVENT, frame, 10).largest_gap_hours == pytest.approx(7.0)


def test_a_single_minute_has_no_gap_and_an_empty_day_no_null_rate() -> None:
    assert facts_of(EVENT, events([DAY]), 10).largest_gap_hours is None
    assert facts_of(EVENT, events([]), 10).null_rate("latency_ms") is None


def test_null_rates_are_counted_over_all_rows_not_over_the_sample() -> None:
    frame = events([DAY] * 4).with_columns(latency_ms=pl.Series([1, None, None, None], dtype=pl.Int64))
    assert facts_of(EVENT, frame, 1).null_rate("latency_ms") == 0.75
