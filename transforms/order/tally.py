"""Counts and sums of each account's tick."""

import numpy as np
import polars as pl

from schemas.event import WEAK_BASES, Presence
from schemas.tally import ADDITIVE, GAP_BANDS, GAP_COLUMNS, TALLY

LONGEST_GAP_MS = 3_600_000
GRADER_TOKENS = 64
MULTI_TURN = 3
SAMPLES = 3

_GAP_EDGES = np.round(np.exp(-1.0 + 0.5 * np.arange(1, GAP_BANDS)) * 1000).astype(np.int64)

DERIVED = ("gap_ms", "answered_after_refusal", "is_numbered", "is_sequential")
"""What `step` adds to an event from the calls before it: Int64 and three booleans."""


def tally(events: pl.DataFrame, tick: str) -> pl.DataFrame:
    """TALLY rows of ordered events, sorted by key.

    Args:
        events: unique EVENT rows sorted by (account_hash, account_id, time, event_id), with the columns of `DERIVED`.
        tick: length of a tick as a Polars duration, e.g. `5m`.
    """
    if events.is_empty():
        return TALLY.empty()
    bands = _gap_bands(events["gap_ms"])
    return TALLY.conform(
        events.with_columns(pl.col("time").dt.truncate(tick).alias("tick"), bands)
        .with_columns(pl.struct("account_id", "tick").rle_id().alias("cell"))
        .group_by("cell")
        .agg(_first_columns() + _counts() + _sums() + _bands())
        .with_columns(pl.col(name).cast(pl.Int64) for name in ADDITIVE)
    )


def _gap_bands(gaps: pl.Series) -> pl.Series:
    known = gaps.is_not_null()
    bands = np.searchsorted(_GAP_EDGES, gaps.fill_null(0).to_numpy(), side="right").astype(np.int8)
    return pl.select(pl.when(known).then(pl.Series(bands)).otherwise(None).alias("gap_band")).to_series()


def _has(bits: Presence) -> pl.Expr:
    return (pl.col("presence") & int(bits)) == int(bits)


def _first_columns() -> list[pl.Expr]:
    presence = pl.lit(0, pl.Int64)
    for bit in Presence:
        presence = presence + pl.when((pl.col("presence") & int(bit)) != 0).then(int(bit)).otherwise(0).max()
    return [
        pl.col("account_id").first(),
        pl.col("account_hash").first(),
        pl.col("tick").first(),
        pl.col("time").min().alias("first_time"),
        pl.col("time").max().alias("last_time"),
        presence.alias("presence"),
        pl.col("plan").max(),
        pl.col("account_created_at").min(),
        pl.col("account_basis").is_in(list(WEAK_BASES)).any().alias("is_weak_account"),
        pl.col("event_id").head(SAMPLES).alias("sample_event_ids"),
    ]


def _counts() -> list[pl.Expr]:
    status, tokens = pl.col("http_status"), pl.col("input_tokens").is_not_null() & pl.col("output_tokens").is_not_null()
    multi = pl.col("message_count") >= MULTI_TURN
    cached = multi & pl.col("cached_input_tokens").is_not_null() & pl.col("input_tokens").is_not_null()
    claims = {
        "chat_calls": pl.col("operation").is_in(["chat", "completion"]),
        "embedding_calls": pl.col("operation") == "embedding",
        "download_calls": pl.col("operation") == "download",
        "status_known": status.is_not_null(),
        "errors": status >= 400,
        "throttled": status == 429,
        "denied": status.is_in([401, 403]),
        "refusal_known": pl.col("is_refused").is_not_null(),
        "refused": pl.col("is_refused"),
        "answered_after_refusal": pl.col("answered_after_refusal"),
        "tokens_known": tokens,
        "cached_known": cached,
        "reasoning_known": pl.col("reasoning_tokens").is_not_null(),
        "latency_known": pl.col("latency_ms").is_not_null(),
        "bytes_known": pl.col("bytes_out").is_not_null(),
        "cost_known": pl.col("cost_micro_usd").is_not_null(),
        "finish_known": pl.col("finish_reason").is_not_null(),
        "truncated": pl.col("finish_reason").is_in(["length", "max_tokens"]),
        "parameters_known": _has(Presence.PARAMETERS),
        "with_logprobs": pl.col("logprobs"),
        "with_logit_bias": pl.col("logit_bias_size") > 0,
        "one_token": pl.col("max_tokens") == 1,
        "temperature_zero": pl.col("temperature") == 0,
        "tools_known": pl.col("tool_count").is_not_null(),
        "with_tools": pl.col("tool_count") > 0,
        "messages_known": pl.col("message_count").is_not_null(),
        "multi_turn": multi,
        "prompt_known": pl.col("prompt_digest").is_not_null(),
        "response_known": pl.col("response_digest").is_not_null(),
        "reasoning_elicited": pl.col("elicits_reasoning"),
        "reasoning_tagged": pl.col("has_reasoning_tags"),
        "rubrics": pl.col("has_rubric"),
        "grader_shaped": pl.col("has_rubric") & (pl.col("output_tokens") < GRADER_TOKENS),
        "system_prompt_asks": pl.col("asks_system_prompt"),
        "gaps_known": pl.col("gap_ms").is_not_null(),
        "sequential": pl.col("is_sequential"),
        "numbered": pl.col("is_numbered"),
    }
    return [
        pl.len().alias("calls"),
        *[claim.fill_null(value=False).sum().alias(name) for name, claim in claims.items()],
    ]


def _sums() -> list[pl.Expr]:
    multi = (pl.col("message_count") >= MULTI_TURN) & pl.col("cached_input_tokens").is_not_null()
    both = pl.col("input_tokens").is_not_null() & pl.col("output_tokens").is_not_null()
    values = {
        "input_tokens": pl.when(both).then(pl.col("input_tokens")),
        "output_tokens": pl.when(both).then(pl.col("output_tokens")),
        "cached_input_tokens": pl.when(multi & pl.col("input_tokens").is_not_null()).then(
            pl.col("cached_input_tokens")
        ),
        "cacheable_input_tokens": pl.when(multi).then(pl.col("input_tokens")),
        "reasoning_tokens": pl.col("reasoning_tokens"),
        "latency_ms": pl.col("latency_ms"),
        "bytes_out": pl.col("bytes_out"),
        "cost_micro_usd": pl.col("cost_micro_usd"),
        "gap_ms": pl.col("gap_ms"),
        "gap_squared": pl.col("gap_ms") * pl.col("gap_ms") // 1000,
    }
    return [value.sum().alias(name) for name, value in values.items()]


def _bands() -> list[pl.Expr]:
    return [(pl.col("gap_band") == band).sum().alias(name) for band, name in enumerate(GAP_COLUMNS)]
