"""What had left before an account was flagged."""

import polars as pl


def taken(found: pl.DataFrame, calls: pl.DataFrame) -> pl.DataFrame:
    """Exchanges of each thief since its attack began: in all, and until it was flagged.

    Args:
        found: OUTCOME rows.
        calls: account_id, time of the accounts' calls; those of others are passed over.

    Returns:
        account_id, archetype, is_flagged, exchanges (since the attack began), taken (of those, the ones that had left at
        `flagged_at`; all of them where the account was never flagged), hours (from the attack's beginning to the flag,
        null where there was none), sorted by account_id. Thieves whose attack never began are left out.
    """
    thieves = found.filter(pl.col("attack_start").is_not_null())
    attacking = calls.join(thieves.select("account_id", "attack_start", "flagged_at"), on="account_id").filter(
        pl.col("time") >= pl.col("attack_start")
    )
    before = pl.col("flagged_at").is_null() | (pl.col("time") <= pl.col("flagged_at"))
    counted = attacking.group_by("account_id").agg(exchanges=pl.len().cast(pl.Int64), taken=before.sum().cast(pl.Int64))
    since = (pl.col("flagged_at") - pl.col("attack_start")).dt.total_seconds() / 3600
    return (
        thieves.join(counted, on="account_id", how="left")
        .select(
            "account_id",
            "archetype",
            pl.col("tier").is_not_null().alias("is_flagged"),
            pl.col("exchanges", "taken").fill_null(0),
            since.alias("hours"),
        )
        .sort("account_id")
    )
