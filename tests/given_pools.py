"""Small pools and crowds as SHARED and REGISTRY rows."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import polars as pl

from given_accounts import DAY, account_hash, registry, shared
from schemas.campaign import CAMPAIGN
from schemas.hit import HIT
from schemas.policy import Policy
from schemas.shared import SHARED
from transforms.campaigns import Base, CampaignState, Habits, TieState, step, tie
from transforms.campaigns.base import LIVES
from transforms.campaigns.cards import Cards
from transforms.campaigns.kinds import Key
from transforms.campaigns.overlaps import Overlaps

POLICY = Policy()
BASE = Base(fresh=0.2, cards=0.1, bursts=0.0001, moves=0.2, sleepless=0.4, leaning=0.1)

Row = dict[str, Any]


def overlaps(holders: Mapping[Key, Iterable[int]], cards: Cards | None = None) -> Overlaps:
    """Who holds these keys; nobody has a card on file but those named."""
    made = Overlaps()
    for key, accounts in holders.items():
        made.tell(key, {account: (DAY, (cards or {}).get(account)) for account in accounts})
    return made


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


def moving(base: Base, name: str, accounts: int, *, of: int | None = None) -> Base:
    """What is known of networks, with accounts more: of so many these move on every day, the others come home."""
    return _living(base, name, "is_moving", accounts, of or accounts)


def sleepless(base: Base, name: str, accounts: int, *, of: int | None = None) -> Base:
    """What is known of hours, with accounts more: of so many these call day and night, the others keep nights."""
    return _living(base, name, "is_sleepless", accounts, of or accounts)


def leaning(base: Base, name: str, accounts: int, *, of: int | None = None) -> Base:
    """What is known of whose days look like a harvest, with accounts more: of so many these lean to one, the others do not."""
    return _living(base, name, "leans", accounts, of or accounts)


def _living(base: Base, name: str, how: str, accounts: int, of: int) -> Base:
    rows = [{"account_hash": account_hash(f"{name}-{number:03}"), how: number < accounts} for number in range(of)]
    known = pl.DataFrame(rows, schema={"account_hash": pl.Int64, how: pl.Boolean})
    lives = base.lives.join(known, on="account_hash", how="full", coalesce=True, suffix="_now")
    if f"{how}_now" in lives.columns:
        lives = lives.with_columns(pl.coalesce(f"{how}_now", how).alias(how))
    return replace(base, lives=lives.select(LIVES.names()))


def frames(rows: Iterable[Row], accounts: Iterable[Row]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """SHARED and REGISTRY rows."""
    return shared(rows), registry(accounts)


class Lake:
    """What steps gave so far."""

    def __init__(self, accounts: list[Row], prompts: pl.DataFrame | None = None, base: Base = BASE) -> None:
        self.accounts, self.base = accounts, base
        self.prompts = SHARED.empty() if prompts is None else prompts
        self.ties, self.state = TieState.empty(), CampaignState.empty()
        self.hits, self.campaigns = HIT.empty(), CAMPAIGN.empty()

    def run(self, rows: list[Row] | pl.DataFrame, until: datetime, habits: Habits | None = None) -> "Lake":
        frame, known = frames([] if isinstance(rows, pl.DataFrame) else rows, self.accounts)
        given = rows if isinstance(rows, pl.DataFrame) else frame
        self.ties, ties, tied = tie(self.ties, given, known, self.base, until, POLICY)
        self.state, hits, self.campaigns = step(
            self.state, ties, tied, self.prompts, habits or Habits.empty(), until, POLICY
        )
        self.hits = HIT.conform(pl.concat([self.hits, hits]))
        return self
