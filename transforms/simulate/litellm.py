"""A world's calls as a LiteLLM proxy logs them: one standard logging payload a line.

The fields and their oddities are those a real proxy wrote (litellm 1.106.2); what carries no information about the call
(price tables, hidden parameters, cost breakdown) is left out, which makes a line 1-3 KB instead of 12.
"""

from collections.abc import Iterator
from typing import Any

import msgspec
import polars as pl

_ENCODER = msgspec.json.Encoder()
_ROUTES = {
    "chat": ("acompletion", "/v1/chat/completions"),
    "completion": ("atext_completion", "/v1/completions"),
    "embedding": ("aembedding", "/v1/embeddings"),
    "download": ("afile_content", ""),
}
_ERRORS = {
    400: ("BadRequestError", "400_INVALID_REQUEST", "invalid request"),
    403: ("HTTPException", "403_PERMISSION_DENIED", "403: blocked"),
    429: ("RateLimitError", "429_RATE_LIMIT", "rate limit reached, try again later"),
    500: ("InternalServerError", "500_INTERNAL_ERROR", "the model failed"),
    503: ("ServiceUnavailableError", "503_UNAVAILABLE", "overloaded"),
    504: ("Timeout", "504_TIMEOUT", "timed out"),
}
_TURNS: list[dict[str, Any]] = [
    {"role": role, "content": text}
    for user, answer in (
        ("Go on.", "Done, see below."),
        ("And then?", "Then the next step."),
        ("Shorter, please.", "Here it is in short."),
        ("What about the rest?", "The rest follows."),
        ("Check it again.", "Checked, it holds."),
        ("Use the other one.", "Used the other one."),
    )
    for role, text in (("user", user), ("assistant", answer))
] * 40
"""Earlier turns of conversations; what they say is no signal, how many there are is."""


def litellm_lines(records: pl.DataFrame) -> bytes:
    """The canonical records as standard logging payloads, one object a line, in the same order."""
    moments = [pl.col(name).dt.timestamp("us") / 1e6 for name in ("time", "end_time")]
    first = (pl.col("time") + pl.duration(milliseconds="ttft_ms")).fill_null(pl.col("end_time"))
    rows = records.with_columns(*moments, first_token=first.dt.timestamp("us") / 1e6).iter_rows(named=True)
    return _ENCODER.encode_lines(_payloads(rows))


