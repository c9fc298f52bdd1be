"""Campaigns as blocks for a terminal."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pipelines.cli.blocks import NARROWEST, WIDTH, blocks, terminal_width
from schemas.campaign import CAMPAIGN

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def campaign(**changes: Any) -> dict[str, Any]:
    """A campaign of forty accounts with four sentences of evidence."""
    sentence = "even_load is 0.94, ordinary 0.412: the accounts use what they share equally often, as when a scheduler deals them out"
    row: dict[str, Any] = dict.fromkeys(CAMPAIGN.polars) | {
        "campaign_id": "c-045912e615d70402", "kind": "bulk_download", "tier": "act", "score": 9.25, "link_kinds": ["head", "tail"],
        "account_ids": [f"account-{n:03}" for n in range(40)], "accounts": 40, "first_seen": NOON, "last_seen": NOON,
        "flagged_at": NOON + timedelta(hours=1), "exchanges": 9141, "exchanges_before": 42, "output_tokens": 13_994_544, "output_tokens_before": 61_207,
        "damage_tier": 1000, "exchanges_per_day": 1948.57, "next_tier_at": NOON + timedelta(days=2), "evidence": [f"{sentence} {n}" for n in range(4)],
        "evidence_accounts": 22, "latest_test": None,
    }  # fmt: skip
    return row | changes


@pytest.mark.parametrize("width", [60, 80, 100])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    assert max(map(len, blocks([campaign(), campaign()], width).splitlines())) <= width


def test_every_sentence_of_evidence_is_there_whole() -> None:
    row = campaign()
    told = " ".join(blocks([row], 60).split())
    assert all(sentence in told for sentence in row["evidence"])


def test_it_says_how_many_accounts_the_evidence_is_about() -> None:
    assert "  evidence  9.2 decades, of what 22 accounts share\n" in blocks([campaign()], 100)


def test_it_names_some_accounts_and_how_many_more_there_are() -> None:
    told = " ".join(blocks([campaign()], 100).split())
    assert "account-006, account-007 and 32 more (--format json names all)" in told
    assert "account-008" not in told


def test_what_is_not_known_has_no_line() -> None:
    told = blocks([campaign(output_tokens=None, damage_tier=None, next_tier_at=None)], 100)
    assert "taken     9,141 calls, 1,949 a day\n" in told
    assert "merged" not in told
    assert "None" not in told


def test_one_that_has_become_part_of_another_says_of_which() -> None:
    assert "merged    has become part of c-2\n" in blocks([campaign(merged_into="c-2")], 100)


def test_a_hostile_name_cannot_move_the_cursor() -> None:
    assert "\x1b" not in blocks([campaign(account_ids=["\x1b[2J", "\u202ereversed"], accounts=2)], 100)


@pytest.mark.parametrize(("columns", "width"), [("80", 80), ("20", NARROWEST), ("", WIDTH)])
def test_the_width_is_the_terminals(columns: str, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert terminal_width() == width
