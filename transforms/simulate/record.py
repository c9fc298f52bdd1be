"""The canonical record of a call, as the simulator fills it: names and types of the columns, and their assembly."""

from datetime import datetime
from typing import Any

import numpy as np
import polars as pl

from transforms.simulate.activity import REGIONS
from transforms.simulate.calls import Calls, numbers
from transforms.simulate.carried import carried
from transforms.simulate.places import hexadecimal, places
from transforms.simulate.texts import answers, texts

MOMENT = pl.Datetime("us", "UTC")

_COLUMNS: dict[str, Any] = {
        "event_id": pl.String, "time": MOMENT, "end_time": MOMENT, "account_id": pl.String, "api_key_id": pl.String,
        "end_user_id": pl.String, "conversation_id": pl.String, "source_ip": pl.String, "country": pl.String,
        "user_agent": pl.String, "client_fingerprint": pl.String, "operation": pl.String, "object": pl.String,
        "provider": pl.String, "model_requested": pl.String, "model_served": pl.String, "http_status": pl.Int64,
        "finish_reason": pl.String, "refused": pl.Boolean, "latency_ms": pl.Int64, "ttft_ms": pl.Int64,
        "input_tokens": pl.Int64, "output_tokens": pl.Int64, "cached_input_tokens": pl.Int64,
        "reasoning_tokens": pl.Int64, "bytes_out": pl.Int64, "cost_usd": pl.Float64, "temperature": pl.Float64,
        "n": pl.Int64, "max_tokens": pl.Int64, "logprobs": pl.Boolean, "top_logprobs": pl.Int64,
        "logit_bias_size": pl.Int64, "logit_bias_tokens": pl.List(pl.Int64), "response_format": pl.String,
        "stream": pl.Boolean, "tool_count": pl.Int64, "tools": pl.String, "message_count": pl.Int64,
        "system": pl.String, "prompt": pl.String, "response": pl.String, "reasoning_issued": pl.List(pl.String),
        "reasoning_used": pl.List(pl.String),
    }  # fmt: skip


RECORD = pl.Schema(_COLUMNS)
"""Columns of the canonical record that a world fills; plan and the like are in its registry. `tools` is JSON text."""


def records(calls: Calls, everyone: Calls, account_ids: pl.Series, start: datetime, longest: int) -> pl.DataFrame:
    """The calls as canonical records, in order of completion.

    Args:
        calls: the calls.
        everyone: all calls of the world, of some of which they bring the answers.
        account_ids: id by account number.
        start: the world's start.
        longest: words at which texts are cut; 0 leaves all text out.
    """
    measured = numbers(calls)
    answered = (measured["http_status"] == 200).to_numpy()
    chats = measured["operation"].is_in(["chat", "completion"]).to_numpy()
    began = pl.Series((calls.seconds * 1e6).astype(np.int64))
    home = pl.Series([country for country, _, _ in REGIONS]).gather(calls.of("region"))
    written = [texts(calls, measured, _quoted(calls, everyone, longest), longest)] if longest > 0 else []
    frame = pl.concat(
        [measured, places(calls), carried(calls, answered, chats), *written], how="horizontal"
    ).with_columns(
        event_id=hexadecimal("call-", calls.chance.key("event") ^ calls.again.astype(np.uint64)),
        time=pl.lit(start) + pl.lit(began).cast(pl.Duration("us")),
        account_id=account_ids.gather(calls.account),
        country=home,
    )
    frame = frame.with_columns(end_time=pl.col("time") + pl.duration(milliseconds="latency_ms"))
    columns = [pl.col(name) if name in frame.columns else pl.lit(None).alias(name) for name in RECORD]
    return frame.select(columns).cast(RECORD).sort("end_time", "event_id")


def _quoted(calls: Calls, everyone: Calls, longest: int) -> pl.Series:
    """The answers that the calls bring, null where they bring none."""
    here = np.flatnonzero(calls.quoted >= 0)
    of_each = pl.Series([None], dtype=pl.String).new_from_index(0, len(calls))
    return of_each.scatter(here, answers(everyone.take(calls.quoted[here]), longest)) if len(here) else of_each
