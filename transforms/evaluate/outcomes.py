"""What became of each account of a world."""

import polars as pl

POOLED = ("T-HYDRA", "T-RELAY")
"""Archetypes whose single accounts are ordinary: to be found through what they share, not one by one."""

PURE = 0.9
"""Share of an account's calls from which on its attack has no cover worth the name."""

MOMENT = pl.Datetime("us", "UTC")
OUTCOME = pl.Schema(
    {
        "account_id": pl.String(),
        "label": pl.String(),
        "archetype": pl.String(),
        "campaign_id": pl.String(),
        "attack_start": MOMENT,
        "calls": pl.Int64(),
        "attack_calls": pl.Int64(),
        "tier": pl.String(),
        "is_suppressed": pl.Boolean(),
        "flagged_at": MOMENT,
        "days": pl.Int64(),
        "review_days": pl.Int64(),
        "act_days": pl.Int64(),
    }
)
"""One row an account.

`tier` is null where the account is not on the review list or its findings are suppressed (a contract permits it);
`is_suppressed` tells the latter. `days` are UTC days with calls; `review_days` and `act_days` those of them on which a
finding of at least that tier was created or revised: what a person would have been asked to look at.
"""


def outcomes(truth: pl.DataFrame, flagged: pl.DataFrame, findings: pl.DataFrame, active: pl.DataFrame) -> pl.DataFrame:
    """What became of each account of the truth, sorted by account_id; columns as in OUTCOME.

    Args:
        truth: TRUTH rows.
        flagged: account_id, tier, flagged_at, status of FLAGGED_ACCOUNT rows, definite ones.
        findings: account_id, tick, activity, tier of FINDING rows.
        active: account_id, window_end of WINDOW rows: the hours in which accounts called.
    """
    ended = pl.col("window_end") - pl.duration(microseconds=1)
    days = active.group_by("account_id").agg(days=ended.dt.date().n_unique())
    alarms = findings.filter(pl.col("activity").is_in(["created", "updated"])).with_columns(
        day=pl.col("tick").dt.date()
    )
    alarm_days = alarms.group_by("account_id").agg(
        review_days=pl.col("day").n_unique(), act_days=pl.col("day").filter(pl.col("tier") == "act").n_unique()
    )
    suppressed = pl.col("status") == "suppressed"
    listed = flagged.select(
        "account_id", "flagged_at", is_suppressed=suppressed, tier=pl.when(~suppressed).then("tier")
    )
    joined = truth.join(listed, on="account_id", how="left").join(days, on="account_id", how="left")
    joined = joined.join(alarm_days, on="account_id", how="left").with_columns(
        pl.col("is_suppressed").fill_null(value=False), pl.col("days", "review_days", "act_days").fill_null(0)
    )
    quiet = pl.when(~pl.col("is_suppressed"))
    return (
        joined.with_columns(
            quiet.then("review_days").otherwise(0).alias("review_days"),
            quiet.then("act_days").otherwise(0).alias("act_days"),
            quiet.then("flagged_at").alias("flagged_at"),
        )
        .select(list(OUTCOME))
        .cast(OUTCOME)
        .sort("account_id")
    )
