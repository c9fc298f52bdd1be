"""What an analyst would write instead: one Polars script that parses a log and adds up accounts by day.

It keeps no state, rejects nothing, knows no duplicates, remembers no prompt, explains nothing. `canonical` reads every field
of a record, as stillwatch does, `canonical_few` only those it needs; `litellm` reads prompts and answers and counts the
different ones.
"""

import sys

import polars as pl

CANONICAL = {
    "event_id": pl.String, "time": pl.String, "account_id": pl.String, "plan": pl.String, "api_key_id": pl.String,
    "conversation_id": pl.String, "source_ip": pl.String, "country": pl.String, "user_agent": pl.String,
    "operation": pl.String, "provider": pl.String, "model_requested": pl.String, "model_served": pl.String,
    "http_status": pl.Int64, "finish_reason": pl.String, "latency_ms": pl.Int64, "ttft_ms": pl.Int64,
    "input_tokens": pl.Int64, "output_tokens": pl.Int64, "temperature": pl.Float64, "top_p": pl.Float64,
    "max_tokens": pl.Int64, "stream": pl.Boolean, "message_count": pl.Int64,
}  # fmt: skip
MESSAGE = pl.Struct({"role": pl.String, "content": pl.String})
LITELLM = {
    "id": pl.String, "call_type": pl.String, "status": pl.String, "startTime": pl.Float64, "endTime": pl.Float64,
    "completionStartTime": pl.Float64, "model_group": pl.String, "prompt_tokens": pl.Int64,
    "completion_tokens": pl.Int64, "response_cost": pl.Float64, "requester_ip_address": pl.String,
    "user_agent": pl.String,
    "metadata": pl.Struct({"user_api_key_hash": pl.String, "user_api_key_team_id": pl.String}),
    "messages": pl.List(MESSAGE),
    "response": pl.Struct(
        {"choices": pl.List(pl.Struct({"finish_reason": pl.String, "message": MESSAGE}))}
    ),
    "model_parameters": pl.Struct({"temperature": pl.Float64, "max_tokens": pl.Int64, "stream": pl.Boolean}),
}  # fmt: skip


COUNTED = [
    "event_id",
    "conversation_id",
    "temperature",
    "top_p",
    "plan",
    "api_key_id",
    "country",
    "operation",
    "provider",
    "model_served",
    "finish_reason",
]
SUMMED = ["ttft_ms", "max_tokens", "message_count", "stream"]
"""What the script does with the fields beyond those it needs."""


def canonical(path: str, *, every_field: bool) -> pl.LazyFrame:
    """Calls of a canonical log, without text: the fields that the sums need, or every one."""
    events = pl.scan_ndjson(path, schema=CANONICAL)
    started = pl.col("time").str.to_datetime("%Y-%m-%dT%H:%M:%S%.fZ", time_unit="ms")
    return events.select(
        "account_id",
        "input_tokens",
        "output_tokens",
        "latency_ms",
        (started + pl.duration(milliseconds="latency_ms")).dt.truncate("1d").alias("day"),
        pl.col("http_status").ge(400).alias("is_error"),
        pl.col("model_requested").alias("model"),
        pl.col("source_ip").alias("address"),
        pl.col("user_agent").alias("agent"),
        *([*COUNTED, *SUMMED] if every_field else []),
    )


def litellm(path: str) -> pl.LazyFrame:
    """Calls of a LiteLLM log, with their texts."""
    answer = pl.col("response").struct.field("choices").list.get(0, null_on_oob=True).struct.field("message")
    ended = pl.from_epoch((pl.col("endTime") * 1000).round(0).cast(pl.Int64), "ms")
    return pl.scan_ndjson(path, schema=LITELLM).select(
        pl.col("metadata").struct.field("user_api_key_team_id").alias("account_id"),
        pl.col("prompt_tokens").alias("input_tokens"),
        pl.col("completion_tokens").alias("output_tokens"),
        ((pl.col("endTime") - pl.col("startTime")) * 1000).alias("latency_ms"),
        ended.dt.truncate("1d").alias("day"),
        pl.col("status").ne("success").alias("is_error"),
        pl.col("model_group").alias("model"),
        pl.col("requester_ip_address").alias("address"),
        pl.col("user_agent").alias("agent"),
        pl.col("messages").list.get(-1, null_on_oob=True).struct.field("content").alias("prompt"),
        answer.struct.field("content").str.len_chars().alias("answered"),
    )


def main(kind: str, source: str, target: str) -> None:
    """Writes one row an account and day."""
    calls = litellm(source) if kind == "litellm" else canonical(source, every_field=kind == "canonical")
    sums = [pl.len().alias("calls"), pl.col("input_tokens", "output_tokens", "is_error").sum()]
    sums += [pl.col("latency_ms").max(), pl.col("model", "address", "agent").n_unique()]
    if kind == "canonical":
        sums += [pl.col(COUNTED).count(), pl.col(SUMMED).sum()]
    if kind == "litellm":
        sums += [pl.col("prompt").n_unique(), pl.col("answered").sum()]
    days = calls.group_by("account_id", pl.col("day").dt.date()).agg(sums).sort("account_id", "day")
    days.collect().write_csv(target)


if __name__ == "__main__":
    main(*sys.argv[1:])
