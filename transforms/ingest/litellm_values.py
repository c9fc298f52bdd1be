"""LiteLLM calls as draft columns."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import msgspec
import polars as pl

from schemas.event import Presence
from transforms.ingest.chat import (
    Answer,
    Message,
    answer_text,
    carried_text,
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
from transforms.ingest.columns import is_nothing
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
    "message_count": pl.Int64, "system": pl.String, "prompt": pl.String, "carried": pl.String, "is_cut": pl.Boolean,
    "response": pl.String,
    "finish_reason": pl.String, "reasoning_issued": _LIST, "reasoning_used": _LIST,
    "presence": pl.Int64,
}  # fmt: skip
"""The columns of `values_of`: the draft's, and the account candidates under their names in the log."""

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


def values_of(calls: Sequence[Call], header: str) -> dict[str, Sequence[Any]]:
    """The values of COLUMNS, one a call; `header` names the request header with the client fingerprint.

    Field by field, because most fields of most calls hold nothing or a plain value, which costs next to nothing so.
    """
    metadata = [_metadata(call.metadata) for call in calls]
    is_row = [call.request_id is not None for call in calls]
    of_both = list(zip(calls, metadata, strict=True))
    statuses = [call.status if call.status is not None else own.status for call, own in of_both]
    failed = [status == "failure" for status in statuses]
    errors = [_first(call.error_information, own.error_information, _NO_ERROR) for call, own in of_both]
    bodies = [_body(c.proxy_server_request) if row else None for c, row in zip(calls, is_row, strict=True)]
    asked = [body if row else call.model_parameters for call, body, row in zip(calls, bodies, is_row, strict=True)]
    parameters = [given if given is not None else _NO_PARAMETERS for given in asked]
    answers = [_answer(call.response) for call in calls]
    messages = [
        _stored(call.messages, body) if row else call.messages
        for call, body, row in zip(calls, bodies, is_row, strict=True)
    ]
    values = _who(calls, metadata, header)
    values["is_stranger"] = [
        has_failed and _is_stranger(own, error) for has_failed, own, error in zip(failed, metadata, errors, strict=True)
    ]
    values |= _what(calls, metadata, parameters, failed)
    values["http_status"] = [
        _http_status(error.error_code) if has_failed else (200 if status is not None else None)
        for has_failed, error, status in zip(failed, errors, statuses, strict=True)
    ]
    values["is_answered"] = [not has_failed for has_failed in failed]
    values |= _counts(calls, metadata)
    values |= _how(parameters, [call.stream for call in calls])
    values |= _texts(messages, bodies, answers)
    values["refused"] = [
        True if _is_blocked(call, own) or error.error_class in _REFUSAL_ERRORS or withheld else None
        for (call, own), error, withheld in zip(of_both, errors, map(_is_withheld, answers), strict=True)
    ]
    values["presence"] = [
        _presence(row, status, given, has_failed, prompt is not None or response is not None)
        for row, status, given, has_failed, prompt, response in zip(
            is_row, statuses, asked, failed, values["prompt"], values["response"], strict=True
        )
    ]
    return values


def _presence(is_row: bool, status: str | None, asked: Parameters | None, failed: bool, has_text: bool) -> int:
    bits = _ROW if is_row else _PAYLOAD
    if is_row and status is not None:
        bits |= _STATUS
    if asked is not None and not (failed and asked == _NO_PARAMETERS):
        bits |= _ASKED
    return bits | _HANDLES if has_text else bits


def _first(one: Any, other: Any, neither: Any) -> Any:
    return one if one is not None else (other if other is not None else neither)


def _metadata(given: Metadata | str | None) -> Metadata:
    if isinstance(given, str):
        given = decode_what_fits(_METADATA.decode, given.encode())
    return given if given is not None else _NO_METADATA


