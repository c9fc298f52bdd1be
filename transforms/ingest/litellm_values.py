"""One LiteLLM call as a row of draft columns."""

from functools import lru_cache
from typing import Any

import msgspec
import polars as pl

from schemas.event import Presence
from transforms.ingest.chat import (
    Answer,
    Message,
    answer_text,
    finish_reason,
    format_name,
    handles_given,
    handles_sent,
    is_withheld,
    joined_text,
    last_user_text,
    system_text,
    text_of,
    tool_signature,
)
from transforms.ingest.drafting import LABEL_CHARACTERS
from transforms.ingest.litellm_payload import Body, Call, ErrorInformation, Guardrail, Metadata, Parameters, Usage
from transforms.ingest.mending import decode_what_fits
from transforms.ingest.paths import object_of, operation_of

Messages = list[Message | str] | str | None

P = Presence
_LIST = pl.List(pl.String)
COLUMNS: dict[str, Any] = {
    # who
    "metadata.user_api_key_team_id": pl.String, "team_id": pl.String,
    "metadata.user_api_key_org_id": pl.String, "organization_id": pl.String,
    "metadata.user_api_key_user_id": pl.String, "user": pl.String,
    "metadata.user_api_key_hash": pl.String, "metadata.user_api_key": pl.String, "api_key": pl.String,
    "end_user_id": pl.String, "conversation_id": pl.String, "source_ip": pl.String, "user_agent": pl.String,
    "client_fingerprint": pl.String, "is_stranger": pl.Boolean,
    # what
    "event_id": pl.String, "start": "moment", "end": "moment", "first_token": "moment", "operation": pl.String,
    "object": pl.String, "provider": pl.String, "model_requested": pl.String, "model_served": pl.String,
    "http_status": pl.Int64, "refused": pl.Boolean, "is_answered": pl.Boolean, "input_tokens": pl.Int64,
    "output_tokens": pl.Int64, "cached_input_tokens": pl.Int64, "reasoning_tokens": pl.Int64, "cost_usd": pl.Float64,
    # how
    "temperature": pl.Float64, "top_p": pl.Float64, "n": pl.Int64, "max_tokens": pl.Int64, "logprobs": pl.Boolean,
    "top_logprobs": pl.Int64, "logit_bias_size": pl.Int64, "logit_bias_tokens": _LIST, "seed": pl.Int64,
    "response_format": pl.String, "stream": pl.Boolean, "tool_count": pl.Int64, "tools": pl.String,
    # text
    "message_count": pl.Int64, "system": pl.String, "prompt": pl.String, "is_cut": pl.Boolean, "response": pl.String,
    "finish_reason": pl.String, "reasoning_issued": _LIST, "reasoning_used": _LIST,
    "presence": pl.Int64,
}  # fmt: skip
"""The columns of `row_of`: the draft's, and the account candidates under their names in the log."""

CUT = "(litellm_truncated"
"""Stands in a text that spend logs cut short."""

_ALWAYS = P.ACCOUNT | P.TOKENS | P.LATENCY | P.MODEL | P.COST | P.END_USER | P.ADDRESS | P.OBJECT
_ROW = _ALWAYS.value  # plain integers: an operation on flags costs a microsecond
_PAYLOAD = (_ALWAYS | P.STATUS | P.AGENT | P.CONVERSATION).value
_ASKED = (P.PARAMETERS | P.TOOLS).value
_STATUS, _HANDLES = P.STATUS.value, P.HANDLES.value
_BLOCKING = ("guardrail_intervened", "blocked")
_REFUSAL_ERRORS = ("ContentPolicyViolationError", "GuardrailRaisedException", "GuardrailInterventionNormalStringError")
_STRANGER_ERRORS = ("ProxyException", "HTTPException")
_CALL_TYPES = {
    "completion": "chat",
    "text_completion": "completion",
    "embedding": "embedding",
    "responses": "chat",
    "anthropic_messages": "chat",
    "generate_content": "chat",
    "generate_content_stream": "chat",
    "file_content": "download",
}
_CALL_TYPES |= {f"a{name}": kind for name, kind in _CALL_TYPES.items()}  # called asynchronously
_METADATA = msgspec.json.Decoder(Metadata)
_BODY = msgspec.json.Decoder(Body)
_MESSAGES = msgspec.json.Decoder(list[Message | str])
_ANSWER = msgspec.json.Decoder(Answer)
_NO_METADATA, _NO_USAGE, _NO_ERROR, _NO_PARAMETERS, _NO_BODY = (
    Metadata(),
    Usage(),
    ErrorInformation(),
    Parameters(),
    Body(),
)
_FAR = 2.0**62  # settings beyond are not usable


