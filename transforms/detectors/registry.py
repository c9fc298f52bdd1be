"""All detectors of this room, found by looking: a new one is one more file with a CARD."""

import pkgutil
from functools import cache
from importlib import import_module

from schemas.card import Card
from transforms.detectors.rule import Rule
from transforms.detectors.shape import Shape

_ROOM = __name__.rpartition(".")[0]


def _modules() -> list[str]:
    package = import_module(_ROOM)
    return sorted(module.name for module in pkgutil.iter_modules(package.__path__) if module.name != "registry")


def cards() -> dict[str, Card]:
    """Cards by detector id, sorted.

    Raises:
        ValueError: two detectors carry one id.
    """
    found: dict[str, Card] = {}
    for name in _modules():
        card = getattr(import_module(f"{_ROOM}.{name}"), "CARD", None)
        if isinstance(card, Card):
            if card.id in found:
                raise ValueError(f"two detectors are called {card.id}: rename one")
            found[card.id] = card
    return dict(sorted(found.items()))


def rules() -> list[Rule]:
    """The deterministic rules over an account's own activity, sorted by id."""
    found = (getattr(import_module(f"{_ROOM}.{name}"), "RULE", None) for name in _modules())
    return sorted((rule for rule in found if isinstance(rule, Rule)), key=lambda rule: rule.card.id)


@cache
def shapes() -> tuple[Shape, ...]:
    """The shapes of a harvest over an account's last 24 hours, sorted by id; of one id the one that knows more is first."""
    found = (
        getattr(import_module(f"{_ROOM}.{name}"), which, None) for name in _modules() for which in ("SHAPE", "BLIND")
    )
    return tuple(sorted((shape for shape in found if isinstance(shape, Shape)), key=lambda shape: shape.card.id))
