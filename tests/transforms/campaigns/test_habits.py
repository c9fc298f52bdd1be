"""What accounts of campaigns do beside: models, languages, and being turned away."""

from collections.abc import Iterable
from datetime import timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from given_accounts import DAY, at, traits, windows
from given_pools import Lake, Row, frames, on_file
from transforms.campaigns import CampaignState, Habits
from transforms.campaigns.habits import ALWAYS, KINDS, SHOWN, Record, models_of
from transforms.campaigns.work import LATEST

TEMPLATE = (("head", 7), ("tail", 8))
ACCOUNTS = on_file("head", 20, age_days=3, a_card=5) + on_file("spare", 5, age_days=1, a_card=5)
FACTS = (
    "languages", "languages_each", "pivot_model", "pivot_accounts", "blocked_accounts", "failed_over_accounts",
    "rhythm_accounts", "sleepless_accounts", "nights",
    "calls", "focus", "refused_share", "template_share", "payload_novelty",
)  # fmt: skip
OLD, NEW = 1, 2
ENGLISH, THAI = 11, 12


def hourly(name: str, heads: Iterable[int], first: int, until: int) -> list[Row]:
    """Three calls of each head every hour, from one minute to another."""
    return [
        {"account_id": f"{name}-{head:03}", "minute": minute, "kind": kind, "key": key, "count": 3, "elicited": 3}
        for minute in range(first, until, 60)
        for head in heads
        for kind, key in TEMPLATE
    ]


def beside(account: str, minute: int, kind: str, key: int, label: str, **more: int) -> Row:
    return {"account_id": account, "minute": minute, "kind": kind, "key": key, "label": label, **more}


def ran(
    rows: list[Row], shown: list[Row], windowed: list[Row] | None = None, *, minutes: int = 1440, days: int = 2
) -> pl.DataFrame:
    """CAMPAIGN rows after so many days, a run in so many minutes."""
    calls, told = frames(rows, [])[0], traits(shown)
    seen = windows(windowed or []).select(LATEST.names())
    lake, start = Lake(ACCOUNTS), DAY
    while start < DAY + timedelta(days=days):
        end = start + timedelta(minutes=minutes)
        within = pl.col("tick").is_between(start, end, closed="left")
        now = told.filter(within)
        closed = seen.filter(pl.col("window_end").is_between(start, end, closed="right"))
        habits = Habits(now.filter(pl.col("kind").is_in(KINDS)).select(SHOWN.names()), models_of(now), closed)
        lake.run(calls.filter(within), end, habits)
        start = end
    assert lake.campaigns.height == 1
    return lake.campaigns


def fact(rows: list[Row], shown: list[Row], name: str) -> object:
    return ran(rows, shown)[name].item()


POOL = hourly("head", range(20), 0, 2_880)


def test_the_languages_of_its_accounts_are_told() -> None:
    shown = [beside(f"head-{head:03}", 600, "language", ENGLISH, "en") for head in range(20)]
    shown += [beside("head-000", 660, "language", THAI, "th")]
    row = ran(POOL, shown)
    assert row["languages"].item().to_list() == ["en", "th"]
    assert row["languages_each"].item() == 1.05


def test_undecided_is_no_language() -> None:
    shown = [beside("head-000", 600, "language", 13, "und")]
    row = ran(POOL, shown)
    assert (row["languages"].item().to_list(), row["languages_each"].item()) == ([], None)


def test_languages_of_others_are_not_its_own() -> None:
    assert fact(POOL, [beside("honest", 600, "language", THAI, "th")], "languages") is None


def test_what_was_shown_before_an_account_held_a_tied_key_is_not_known() -> None:
    rows, early = POOL + hourly("spare", range(5), 600, 2_880), beside("spare-000", 300, "language", THAI, "th")
    assert fact(rows, [early], "languages") is None
    assert fact(rows, [early | {"minute": 660}], "languages") is not None


def models(adopters: int, minute: int) -> list[Row]:
    """All ask for the old model from the start, and so many of the twenty for the new one from some minute on."""
    old = [beside(f"head-{head:03}", 0, "model", OLD, "old") for head in range(20)]
    first = [beside("honest", 1_500, "model", NEW, "new")]
    return old + first + [beside(f"head-{head:03}", minute, "model", NEW, "new") for head in range(adopters)]


def test_accounts_that_begin_with_a_new_model_within_a_day_are_a_pivot() -> None:
    row = ran(POOL, models(12, 1_560))
    assert (row["pivot_model"].item(), row["pivot_accounts"].item()) == ("new", 12)


def test_a_model_that_few_of_them_begin_with_is_no_pivot() -> None:
    assert fact(POOL, models(8, 1_560), "pivot_model") is None


def test_a_model_that_they_begin_with_later_is_no_pivot() -> None:
    rows = hourly("head", range(20), 0, 4_320)
    assert ran(rows, models(20, 1_500 + 1_440), days=3)["pivot_model"].item() is None


def test_a_model_of_the_first_day_is_not_new() -> None:
    shown = [row | {"minute": 300} if row["key"] == NEW else row for row in models(20, 300)]
    assert fact(POOL, shown, "pivot_model") is None


def test_who_began_after_the_model_came_up_has_no_part_in_a_pivot() -> None:
    rows = hourly("head", range(15), 0, 2_880) + hourly("head", range(15, 20), 1_620, 2_880)
    assert fact(rows, models(20, 1_680), "pivot_accounts") == 15


def blocked(head: int, minute: int, *, calls: int = 1) -> Row:
    return beside(f"head-{head:03}", minute, "operation", 1, "chat", blocked=calls)


