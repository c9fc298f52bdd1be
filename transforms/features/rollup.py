"""Ticks become hours: counts add up, sets unite, samples keep their smallest."""

import polars as pl

from schemas.event import Presence
from schemas.tally import ADDITIVE
from schemas.trait import TRAIT_KINDS

TIME = pl.Datetime("us", "UTC")
SAMPLES = 3

HOUR_LAYOUT = pl.Schema(
    {"account_id": pl.String(), "account_hash": pl.Int64(), "hour": TIME, "first_time": TIME}
    | dict.fromkeys(ADDITIVE, pl.Int64())
    | {
        "presence": pl.Int64(),
        "plan": pl.String(),
        "account_created_at": TIME,
        "is_weak_account": pl.Boolean(),
        "sample_event_ids": pl.List(pl.String),
    }
)
KEY_LAYOUT = pl.Schema(
    {
        "account_id": pl.String(),
        "kind": pl.String(),
        "key": pl.Int64(),
        "hour": TIME,
        "count": pl.Int64(),
        "refused": pl.Int64(),
    }
)

TEMPLATES = ("head", "tail", "line", "shingle")
COUNTED_KINDS = (*TEMPLATES, "payload", "parameters", "length_band", "gap_second", "model")
"""Kinds of which the commonest key matters."""

DISTINCT_KINDS = {
    "languages_24h": "language",
    "prefixes_24h": "prefix",
    "agents_24h": "agent",
    "models_24h": "model",
    "end_users_24h": "end_user",
    "biased_tokens_24h": "bias_token",
    "objects_24h": "download",
}
"""Feature by the kind whose distinct keys it counts."""

KINDS = tuple(sorted({*COUNTED_KINDS, *DISTINCT_KINDS.values()}))

_CAPS = {kind.name: kind for kind in TRAIT_KINDS}


def or_of(column: str) -> pl.Expr:
    """Bitwise OR of presence over a group."""
    total = pl.lit(0, pl.Int64)
    for bit in Presence:
        total = total + pl.when((pl.col(column) & int(bit)) != 0).then(int(bit)).otherwise(0).max()
    return total.alias(column)


def hours_of(kept: pl.DataFrame, tallies: pl.DataFrame) -> pl.DataFrame:
    """Hours kept and ticks that came, as one row an account and hour, sorted by that."""
    came = tallies.with_columns(pl.col("tick").dt.truncate("1h").alias("hour")).select("tick", *HOUR_LAYOUT.names())
    before = kept.select(pl.col("hour").alias("tick"), *HOUR_LAYOUT.names())
    return (
        pl.concat([before, came])
        .sort("account_id", "tick", maintain_order=True)
        .with_columns(pl.struct("account_id", "hour").rle_id().alias("cell"))
        .group_by("cell", maintain_order=True)
        .agg(
            pl.col("account_id", "account_hash", "hour").first(),
            pl.col("first_time").min(),
            pl.col(ADDITIVE).sum(),
            or_of("presence"),
            pl.col("plan").max(),
            pl.col("account_created_at").min(),
            pl.col("is_weak_account").any(),
            pl.col("sample_event_ids").list.explode(empty_as_null=False).head(SAMPLES),
        )
        .select(HOUR_LAYOUT.names())
    )


def keys_of(kept: pl.DataFrame, traits: pl.DataFrame) -> pl.DataFrame:
    """Keys kept and traits that came, as one row an account, kind, key and hour; sorted by that."""
    came = traits.filter(pl.col("kind").is_in(KINDS)).with_columns(pl.col("tick").dt.truncate("1h").alias("hour"))
    return (
        pl.concat([kept, came.select(KEY_LAYOUT.names())])
        .group_by("account_id", "kind", "key", "hour")
        .agg(pl.col("count", "refused").sum())
        .select(KEY_LAYOUT.names())
        .sort("account_id", "kind", "key", "hour")
    )


def capped(keys: pl.DataFrame) -> pl.DataFrame:
    """Of each account's closed hour and kind as many keys as of a tick (schemas.trait), by the same rule."""
    by = ["account_id", "kind", "hour"]
    most = keys.filter(
        pl.col("kind").replace_strict({k: v.keep for k, v in _CAPS.items()}, return_dtype=pl.String) == "most"
    )
    least = keys.join(most.select("kind").unique(), on="kind", how="anti")
    limit = pl.col("kind").replace_strict({k: v.per_tick for k, v in _CAPS.items()}, return_dtype=pl.Int64)
    parts = []
    for rows, order, descending in ((most, ["count", "key"], [True, False]), (least, ["key"], [False])):
        ranked = rows.sort(*by, *order, descending=[False] * len(by) + descending)
        parts.append(ranked.filter(pl.int_range(pl.len()).over(by) < limit))
    return pl.concat(parts).sort("account_id", "kind", "key", "hour")
