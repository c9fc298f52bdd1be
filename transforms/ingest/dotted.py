"""Any field of a JSON record by its dotted path, for rules that name one."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import msgspec
import polars as pl

from transforms.ingest import columns
from transforms.ingest.mending import without_lone_surrogates


def field_values(texts: Iterable[bytes], path: str) -> pl.Series:
    r"""The field of each record (String): strings and integers; null where it is absent or something else.

    >>> field_values([b'{"a":{"b":7}}', b'{"a":[]}', b'{"a":"{\\"b\\": 8}"}'], "a.b").to_list()
    ['7', None, '8']
    """
    steps = tuple(path.split("."))
    return columns.name([_name(_value(text, steps)) for text in texts])


def header_values(texts: Iterable[bytes], paths: tuple[str, ...], header: str) -> pl.Series:
    """A request header of each record (String), from the first of several objects that hold headers by name."""
    wanted = header.lower()
    found = []
    for text in texts:
        values = (_header(_value(text, tuple(path.split("."))), wanted) for path in paths)
        found.append(next((value for value in values if value is not None), None))
    return columns.name(found)


def _header(headers: Any, wanted: str) -> str | int | None:
    if not isinstance(headers, dict):
        return None
    return next((_name(value) for key, value in headers.items() if key.lower() == wanted), None)


def _name(value: Any) -> str | int | None:
    return value if isinstance(value, str | int) and not isinstance(value, bool) else None


def _value(text: bytes, steps: tuple[str, ...]) -> Any:
    node = without_lone_surrogates(text)
    try:
        for step in steps:
            if node[:1] == b'"':  # spend logs keep objects as JSON text
                node = msgspec.json.decode(node, type=str).encode()
            found = _decoder(step).decode(node)
            if found.value is None:
                return None
            node = bytes(found.value)
        return msgspec.json.decode(node)
    except (msgspec.MsgspecError, RecursionError):  # no object where one was named, or too deep to look into
        return None


@lru_cache(maxsize=64)
def _decoder(step: str) -> msgspec.json.Decoder[Any]:
    step_type = msgspec.defstruct("Step", [("value", msgspec.Raw, None)], rename={"value": step})
    return msgspec.json.Decoder(step_type)
