"""When accounts sleep: a night is told only of who was seen long enough, and as few nights as explain everybody."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from given_accounts import DAY
from transforms.campaigns.sleeping import VISITED, gathered, hours_of, nights

NOBODY = pl.DataFrame(schema=VISITED)


def calling(hours: dict[int, list[int]], days: int = 8) -> pl.DataFrame:
    """VISITED rows of accounts that call once in each of some hours of every day."""
    ticks = [
        {"account_hash": account, "tick": DAY + timedelta(days=day, hours=hour, minutes=10)}
        for day in range(days)
        for account, own in hours.items()
        for hour in own
    ]
    shown = pl.DataFrame(ticks, schema={"account_hash": pl.Int64, "tick": pl.Datetime("us", "UTC")})
    return gathered(NOBODY, hours_of(shown.sort("tick"), NOBODY))


def shift(first: int, length: int = 9) -> list[int]:
    return [hour % 24 for hour in range(first, first + length)]


def test_one_shift_has_one_night() -> None:
    told = nights(calling({account: shift(1) for account in range(5)}))
    assert (told["rhythm_accounts"], told["sleepless_accounts"], len(told["nights"])) == (5, 0, 1)
    assert 10 <= told["nights"][0] <= 19


def test_early_and_late_birds_of_one_zone_share_a_night() -> None:
    told = nights(calling({1: shift(6, 8), 2: shift(14, 8), 3: shift(10, 8)}))
    assert len(told["nights"]) == 1


def test_who_works_while_the_others_sleep_has_another_night() -> None:
    told = nights(calling({1: shift(0, 14), 2: shift(0, 14), 3: shift(12, 14)}))
    assert len(told["nights"]) == 2


def test_users_of_several_zones_behind_one_account_leave_it_no_night() -> None:
    told = nights(calling({1: list(range(24)), 2: shift(0), 3: list(range(24))}))
    assert (told["rhythm_accounts"], told["sleepless_accounts"], len(told["nights"])) == (3, 2, 1)


def test_a_late_hour_now_and_then_is_no_day() -> None:
    hours = calling({1: shift(0, 10)}, days=20)
    late = pl.DataFrame({"account_hash": [1], "hour": [16], "visits": [5], "first_tick": [DAY]}, schema=VISITED)
    assert nights(pl.concat([hours, late]))["sleepless_accounts"] == 0


def test_who_was_hardly_seen_has_neither_day_nor_night() -> None:
    told = nights(calling({1: shift(0)}, days=5))
    assert told == {"rhythm_accounts": 0, "sleepless_accounts": None, "nights": None}
    assert nights(NOBODY)["rhythm_accounts"] is None


def test_of_accounts_that_call_at_any_hour_hardly_one_has_a_night_by_chance() -> None:
    rng = np.random.default_rng(5)
    rows = {"account_hash": np.repeat(np.arange(6_000), 48), "hour": rng.integers(0, 24, 6_000 * 48)}
    visited = pl.DataFrame(rows).with_columns(visits=pl.lit(1), first_tick=pl.lit(DAY)).cast(dict(VISITED))
    told = nights(gathered(NOBODY, visited))
    assert told["rhythm_accounts"] == 6_000
    assert 6_000 - told["sleepless_accounts"] <= 6_000 / 300


@pytest.mark.parametrize("hours", [1, 5, 24])
def test_an_hour_counts_once_however_its_ticks_are_cut(hours: int) -> None:
    ticks = [DAY + timedelta(minutes=25 * number) for number in range(200)]
    shown = pl.DataFrame(
        {"account_hash": [7] * 200, "tick": ticks}, schema_overrides={"tick": pl.Datetime("us", "UTC")}
    )
    whole, known, start = gathered(NOBODY, hours_of(shown, NOBODY)), NOBODY, DAY
    while start < ticks[-1]:
        end = start + timedelta(hours=hours, minutes=20)
        known = gathered(known, hours_of(shown.filter(pl.col("tick").is_between(start, end, closed="left")), known))
        start = end
    assert_frame_equal(known, whole)
    assert whole["visits"].sum() == len({tick.replace(minute=0) for tick in ticks})
