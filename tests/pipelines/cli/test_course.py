"""How a campaign goes on, in words: only what is known."""

from typing import Any

import pytest

from pipelines.cli.course import course
from schemas.campaign import CAMPAIGN

NOTHING: dict[str, Any] = dict.fromkeys(CAMPAIGN.columns)


def said(known: int | None, sleepless: int | None, nights: list[int] | None) -> str:
    return course(NOTHING | {"rhythm_accounts": known, "sleepless_accounts": sleepless, "nights": nights})


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ((None, None, None), ""),
        ((0, None, None), ""),
        ((3, 3, None), "none of 3 accounts whose day is known has a night"),
        ((20, 2, [20]), "18 of 20 accounts whose day is known have one night (20-02 UTC)"),
        ((9, 0, [1, 14]), "9 of 9 accounts whose day is known have 2 different nights (01-07, 14-20 UTC)"),
    ],
)
def test_nights_are_told_of_accounts_whose_day_is_known(facts: tuple[Any, Any, Any], words: str) -> None:
    assert said(*facts) == words


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (
            {"focus": 0.25, "calls": 1_200, "refused_share": 0.01},
            "at least 25% of its accounts' 1,200 calls show its keys",
        ),
        (
            {"focus": 1.0, "calls": 80, "refused_share": 0.7},
            "all of its accounts' 80 calls show its keys, 70% were refused",
        ),
        (
            {"focus": 1.0, "calls": 80, "refused_share": 0.1, "template_share": 0.5},
            "all of its accounts' 80 calls show its keys, 50% its pieces of prompts",
        ),
        ({"payload_novelty": 0.99}, "99% of a day's prompts were new"),
    ],
)
def test_focus_refusals_and_novelty_are_told_where_they_are_known(facts: dict[str, Any], words: str) -> None:
    assert course(NOTHING | facts) == words
