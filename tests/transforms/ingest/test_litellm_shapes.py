"""Payloads read by their shape are those read one by one."""

import json
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from ingest_blocks import blocks, context, decoded
from mutating import mutated
from schemas.event import EVENT
from schemas.reject import REJECT
from transforms.ingest import ADAPTERS, Decoded
from transforms.ingest.framing import cut
from transforms.ingest.litellm_shapes import LEAST_RECORDS, read_shapes

FIXTURES = Path(__file__).parents[2]
REAL = (FIXTURES / "benchmarks" / "litellm_payload.json").read_text()
RICH = (FIXTURES / "fixtures" / "ingest" / "litellm" / "records.ndjson").read_bytes().split(b"\n")[0]
HEADER = "x-client-fingerprint"
FEW = settings(max_examples=60, deadline=None)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(allow_nan=False), st.text(max_size=8),
    st.sampled_from(["redacted-by-litellm", "", "\ud83d", 'a\\b\n"c"', "user", "system", "failure", "ü" * 40, "x" * 600]),
)  # fmt: skip
VALUES = st.recursive(SCALARS, lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text(max_size=3), v, max_size=2))


def _words(number: int) -> str:
    return " ".join(f"w{chr(97 + (number + place) % 26)}" for place in range(20))


def real(number: int) -> dict[str, Any]:
    """A payload as the proxy writes it."""
    record: dict[str, Any] = json.loads(
        REAL.replace("@id@", f"chatcmpl-{number}")
        .replace("@account@", f"team-{number % 7}")
        .replace("@key@", f"key-{number % 9}")
        .replace("@address@", f"10.0.0.{number % 200}")
        .replace("@agent@", f"openai-python/1.{number % 5}")
        .replace("@prompt@", f'Say {number} times: "why\\n\\u00fc" and leave.'.replace('"', '\\"'))
        .replace("@response@", f"It is {number}.")
        .replace("@model@", ("large", "small")[number % 3 == 0])
    )
    begin = 1_772_409_600 + number
    record |= {"startTime": begin + 0.25, "endTime": begin + 2.5 + number % 3, "completionStartTime": begin + 1}
    return record | {"prompt_tokens": number, "completion_tokens": 3 * number, "response_cost": number / 1000}


def rich(number: int) -> dict[str, Any]:
    """A payload with every part that is read, a conversation among them."""
    record: dict[str, Any] = json.loads(RICH)
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": f"And {number}?"},
        {"role": "assistant", "content": f"Yes: {number}\n{_words(number)}."},
        {"role": "user", "content": [{"type": "text", "text": f"Why {number}, step by step?"}]},
    ]
    return record | {
        "id": f"chatcmpl-{number}",
        "litellm_call_id": f"call-{number}",
        "session_id": f"call-{number}" if number % 4 == 0 else f"s-{number // 3}",
        "messages": messages,
        "end_user": f"u{number % 11}",
        "new_in_this_version": number,
    }


def failed(number: int) -> dict[str, Any]:
    """A call that failed, some for want of a key."""
    error = {
        "error_code": ("429", "401", "500")[number % 3],
        "error_class": ("RateLimitError", "ProxyException")[number % 2],
    }
    stranger = {"requester_metadata": None, "requester_custom_headers": None}
    return real(number) | {
        "status": "failure",
        "response": {},
        "error_information": error,
        "metadata": real(number)["metadata"] | stranger,
    }


def redirected(number: int) -> dict[str, Any]:
    """A payload of which single values decide what its prompt is, and whether it was streamed."""
    roles = ("user", "assistant", "tool") if number % 5 else ("assistant", "user", "user")
    record = real(number)
    said = {
        "role": roles[1 + number % 2],
        "content": [{"text": ("redacted-by-litellm", "now")[number % 2]}, {"text": "x"}],
    }
    record["messages"] = [{"role": roles[0], "content": f"{number}?"}, {"role": "user", "content": "hello"}, said]
    return record | {"stream": number % 2, "model_parameters": {"stream": None}}


KINDS = (real, rich, failed, redirected)


