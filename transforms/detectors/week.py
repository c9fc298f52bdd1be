"""What an account biased over a week: the calls, and which tokens, however slowly."""

import polars as pl

from transforms.detectors import day

KIND = "bias_token"
MOST = 1024
"""Tokens of a day that are kept, the smallest of the hashes: so many are a sweep whatever the rest (schemas.policy)."""

SUMS = ("biased_calls", "token_uses", "biased_one_token")
_TICK = ["account_id", "account_hash", "tick"]
_SERIES = ["account_id", "account_hash"]
_TIME = pl.Datetime("us", "UTC")

DAYS = pl.Schema(
    {"account_id": pl.String(), "account_hash": pl.Int64(), "hour": _TIME} | dict.fromkeys(SUMS, pl.Int64())
)
TOKENS = pl.Schema({"account_id": pl.String(), "account_hash": pl.Int64(), "key": pl.Int64(), "hour": _TIME})


def of_week(
    days: pl.DataFrame, tokens: pl.DataFrame, ticks: pl.DataFrame, traits: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """The days with the new ticks, and of each tick with biased calls the sums over its day so far and the six before.

    Args:
        days: DAYS rows before.
        tokens: TOKENS rows before.
        ticks: account, tick and SUMS of new ticks; those without biased calls are left out.
        traits: TRAIT rows of the same ticks.

    Returns:
        DAYS and TOKENS (nothing forgotten yet), and account, tick, `week_NAME` for each of SUMS and `week_tokens`, distinct
        tokens up to MOST: where a day holds more, MOST of them are kept, and whatever the runs the answer is MOST.
    """
    biased = ticks.filter(pl.col("biased_calls") > 0).select(*_TICK, *SUMS)
    shown = traits.filter(pl.col("kind") == KIND).select(*_TICK, "key")
    after = day.by_hour(days, biased, _SERIES, SUMS, day.LAST_WEEK)
    kept = (
        tokens
        if shown.is_empty()
        else pl.concat([tokens, shown.select(*_SERIES, "key", day.LAST_WEEK.start())])
        .unique()
        .sort(*_SERIES, "hour", "key")
        .filter(pl.int_range(pl.len()).over(*_SERIES, "hour") < MOST)
        .sort(*TOKENS.names())
    )
    if biased.is_empty():
        return (
            after,
            kept,
            biased.select(*_TICK, *[pl.col(n).alias(f"week_{n}") for n in SUMS], week_tokens="biased_calls"),
        )
    added = day.sums(days, biased, _SERIES, SUMS, day.LAST_WEEK)
    different = day.distinct(tokens, shown, biased, _SERIES, day.LAST_WEEK)
    week = added.join(different, on=_TICK, how="left", maintain_order="left").select(
        *_TICK,
        *[pl.col(f"day_{name}").alias(f"week_{name}") for name in SUMS],
        pl.col("distinct").clip(upper_bound=MOST).alias("week_tokens"),
    )
    return after, kept, week
