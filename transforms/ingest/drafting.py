"""The columns every adapter fills, before text becomes fingerprints."""

import polars as pl

LARGEST = 2**40
"""Largest believable count of one call (tokens, bytes, milliseconds, micro-dollars): a million of them still add up in 64 bits."""

LABEL_CHARACTERS = 256
"""Longer user agents, objects, model names and other labels are cut: they are the caller's to choose."""

_COLUMNS: dict[str, pl.DataType | type[pl.DataType]] = {
    "row": pl.Int64,  # which of the pieces
    "event_id": pl.String,
    "start": pl.Int64,  # microseconds since 1970
    "end": pl.Int64,
    "account_id": pl.String,
    "account_basis": pl.String,
    "org_id": pl.String,
    "plan": pl.String,
    "account_created": pl.Int64,
    "signup_path": pl.String,
    "payment_id": pl.String,
    "api_key_id": pl.String,
    "end_user_id": pl.String,
    "conversation_id": pl.String,
    "source_ip": pl.String,
    "asn": pl.Int64,
    "country": pl.String,
    "user_agent": pl.String,
    "client_fingerprint": pl.String,
    "operation": pl.String,
    "object": pl.String,
    "provider": pl.String,
    "model_requested": pl.String,
    "model_served": pl.String,
    "http_status": pl.Int64,
    "finish_reason": pl.String,
    "refused": pl.Boolean,
    "is_answered": pl.Boolean,  # False: the call failed, so that nothing can be said about refusal
    "latency_ms": pl.Int64,
    "ttft_ms": pl.Int64,
    "input_tokens": pl.Int64,
    "output_tokens": pl.Int64,
    "cached_input_tokens": pl.Int64,
    "reasoning_tokens": pl.Int64,
    "bytes_out": pl.Int64,
    "cost_usd": pl.Float64,
    "temperature": pl.Float64,
    "top_p": pl.Float64,
    "n": pl.Int64,
    "max_tokens": pl.Int64,
    "logprobs": pl.Boolean,
    "top_logprobs": pl.Int64,
    "logit_bias_size": pl.Int64,
    "logit_bias_tokens": pl.List(pl.String),
    "seed": pl.Int64,
    "response_format": pl.String,
    "stream": pl.Boolean,
    "tool_count": pl.Int64,
    "tools": pl.String,  # names and parameter names, in a fixed spelling
    "message_count": pl.Int64,
    "system": pl.String,
    "prompt": pl.String,
    "carried": pl.String,  # the last answer that the request brings along
    "response": pl.String,
    "is_cut": pl.Boolean,  # True: the source cut the prompt short
    "reasoning_issued": pl.List(pl.String),
    "reasoning_used": pl.List(pl.String),
    "presence": pl.Int64,
}

DRAFT = pl.Schema(_COLUMNS)
"""One row is one record that decoded: everything may be null but `row` and `presence`."""

NAMES = {"start": "time", "end": "end_time"}
"""Draft column to the canonical record's field, where they differ; adapters pass their own for REJECT.column."""