ANSWERED = [blocked(head, 600, calls=0) for head in range(20)]
BANNED = hourly("head", range(3), 0, 1_441) + hourly("head", range(3, 20), 0, 2_880)
REFUSALS = ANSWERED + [blocked(head, 1_440) for head in range(3)]


def test_without_statuses_nobody_is_known_to_be_blocked() -> None:
    row = ran(POOL, [beside("head-000", 600, "operation", 1, "chat")])
    assert row.select("blocked_accounts", "failed_over_accounts").row(0) == (None, None)


def test_answered_calls_are_no_blocks() -> None:
    assert fact(POOL, ANSWERED, "blocked_accounts") == 0


def test_a_head_that_is_blocked_and_falls_silent_as_another_begins_has_failed_over() -> None:
    row = ran(BANNED + hourly("spare", range(2), 1_490, 2_880), REFUSALS)
    assert (row["blocked_accounts"].item(), row["failed_over_accounts"].item()) == (3, 2)


def test_a_head_that_goes_on_after_a_block_has_not_failed_over() -> None:
    assert fact(POOL + hourly("spare", range(5), 1_490, 2_880), REFUSALS, "failed_over_accounts") == 0


def test_a_head_that_begins_hours_later_took_nobodys_place() -> None:
    assert fact(BANNED + hourly("spare", range(5), 1_620, 2_880), REFUSALS, "failed_over_accounts") == 0


WINDOWS = [
    {
        "account_id": f"head-{head:03}",
        "hour": hour,
        "calls_24h": 3.0 + head,
        "payload_novelty_24h": head / 20,
    }
    for hour in range(1, 48, 5)
    for head in range(20)
]


@pytest.mark.parametrize("minutes", [60, 720])
def test_habits_do_not_hang_on_how_ticks_are_cut(minutes: int) -> None:
    rows = BANNED + hourly("spare", range(2), 1_490, 2_880)
    shown = (
        REFUSALS
        + models(15, 1_560)
        + [beside("head-005", minute, "language", minute, str(minute)) for minute in range(0, 2_880, 180)]
    )
    whole = ran(rows, shown, WINDOWS)
    assert whole["focus"].item() > 0
    assert whole["payload_novelty"].item() > 0
    assert whole["pivot_accounts"].item() == 15
    assert whole["failed_over_accounts"].item() == 2
    assert_frame_equal(ran(rows, shown, WINDOWS, minutes=minutes).select(FACTS), whole.select(FACTS))


def by_day(head: int, hours: Iterable[int]) -> list[Row]:
    return [
        beside(f"head-{head:03}", 1_440 * day + 60 * hour + minute, "operation", 1, "chat")
        for day in range(3)
        for hour in hours
        for minute in (5, 35)
    ]


@pytest.mark.parametrize("minutes", [50, 300, 1_440])
def test_nights_are_told_of_accounts_that_were_seen_long_enough(minutes: int) -> None:
    rows = hourly("head", range(20), 0, 4_320)
    shown = by_day(0, range(17)) + by_day(1, [*range(8), *range(14, 24)]) + by_day(2, range(24)) + by_day(3, range(9))
    row = ran(rows, shown, minutes=minutes, days=3)
    assert (row["rhythm_accounts"].item(), row["sleepless_accounts"].item()) == (3, 1)
    assert row["nights"].item().to_list() == [8, 17]


def test_where_no_call_is_seen_nothing_is_known_of_days() -> None:
    assert ran(POOL, []).select("rhythm_accounts", "sleepless_accounts", "nights").row(0) == (None, None, None)


def test_habits_are_stored_with_the_state() -> None:
    lake, told = Lake(ACCOUNTS), traits(models(6, 1_000))
    lake.run(POOL[: 20 * 2 * 20], at(1_440), Habits(told.select(SHOWN.names()), models_of(told)))
    again = CampaignState.from_bytes(lake.state.to_bytes()).habits
    for name in ("used", "blocks", "models", "visited", "done", "windows"):
        assert_frame_equal(getattr(again, name), getattr(lake.state.habits, name))
    assert again.used.height > 0


def test_a_campaign_most_of_whose_calls_are_refused_takes_the_model_apart() -> None:
    def answered(refused: int) -> list[Row]:
        return [
            beside(f"head-{head:03}", minute, "operation", 1, "chat", count=3, refused=refused)
            for minute in range(0, 2_880, 60)
            for head in range(20)
        ]

    assert fact(POOL, answered(1), "kind") == "distillation"
    assert fact(POOL, answered(2), "kind") == "reverse_engineering"
    assert fact(POOL, answered(2), "refused_share") == round(2 / 3, 6)


def test_who_holds_a_tied_key_anew_starts_anew_however_ticks_are_cut() -> None:
    told = traits([beside("head-000", minute, "operation", 1, "chat", count=5) for minute in (10, 20, 90)])
    told = told.vstack(traits([beside("head-000", 10, "language", THAI, "th")]))
    account = told["account_hash"][0]

    def since(minute: float | None) -> pl.DataFrame:
        rows = {
            "account_hash": [account],
            "since": [ALWAYS if minute is None else at(minute)],
            "asked": [1],
            "other": [0],
        }
        return pl.DataFrame(rows).cast({"since": pl.Datetime("us", "UTC")})

    def until(minute: float) -> Habits:
        return Habits(told.filter(pl.col("tick") < at(minute)).select(SHOWN.names()), models_of(told))

    known = Record.empty().after(until(60), since(5)).remembered(DAY)
    late = Habits(told.filter(pl.col("tick") >= at(60)).select(SHOWN.names()), models_of(told))
    goes_on, anew = known.after(late, since(None)), known.after(late, since(80))
    assert (goes_on.done["calls"].sum(), goes_on.used.height) == (15, 1)
    assert (anew.done["calls"].sum(), anew.used.height) == (5, 0)