def _who(calls: Sequence[Call], metadata: Sequence[Metadata], header: str) -> dict[str, Sequence[Any]]:
    end_users = _names([call.end_user for call in calls])
    others = _names([own.user_api_key_end_user_id for own in metadata])
    return {
        "metadata.user_api_key_team_id": [own.user_api_key_team_id for own in metadata],
        "team_id": [call.team_id for call in calls],
        "metadata.user_api_key_org_id": [own.user_api_key_org_id for own in metadata],
        "organization_id": [call.organization_id for call in calls],
        "metadata.user_api_key_user_id": [own.user_api_key_user_id for own in metadata],
        "user": [call.user for call in calls],
        "metadata.user_api_key_hash": [own.user_api_key_hash for own in metadata],
        "metadata.user_api_key": [own.user_api_key for own in metadata],
        "api_key": [call.api_key for call in calls],
        "end_user_id": [o if u is None else u for u, o in zip(end_users, others, strict=True)],
        "conversation_id": list(map(_conversation, calls, metadata)),
        "source_ip": _either([c.requester_ip_address for c in calls], [m.requester_ip_address for m in metadata]),
        "user_agent": _either([call.user_agent for call in calls], [own.user_agent for own in metadata]),
        "client_fingerprint": [
            None if headers is None else name_of(headers.get(header))
            for headers in [own.requester_custom_headers for own in metadata]
        ],
    }


def _conversation(call: Call, metadata: Metadata) -> str | None:
    session, requester = name_of(call.session_id), metadata.requester_metadata
    if session is None and requester is not None:
        session = name_of(requester.session_id)
    return None if session in (call.request_id, call.litellm_call_id) else session  # the same: made up for this call


def _is_stranger(metadata: Metadata, error: ErrorInformation) -> bool:
    """Whether a failed call never got past authentication: the proxy itself says so, or nothing of the requester was noted.

    The status alone does not tell: LiteLLM answers a wrong key with 400, 401 or 403, depending on how keys are checked, and
    a 401 of the provider behind it is the proxy's own trouble.
    """
    is_own = error.error_class in _STRANGER_ERRORS
    if is_own and str(error.error_code) == "401":
        return True
    if metadata.requester_metadata is not None or metadata.requester_custom_headers is not None:
        return False
    return is_own or str(error.error_code) in ("401", "403")


def _what(
    calls: Sequence[Call], metadata: Sequence[Metadata], parameters: Sequence[Parameters], failed: Sequence[bool]
) -> dict[str, Sequence[Any]]:
    kinds = [
        _operation(own.user_api_key_request_route, call.call_type) for call, own in zip(calls, metadata, strict=True)
    ]
    models, groups = _names([call.model for call in calls]), _names([call.model_group for call in calls])
    ids = _either([call.id for call in calls], [call.request_id for call in calls])
    return {
        "event_id": _either(ids, [call.litellm_call_id for call in calls]),
        "start": [call.startTime for call in calls],
        "end": [call.endTime for call in calls],
        "first_token": [
            call.completionStartTime if True in (call.stream, asked.stream) else None
            for call, asked in zip(calls, parameters, strict=True)
        ],
        "operation": [operation for operation, _ in kinds],
        "object": [fetched for _, fetched in kinds],
        "provider": [call.custom_llm_provider for call in calls],
        "model_requested": [m if g is None else g for g, m in zip(groups, models, strict=True)],
        "model_served": [None if has_failed else m for m, has_failed in zip(models, failed, strict=True)],
    }


def _operation(route: str | None, call_type: str | None) -> tuple[str, str | None]:
    is_short = route is None or len(route) <= LABEL_CHARACTERS  # what a caller chose must not fill a cache
    return (_known_kind if is_short else _kind)(route, call_type)


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


def _counts(calls: Sequence[Call], metadata: Sequence[Metadata]) -> dict[str, Sequence[Any]]:
    usages = [_NO_USAGE if own.usage_object is None else own.usage_object for own in metadata]
    cached = [None if u.prompt_tokens_details is None else u.prompt_tokens_details.cached_tokens for u in usages]
    completions = [usage.completion_tokens_details for usage in usages]
    return {
        "input_tokens": [call.prompt_tokens for call in calls],
        "output_tokens": [call.completion_tokens for call in calls],
        "cached_input_tokens": [
            usage.cache_read_input_tokens if found is None else found
            for usage, found in zip(usages, cached, strict=True)
        ],
        "reasoning_tokens": [None if details is None else details.reasoning_tokens for details in completions],
        "cost_usd": [call.spend if call.response_cost is None else call.response_cost for call in calls],
    }


