"""What accounts that have nothing to do with each other have in common: shares taken from the accounts on file and from what was learned of them."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import polars as pl

from schemas.policy import Campaigns
from schemas.snapshot import MOVE

STAYING = pl.Schema({"account_hash": pl.Int64(), "is_moving": pl.Boolean()})
"""Accounts of which some day says where they live, and whether they moved on to new networks on most such days."""


@dataclass(frozen=True)
class Base:
    """What is known as of a feedback border: what is ordinary, and who moves.

    Attributes:
        fresh: share of accounts younger than `campaigns.fresh_days`.
        cards: share of payment instruments that pay for several accounts.
        bursts: chance that two accounts that pay differently were created in the same hour by the same path.
        moves: share of accounts that move on to new networks on most such days.
        staying: STAYING rows, one an account.
    """

    fresh: float
    cards: float
    bursts: float
    moves: float
    staying: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=STAYING))


def facts(registry: pl.DataFrame) -> pl.DataFrame:
    """What is on file of each account: account_id, created_at, card (payment instrument), burst (sign-up path and hour).

    Args:
        registry: REGISTRY rows, at most one an account.
    """
    hour = pl.col("created_at").dt.strftime("%Y-%m-%dT%H")
    return registry.select(
        "account_id",
        "created_at",
        card="payment_id",
        burst=pl.when(pl.col("created_at").is_not_null()).then(hour + " " + pl.col("signup_path").fill_null("")),
    )


def base_of(known: pl.DataFrame, border: datetime, policy: Campaigns, moves: pl.DataFrame | None = None) -> Base:
    """The shares among all accounts on file or in the log, pulled towards the supposed ones while few are.

    Thieves on file raise the shares, which is kind to accounts: nobody has to be left out.

    Args:
        known: what `facts` gives.
        border: feedback border as of which age is counted.
        policy: the supposed shares and their weight.
        moves: MOVE rows learned at the border.
    """
    staying = _staying(MOVE.empty() if moves is None else moves)
    aged = known.filter(pl.col("created_at") <= border)
    fresh = aged.filter(pl.col("created_at") > border - timedelta(days=policy.fresh_days)).height
    cards = known.filter(pl.col("card").is_not_null()).group_by("card").len()
    several = cards.filter(pl.col("len") > 1).height
    weight = float(policy.base_weight)
    return Base(
        fresh=(fresh + weight * policy.usual_fresh) / (aged.height + weight),
        cards=(several + weight * policy.usual_cards) / (cards.height + weight),
        bursts=_coincidence(known, weight),
        moves=(float(staying["is_moving"].sum()) + weight * policy.usual_moves) / (staying.height + weight),
        staying=staying,
    )


def _staying(moves: pl.DataFrame) -> pl.DataFrame:
    rows = moves.filter(pl.col("days") > 0)
    return rows.select("account_hash", is_moving=2 * pl.col("moved") >= pl.col("days"))


def _coincidence(known: pl.DataFrame, weight: float) -> float:
    """Pairs of accounts in one burst that pay differently, of all pairs; one more pair than seen, as if by chance."""
    signed = known.filter(pl.col("burst").is_not_null())
    together = _pairs(signed, ["burst"]) - _pairs(signed.filter(pl.col("card").is_not_null()), ["burst", "card"])
    count = signed.height + weight
    return (together + 1.0) / (count * (count - 1.0) / 2.0)


def _pairs(rows: pl.DataFrame, by: list[str]) -> float:
    sizes = rows.group_by(by).len()["len"].cast(pl.Float64)
    return float((sizes * (sizes - 1.0) / 2.0).sum())