def row_of(call: Call, header: str) -> tuple[Any, ...]:
    """The values of COLUMNS for one call; `header` names the request header with the client fingerprint."""
    given = call.metadata
    metadata = decode_what_fits(_METADATA.decode, given.encode()) if isinstance(given, str) else given
    if metadata is None:
        metadata = _NO_METADATA
    is_row = call.request_id is not None
    status = call.status if call.status is not None else metadata.status
    failed = status == "failure"
    error = call.error_information if call.error_information is not None else metadata.error_information
    if error is None:
        error = _NO_ERROR
    body = _body(call.proxy_server_request) if is_row else None
    asked = body if is_row else call.model_parameters
    parameters = asked if asked is not None else _NO_PARAMETERS
    answer = _answer(call.response)
    presence = _ROW if is_row else _PAYLOAD
    if is_row and status is not None:
        presence |= _STATUS
    if asked is not None and not (failed and asked == _NO_PARAMETERS):
        presence |= _ASKED
    texts = _texts(_stored(call.messages, body) if is_row else call.messages, body, answer)
    if texts[_PROMPT] is not None or texts[_RESPONSE] is not None:
        presence |= _HANDLES
    withheld = _is_blocked(call, metadata) or error.error_class in _REFUSAL_ERRORS
    withheld = withheld or (answer is not None and is_withheld(answer))
    return (
        *_who(call, metadata, header, is_stranger=failed and _is_stranger(metadata, error)),
        *_what(call, metadata, failed=failed, streams=True in (call.stream, parameters.stream)),
        _http_status(error.error_code) if failed else (200 if status is not None else None),
        True if withheld else None,
        not failed,
        *_counts(call, metadata.usage_object if metadata.usage_object is not None else _NO_USAGE),
        *_how(parameters, call.stream),
        *texts,
        presence,
    )


def _who(call: Call, metadata: Metadata, header: str, *, is_stranger: bool) -> tuple[Any, ...]:
    headers = metadata.requester_custom_headers
    requester = metadata.requester_metadata
    session = name_of(call.session_id)
    if session is None and requester is not None:
        session = name_of(requester.session_id)
    if session in (call.request_id, call.litellm_call_id):
        session = None  # made up for this call
    end_user = name_of(call.end_user)
    return (
        metadata.user_api_key_team_id, call.team_id,
        metadata.user_api_key_org_id, call.organization_id,
        metadata.user_api_key_user_id, call.user,
        metadata.user_api_key_hash, metadata.user_api_key, call.api_key,
        end_user if end_user is not None else name_of(metadata.user_api_key_end_user_id),
        session,
        _either(call.requester_ip_address, metadata.requester_ip_address),
        _either(call.user_agent, metadata.user_agent),
        name_of(headers.get(header)) if headers is not None else None,
        is_stranger,
    )  # fmt: skip


def _is_stranger(metadata: Metadata, error: ErrorInformation) -> bool:
    """Whether a failed call never got past authentication: nothing of the requester was noted.

    The status alone does not tell: LiteLLM answers a wrong key with 400, 401 or 403, depending on how keys are checked.
    """
    if metadata.requester_metadata is not None or metadata.requester_custom_headers is not None:
        return False
    return error.error_class in _STRANGER_ERRORS or str(error.error_code) in ("401", "403")


def _what(call: Call, metadata: Metadata, *, failed: bool, streams: bool) -> tuple[Any, ...]:
    route = metadata.user_api_key_request_route
    is_short = route is None or len(route) <= LABEL_CHARACTERS  # what a caller chose must not fill a cache
    operation, fetched = (_known_kind if is_short else _kind)(route, call.call_type)
    model, group = name_of(call.model), name_of(call.model_group)
    return (
        _either(_either(call.id, call.request_id), call.litellm_call_id),
        call.startTime,
        call.endTime,
        call.completionStartTime if streams else None,
        operation,
        fetched,
        call.custom_llm_provider,
        group if group is not None else model,
        None if failed else model,
    )


@lru_cache(maxsize=16_384)
def _known_kind(route: str | None, call_type: str | None) -> tuple[str, str | None]:
    return _kind(route, call_type)


def _kind(route: str | None, call_type: str | None) -> tuple[str, str | None]:
    if route is not None:
        fetched = object_of(route) if route.endswith(("/content", "/results")) else None
        if fetched is not None:
            return "download", fetched.rpartition("/")[2]
        operation = operation_of(route)
        if operation != "other":
            return operation, None
    return _CALL_TYPES.get(str(call_type), "other"), None