@cache
def usual(kind: int, count: int = LEAST_RECORDS + 20) -> tuple[bytes, ...]:
    return tuple(json.dumps(KINDS[kind](number)).encode() for number in range(count))


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every member and element inside a value: what holds it, and its name or number there."""
    steps = (
        list(value.items()) if isinstance(value, dict) else list(enumerate(value)) if isinstance(value, list) else []
    )
    return [place for step, inner in steps for place in [(value, step), *places(inner)]]


@st.composite
def odd_lines(draw: st.DrawFn, kind: int) -> bytes:
    """A line that differs from usual ones in values, names, doubled names, spelling, or single bytes."""
    record = KINDS[kind](draw(st.integers(0, 500)))
    read = [name for name in record if name not in ("model_map_information", "hidden_params")]
    for _ in range(draw(st.integers(0, 3))):
        inside = [place for place in places(record) if place[0] is not record or place[1] in read]
        holder, step = inside[draw(st.integers(0, len(inside) - 1))]
        if draw(st.sampled_from(["value", "value", "value", "drop"])) == "value":
            holder[step] = draw(VALUES)
        else:
            holder.pop(step)
    line = json.dumps(record, ensure_ascii=draw(st.booleans())).encode("utf-8", "surrogatepass")
    if draw(st.sampled_from([False, False, True])):
        name, value = draw(st.sampled_from(read)), draw(VALUES)
        line = line[:-1] + b", " + json.dumps(name).encode() + b": " + json.dumps(value).encode() + b"}"
    return mutated([line], 1, draw(st.integers(0, 2**32)))[0] if draw(st.booleans()) else line


def one_by_one(lines: list[bytes]) -> Decoded:
    """Blocks too small for shapes."""
    adapter, every = ADAPTERS["litellm"], context()
    parts = [adapter.decode(block, every) for block in blocks(lines, range(0, len(lines), LEAST_RECORDS // 2))]
    return Decoded(
        EVENT.conform(pl.concat([EVENT.empty(), *[part.events for part in parts]])),
        REJECT.conform(pl.concat([REJECT.empty(), *[part.rejects for part in parts]])),
        dict(sum((Counter(part.ignored) for part in parts), Counter[str]())),
        dict(sum((Counter(part.unknown_fields) for part in parts), Counter[str]())),
    )


def assert_same(lines: list[bytes]) -> None:
    together, alone = decoded("litellm", b"\n".join(lines)), one_by_one(lines)
    assert_frame_equal(EVENT.conform(together.events), alone.events)
    assert_frame_equal(REJECT.conform(together.rejects).drop("line"), alone.rejects.drop("line"))
    assert together.ignored == alone.ignored
    assert together.unknown_fields == alone.unknown_fields


@FEW
@given(data=st.data(), kind=st.integers(0, len(KINDS) - 1))
def test_a_payload_is_the_same_read_by_its_shape_and_one_by_one(data: st.DataObject, kind: int) -> None:
    lines = list(usual(kind))
    for line in data.draw(st.lists(odd_lines(kind), max_size=8)):
        lines.insert(data.draw(st.integers(0, len(lines))), line)
    assert_same(lines)


def by_shape(lines: list[bytes]) -> set[int]:
    """The lines that are read by their shape."""
    shaped = read_shapes(cut(blocks(lines, [])[0]), HEADER)
    return set() if shaped is None else set(shaped.rows.tolist())


@pytest.mark.parametrize("kind", range(3))
def test_payloads_that_differ_in_nothing_but_values_are_all_read_by_their_shape(kind: int) -> None:
    lines = list(usual(kind, 400))
    assert by_shape(lines) == set(range(400))
    assert_same(lines)


def test_a_value_that_decides_what_another_means_is_heeded() -> None:
    lines = list(usual(3, 1000))
    assert len(by_shape(lines)) >= LEAST_RECORDS
    assert_same(lines)


def test_the_answer_that_a_conversation_brings_along_is_told() -> None:
    keys = decoded("litellm", b"\n".join(usual(KINDS.index(rich)))).events["carried_key"]
    assert keys.null_count() == 0
    assert keys.n_unique() == 26


def test_a_bare_message_that_was_redacted_is_the_last_one() -> None:
    messages = ({"role": "user", "content": "one"}, "redacted-by-litellm")
    lines = [json.dumps(real(n) | {"messages": [messages[0] | {"content": f"{n}?"}, messages[1]]}) for n in range(200)]
    assert_same([line.encode() for line in lines])


def test_payloads_of_several_shapes_are_all_read_by_theirs() -> None:
    lines = [line for four in zip(*(usual(kind, 400) for kind in range(len(KINDS))), strict=True) for line in four]
    assert set(range(1600)) - by_shape(lines) <= set(range(3, 1600, 4))
    assert_same(lines)


@pytest.mark.parametrize(
    ("before", "behind"),
    [
        (b'"prompt_tokens": 7,', b'"prompt_tokens": "7",'),
        (b'"prompt_tokens": 7,', b'"prompt_tokens": 7.5,'),
        (b'"prompt_tokens": 7,', b'"prompt_tokens": 9223372036854775808,'),
        (b'"prompt_tokens": 7,', b'"prompt_tokens": 07,'),
        (b'"prompt_tokens": 7,', b'"prompt_tokens": 7, "prompt_tokens": 8,'),
        (b'"prompt_tokens": 7,', b'"prompt_tokens": ,'),
        (b'"id": "chatcmpl-7"', b'"id": "chatcmpl\\u0041"'),
        (b'"id": "chatcmpl-7"', b'"id": ""'),
        (b'"id": "chatcmpl-7"', b'"id": "chat\tcmpl"'),
        (b'"id": "chatcmpl-7"', b'"id": "\xff"'),
        (b'"id": "chatcmpl-7"', b'"id": "a\\", "id": "b"'),
        (b"It is 7.", b"It is \\ud83d"),
        (b"It is 7.", b"It is \\x"),
        (b"It is 7.", b"redacted-by-litellm"),
        (b"It is 7.", b"It is a long answer, longer than what is looked at at first,\x01 and odd"),
    ],
)
def test_what_is_no_plain_value_in_a_hole_is_read_one_by_one(before: bytes, behind: bytes) -> None:
    lines = list(usual(0))
    assert before in lines[7]
    lines[7] = lines[7].replace(before, behind)
    assert by_shape(lines) == set(range(len(lines))) - {7}
    assert_same(lines)


def test_escapes_in_a_text_are_resolved() -> None:
    lines = [line.replace(b"It is", b'\\"It\\\\\\" \\u00fc is\\n') for line in usual(0)]
    assert by_shape(lines) == set(range(len(lines)))
    assert_same(lines)


@pytest.mark.slow
def test_mutated_payloads_are_the_same_read_by_their_shape_and_one_by_one() -> None:
    for kind in range(len(KINDS)):
        for seed in range(40):
            lines = list(usual(kind))
            assert_same(lines + mutated(lines, 60, seed))
