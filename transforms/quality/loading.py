"""Loads Great Expectations without copies of what never changes.

While it loads, pydantic makes some 370 classes, and each copies the fields of those it is derived from: 470,000 calls of `deepcopy`,
a quarter of the time that loading takes, most of them for annotations such as `Optional[List[str]]`, which nobody can change.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from functools import cache
from types import ModuleType
from typing import Any

_CONSTANT = frozenset(("annotation", "outer_type_", "type_"))
"""Slots of pydantic's ModelField that hold a type: a copy of the field shares it."""

_ABSENT = object()


@cache
def great_expectations() -> ModuleType:
    """The package, loaded when it is first asked for."""
    with _types_shared():
        import great_expectations as package
    return package


@contextmanager
def _types_shared() -> Iterator[None]:
    """Meanwhile a copy of a field of a model shares the types with its original; all else is copied as ever."""
    from pydantic.v1.fields import ModelField

    names = tuple(ModelField.__slots__)

    def copied(field: Any, known: dict[int, Any]) -> Any:
        made = known[id(field)] = object.__new__(type(field))
        for name in names:
            value = getattr(field, name, _ABSENT)
            if value is not _ABSENT:
                setattr(made, name, value if name in _CONSTANT else deepcopy(value, known))
        return made

    ModelField.__deepcopy__ = copied  # type: ignore[attr-defined] # the way to copy that a class may name
    try:
        yield
    finally:
        del ModelField.__deepcopy__  # type: ignore[attr-defined]