def _http_status(code: str | int | None) -> int | None:
    text = str(code)
    return int(text) if len(text) == 3 and text.isdecimal() and "100" <= text <= "599" else None


def _is_blocked(call: Call, metadata: Metadata) -> bool:
    if call.status_fields is not None and call.status_fields.guardrail_status in _BLOCKING:
        return True
    known = call.guardrail_information if call.guardrail_information is not None else metadata.guardrail_information
    if known is None:
        return False
    guardrails = [known] if isinstance(known, Guardrail) else known
    return any(guardrail.guardrail_status in _BLOCKING for guardrail in guardrails)


def _counts(call: Call, usage: Usage) -> tuple[Any, ...]:
    prompt, completion = usage.prompt_tokens_details, usage.completion_tokens_details
    cached = prompt.cached_tokens if prompt is not None else None
    if cached is None:
        cached = usage.cache_read_input_tokens
    reasoning = completion.reasoning_tokens if completion is not None else None
    cost = call.response_cost if call.response_cost is not None else call.spend
    return call.prompt_tokens, call.completion_tokens, cached, reasoning, cost


def _how(asked: Parameters, stream: Any) -> tuple[Any, ...]:
    if asked is _NO_PARAMETERS:
        return (*(None,) * 10, _flag(stream), None, None)
    logprobs, top = asked.logprobs, _integer(asked.top_logprobs)
    if isinstance(logprobs, int) and not isinstance(logprobs, bool):  # the completions API asks for a number
        logprobs, top = True, top if top is not None else _integer(logprobs)
    bias = asked.logit_bias
    limit = asked.max_tokens
    if limit is None:
        limit = asked.max_completion_tokens if asked.max_completion_tokens is not None else asked.max_output_tokens
    tools = asked.tools
    streams = _flag(asked.stream)
    return (
        _number(asked.temperature),
        _number(asked.top_p),
        _integer(asked.n),
        _integer(limit),
        _flag(logprobs),
        top,
        None if bias is None else len(bias),
        list(bias) if bias else None,
        _integer(asked.seed),
        format_name(asked.response_format),
        streams if streams is not None else _flag(stream),
        None if tools is None else len(tools),
        None if tools is None else tool_signature(tools),
    )


def _texts(messages: Messages, body: Body | None, answer: Answer | None) -> tuple[Any, ...]:
    count = system = prompt = used = response = reason = issued = None
    if isinstance(messages, str):
        prompt = text_of(messages)
    elif messages is not None and len(messages) > 0:
        count = len(messages)
        prompt, system, used = last_user_text(messages), system_text(messages), handles_sent(messages)
    if body is not None and system is None:
        system = body.instructions if body.system is None else _plain(body.system)
    if answer is not None:
        response, reason, issued = answer_text(answer), finish_reason(answer), handles_given(answer)
    is_cut = None if prompt is None or body is None else CUT in prompt
    return count, system, prompt, is_cut, response, reason, issued, used


_PROMPT, _RESPONSE = 2, 4


def _stored(messages: Messages, body: Body | None) -> Messages:
    """The messages sent, as spend logs keep them: in the request's body, earlier as JSON text."""
    if body is not None:
        if body.messages is not None:
            return body.messages
        return body.input if body.input is not None else body.prompt
    if isinstance(messages, str):
        return decode_what_fits(_MESSAGES.decode, messages.encode()) if messages[:1] == "[" else None
    return messages


def _body(request: Body | str | None) -> Body | None:
    """The request's body of a spend-log row; None where prompts are not stored (`{}`)."""
    body = decode_what_fits(_BODY.decode, request.encode()) if isinstance(request, str) else request
    return None if body is None or body == _NO_BODY else body


def _answer(response: Answer | str | None) -> Answer | None:
    if isinstance(response, str):
        return decode_what_fits(_ANSWER.decode, response.encode()) if response[:1] == "{" else Answer(content=response)
    return response


def _plain(text: list[Message | str] | str) -> str | None:
    return text_of(text) if isinstance(text, str) else joined_text(text)


def name_of(value: Any) -> str | None:
    """A name a client chose: a string that is not empty, or an integer's digits; None for anything else."""
    if value is None:
        return None
    if isinstance(value, str):
        return value if value != "" else None
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None


def _either(one: str | None, other: str | None) -> str | None:
    return one if one is not None and one != "" else other


def _flag(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _number(value: Any) -> float | None:
    if value is None or isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < _FAR else None


def _integer(value: Any) -> int | None:
    if value is None or isinstance(value, bool) or not isinstance(value, int | float) or abs(value) >= _FAR:
        return None
    return int(value) if value == int(value) else None
