"""Campaigns in words."""

from transforms.campaigns.wording import evidence


def test_large_numbers_are_written_out() -> None:
    signal = {
        "signal": "long_answers",
        "observed": 1523.4,
        "expected": 660.0,
        "detail": "output tokens",
        "points": 1.27,
    }
    assert evidence([signal]) == ["long_answers is 1,523, ordinary 660: output tokens (1.3 decades)"]


def test_what_one_benign_group_in_six_shows_is_told_only_where_nothing_says_more() -> None:
    strong = {"signal": "even_load", "observed": 0.9, "expected": 0.4, "detail": "evenly", "points": 3.0}
    weak = strong | {"signal": "shared_cards", "points": 0.8}
    assert len(evidence([strong, weak])) == 1
    assert len(evidence([weak])) == 1
