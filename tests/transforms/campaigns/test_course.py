"""How campaigns go on: who came and went, and at which hours."""

from datetime import timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from given_accounts import DAY
from given_pools import Lake, Row, frames, on_file, pool
from transforms.campaigns.course import pace_of, quiet_share

TEMPLATE = (("head", 7), ("tail", 8))
HEADS = on_file("head", 20, age_days=3, a_card=5)
SPARES = on_file("spare", 5, age_days=1, a_card=5)
FACTS = ("fresh_share", "joined_accounts", "silent_accounts", "replaced_accounts", "quiet_share", "visits_by_hour")


def hourly(name: str, heads: range, first: int, until: int) -> list[Row]:
    """Two calls of each head every hour, from one minute to another."""
    return [
        {"account_id": f"{name}-{head:03}", "minute": minute, "kind": kind, "key": key, "count": 2, "elicited": 2}
        for minute in range(first, until, 60)
        for head in heads
        for kind, key in TEMPLATE
    ]


def banned_and_replaced(*, after: int = 240, spares: int = 5) -> list[Row]:
    """Of twenty heads five stop after four hours; from some minute on spares call, for two days, like the rest."""
    gone, rest = hourly("head", range(5), 0, 240), hourly("head", range(5, 20), 0, 2_880)
    return gone + rest + hourly("spare", range(spares), after, 2_880)


def seen(rows: list[Row], accounts: list[Row], days: int = 3) -> dict[str, object]:
    lake, frame = Lake(accounts), frames(rows, [])[0]
    for number in range(days):
        day = pl.lit(DAY + timedelta(days=number))
        lake.run(frame.filter(pl.col("tick").dt.truncate("1d") == day), DAY + timedelta(days=number + 1))
    (row,) = lake.campaigns.to_dicts()
    return row


def test_all_of_a_new_pool_have_just_begun() -> None:
    row = seen(pool("head", 20, 10, keys=TEMPLATE), HEADS)
    assert (row["joined_accounts"], row["silent_accounts"], row["replaced_accounts"]) == (20, 0, 0)


def test_heads_that_stop_and_heads_that_begin_within_a_day_are_replacements() -> None:
    row = seen(banned_and_replaced(), HEADS + SPARES)
    assert (row["joined_accounts"], row["silent_accounts"], row["replaced_accounts"]) == (0, 5, 5)


def test_heads_that_begin_more_than_a_day_later_replace_nobody() -> None:
    row = seen(banned_and_replaced(after=180 + 25 * 60), HEADS + SPARES)
    assert (row["silent_accounts"], row["replaced_accounts"]) == (5, 0)


def test_one_head_replaces_one() -> None:
    row = seen(banned_and_replaced(spares=3), HEADS + SPARES)
    assert (row["silent_accounts"], row["replaced_accounts"]) == (5, 3)


def test_ages_that_are_not_on_file_are_no_share() -> None:
    rows = pool("head", 20, 60, keys=TEMPLATE)
    assert seen(rows, [])["fresh_share"] is None


def test_the_share_of_young_accounts_is_of_those_on_file() -> None:
    assert seen(pool("head", 20, 10, keys=TEMPLATE), HEADS[:15])["fresh_share"] == 1.0


def test_calls_around_the_clock_leave_no_quiet_hours() -> None:
    row = seen(banned_and_replaced(), HEADS + SPARES)
    assert row["quiet_share"] == pytest.approx(0.25, abs=0.03)


def test_before_a_whole_day_nothing_is_said_of_quiet_hours() -> None:
    assert seen(pool("head", 20, 60, keys=TEMPLATE), HEADS)["quiet_share"] is None


def test_people_who_sleep_have_quiet_hours() -> None:
    assert quiet_share([0] * 8 + [10] * 16) == 0.0


def test_quiet_hours_may_be_around_midnight() -> None:
    assert quiet_share([0, 0, 0, *[5] * 18, 0, 0, 0]) == 0.0


def test_the_pace_is_of_the_days_seen_last() -> None:
    day = timedelta(days=1)
    marks = {DAY: 0, DAY + day: 9_000}
    assert pace_of(marks, DAY, DAY + 2 * day - timedelta(seconds=1), 9_100)[0] == pytest.approx(9_100 / 2, rel=1e-3)


@pytest.mark.parametrize("minutes", [60, 720])
def test_facts_do_not_hang_on_how_ticks_are_cut(minutes: int) -> None:
    rows, accounts = banned_and_replaced(), HEADS + SPARES
    frame, pieces = frames(rows, [])[0], Lake(accounts)
    start = DAY
    while start < DAY + timedelta(days=2):
        end = start + timedelta(minutes=minutes)
        pieces.run(frame.filter(pl.col("tick").is_between(start, end, closed="left")), end)
        start = end
    whole = pl.DataFrame([seen(rows, accounts)], schema=pieces.campaigns.schema)
    assert whole["silent_accounts"].to_list() == [5]
    assert_frame_equal(pieces.campaigns.select(FACTS), whole.select(FACTS))


def test_who_goes_over_to_another_campaign_takes_his_exchanges_along() -> None:
    day = timedelta(days=1)
    assert pace_of({DAY: 100}, DAY - day, DAY + day / 2, 90) == (0.0, None)
