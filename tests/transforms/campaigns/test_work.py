"""What the accounts of a campaign do besides: how much of it is the campaign's, how it is answered, how new it is."""

from datetime import timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from given_accounts import DAY, TICK, at
from schemas.policy import Policy
from transforms.campaigns.membership import Holding
from transforms.campaigns.work import DONE, LATEST, Counted, Done, is_probing, work

RULES = Policy().rules
ONE, OTHER = 1, 2
SINCE = pl.DataFrame({"account_hash": [ONE], "since": [at(0)], "asked": [4], "other": [10]}).cast(
    {"since": pl.Datetime("us", "UTC")}
)
NOTHING = Done(pl.DataFrame(schema=DONE))
NO_WINDOWS = pl.DataFrame(schema=LATEST)


def calls(rows: list[tuple[int, int, int, int]]) -> pl.DataFrame:
    """account_hash, tick, count, refused, from minutes."""
    schema = {"account_hash": pl.Int64, "tick": pl.Datetime("us", "UTC"), "count": pl.Int64, "refused": pl.Int64}
    return pl.DataFrame(
        [(account, at(minute), count, refused) for account, minute, count, refused in rows], schema=schema, orient="row"
    )


def holding(count: int, kind: str = "client", *, tokens: int | None = None, minute: float = -60.0) -> Holding:
    """A key shown from some minute on, an hour before the campaign where nothing is said."""
    return Holding(count, tokens, at(minute), at(600), None, None, None, kind)


def facts(
    members: dict[int, list[Holding]], done: Done, windows: pl.DataFrame = NO_WINDOWS, minute: int = 600
) -> dict[str, Any]:
    return work(members, done, windows, at(minute), at(minute) + TICK)


def test_focus_is_the_part_of_later_calls_that_shows_a_key() -> None:
    done = NOTHING.after(calls([(ONE, 0, 9, 0), (ONE, 5, 30, 0), (ONE, 10, 10, 4)]), SINCE)
    told = facts({ONE: [holding(10 + 20)]}, done)
    assert (told["calls"], told["focus"], told["refused_share"]) == (40, 0.5, 0.1)


def test_the_templates_share_is_that_of_keys_out_of_prompts_alone() -> None:
    done = NOTHING.after(calls([(ONE, 5, 30, 0), (ONE, 10, 10, 4)]), SINCE)
    told = facts({ONE: [holding(50), holding(14, "head"), holding(12, "system")]}, done)
    assert (told["focus"], told["template_share"]) == (1.0, 0.25)


def test_where_no_piece_of_a_prompt_is_shared_there_is_no_template() -> None:
    done = NOTHING.after(calls([(ONE, 5, 30, 0)]), SINCE)
    assert facts({ONE: [holding(40)]}, done)["template_share"] is None


def test_of_a_key_that_was_first_shown_later_every_call_counts() -> None:
    done = NOTHING.after(calls([(ONE, 5, 30, 0)]), SINCE)
    assert facts({ONE: [holding(30, minute=5)]}, done)["focus"] == 1.0
    assert facts({ONE: [holding(30, minute=4.9)]}, done)["focus"] == round(20 / 30, 6)


def test_what_an_account_did_with_a_popular_client_takes_nothing_from_its_prompts() -> None:
    since = SINCE.with_columns(other=pl.lit(5_000, pl.Int64))
    done = NOTHING.after(calls([(ONE, 5, 2_000, 0)]), since)
    told = facts({ONE: [holding(2_004, "head")]}, done)
    assert (told["focus"], told["template_share"]) == (1.0, 1.0)


def test_calls_after_the_campaign_was_last_seen_do_not_count() -> None:
    done = NOTHING.after(calls([(ONE, 5, 30, 0), (ONE, 10, 10, 0)]), SINCE)
    assert facts({ONE: [holding(40)]}, done, minute=5)["calls"] == 30


def test_there_is_no_more_focus_than_calls() -> None:
    done = NOTHING.after(calls([(ONE, 5, 4, 0)]), SINCE)
    assert facts({ONE: [holding(500)]}, done)["focus"] == 1.0


