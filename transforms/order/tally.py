"""Counts and sums of each account's tick."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from schemas.event import WEAK_BASES, Presence
from schemas.tally import GAP_BANDS, GAP_COLUMNS, TALLY, WIDE_LOGPROBS
from transforms.order.ticks import Ticks, moments
from transforms.sketches.grouping import lengths_of, sums_of
from transforms.sketches.mix import I64

GRADER_TOKENS = 64
MULTI_TURN = 3
CHARS_A_TOKEN = 5
"""Characters of an answer that are one written token at least. English has about four, code and other scripts fewer: so what
is taken for written is less than it was, never more (docs/decisions/0135)."""
SAMPLES = 3
CUT_SHORT = ("length", "LENGTH", "max_tokens", "MAX_TOKENS", "max_output_tokens", "MAX_OUTPUT_TOKENS")

Bools = npt.NDArray[np.bool_]

_GAP_EDGES = np.round(np.exp(-1.0 + 0.5 * np.arange(1, GAP_BANDS)) * 1000).astype(np.int64)
_NEVER = 2**62

COLUMNS = (
    "event_id", "account_basis", "plan", "account_created_at", "operation", "http_status", "finish_reason", "is_refused",
    "latency_ms", "input_tokens", "output_tokens", "cached_input_tokens", "reasoning_tokens", "bytes_out",
    "cost_micro_usd", "temperature", "max_tokens", "logprobs", "top_logprobs", "logit_bias_size", "tool_count",
    "message_count", "prompt_digest", "response_digest", "response_chars", "elicits_reasoning", "has_rubric",
    "asks_system_prompt", "has_reasoning_tags", "presence",
)  # fmt: skip
"""EVENT columns that are read here."""


@dataclass(frozen=True)
class Derived:
    """What a call owes to the calls before it.

    Attributes:
        gap_ms: milliseconds since the account's previous call, -1 where not known.
        answered_after_refusal: see schemas.tally.
        numbered: see schemas.tally.
        sequential: see schemas.tally.
    """

    gap_ms: I64
    answered_after_refusal: Bools
    numbered: Bools
    sequential: Bools


def tally(ticks: Ticks, derived: Derived) -> pl.DataFrame:
    """TALLY rows, sorted by key."""
    if len(ticks.starts) == 0:
        return TALLY.empty()
    starts = ticks.starts
    sizes = lengths_of(starts, len(ticks.time))
    counted = ticks.calls.select(_COUNTED)
    gap = np.maximum(derived.gap_ms, 0)
    known = derived.gap_ms >= 0
    calculated = {
        "answered_after_refusal": derived.answered_after_refusal,
        "gaps_known": known,
        "sequential": derived.sequential,
        "numbered": derived.numbered,
        "gap_ms": gap,
        "gap_squared": gap * gap // 1000,
    }
    columns = {series.name: series.to_numpy() for series in counted} | calculated
    sums = {name: sums_of(column, starts) for name, column in columns.items()}
    bands = np.searchsorted(_GAP_EDGES, gap[known], side="right")
    table = np.bincount(ticks.cell[known] * GAP_BANDS + bands, minlength=len(starts) * GAP_BANDS)
    of_band = np.ascontiguousarray(table.reshape(-1, GAP_BANDS).T, dtype=np.int64)
    return pl.DataFrame(
        {
            "account_id": ticks.accounts["account_id"].gather(ticks.of_cell),
            "account_hash": ticks.accounts["account_hash"].gather(ticks.of_cell),
            "tick": moments(ticks.tick),
            "first_time": moments(ticks.time[starts]),
            "last_time": moments(ticks.time[starts + sizes - 1]),
            "calls": sizes,
            **sums,
            **dict(zip(GAP_COLUMNS, of_band, strict=True)),
            "wide_one_token": _where_known(sums["wide_one_token"], sums["parameters_known"]),
            "presence": np.bitwise_or.reduceat(ticks.calls["presence"].to_numpy(), starts),
            "plan": _greatest(ticks.calls["plan"], starts),
            "account_created_at": _earliest(ticks.calls["account_created_at"], starts),
            "is_weak_account": np.logical_or.reduceat(
                ticks.calls["account_basis"].is_in(list(WEAK_BASES)).to_numpy(), starts
            ),
            "sample_event_ids": _first_ids(ticks.calls["event_id"], starts, sizes),
        }
    ).select(TALLY.columns)


def _where_known(counts: I64, known: I64) -> pl.Series:
    """The counts; null where no call could have counted."""
    return pl.Series(counts).set(pl.Series(known == 0), None)


def _greatest(names: pl.Series, starts: I64) -> pl.Series:
    """The greatest name of each run; null where none is known."""
    known = names.drop_nulls().unique().sort()
    ranks = names.cast(pl.Enum(known)).to_physical().cast(pl.Int64).fill_null(-1).to_numpy()
    greatest = np.maximum.reduceat(ranks, starts)
    return known.gather(pl.Series(greatest).replace(-1, None))


def _earliest(times: pl.Series, starts: I64) -> pl.Series:
    """The earliest time of each run; null where none is known."""
    earliest = np.minimum.reduceat(times.to_physical().fill_null(_NEVER).to_numpy(), starts)
    return moments(earliest).set(pl.Series(earliest == _NEVER), None)


def _first_ids(ids: pl.Series, starts: I64, sizes: I64) -> pl.Series:
    """Ids of the first calls of each run."""
    taken = np.minimum(sizes, SAMPLES)
    offsets = np.concatenate([[0], np.cumsum(taken)])
    rows = np.arange(offsets[-1]) - np.repeat(offsets[:-1] - starts, taken)
    values = ids.gather(rows).to_arrow()
    lists = pl.from_arrow(pa.LargeListArray.from_arrays(pa.array(offsets), values))
    return pl.Series(lists)


_STATUS, _LOGIT_BIAS = pl.col("http_status"), pl.col("logit_bias_size")
_TOKENS_KNOWN = pl.col("input_tokens").is_not_null() & pl.col("output_tokens").is_not_null()
_MULTI_TURN = pl.col("message_count") >= MULTI_TURN
# Where reasoning is not logged, it is no more than what the text of the answer leaves of the output. A text that stands for
# less than half of it may have been cut short, or replaced: then nothing is known.
_OF_TEXT = pl.col("response_chars") // CHARS_A_TOKEN
_WRITTEN = pl.when(pl.col("output_tokens") > _OF_TEXT).then(_OF_TEXT).when(_OF_TEXT.is_not_null()).then("output_tokens")
_REASONING = pl.coalesce(
    "reasoning_tokens",
    pl.when(pl.col("output_tokens") <= 2 * _WRITTEN).then(pl.col("output_tokens") - _WRITTEN),
    pl.when(pl.col("output_tokens") == 0).then(0),
)
_CACHE_KNOWN = _MULTI_TURN & pl.col("cached_input_tokens").is_not_null() & pl.col("input_tokens").is_not_null()

_CLAIMS = {
    "chat_calls": pl.col("operation").is_in(["chat", "completion"]),
    "embedding_calls": pl.col("operation") == "embedding",
    "download_calls": pl.col("operation") == "download",
    "status_known": _STATUS.is_not_null(),
    "errors": _STATUS >= 400,
    "throttled": _STATUS == 429,
    "denied": _STATUS.is_in([401, 403]),
    "refusal_known": pl.col("is_refused").is_not_null(),
    "refused": pl.col("is_refused"),
    "tokens_known": _TOKENS_KNOWN,
    "cached_known": _CACHE_KNOWN,
    "reasoning_known": _TOKENS_KNOWN & _REASONING.is_not_null(),
    "latency_known": pl.col("latency_ms").is_not_null(),
    "bytes_known": pl.col("bytes_out").is_not_null(),
    "cost_known": pl.col("cost_micro_usd").is_not_null(),
    "finish_known": pl.col("finish_reason").is_not_null(),
    "truncated": pl.col("finish_reason").is_in(list(CUT_SHORT)),
    "parameters_known": (pl.col("presence") & int(Presence.PARAMETERS)) != 0,
    "with_logprobs": pl.col("logprobs"),
    "with_logit_bias": _LOGIT_BIAS > 0,
    "one_token": pl.col("max_tokens") == 1,
    "wide_one_token": (pl.col("max_tokens") == 1) & pl.col("logprobs") & (pl.col("top_logprobs") >= WIDE_LOGPROBS),
    "temperature_zero": pl.col("temperature") == 0,
    "tools_known": pl.col("tool_count").is_not_null(),
    "with_tools": pl.col("tool_count") > 0,
    "messages_known": pl.col("message_count").is_not_null(),
    "multi_turn": _MULTI_TURN,
    "prompt_known": pl.col("prompt_digest").is_not_null(),
    "response_known": pl.col("response_digest").is_not_null(),
    "reasoning_elicited": pl.col("elicits_reasoning"),
    "reasoning_tagged": pl.col("has_reasoning_tags"),
    "rubrics": pl.col("has_rubric"),
    "grader_shaped": pl.col("has_rubric") & (pl.col("output_tokens") < GRADER_TOKENS),
    "system_prompt_asks": pl.col("asks_system_prompt"),
}
"""Counted calls, but for those that depend on calls before them."""

_VALUES = {
    "input_tokens": pl.when(_TOKENS_KNOWN).then("input_tokens"),
    "output_tokens": pl.when(_TOKENS_KNOWN).then("output_tokens"),
    "cached_input_tokens": pl.when(_CACHE_KNOWN).then("cached_input_tokens"),
    "cacheable_input_tokens": pl.when(_CACHE_KNOWN).then("input_tokens"),
    "reasoning_tokens": pl.when(_TOKENS_KNOWN).then(_REASONING),
    "latency_ms": pl.col("latency_ms"),
    "bytes_out": pl.col("bytes_out"),
    "cost_micro_usd": pl.col("cost_micro_usd"),
}
"""Summed values; unknown ones add nothing."""

_COUNTED = [
    *[claim.fill_null(value=False).alias(name) for name, claim in _CLAIMS.items()],
    *[value.fill_null(0).alias(name) for name, value in _VALUES.items()],
]
"""All of these, as they are added up; made once, because to make them takes longer than to count a group's calls of a tick."""
