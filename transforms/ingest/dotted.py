"""Any field of a JSON record by its dotted path, for rules that name one."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import msgspec
import polars as pl

from transforms.ingest import columns
from transforms.ingest.mending import without_lone_surrogates


def field_values(texts: Iterable[bytes], path: str) -> pl.Series:
    """The field of each record (String): strings and integers; null where it is absent or something else.

    >>> field_values([b'{"a":{"b":7}}', b'{"a":[]}'], "a.b").to_list()
    ['7', None]
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
    decode = _decoder(steps).decode
    try:
        node = decode(text)
    except msgspec.ValidationError:
        return None
    except msgspec.DecodeError:  # the record was accepted, so its only fault can be half an emoji
        node = decode(without_lone_surrogates(text))
    for _ in steps:
        if node is None:
            return None
        node = node.value
    return node


@lru_cache(maxsize=64)
def _decoder(steps: tuple[str, ...]) -> msgspec.json.Decoder[Any]:
    kind: Any = Any
    for step in reversed(steps):
        kind = msgspec.defstruct("Step", [("value", kind | None, None)], rename={"value": step})
    return msgspec.json.Decoder(kind)
