"""Mends a record whose odd part would keep the rest from being read."""

import re
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")

MOST_PARTS = 16
"""Odd parts taken out of one record, one by one; a record with more loses whole fields."""

_PLACE = re.compile(r" - at `\$(.*)`$", re.DOTALL)
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]|(\[\.\.\.\])")
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)", re.DOTALL
)


def without_lone_surrogates(text: bytes) -> bytes:
    r"""The record with escapes of half a surrogate pair (a text cut inside an emoji) as U+FFFD.

    >>> without_lone_surrogates(rb'["\ud83d\ude00 \ud83d \\ud83d"]')
    b'["\\ud83d\\ude00 \\ufffd \\\\ud83d"]'
    """
    if rb"\u" not in text:
        return text
    return _ESCAPE.sub(lambda found: found[0] if found[1] is None else rb"\ufffd", text)


def without_part(text: bytes, problem: str, field: str) -> bytes | None:
    """The record without the part a validation error names; without the whole field where the part cannot be found.

    Args:
        text: the record.
        problem: what the decoder said, ending in the place: "- at `$.messages[2].content`"; "" takes out the field.
        field: dotted path of the tolerant field the part lies in; nothing above it is taken out.

    >>> without_part(b'{"a":{"b":[1,"x"]}}', "Expected `int`, got `str` - at `$.a.b[1]`", "a")
    b'{"a":{"b":[1]}}'
    """
    found = _PLACE.search(problem)
    steps: list[str | int] = [] if found is None else _steps(found[1])
    top: list[str | int] = list(field.split("."))
    try:
        record = msgspec.json.decode(text)
        removed = _remove(record, steps) or _remove(record, top)
        return msgspec.json.encode(record) if removed else None
    except (msgspec.MsgspecError, OverflowError, RecursionError):  # a number beyond 64 bits, or too deep
        return None


def decode_what_fits(decode: Callable[[bytes], T], text: bytes) -> T | None:
    """A JSON text that was logged inside a string, without the parts that do not fit; None where little is left."""
    for _ in range(MOST_PARTS):
        try:
            return decode(text)
        except msgspec.ValidationError as error:
            mended = without_part(text, str(error), "")
        except msgspec.DecodeError:
            mended = without_lone_surrogates(text)
        except RecursionError:
            return None
        if mended is None or mended == text:
            return None
        text = mended
    return None


def _steps(place: str) -> list[str | int]:
    steps: list[str | int] = []
    for name, index, any_value in _STEP.findall(place):
        if any_value:  # a value of a map: the map as a whole is taken out
            break
        steps.append(int(index) if index else name)
    return steps


def _remove(node: Any, steps: list[str | int]) -> bool:
    if not steps:
        return False
    try:
        for step in steps[:-1]:
            node = node[step]
        del node[steps[-1]]
    except (KeyError, IndexError, TypeError):
        return False
    return True
