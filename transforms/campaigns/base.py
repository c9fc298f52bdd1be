"""What accounts that have nothing to do with each other have in common: shares taken from the accounts on file and from what was learned of them."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import polars as pl

from schemas.policy import Campaigns
from schemas.snapshot import Snapshot

LIVES = pl.Schema(
    {"account_hash": pl.Int64(), "is_moving": pl.Boolean(), "is_sleepless": pl.Boolean(), "leans": pl.Boolean()}
)
"""Whether an account moved on to new networks on most days that say where it lives, whether it calls day and night, and whether it is among
those whose days look most like a harvest; null while that is not known."""


@dataclass(frozen=True)
class Base:
    """What is known as of a feedback border: what is ordinary, and how accounts live.

    Attributes:
        fresh: share of customers younger than `campaigns.fresh_days`; of one with several accounts that part of it which is.
        cards: share of payment instruments that pay for several accounts.
        bursts: chance that two accounts that pay differently were created in the same hour by the same path.
        moves: share of accounts that move on to new networks on most days.
        sleepless: share of accounts that call day and night.
        leaning: share of accounts whose days are counted as looking most like a harvest.
        lives: LIVES rows, one an account.
    """

    fresh: float
    cards: float
    bursts: float
    moves: float
    sleepless: float
    leaning: float
    lives: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=LIVES))


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


def base_of(
    known: pl.DataFrame,
    border: datetime,
    policy: Campaigns,
    learned: Snapshot | None = None,
) -> Base:
    """The shares among all accounts on file or in the log, pulled towards the supposed ones while few are.

    Thieves on file raise the shares, which is kind to accounts: nobody has to be left out.

    Args:
        known: what `facts` gives.
        border: feedback border as of which age is counted.
        policy: the supposed shares and their weight.
        learned: what was learned at the border, None for nothing: moves, nights and leanings are read.
    """
    lives = _lives(Snapshot.empty() if learned is None else learned, policy)
    aged = known.filter(pl.col("created_at") <= border)
    is_fresh = pl.col("created_at") > border - timedelta(days=policy.fresh_days)
    alone = aged.filter(pl.col("card").is_null())
    together = aged.drop_nulls("card").group_by("card").agg(part=is_fresh.mean()).sort("card")["part"]
    fresh, customers = alone.filter(is_fresh).height + float(together.sum()), alone.height + len(together)
    cards = known.filter(pl.col("card").is_not_null()).group_by("card").len()
    several = cards.filter(pl.col("len") > 1).height
    weight = float(policy.base_weight)
    return Base(
        fresh=(fresh + weight * policy.usual_fresh) / (customers + weight),
        cards=(several + weight * policy.usual_cards) / (cards.height + weight),
        bursts=_coincidence(known, weight),
        moves=_share_of(lives["is_moving"], policy.usual_moves, weight),
        sleepless=_share_of(lives["is_sleepless"], policy.usual_sleepless, weight),
        leaning=_share_of(lives["leans"], policy.leaning_share, weight),
        lives=lives,
    )


def _lives(learned: Snapshot, policy: Campaigns) -> pl.DataFrame:
    moves, nights, leanings = (learned[name] for name in ("moves", "nights", "leanings"))
    moving = moves.filter(pl.col("days") > 0).select("account_hash", is_moving=2 * pl.col("moved") >= pl.col("days"))
    awake = nights.filter(pl.col("calls") >= policy.night_calls).select(
        "account_hash", is_sleepless=pl.col("quiet") >= policy.night_share * pl.col("calls")
    )
    leaning = leanings.select("account_hash", "leans")
    both = moving.join(awake, on="account_hash", how="full", coalesce=True, maintain_order="left_right")
    both = both.join(leaning, on="account_hash", how="full", coalesce=True, maintain_order="left_right")
    return both.select(LIVES.names()).cast(LIVES)


def _share_of(flags: pl.Series, supposed: float, weight: float) -> float:
    """Share of those known of which it is true, pulled towards the supposed one."""
    return (float(flags.sum()) + weight * supposed) / (flags.count() + weight)


def _coincidence(known: pl.DataFrame, weight: float) -> float:
    """Pairs of accounts in one burst that pay differently, of all pairs; one more pair than seen, as if by chance."""
    signed = known.filter(pl.col("burst").is_not_null())
    together = _pairs(signed, ["burst"]) - _pairs(signed.filter(pl.col("card").is_not_null()), ["burst", "card"])
    count = signed.height + weight
    return (together + 1.0) / (count * (count - 1.0) / 2.0)


def _pairs(rows: pl.DataFrame, by: list[str]) -> float:
    sizes = rows.group_by(by).len()["len"].cast(pl.Float64)
    return float((sizes * (sizes - 1.0) / 2.0).sum())
