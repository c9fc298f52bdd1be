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
