"""Whose days look most like a harvest."""

from datetime import timedelta

import polars as pl
import pytest

from given_accounts import DAY
from schemas.feature import FEATURES
from schemas.policy import Policy
from schemas.snapshot import LEANING
from schemas.window import WINDOW
from transforms.learning import likeness
from transforms.learning.leaning import LIKENESS, leanings_after, likeness_of

POLICY = Policy()


def windows(*rows: dict[str, object]) -> pl.DataFrame:
    """WINDOW rows of accounts named by number, at the end of hour `hour`; features left out are null."""
    made = [
        {
            "account_id": f"a{row.get('account', 0):02}",
            "account_hash": row.get("account", 0),
            "window_end": DAY + timedelta(hours=row.get("hour", 12)),
            "calls_24h": 40.0,
        }
        | {name: value for name, value in row.items() if name not in ("account", "hour")}
        for row in rows
    ]
    names = {name: WINDOW.polars[name] for row in made for name in row}
    return pl.DataFrame(made, schema=names)


def scored(*values: int) -> pl.DataFrame:
    """LIKENESS rows of accounts numbered from 0."""
    rows = [(f"a{number:02}", number, value) for number, value in enumerate(values)]
    return pl.DataFrame(rows, schema=LIKENESS, orient="row")


def leaning(*values: int) -> list[str]:
    """Who leans, of accounts with these values."""
    return leanings_after(LEANING.empty(), DAY, [scored(*values)], POLICY).filter("leans")["account_id"].to_list()


def test_a_tenth_of_the_accounts_leans_those_that_look_most_like_it() -> None:
    assert leaning(*range(30)) == ["a27", "a28", "a29"]


def test_in_a_log_of_a_few_accounts_nobody_does() -> None:
    assert leaning(1, 2, 3, 4, 5, 6, 7, 8, 9) == []


def test_of_equal_ones_at_the_border_none_does() -> None:
    assert leaning(*[5] * 20, 9) == ["a20"]


def test_parts_of_a_day_give_what_the_whole_gives() -> None:
    whole = scored(*range(25))
    parts = [whole[7:], whole[:7]]
    assert leanings_after(LEANING.empty(), DAY, parts, POLICY).equals(
        leanings_after(LEANING.empty(), DAY, [whole], POLICY)
    )


def test_the_last_window_of_the_day_counts() -> None:
    early, late = {"hour": 3, "languages_24h": 1.0}, {"hour": 20, "languages_24h": 9.0}
    assert likeness_of(windows(early, late), POLICY).equals(likeness_of(windows(late), POLICY))
    assert not likeness_of(windows(early, late), POLICY).equals(likeness_of(windows(early), POLICY))


def test_a_day_of_hardly_any_calls_says_nothing() -> None:
    few = float(POLICY.campaigns.leaning_calls - 1)
    assert likeness_of(windows({"calls_24h": few}), POLICY).is_empty()


def test_a_feature_that_the_log_does_not_carry_is_an_unknown_one() -> None:
    assert likeness_of(windows({}), POLICY).equals(likeness_of(windows({"languages_24h": None}), POLICY))


def test_who_did_not_call_keeps_what_was_known_until_it_is_forgotten() -> None:
    before = leanings_after(LEANING.empty(), DAY, [scored(*range(10))], POLICY)
    known = leanings_after(before, DAY + timedelta(days=1), [], POLICY)
    assert known.equals(before)
    later = DAY + timedelta(days=POLICY.learning.forget_days)
    assert leanings_after(before, later, [], POLICY).is_empty()


def test_a_new_day_replaces_what_was_known_of_who_called() -> None:
    before = leanings_after(LEANING.empty(), DAY, [scored(*range(10))], POLICY)
    after = leanings_after(before, DAY + timedelta(days=1), [scored(*range(10, 0, -1))], POLICY)
    assert before.filter("leans")["account_id"].to_list() == ["a09"]
    assert after.filter("leans")["account_id"].to_list() == ["a00"]


@pytest.mark.parametrize("name", sorted(likeness.FEATURES))
def test_what_was_learned_is_of_a_feature_in_ascending_steps(name: str) -> None:
    edges, points, _ = likeness.FEATURES[name]
    assert name in {one.name for one in FEATURES}
    assert edges == sorted(set(edges))
    assert len(points) == len(edges) + 1
