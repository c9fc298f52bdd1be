from datetime import UTC, datetime, timedelta, timezone

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.ingest.moments import BEYOND, is_possible, microseconds

ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
TIMES = st.datetimes(datetime(2001, 1, 1), datetime(2099, 12, 31), timezones=ZONES)  # noqa: DTZ001 - Hypothesis adds the zone itself
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def exact(time: datetime) -> int:
    return (time - EPOCH) // timedelta(microseconds=1)


@given(st.lists(TIMES))
def test_datetimes_are_exact_to_the_microsecond(times: list[datetime]) -> None:
    assert microseconds(times).to_list() == [exact(time) for time in times]


@given(TIMES)
def test_a_float_of_seconds_is_exact_to_the_microsecond(time: datetime) -> None:
    assert microseconds([exact(time) / 1e6]).to_list() == [exact(time)]


@given(TIMES)
def test_the_size_of_a_count_tells_its_unit(time: datetime) -> None:
    whole = exact(time) // 1_000_000
    assert microseconds([whole, whole * 1000, whole * 1_000_000]).to_list() == [whole * 1_000_000] * 3


@given(st.lists(TIMES | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.none(), min_size=1))
def test_a_value_does_not_depend_on_its_neighbours(values: list[datetime | int | float | None]) -> None:
    together = microseconds(values).to_list()
    assert together == [microseconds([value])[0] for value in values]


@pytest.mark.parametrize(
    ("below", "above"), [(99_999_999_999, 100_000_000_000), (99_999_999_999_999, 100_000_000_000_000)]
)
def test_the_unit_changes_at_the_stated_bounds(below: int, above: int) -> None:
    low, high = microseconds([below, above]).to_list()
    assert low > high


def test_a_time_without_a_zone_is_utc() -> None:
    assert microseconds([datetime(2026, 3, 2, 9)]).to_list() == [1772442000000000]  # noqa: DTZ001 - the point of it


def test_what_is_too_far_away_is_beyond_every_policy() -> None:
    assert microseconds([1e300, -1e300, None]).to_list() == [BEYOND, -BEYOND, None]


def test_nothing_in_nothing_out() -> None:
    assert microseconds([]).to_list() == []
    assert microseconds([None]).to_list() == [None]


def test_the_latest_time_is_the_first_impossible_one() -> None:
    day = datetime(2026, 3, 2, tzinfo=UTC)
    frame = pl.DataFrame(
        {"time": [exact(day) - 1, exact(day), exact(day) + 86_399_999_999, exact(day) + 86_400_000_000]}
    )
    possible = frame.select(is_possible("time", day, day + timedelta(days=1))).to_series().to_list()
    assert possible == [False, True, True, False]
