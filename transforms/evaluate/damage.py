"""What had left before an account, or a campaign, was flagged."""

from datetime import timedelta

import polars as pl

from transforms.evaluate.intervals import Rate
from transforms.evaluate.outcomes import POOLED, PURE

HARVESTS = ("T-AGENT", "T-BULK", "T-COT", "T-EMB", "T-GRADE", "T-REPLAY")
"""Archetypes that collect answers to train on, each from one account."""


def taken(found: pl.DataFrame, attacks: pl.DataFrame) -> pl.DataFrame:
    """Exchanges of each thief since its attack began: in all, and until it was flagged.

    Args:
        found: OUTCOME rows.
        attacks: ATTACK rows, see `attacking`; those of others are passed over.

    Returns:
        account_id, archetype, is_flagged, exchanges (since the attack began), taken (of those, the ones that had begun
        before `flagged_at`; all of them where the account was never flagged), hours (from the attack's beginning to the
        flag, null where there was none), sorted by account_id. Thieves whose attack never began are left out.
    """
    thieves = found.filter(pl.col("attack_start").is_not_null())
    counted = until(
        attacks.join(thieves.select("account_id", "flagged_at"), on="account_id").rename({"account_id": "name"})
    )
    since = (pl.col("flagged_at") - pl.col("attack_start")).dt.total_seconds() / 3600
    return (
        thieves.join(counted, left_on="account_id", right_on="name", how="left")
        .select(
            "account_id",
            "archetype",
            pl.col("tier").is_not_null().alias("is_flagged"),
            pl.col("exchanges", "taken").fill_null(0),
            since.alias("hours"),
        )
        .sort("account_id")
    )


def until(attacks: pl.DataFrame) -> pl.DataFrame:
    """Attacking calls by name, in all and in ticks that began before the flag.

    Args:
        attacks: name, flagged_at (null where there was no flag), tick, attack_calls.

    Returns:
        name, exchanges, taken.
    """
    before = pl.col("flagged_at").is_null() | (pl.col("tick") < pl.col("flagged_at"))
    return attacks.group_by("name").agg(
        exchanges=pl.col("attack_calls").sum(), taken=pl.col("attack_calls").filter(before).sum()
    )


def attacking(truth: pl.DataFrame, calls: pl.DataFrame) -> pl.DataFrame:
    """ATTACK rows where the world does not tell them: all calls of a thief from its first attacking one on.

    Ordinary calls beside the attack are counted as well then, so that what was taken is overstated for the diluted.

    Args:
        truth: TRUTH rows.
        calls: account_id, time of the thieves' calls.
    """
    since = truth.filter(pl.col("attack_start").is_not_null()).select("account_id", "attack_start")
    return (
        calls.join(since, on="account_id")
        .filter(pl.col("time") >= pl.col("attack_start"))
        .group_by("account_id", tick=pl.col("time").dt.truncate("5m"))
        .agg(attack_calls=pl.len().cast(pl.Int64))
        .sort("account_id", "tick")
    )


def found_at_once(found: pl.DataFrame, attacks: pl.DataFrame, exchanges: int, lateness: timedelta) -> Rate:
    """Harvesters without cover, found by the first evaluation after so many exchanges; of those that took as many.

    An evaluation comes at an hour's end, and is known a lateness later.

    Args:
        found: OUTCOME rows.
        attacks: ATTACK rows.
        exchanges: how many must have been taken.
        lateness: the allowed lateness of the policy.
    """
    alone = found.filter(
        (pl.col("label") == "extraction")
        & pl.col("archetype").is_in(HARVESTS)
        & ~pl.col("archetype").is_in(POOLED)
        & (pl.col("attack_calls") >= PURE * pl.col("calls"))
    )
    reached = (
        attacks.join(alone.select("account_id"), on="account_id", how="semi")
        .sort("account_id", "tick")
        .with_columns(so_far=pl.col("attack_calls").cum_sum().over("account_id"))
        .filter(pl.col("so_far") >= exchanges)
        .group_by("account_id")
        .agg(due=pl.col("tick").min().dt.truncate("1h") + timedelta(hours=1) + lateness)
    )
    due = reached.join(alone.select("account_id", "flagged_at"), on="account_id")
    return Rate(due.filter(pl.col("flagged_at") <= pl.col("due")).height, due.height)