def _how(parameters: Sequence[Parameters], streams: Sequence[Any]) -> dict[str, Sequence[Any]]:
    flags, tops = [asked.logprobs for asked in parameters], _each(_integer, [a.top_logprobs for a in parameters])
    for row, flag in enumerate(flags):
        if isinstance(flag, int) and not isinstance(flag, bool):  # the completions API asks for a number
            tops = list(tops)
            flags[row], tops[row] = True, tops[row] if tops[row] is not None else _integer(flag)
    biases = [asked.logit_bias for asked in parameters]
    tools = [asked.tools for asked in parameters]
    own = _each(_flag, [asked.stream for asked in parameters])
    return {
        "temperature": _each(_number, [asked.temperature for asked in parameters]),
        "top_p": _each(_number, [asked.top_p for asked in parameters]),
        "n": _each(_integer, [asked.n for asked in parameters]),
        "max_tokens": _each(
            _integer, [_first(a.max_tokens, a.max_completion_tokens, a.max_output_tokens) for a in parameters]
        ),
        "logprobs": _each(_flag, flags),
        "top_logprobs": tops,
        "logit_bias_size": _each(len, biases),
        "logit_bias_tokens": _each(lambda bias: list(bias) if bias else None, biases),
        "seed": _each(_integer, [asked.seed for asked in parameters]),
        "response_format": _each(format_name, [asked.response_format for asked in parameters]),
        "stream": [o if s is None else s for s, o in zip(own, _each(_flag, streams), strict=True)],
        "tool_count": _each(len, tools),
        "tools": _each(tool_signature, tools),
    }


def _texts(
    messages: Sequence[Messages], bodies: Sequence[Body | None], answers: Sequence[Answer | None]
) -> dict[str, Sequence[Any]]:
    said, answered = list(map(_said, messages)), list(map(_answered, answers))
    prompts = [prompt for _, _, prompt, _, _ in said]
    systems = [system for _, system, _, _, _ in said]
    cuts: list[bool | None] = [None] * len(said)
    for row, body in enumerate(bodies):
        if body is not None:
            prompt = prompts[row]
            if systems[row] is None:
                systems[row] = body.instructions if body.system is None else _plain(body.system)
            cuts[row] = None if prompt is None else CUT in prompt
    return {
        "message_count": [count for count, _, _, _, _ in said],
        "system": systems,
        "prompt": prompts,
        "carried": [carried for _, _, _, carried, _ in said],
        "is_cut": cuts,
        "response": [response for response, _, _ in answered],
        "finish_reason": [reason for _, reason, _ in answered],
        "reasoning_issued": [issued for _, _, issued in answered],
        "reasoning_used": [used for _, _, _, _, used in said],
    }


def _said(messages: Messages) -> tuple[int | None, str | None, str | None, str | None, list[str] | None]:
    """How many messages there are, the system prompt, the prompt, the last answer brought along, and the handles sent."""
    if messages is None or len(messages) == 0:
        return None, None, None, None, None
    if isinstance(messages, str):
        return None, None, text_of(messages), None, None
    if len(messages) == 1:  # most often: one question
        only = messages[0]
        if isinstance(only, Message) and only.role == "user" and isinstance(only.content, str):
            return 1, None, text_of(only.content), None, None
    carried = carried_text(messages)
    return len(messages), system_text(messages), last_user_text(messages), carried, handles_sent(messages)


def _answered(answer: Answer | None) -> tuple[str | None, str | None, list[str] | None]:
    """The answer's text, why it stopped, and the handles it gave."""
    if answer is None:
        return None, None, None
    return answer_text(answer), finish_reason(answer), handles_given(answer)


def _is_withheld(answer: Answer | None) -> bool:
    return answer is not None and is_withheld(answer)


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


def _names(values: Sequence[Any]) -> Sequence[str | None]:
    return _each(name_of, values)


def _each(function: Callable[[Any], Any], values: Sequence[Any]) -> Sequence[Any]:
    """The function of each value that is not None; at no cost where none is."""
    known = tuple(values)
    return known if is_nothing(known) else [None if value is None else function(value) for value in known]


def _either(ones: Sequence[str | None], others: Sequence[str | None]) -> list[str | None]:
    """Of each two the first, unless it is missing or empty."""
    return [other if one is None or one == "" else one for one, other in zip(ones, others, strict=True)]


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
