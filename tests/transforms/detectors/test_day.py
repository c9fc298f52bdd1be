"""Sliding over 24 hours, against plain loops over everything that was ever seen."""

from datetime import datetime, timedelta

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from given_accounts import DAY, HOUR, TICK
from transforms.detectors import day

BY = ["account"]
_TIME = pl.Datetime("us", "UTC")
SIGHTINGS = st.lists(
    st.tuples(st.sampled_from("ab"), st.integers(0, 40 * 12 - 1), st.integers(0, 5)), max_size=60, unique=True
)
CUT = st.integers(0, 40 * 12)


def moment(tick: int) -> datetime:
    return DAY + tick * TICK


def is_within(then: datetime, now: datetime) -> bool:
    """Whether `then` lies in the hour of `now` so far, or in the 23 hours before it."""
    start = now.replace(minute=0)
    return start - timedelta(hours=23) <= then <= now


def frame(rows: list[tuple[str, int, int]], last: str) -> pl.DataFrame:
    columns = {"account": pl.String(), "tick": _TIME, last: pl.Int64()}
    return pl.DataFrame([(a, moment(t), x) for a, t, x in rows], schema=columns, orient="row").sort("account", "tick")


@settings(max_examples=60)
@given(SIGHTINGS, CUT)
def test_sums_equal_a_loop_over_everything_however_the_past_was_kept(
    rows: list[tuple[str, int, int]], cut: int
) -> None:
    unique = list({(a, t): (a, t, x) for a, t, x in rows}.values())
    old, new = [r for r in unique if r[1] < cut], [r for r in unique if r[1] >= cut]
    kept = day.by_hour(_no_hours("x"), frame(old, "x"), BY, ["x"]).filter(
        pl.col("hour") >= day.first_kept_hour(moment(cut))
    )
    found = day.sums(kept, frame(new, "x"), BY, ["x"])
    want = [
        (a, moment(t), sum(y for b, s, y in unique if b == a and s <= t and is_within(moment(s), moment(t))))
        for a, t, _ in sorted(new)
    ]
    assert_frame_equal(found, pl.DataFrame(want, schema=found.schema, orient="row"))


@settings(max_examples=60)
@given(SIGHTINGS, CUT)
def test_distinct_keys_equal_a_loop_over_everything_however_the_past_was_kept(
    rows: list[tuple[str, int, int]], cut: int
) -> None:
    old, new = [r for r in rows if r[1] < cut], [r for r in rows if r[1] >= cut]
    kept = (
        frame(old, "key")
        .select("account", "key", day.hour())
        .unique()
        .filter(pl.col("hour") >= day.first_kept_hour(moment(cut)))
    )
    asked = frame(new, "key").select("account", "tick").unique()
    found = day.distinct(kept, frame(new, "key"), asked, BY)
    want = sorted(
        {
            (a, moment(t), len({k for b, s, k in rows if b == a and s <= t and is_within(moment(s), moment(t))}))
            for a, t, _ in new
        }
    )
    assert_frame_equal(found, pl.DataFrame(want, schema=found.schema, orient="row"))


def test_a_key_seen_24_hours_ago_no_longer_counts_and_one_of_23_hours_does() -> None:
    rows = [("a", 0, 1), ("a", 12, 2), ("a", 24 * 12, 3)]
    found = day.distinct(_no_hours("key").cast({"key": pl.Int64()}), frame(rows, "key"), frame(rows, "key"), BY)
    assert found["distinct"].to_list() == [1, 2, 2]


def test_the_first_hour_a_tick_reaches_back_to_is_23_hours_before_its_own() -> None:
    assert day.first_kept_hour(DAY + 25 * HOUR + TICK) == DAY + 2 * HOUR
    assert day.first_kept_hour(DAY + 25 * HOUR) == DAY + 2 * HOUR


def _no_hours(column: str) -> pl.DataFrame:
    return pl.DataFrame(schema={"account": pl.String(), "hour": _TIME, column: pl.Int64()})
