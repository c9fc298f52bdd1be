"""States that are decoded when somebody first asks for what is in them."""

from collections.abc import Callable
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Self


class Deferred:
    """What a frozen dataclass inherits from so that its fields may be filled later.

    The larger part of what is remembered changes, and is looked at, where an hour closes only; most ticks close none.
    """

    @classmethod
    def later(cls, load: Callable[[], Self], **known: object) -> Self:
        """The state that `load` gives, called once at most: when a field that is not known is asked for.

        Args:
            load: gives the whole state; what it raises, who asks for the field gets.
            known: fields that need no loading.
        """
        one = object.__new__(cls)
        vars(one).update(known, _load=load)
        return one

    if not TYPE_CHECKING:  # fields are declared where they are

        def __getattr__(self, name: str) -> Any:
            """Called for what is not there: a field that was not loaded yet, or a mistake."""
            if "_load" not in vars(self) or name not in (field.name for field in fields(self)):
                raise AttributeError(f"{type(self).__name__} has no {name}", name=name, obj=self)
            loaded = vars(self)["_load"]()
            vars(self).update(vars(loaded))
            del vars(self)["_load"]
            return vars(self)[name]