def test_of_accounts_that_have_not_called_since_nothing_is_known() -> None:
    told = facts({ONE: [holding(10)], OTHER: [holding(3)]}, NOTHING.after(calls([]), SINCE))
    assert (told["calls"], told["focus"], told["refused_share"]) == (0, None, None)


@given(
    st.lists(
        st.tuples(st.just(ONE), st.integers(0, 20).map(lambda tick: 5 * tick), st.integers(1, 9), st.integers(0, 1)),
        max_size=12,
        unique_by=lambda row: row[1],
    ),
    st.integers(0, 20),
)
def test_what_was_done_is_the_same_however_ticks_are_cut(rows: list[tuple[int, int, int, int]], cut: int) -> None:
    every = calls(sorted(rows))
    early = pl.col("tick") < at(5 * cut)
    first = Done(NOTHING.after(every.filter(early), SINCE).remembered())
    assert_frame_equal(first.after(every.filter(~early), SINCE).remembered(), NOTHING.after(every, SINCE).remembered())


def window(account: int, minute: int, count: float | None, novelty: float | None) -> tuple[Any, ...]:
    return account, at(minute), count, novelty


def told_of(*rows: tuple[Any, ...]) -> dict[str, Any]:
    frame = pl.DataFrame(list(rows), schema=LATEST, orient="row")
    return facts({ONE: [holding(10)], OTHER: [holding(10)]}, NOTHING, frame)


def test_novelty_is_a_mean_over_calls_of_each_accounts_last_window() -> None:
    told = told_of(window(ONE, 60, 9.0, 0.0), window(ONE, 600, 30.0, 1.0), window(OTHER, 540, 10.0, 0.6))
    assert told["payload_novelty"] == 0.9


def test_windows_of_later_and_of_days_ago_say_nothing() -> None:
    told = told_of(window(ONE, 660, 9.0, 0.5), window(OTHER, -900, 9.0, 0.5))
    assert told["payload_novelty"] is None


def test_windows_of_others_say_nothing() -> None:
    assert told_of(window(3, 600, 9.0, 0.5))["payload_novelty"] is None


@pytest.mark.parametrize(
    ("tokens", "probes"),
    [(None, False), (0, False), (499, False), (500, True), (1_500, True), (1_501, False), (5_000, False)],
)
def test_a_thousand_calls_for_one_token_each_take_the_model_apart(tokens: int | None, probes: bool) -> None:
    assert is_probing({ONE: [holding(1_000, tokens=tokens)]}, {}, RULES, was=False) is probes


def test_where_the_tokens_of_most_accounts_are_not_known_they_say_nothing() -> None:
    known, unknown = [holding(100, tokens=100)], [holding(100)]
    assert is_probing({1: known, 2: unknown}, {}, RULES, was=False)
    assert not is_probing({1: known, 2: unknown, 3: unknown}, {}, RULES, was=False)


REFUSALS = RULES.bypass_refusals


@pytest.mark.parametrize(
    ("count", "refused", "was", "probes"),
    [
        (2 * REFUSALS, REFUSALS, False, True),
        (2 * REFUSALS + 1, REFUSALS, False, False),
        (2 * REFUSALS + 1, REFUSALS, True, True),
        (4 * REFUSALS + 1, REFUSALS, True, False),
        (REFUSALS - 1, REFUSALS - 1, False, False),
    ],
)
def test_calls_most_of_which_are_refused_take_the_model_apart_and_go_on_doing_so(
    count: int, refused: int, was: bool, probes: bool
) -> None:
    done = {ONE: Counted(DAY, 0, 0, count, refused)}
    assert is_probing({ONE: [holding(100)]}, done, RULES, was=was) is probes


def test_ticks_are_told_by_their_start() -> None:
    done = NOTHING.after(calls([(ONE, 5, 4, 0)]), SINCE)
    assert done.counted([ONE], at(5) - timedelta(microseconds=1)) == {ONE: Counted(at(0), 4, 10, 0, 0)}
