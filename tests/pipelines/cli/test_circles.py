"""With whom an account shares what, and why that is no campaign."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest

from pipelines.cli.circles import ALIKE, MOST, Shared, circles
from schemas.policy import Campaigns
from schemas.tie import TIE

SINCE = datetime(2026, 3, 1, tzinfo=UTC)
POLICY = Campaigns()
APPRAISED = TIE.polars | {"needed": pl.Float64(), "is_alike": pl.Boolean()}
HELD = {"kind": pl.String, "key": pl.Int64, "label": pl.String, "account_id": pl.String, "calls": pl.Int64}


def held(kind: str, key: int, accounts: Iterable[str], calls: int = 50) -> list[dict[str, Any]]:
    """The holders of a key."""
    return [{"kind": kind, "key": key, "label": None, "account_id": one, "calls": calls} for one in accounts]


def pool(count: int) -> list[str]:
    """Ids of so many accounts, `me` among them."""
    return ["me", *(f"other-{n:02}" for n in range(count - 1))]


def tie(kind: str, key: int, points: float, *, needed: float = 5.0, is_alike: bool = True) -> dict[str, Any]:
    """What speaks for a key."""
    signal = dict.fromkeys(field.name for field in TIE.polars["signals"].inner.fields)
    return {
        "kind": kind, "key": key, "points": points, "families": 2, "needed": needed, "is_alike": is_alike,
        "signals": [signal | {"signal": "even_load", "points": points}],
    }  # fmt: skip


def told(
    rows: list[dict[str, Any]],
    *,
    calls: int = 100,
    cards: Mapping[str, str] | None = None,
    ties: Sequence[Mapping[str, Any]] = (),
    campaigns: Mapping[str, Sequence[str]] | None = None,
) -> list[dict[str, Any]]:
    """The circles of `me`."""
    appraised = pl.DataFrame(list(ties), schema=APPRAISED)
    shared = Shared("me", calls, SINCE, pl.DataFrame(rows, schema=HELD), cards or {}, appraised, campaigns or {})
    return circles(shared, POLICY)


def test_keys_of_the_same_accounts_are_one_circle() -> None:
    (one,) = told(held("head", 1, pool(8)) + held("head", 2, pool(8)) + held("tail", 3, pool(8)))
    assert one["says"] == (
        "shares 2 first words of prompts and the last words of its prompts with 7 other accounts and nobody else: "
        "100% of its calls show that, 800 calls of all of them together"
    )


def test_keys_of_nearly_the_same_accounts_are_one_circle_too() -> None:
    assert len(told(held("head", 1, pool(10)) + held("head", 2, pool(round(10 * ALIKE))))) == 1
    assert len(told(held("head", 1, pool(10)) + held("head", 2, pool(round(10 * ALIKE) - 1)))) == 2


def test_calls_are_counted_once_whatever_kinds_of_key_they_show() -> None:
    (one,) = told(held("head", 1, pool(2), calls=30) + held("tail", 2, pool(2), calls=40))
    assert (one["calls"], one["share"], one["exchanges"]) == (40, 0.4, 80)


def test_what_a_call_in_thirty_shows_is_not_told() -> None:
    assert told(held("head", 1, pool(8), calls=3)) == []


def test_a_pool_is_told_before_a_pair_and_no_more_than_help_a_person() -> None:
    rows = [row for key in range(9) for row in held("prefix", key, ["me", f"mate-{key}"], calls=60)]
    found = told(rows + held("client", 99, pool(16), calls=60))
    assert (found[0]["others"], len(found)) == (15, MOST)


def test_at_most_twenty_others_are_named() -> None:
    (one,) = told(held("client", 1, pool(40)))
    assert (len(one["account_ids"]), one["others"]) == (20, 39)


def test_what_is_on_file_is_no_matter_of_calls() -> None:
    (one,) = told(held("payment", 1, pool(3), calls=1))
    assert one["says"] == "shares its payment instrument with 2 other accounts and nobody else"
    assert one["exchanges"] is None


CLIENT = held("client", 1, pool(16))


@pytest.mark.parametrize(
    ("rows", "known", "because"),
    [
        (held("client", 1, pool(4)), {}, "it takes 5 accounts"),
        (held("prefix", 1, pool(9)), {}, "networks, sign-ups and API keys by themselves tie nobody"),
        (held("payment", 1, pool(9)), {}, "a card ties those it pays for only where an even load, youth, and turns"),
        (CLIENT, {"cards": dict.fromkeys(pool(16), "visa")}, "1 payment instrument pays for all of them"),
        (CLIENT, {"cards": dict.fromkeys(pool(16)[2:], "visa")}, "no more than 2 payment instruments pay for nearly all of them"),
        (held("client", 1, pool(16), calls=2), {"calls": 4}, "32 calls show it, and it takes 50"),
        (CLIENT, {"campaigns": {"c-1": pool(9)[1:], "c-2": []}}, "8 of these accounts are campaign c-1"),
        (CLIENT, {"campaigns": {"c-1": pool(8)[1:]}}, "none of the keys has enough holders"),
        (CLIENT, {"ties": [tie("client", 1, 4.6, needed=5.5)]}, "what these accounts have in common beside it adds up to 4.6 decades (even_load 4.6), and it takes 5.5"),
        (CLIENT, {"ties": [tie("client", 1, 6.0, is_alike=False)]}, "what these accounts have in common beside it adds up to 6.0 decades (even_load 6.0), but not nearly all"),
        (CLIENT, {"ties": [tie("client", 1, 6.0)]}, "what these accounts have in common beside it adds up to 6.0 decades (even_load 6.0), which is enough by now"),
    ],
)  # fmt: skip
def test_each_reason_why_it_is_no_campaign_has_its_sentence(
    rows: list[dict[str, Any]], known: dict[str, Any], because: str
) -> None:
    (one,) = told(rows, **known)
    assert one["because"].startswith(because)
