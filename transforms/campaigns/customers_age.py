"""How many of the customers behind a key are young: the seats of a company begin together, so a customer counts once.

Of accounts that one card pays for each is as large a part of one customer as any other; an account without a card on file is one by
itself. Parts are integers, so that sums do not depend on how ticks are cut.
"""

from datetime import timedelta

import polars as pl

from schemas.policy import Policy
from transforms.campaigns.holder_places import KEY

WHOLE = 720_720
"""Parts of one customer: up to sixteen accounts share it without a rest, and of more less than one part is lost."""

_CUSTOMER = [*KEY, "card"]


def aging(holders: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    """The holders with `is_fresh`: whether they were when they first showed the key; null where their age is not on file."""
    young = timedelta(days=policy.campaigns.fresh_days)
    return holders.with_columns(is_fresh=pl.col("first_tick") - pl.col("created_at") < young)


def added(rows: pl.DataFrame, before: pl.DataFrame) -> pl.DataFrame:
    """What each row adds to `aged_customers` and `fresh_parts`.

    Args:
        rows: by key, tick and account: created_at, card, is_fresh (null where the age is not on file), is_first.
        before: holders before the first row, with is_fresh.
    """
    known = _customers(before).rename({"aged": "aged_before", "young": "young_before"})
    counts = pl.col("is_first") & pl.col("created_at").is_not_null()
    is_young = counts & pl.col("is_fresh").fill_null(value=False)
    aged, young = (
        flag.cast(pl.Int64).cum_sum().over(_CUSTOMER) + pl.col(f"{name}_before").fill_null(0)
        for name, flag in (("aged", counts), ("young", is_young))
    )
    is_paid = counts & pl.col("card").is_not_null()
    more = _parts(young, aged) - _parts(young - is_young.cast(pl.Int64), aged - 1)
    alone = pl.when(is_young).then(WHOLE).otherwise(0)
    return rows.join(known, on=_CUSTOMER, how="left", maintain_order="left").select(
        aged_customers=(counts & (pl.col("card").is_null() | (aged == 1))).cast(pl.Int64),
        fresh_parts=pl.when(is_paid).then(more).otherwise(alone).cast(pl.Int64),
    )


def held(before: pl.DataFrame) -> pl.DataFrame:
    """Key, `aged_customers` and `fresh_parts` of holders, with is_fresh."""
    paid = _customers(before).with_columns(fresh_parts=_parts(pl.col("young"), pl.col("aged")))
    alone = before.filter(pl.col("card").is_null()).drop_nulls("created_at")
    both = [
        paid.select(*KEY, pl.lit(1, pl.Int64).alias("aged_customers"), "fresh_parts"),
        alone.select(*KEY, pl.lit(1, pl.Int64).alias("aged_customers"), fresh_parts=pl.col("is_fresh").cast(pl.Int64) * WHOLE),
    ]  # fmt: skip
    return pl.concat(both).group_by(KEY).sum()


def _customers(holders: pl.DataFrame) -> pl.DataFrame:
    """Key, card, and how many of its accounts have an age on file and are young."""
    known = holders.drop_nulls(["card", "created_at"]).group_by(_CUSTOMER)
    return known.agg(aged=pl.len().cast(pl.Int64), young=pl.col("is_fresh").sum().cast(pl.Int64))


def _parts(young: pl.Expr, aged: pl.Expr) -> pl.Expr:
    """The part of a customer that is young."""
    return pl.when(aged > 0).then(young * WHOLE // pl.max_horizontal(aged, 1)).otherwise(0)