def _payloads(rows: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    tools: dict[str, Any] = {}
    for row in rows:
        text = row["tools"]
        if text is not None and text not in tools:
            tools[text] = msgspec.json.decode(text)
        yield _payload(row, None if text is None else tools[text])


def _payload(row: dict[str, Any], tools: Any) -> dict[str, Any]:
    status = row["http_status"]
    failed = status != 200
    call_type, route = _ROUTES[row["operation"]]
    stream = True if row["stream"] else None
    tokens_in, tokens_out = row["input_tokens"] or 0, row["output_tokens"] or 0
    model = row["model_requested"]
    waited = row["first_token"] if stream else row["end_time"]
    return {
        "id": row["event_id"],
        "litellm_call_id": row["event_id"].replace("call-", "litellm-"),
        "trace_id": row["event_id"].replace("call-", "trace-"),
        "session_id": "",
        "call_type": call_type,
        "cache_hit": None,
        "stream": stream,
        "status": "failure" if failed else "success",
        "custom_llm_provider": row["provider"] if model is not None else None,
        "startTime": row["time"],
        "endTime": row["end_time"],
        "completionStartTime": waited,
        "response_time": waited - row["time"],
        "model": f"{row['provider']}/{model}" if model is not None else "",
        "metadata": _metadata(row, route if row["object"] is None else f"/v1/files/{row['object']}/content"),
        "response_cost": row["cost_usd"] if row["cost_usd"] is not None else 0.0,
        "total_tokens": tokens_in + tokens_out,
        "prompt_tokens": tokens_in,
        "completion_tokens": tokens_out,
        "end_user": row["end_user_id"] or "",
        "model_group": model if model is not None else "",
        "requester_ip_address": row["source_ip"],
        "user_agent": row["user_agent"],
        "messages": _messages(row),
        "response": {} if failed else _response(row),
        "model_parameters": _parameters(row, tools),
        "error_str": _ERRORS[status][2] if failed else None,
        "error_information": _error(status),
        "guardrail_information": None,
    }


def _metadata(row: dict[str, Any], route: str) -> dict[str, Any]:
    known = row["http_status"] != 403  # a failed authentication has no account
    fingerprint, conversation = row["client_fingerprint"], row["conversation_id"]
    cached, reasoning = row["cached_input_tokens"], row["reasoning_tokens"]
    return {
        "user_api_key_hash": row["api_key_id"],
        "user_api_key_alias": None,
        "user_api_key_team_id": row["account_id"] if known else None,
        "user_api_key_org_id": None,
        "user_api_key_user_id": None,
        "user_api_key_end_user_id": row["end_user_id"],
        "user_api_key_request_route": route,
        "requester_ip_address": row["source_ip"],
        "user_agent": row["user_agent"],
        "requester_metadata": {"session_id": conversation} if conversation is not None else {},
        "requester_custom_headers": {"x-client-fingerprint": fingerprint},
        "usage_object": {
            "prompt_tokens": row["input_tokens"],
            "completion_tokens": row["output_tokens"],
            "prompt_tokens_details": None if cached is None else {"cached_tokens": cached},
            "completion_tokens_details": None if reasoning is None else {"reasoning_tokens": reasoning},
        }
        if row["input_tokens"] is not None
        else None,
    }


def _messages(row: dict[str, Any]) -> list[dict[str, Any]] | None:
    if row["operation"] == "download":
        return None
    prompt, system, count = row["prompt"], row["system"], row["message_count"]
    # LiteLLM keeps this constant where the operator turned message logging off.
    last = {"role": "user", "content": prompt if prompt is not None else "redacted-by-litellm"}
    if count is None:
        return [last]
    first: list[dict[str, Any]] = [{"role": "system", "content": system}] if system is not None else []
    earlier = max(count - 1 - len(first), 0)
    history = _TURNS[:earlier] if earlier % 2 == 0 else _TURNS[1 : 1 + earlier]
    used = row["reasoning_used"]
    if used:
        blocks = [{"type": "thinking", "thinking": "", "signature": handle} for handle in used]
        history = [*history[:-1], {"role": "assistant", "content": "", "thinking_blocks": blocks}]
    return [*first, *history, last]


def _response(row: dict[str, Any]) -> dict[str, Any]:
    operation = row["operation"]
    if operation == "download":
        return {}
    if operation == "embedding":
        return {"object": "list", "model": row["model_served"], "data": []}
    text, issued = row["response"], row["reasoning_issued"]
    message: dict[str, Any] = {"role": "assistant", "content": text if text is not None else "redacted-by-litellm"}
    if issued:
        message["thinking_blocks"] = [{"type": "thinking", "thinking": "", "signature": handle} for handle in issued]
    choice = {"finish_reason": row["finish_reason"], "index": 0, "message": message}
    return {"id": row["event_id"], "object": "chat.completion", "model": row["model_served"], "choices": [choice]}


def _parameters(row: dict[str, Any], tools: Any) -> dict[str, Any]:
    """What the client set; a call refused before it reached the model has none."""
    if row["http_status"] == 403 or row["operation"] not in ("chat", "completion"):
        return {}
    biased = row["logit_bias_tokens"]
    given = {
        "temperature": row["temperature"],
        "max_tokens": row["max_tokens"],
        "n": row["n"],
        "stream": row["stream"],
        "logprobs": row["logprobs"] or None,
        "top_logprobs": row["top_logprobs"],
        "logit_bias": None if biased is None else {str(token): 50 for token in biased},
        "response_format": None if row["response_format"] is None else {"type": row["response_format"]},
        "tools": tools,
    }
    return {name: value for name, value in given.items() if value is not None}


def _error(status: int) -> dict[str, Any]:
    if status == 200:
        return {"error_code": "", "error_class": "", "llm_provider": "", "error_message": ""}
    kind, normalized, message = _ERRORS[status]
    return {
        "error_code": str(status),
        "error_class": kind,
        "llm_provider": "",
        "error_message": message,
        "normalized_error": normalized,
    }
