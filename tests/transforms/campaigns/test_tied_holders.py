"""Holdings are told tick by tick, and taken out of their rows key by key."""

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from schemas.tie import TIED
from transforms.campaigns.tied_holders import Holders

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HEAD, AGENT = ("head", 7), ("agent", 3)


def at(minute: int) -> datetime:
    return NOON + timedelta(minutes=minute)


def tied(minute: int, *rows: tuple[tuple[str, int], int, int]) -> pl.DataFrame:
    """TIED rows of a tick: key, account, calls so far."""
    tick = at(minute)
    made: list[dict[str, Any]] = [
        {
            "tick": tick, "kind": kind, "key": key, "account_id": f"acct-{account}", "account_hash": account, "calls": calls,
            "output_tokens": None, "first_time": at(0), "last_tick": tick, "is_fresh": None, "card": None,
        }
        for (kind, key), account, calls in rows
    ]  # fmt: skip
    return TIED.conform(pl.DataFrame(made, schema=TIED.polars)).sort("kind", "key", "account_hash")


def calls_of(holders: Holders, key: tuple[str, int]) -> dict[int, int]:
    return {account: holding.calls for account, holding in holders[key].items()}


@pytest.mark.parametrize("is_asked_before", [False, True])
def test_what_was_told_last_of_an_account_and_key_holds_whenever_it_is_asked_for(is_asked_before: bool) -> None:
    holders = Holders()
    holders.tell(tied(0, (HEAD, 1, 5), (HEAD, 2, 6), (AGENT, 1, 1)))
    if is_asked_before:
        assert calls_of(holders, HEAD) == {1: 5, 2: 6}
    holders.tell(tied(5, (HEAD, 1, 9), (HEAD, 4, 2)))
    assert calls_of(holders, HEAD) == {1: 9, 2: 6, 4: 2}
    assert calls_of(holders, AGENT) == {1: 1}
    assert sorted(holders) == [AGENT, HEAD]


def test_holdings_are_told_on_of_keys_that_were_asked_for_and_only_of_those() -> None:
    holders = Holders()
    assert not holders.tell(tied(0, (HEAD, 1, 5), (AGENT, 1, 1)))
    assert len(holders[HEAD]) == 1
    [(key, told)] = holders.tell(tied(5, (HEAD, 1, 6), (AGENT, 2, 1))).items()
    assert (key, {account: holding.calls for account, holding in told.items()}) == (HEAD, {1: 6})


def test_who_shows_a_key_is_who_was_told_of_last() -> None:
    holders = Holders()
    holders.tell(tied(0, (HEAD, 1, 5), (HEAD, 2, 6), (AGENT, 1, 1)))
    holders.tell(tied(5, (HEAD, 2, 7)))
    assert (holders.showing(HEAD), holders.showing(AGENT)) == ({2}, set())
    assert list(holders.told) == [HEAD]


def test_rows_are_the_latest_of_each_holder_of_the_keys_wanted() -> None:
    holders = Holders()
    holders.tell(tied(0, (HEAD, 1, 5), (HEAD, 2, 6), (AGENT, 1, 1)))
    holders.tell(tied(5, (HEAD, 1, 9)))
    rows = holders.rows([HEAD])
    assert rows.select("tick", "kind", "account_hash", "calls").rows() == [
        (at(0), "head", 2, 6),
        (at(5), "head", 1, 9),
    ]
    assert (rows["tick"] == rows["last_tick"]).all()


def test_a_row_told_late_of_a_holder_counts_as_of_its_last_call() -> None:
    holders = Holders()
    late = tied(0, (HEAD, 1, 5)).with_columns(pl.col("tick") + timedelta(minutes=30))
    holders.tell(late)
    assert holders.rows([HEAD])["tick"].to_list() == [at(0)]


@pytest.mark.parametrize("is_asked_before", [False, True])
def test_of_a_key_that_is_forgotten_nothing_is_left_but_what_is_told_afterwards(is_asked_before: bool) -> None:
    holders = Holders()
    holders.tell(tied(0, (HEAD, 1, 5), (AGENT, 1, 1)))
    if is_asked_before:
        assert holders[HEAD]
    holders.forget([HEAD])
    assert list(holders) == [AGENT]
    holders.tell(tied(5, (HEAD, 2, 1)))
    assert calls_of(holders, HEAD) == {2: 1}
    assert holders.rows([HEAD])["account_hash"].to_list() == [2]


def test_names_are_kept_of_whoever_was_told_of() -> None:
    holders = Holders()
    holders.tell(tied(0, (HEAD, 1, 5), (AGENT, 1, 1)))
    assert holders.names == {1: "acct-1"}
    holders.tell(tied(5, (HEAD, 2, 5)))
    holders.forget([HEAD])
    assert holders.names == {1: "acct-1", 2: "acct-2"}
