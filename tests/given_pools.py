"""Small pools and crowds as SHARED and REGISTRY rows."""

from collections.abc import Iterable
from typing import Any

import polars as pl

from given_accounts import registry, shared

Row = dict[str, Any]


def pool(
    name: str, heads: int, turns: int, *, keys: Iterable[tuple[str, int]], first: int = 0, elicited: int = 1
) -> list[Row]:
    """A call of each head in each tick, each with all of the keys."""
    return [
        {"account_id": f"{name}-{head:03}", "minute": first + 5 * turn, "kind": kind, "key": key, "elicited": elicited}
        for turn in range(turns)
        for head in range(heads)
        for kind, key in keys
    ]


def crowd(name: str, accounts: int, turns: int, *, keys: Iterable[tuple[str, int]]) -> list[Row]:
    """Accounts that use the keys as much as each needs: the first much more than the last."""
    return [
        {
            "account_id": f"{name}-{account:03}", "minute": 5 * turn, "kind": kind, "key": key,
            "count": max(1, 200 // (account + 1) ** 2),
        }
        for turn in range(turns)
        for account in range(accounts)
        for kind, key in keys
    ]  # fmt: skip


def on_file(name: str, accounts: int, *, age_days: float, a_card: int) -> list[Row]:
    """Accounts created a few hours after each other, so many to a card."""
    return [
        {
            "account_id": f"{name}-{number:03}", "age_days": age_days + 0.2 * number,
            "payment_id": f"{name}-card-{number // a_card}",
        }
        for number in range(accounts)
    ]  # fmt: skip


def frames(rows: Iterable[Row], accounts: Iterable[Row]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """SHARED and REGISTRY rows."""
    return shared(rows), registry(accounts)
