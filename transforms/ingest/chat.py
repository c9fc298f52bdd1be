"""The shapes in which chat APIs write requests and answers; only what is needed of them is named."""

from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Raw, Struct

REDACTED = "redacted-by-litellm"
"""What LiteLLM writes in place of text it must not log: not a text."""

SYSTEM_ROLES = ("system", "developer")


class Part(Struct, gc=False):
    """One part of a message: text, or a reasoning block with its opaque handle."""

    text: str | None = None
    refusal: str | None = None
    signature: str | None = None


Content = str | list[Part | str] | None


class Thinking(Struct, gc=False):
    """A reasoning block beside a message's content."""

    signature: str | None = None


class Message(Struct, gc=False):
    """One message of a request; without a role, a part of one (`text`)."""

    role: str | None = None
    content: Content = None
    text: str | None = None
    thinking_blocks: list[Thinking] | None = None


class AnswerMessage(Struct, gc=False):
    """The message of a choice."""

    content: Content = None
    refusal: str | None = None
    thinking_blocks: list[Thinking] | None = None


class Choice(Struct, gc=False):
    """One choice of an answer; `text` in the older completions API."""

    finish_reason: str | None = None
    message: AnswerMessage | None = None
    text: str | None = None


class OutputItem(Struct, gc=False):
    """One item of an answer in the responses API."""

    content: Content = None


class Answer(Struct, gc=False):
    """An answer in any of three shapes: choices (chat), output (responses), content and stop_reason (messages)."""

    choices: list[Choice] | None = None
    output: list[OutputItem] | None = None
    content: Content = None
    stop_reason: str | None = None


class Schema(Struct, gc=False):
    """The parameters of a tool."""

    properties: dict[str, Raw] | None = None


class Function(Struct, gc=False):
    """A tool's function."""

    name: str | None = None
    parameters: Schema | None = None


class Tool(Struct, gc=False):
    """A tool offered: wrapped in `function` (chat), or bare with `input_schema` or `parameters`."""

    function: Function | None = None
    name: str | None = None
    type: str | None = None
    input_schema: Schema | None = None
    parameters: Schema | None = None


class Format(Struct, gc=False):
    """A response format written as an object."""

    type: Any = None


def text_of(content: Content) -> str | None:
    r"""The text of a content: itself, or its parts joined by line breaks; None where there is none or it was redacted.

    >>> text_of([Part(text="a"), Part(signature="x"), "b"]), text_of(REDACTED), text_of([])
    ('a\nb', None, None)
    """
    if content is None or isinstance(content, str):
        return None if content == REDACTED else content
    texts = [part if isinstance(part, str) else part.text for part in content]
    known = [text for text in texts if text is not None and text != REDACTED]
    return "\n".join(known) if known else None


def last_user_text(messages: list[Message | str]) -> str | None:
    """The text of the last user message that has any; a bare string counts as one."""
    for message in reversed(messages):
        if isinstance(message, str):
            return None if message == REDACTED else message
        if message.role == "user":
            text = text_of(message.content)
            if text is not None:
                return text
    return None


def carried_text(messages: list[Message | str]) -> str | None:
    """The text of the last assistant message that has any: an answer that the conversation brings along."""
    for message in reversed(messages):
        if not isinstance(message, str) and message.role == "assistant":
            text = text_of(message.content)
            if text is not None:
                return text
    return None


def system_text(messages: list[Message | str]) -> str | None:
    """The system and developer messages, joined by line breaks."""
    texts = [text_of(m.content) for m in messages if not isinstance(m, str) and m.role in SYSTEM_ROLES]
    known = [text for text in texts if text is not None]
    return "\n".join(known) if known else None


def joined_text(items: list[Message | str]) -> str | None:
    """The texts of parts or messages, joined by line breaks."""
    texts = [i if isinstance(i, str) else text_of(i.text if i.text is not None else i.content) for i in items]
    known = [text for text in texts if text is not None]
    return "\n".join(known) if known else None


def handles_sent(messages: list[Message | str]) -> list[str] | None:
    """Reasoning handles in the request's assistant messages."""
    found: list[str] = []
    for message in messages:
        if not isinstance(message, str) and message.role == "assistant":
            found += handles(message.content, message.thinking_blocks)
    return found or None


def handles(content: Content, blocks: list[Thinking] | None) -> list[str]:
    """Reasoning handles of one message."""
    parts: Iterable[Part | str] = content if isinstance(content, list) else ()
    signatures = [part.signature for part in parts if not isinstance(part, str)]
    signatures += [block.signature for block in blocks] if blocks is not None else []
    return [signature for signature in signatures if signature is not None and signature != ""]


def is_withheld(answer: Answer) -> bool:
    """Whether the answer says itself that the model refused."""
    for choice in answer.choices if answer.choices is not None else ():
        if choice.message is not None and choice.message.refusal not in (None, ""):
            return True
    for item in answer.output if answer.output is not None else ():
        parts = item.content if isinstance(item.content, list) else ()
        if any(not isinstance(part, str) and part.refusal not in (None, "") for part in parts):
            return True
    return False


def answer_text(answer: Answer) -> str | None:
    """The text of the first choice."""
    if answer.choices is not None and len(answer.choices) > 0:
        first = answer.choices[0]
        if first.message is not None:
            return text_of(first.message.content)
        return text_of(first.text)
    for item in answer.output if answer.output is not None else ():
        text = text_of(item.content)
        if text is not None:
            return text
    return text_of(answer.content)


def handles_given(answer: Answer) -> list[str] | None:
    """Reasoning handles in all choices."""
    found = handles(answer.content, None)
    for choice in answer.choices if answer.choices is not None else ():
        if choice.message is not None:
            found += handles(choice.message.content, choice.message.thinking_blocks)
    return found or None


def finish_reason(answer: Answer) -> str | None:
    """Why the first choice stopped."""
    if answer.choices is not None and len(answer.choices) > 0:
        return answer.choices[0].finish_reason
    return answer.stop_reason


def tool_signature(tools: list[Tool | str]) -> str | None:
    r"""Names and parameter names of the tools in a fixed spelling, whatever order they came in; None without tools.

    >>> tool_signature([Tool(name="b"), Tool(function=Function("a", Schema({"y": Raw(), "x": Raw()})))])
    'a(x,y)\nb()'
    """
    return "\n".join(sorted(map(_one_tool, tools))) if tools else None


def format_name(value: Format | str | None) -> str | None:
    """`text`, `json_object`, `json_schema` or `other` (a class name, a schema as text); None where not set."""
    name = value.type if isinstance(value, Format) else value
    if name is None:
        return None
    return name if name in ("text", "json_object", "json_schema") else "other"


def _one_tool(tool: Tool | str) -> str:
    if isinstance(tool, str):
        return f"{tool}()"
    function = tool.function if tool.function is not None else Function()
    names = [name for name in (function.name, tool.name, tool.type) if name is not None]
    schemas = [s for s in (function.parameters, tool.input_schema, tool.parameters) if s is not None]
    properties = schemas[0].properties if schemas else None
    return f"{names[0] if names else ''}({','.join(sorted(properties)) if properties is not None else ''})"


TOOLS = msgspec.json.Decoder(list[Tool | str])
"""Reads tools that were logged as JSON text."""
