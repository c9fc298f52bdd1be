"""Calls as logs: canonical NDJSON, and what LiteLLM's `generic_api` sink would have posted for the same calls."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Account:
    """Who calls; what does not change from call to call."""

    account_id: str
    plan: str
    account_created_at: datetime
    source_ip: str
    user_agent: str
    country: str


@dataclass(frozen=True)
class Call:
    """One call, before it is written in one format or the other."""

    account: Account
    start: datetime
    end: datetime
    model: str
    input_tokens: int
    output_tokens: int
    prompt: str
    system: str | None = None
    history: tuple[str, ...] = ()  # user, assistant, user, ... before the prompt
    response: str | None = None
    operation: str = "chat"
    conversation: str | None = None
    parameters: dict[str, Any] = field(default_factory=dict)
    tools: tuple[str, ...] = ()


def write_canonical(calls: Iterable[Call], path: Path) -> Path:
    """One canonical record a line."""
    with path.open("w", encoding="utf-8") as file:
        for number, call in enumerate(calls):
            file.write(json.dumps(canonical(call, f"{path.stem}-{number}"), ensure_ascii=False) + "\n")
    return path


def write_litellm(calls: Iterable[Call], path: Path, a_post: int = 1) -> Path:
    """One payload a line, or arrays of up to `a_post` payloads a line."""
    payloads = [_payload(call, f"{path.stem}-{number}") for number, call in enumerate(calls)]
    posts = payloads if a_post == 1 else [payloads[n : n + a_post] for n in range(0, len(payloads), a_post)]
    path.write_text("".join(json.dumps(post) + "\n" for post in posts), encoding="utf-8")
    return path


def canonical(call: Call, event_id: str) -> dict[str, Any]:
    record = {
        "event_id": event_id,
        "time": call.start.isoformat(),
        "end_time": call.end.isoformat(),
        **asdict(call.account),
        "account_created_at": call.account.account_created_at.isoformat(),
        "operation": call.operation,
        "model_requested": call.model,
        "model_served": call.model,
        "http_status": 200,
        "finish_reason": "stop",
        "input_tokens": call.input_tokens,
        "output_tokens": call.output_tokens,
        "temperature": None,
        "logprobs": None,
        **call.parameters,
        "tool_count": len(call.tools),
        "tools": list(call.tools),
        "message_count": len(call.history) + 1 + (call.system is not None),
        "conversation_id": call.conversation,
        "system": call.system,
        "prompt": call.prompt,
    }
    return record | ({} if call.response is None else {"response": call.response})


def _payload(call: Call, event_id: str) -> dict[str, Any]:
    system = [] if call.system is None else [{"role": "system", "content": call.system}]
    history = [{"role": ("user", "assistant")[n % 2], "content": text} for n, text in enumerate(call.history)]
    start, end = call.start.timestamp(), call.end.timestamp()
    tools = [{"type": "function", "function": {"name": name, "parameters": {}}} for name in call.tools]
    return {
        "id": event_id,
        "trace_id": f"trace-{event_id}",
        "session_id": "" if call.conversation is None else call.conversation,
        "call_type": "acompletion" if call.operation == "chat" else "atext_completion",
        "cache_hit": False,
        "stream": False,
        "status": "success",
        "custom_llm_provider": "openai",
        "startTime": start,
        "endTime": end,
        "completionStartTime": end,
        "response_time": end - start,
        "model": f"openai/{call.model}",
        "model_group": call.model,
        "prompt_tokens": call.input_tokens,
        "completion_tokens": call.output_tokens,
        "total_tokens": call.input_tokens + call.output_tokens,
        "response_cost": call.input_tokens * 2.5e-6 + call.output_tokens * 1e-5,
        "metadata": {
            "user_api_key_hash": hashlib.sha256(call.account.account_id.encode()).hexdigest(),
            "user_api_key_team_id": call.account.account_id,
            "user_api_key_org_id": None,
            "user_api_key_user_id": None,
            "user_api_key_request_route": "/v1/chat/completions",
            "requester_ip_address": call.account.source_ip,
            "user_agent": call.account.user_agent,
            "requester_custom_headers": {},
        },
        "end_user": "",
        "requester_ip_address": call.account.source_ip,
        "user_agent": call.account.user_agent,
        "messages": [*system, *history, {"role": "user", "content": call.prompt}],
        "response": {
            "choices": [
                {"finish_reason": "stop", "index": 0, "message": {"role": "assistant", "content": call.response}}
            ]
        },
        "model_parameters": call.parameters | ({"tools": tools} if tools else {}),
        "error_information": {"error_code": "", "error_class": "", "error_message": ""},
        "hidden_params": {"model_id": None, "cache_key": None, "api_base": "https://api.example.org"},
    }
