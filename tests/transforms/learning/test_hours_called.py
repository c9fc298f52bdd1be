"""Who keeps nights: hours of the day, day by day, each account for itself."""

from datetime import timedelta
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from given_accounts import DAY, traits
from schemas.policy import Policy
from schemas.snapshot import NIGHT, Snapshot
from transforms.campaigns.base import base_of
from transforms.learning import CALLED, SHOWN, hours_of, nights_after

POLICY = Policy()

Calls = dict[int, int]
"""Calls by hour of the day."""


def shown(day: int, calls: Calls, account: str = "acc") -> pl.DataFrame:
    rows = [
        {"account_id": account, "minute": 1440 * day + 60 * hour, "kind": CALLED, "key": 1, "count": count}
        for hour, count in calls.items()
    ]
    return traits(rows).select(SHOWN.names())


def after(days: list[Calls]) -> pl.DataFrame:
    nights = NIGHT.empty()
    for day, calls in enumerate(days):
        nights = nights_after(nights, DAY + timedelta(days=day), [hours_of(shown(day, calls))], POLICY)
    return nights


def counted(days: list[Calls]) -> tuple[int, int]:
    row = after(days).row(0, named=True)
    return row["calls"], row["quiet"]


def is_sleepless(days: list[Calls]) -> bool | None:
    nothing = pl.DataFrame(
        schema={"account_id": pl.String, "created_at": pl.Datetime("us", "UTC"), "card": pl.String, "burst": pl.String}
    )
    lives = base_of(
        nothing, DAY, POLICY.campaigns, Snapshot(None, None, Snapshot.empty().parts | {"nights": after(days)})
    ).lives
    known: dict[str, Any] = lives.row(0, named=True) if lives.height else {"is_sleepless": None}
    return known["is_sleepless"]


EVERY_HOUR = dict.fromkeys(range(24), 2)
AT_WORK = dict.fromkeys(range(8, 20), 4)
OVER_MIDNIGHT = dict.fromkeys([20, 21, 22, 23, 0, 1, 2, 3], 6)


def test_a_head_calls_in_its_quietest_hours_as_well() -> None:
    assert counted([EVERY_HOUR, EVERY_HOUR]) == (48, 16)
    assert is_sleepless([EVERY_HOUR, EVERY_HOUR]) is True


def test_who_works_by_day_keeps_nights() -> None:
    assert is_sleepless([AT_WORK, AT_WORK]) is False


def test_who_works_past_midnight_keeps_nights() -> None:
    assert is_sleepless([OVER_MIDNIGHT, OVER_MIDNIGHT]) is False


def test_a_call_in_a_hundred_by_night_is_a_bad_night() -> None:
    days = [AT_WORK, AT_WORK, AT_WORK | {2: 1}]
    assert (counted(days), is_sleepless(days)) == ((97, 1), False)


def test_the_first_day_tells_nothing_as_it_may_begin_at_noon() -> None:
    assert counted([EVERY_HOUR]) == (0, 0)
    assert is_sleepless([EVERY_HOUR]) is None


def test_a_few_calls_tell_nothing() -> None:
    few = dict.fromkeys(range(POLICY.campaigns.night_calls - 1), 1)
    assert is_sleepless([few, few]) is None
    assert is_sleepless([few, few, few]) is True


def test_of_many_calls_the_proportion_is_remembered() -> None:
    many = {hour: 1_000 * (hour + 1) for hour in range(24)}
    (hours,) = after([many, many])["hours"]
    assert hours.to_list() == [255 * (hour + 1) // 24 for hour in range(24)]


def test_what_was_long_ago_weighs_less_than_what_is_now() -> None:
    busy = {hour: 100 * calls for hour, calls in AT_WORK.items()}
    days = [busy, *[busy] * 5, *[{hour: 100 * calls for hour, calls in EVERY_HOUR.items()}] * 5]
    assert is_sleepless(days[:6]) is False
    assert is_sleepless(days) is True


def test_an_account_unseen_for_long_is_forgotten() -> None:
    silent: Calls = {}
    days = [EVERY_HOUR, *[silent] * (POLICY.learning.forget_days - 1)]
    assert after(days).height == 1
    assert after([*days, silent]).is_empty()


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 23), st.integers(1, 400)), max_size=40))
def test_accounts_may_be_learned_apart(calls: list[tuple[int, int, int]]) -> None:
    rows = [shown(1, {hour: count}, f"a{one}") for one, hour, count in calls]
    every = pl.concat([shown(1, {}), *rows])
    before = nights_after(NIGHT.empty(), DAY, [hours_of(every)], POLICY)
    parts = [hours_of(every.filter(pl.col("account_id") == f"a{one}")) for one in range(6)]
    day = DAY + timedelta(days=1)
    apart, whole = (nights_after(before, day, given_parts, POLICY) for given_parts in (parts, [hours_of(every)]))
    assert_frame_equal(apart, whole)


def test_an_hours_share_is_that_of_the_quietest_hours_in_a_row_counted_one_by_one() -> None:
    uneven = {hour: (7 * hour) % 11 for hour in range(24)}
    row = after([uneven, uneven]).row(0, named=True)
    width = POLICY.campaigns.night_hours
    sums = [sum(row["hours"][(start + one) % 24] for one in range(width)) for start in range(24)]
    assert (row["quiet"], row["calls"]) == (min(sums), sum(row["hours"]))
