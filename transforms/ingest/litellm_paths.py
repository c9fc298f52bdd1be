"""Where in a LiteLLM payload lies what: the paths of its values, and which of them are read."""

from collections.abc import Collection, Sequence
from functools import lru_cache
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec

from transforms.ingest.chat import SYSTEM_ROLES, Answer, AnswerMessage, Message, Part, text_of
from transforms.ingest.litellm_payload import Call, Moment, Whole
from transforms.ingest.litellm_values import name_of
from transforms.ingest.shape import Path

CALL_IDS: Path = ("litellm_call_id",)


def _own(*names: str) -> Path:
    return ("metadata", *names)


NAMES: dict[str, tuple[Path, ...]] = {
    "metadata.user_api_key_team_id": (_own("user_api_key_team_id"),),
    "team_id": (("team_id",),),
    "metadata.user_api_key_org_id": (_own("user_api_key_org_id"),),
    "organization_id": (("organization_id",),),
    "metadata.user_api_key_user_id": (_own("user_api_key_user_id"),),
    "user": (("user",),),
    "metadata.user_api_key_hash": (_own("user_api_key_hash"),),
    "metadata.user_api_key": (_own("user_api_key"),),
    "api_key": (("api_key",),),
    "end_user_id": (("end_user",), _own("user_api_key_end_user_id")),
    "source_ip": (("requester_ip_address",), _own("requester_ip_address")),
    "user_agent": (("user_agent",), _own("user_agent")),
    "event_id": (("id",), CALL_IDS),
}
"""Columns that are the first of some names that is neither null nor empty."""

SESSIONS: tuple[Path, ...] = (("session_id",), _own("requester_metadata", "session_id"))

NUMBERS: dict[str, tuple[tuple[Path, ...], Any]] = {
    "start": ((("startTime",),), Moment),
    "end": ((("endTime",),), Moment),
    "first_token": ((("completionStartTime",),), Moment),
    "input_tokens": ((("prompt_tokens",),), Whole),
    "output_tokens": ((("completion_tokens",),), Whole),
    "cached_input_tokens": (
        (
            _own("usage_object", "prompt_tokens_details", "cached_tokens"),
            _own("usage_object", "cache_read_input_tokens"),
        ),
        Whole,
    ),
    "reasoning_tokens": ((_own("usage_object", "completion_tokens_details", "reasoning_tokens"),), Whole),
    "cost_usd": ((("response_cost",), ("spend",)), float),
}
"""Columns that are the first of some numbers that is not null, and their type."""


def source_of(call: Call, paths: Sequence[Path], holes: Collection[Path]) -> Path | None:
    """The first of the paths that holds a name or a number, here or in a hole."""

    def holds(path: Path) -> bool:
        value = value_at(call, path)
        return isinstance(value, float) or name_of(value) is not None

    return next((path for path in paths if path in holes or holds(path)), None)


def value_at(call: Any, path: Path) -> Any:
    """What a call holds at a path of members; None where a member on the way is absent."""
    for name in path:
        call = None if call is None else getattr(call, str(name))
    return call


def texts_of(call: Call) -> dict[Path, str | None]:
    """Where texts lie that may be long, and the columns they become; "" for those that nothing but their being strings is asked of.

    None for what was redacted: no text, so that records like it are told from others.
    """
    found: dict[Path, str | None] = {}
    sought = True  # the last user message with a text
    is_carried = True  # likewise of the assistant
    messages = call.messages if isinstance(call.messages, list) else []
    for place, message in reversed(list(enumerate(messages))):
        if isinstance(message, str):
            sought = False
            continue
        path = _only_text(message)
        is_prompt = message.role == "user" and sought
        column = "prompt" if is_prompt else "carried" if message.role == "assistant" and is_carried else ""
        text = text_of(message.content)
        if path is not None and message.role not in SYSTEM_ROLES:
            found[("messages", place, *path)] = column if text is not None else None
        sought = sought and not (message.role == "user" and text is not None)
        is_carried = is_carried and not (message.role == "assistant" and text is not None)
    choices = call.response.choices if isinstance(call.response, Answer) else None
    for place, choice in enumerate(choices or ()):
        path = None if choice.message is None else _only_text(choice.message)
        if path is not None and choice.message is not None:
            text = text_of(choice.message.content)
            column = "response" if place == 0 else ""
            found[("response", "choices", place, "message", *path)] = column if text is not None else None
    return found


def _only_text(message: Message | AnswerMessage) -> Path | None:
    """Where in a message its one text lies."""
    content = message.content
    if isinstance(content, str):
        return ("content",)
    if content is None or len(content) != 1:
        return None
    part = content[0]
    return ("content", 0, "text") if isinstance(part, Part) and part.text is not None else None


@lru_cache(maxsize=4096)
def is_read(path: Path, header: str) -> bool:
    """Whether a scalar at this path is looked at when records are read one by one."""
    if path[:2] == _own("requester_custom_headers"):
        return path[2:] == (header,)
    return _holds(Call, path)


def _holds(kind: Any, path: Path) -> bool:
    """Whether a decoder of this type keeps what lies at a path."""
    origin = get_origin(kind)
    if origin is Annotated:
        return _holds(get_args(kind)[0], path)
    if origin in (Union, UnionType):
        return any(_holds(one, path) for one in get_args(kind) if one is not type(None))
    if kind is msgspec.Raw:
        return False
    if not path or kind is Any:
        return True
    if origin is list:
        return isinstance(path[0], int) and _holds(get_args(kind)[0], path[1:])
    if origin is dict:
        return _holds(get_args(kind)[1], path[1:])
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        fields = {field.encode_name: field.type for field in msgspec.structs.fields(kind)}
        return path[0] in fields and _holds(fields[str(path[0])], path[1:])
    return False
