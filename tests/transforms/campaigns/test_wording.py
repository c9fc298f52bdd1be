"""Campaigns in words."""

import pytest

from transforms.campaigns.wording import evidence, kind_of


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


CLAIMS = {"signal": "extraction_claims"}


@pytest.mark.parametrize(
    ("keys", "signals", "kind"),
    [
        (["head"], [], "distillation"),
        (["system"], [CLAIMS], "distillation"),
        (["system", "client"], [], "relay"),
        (["object"], [], "bulk_download"),
        (["client"], [], "resale"),
    ],
)
def test_a_campaign_is_named_by_what_its_accounts_share_and_ask_for(
    keys: list[str], signals: list[dict[str, str]], kind: str
) -> None:
    assert kind_of([(key, 1) for key in keys], signals) == kind
