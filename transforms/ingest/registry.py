"""All adapters, found in this room, and the choice of one for a source."""

import pkgutil
from importlib import import_module
from pathlib import Path

from schemas.errors import SourceRefused
from transforms.ingest.adapter import Adapter, Framing, Guess
from transforms.ingest.framing import BLANK, BOM

LEAST_CONFIDENCE = 0.6
"""Below, nothing is chosen: the share of known fields alone does not make a format."""

LEAST_LEAD = 0.2
"""How much surer the first choice must be than the second."""


def _discovered() -> dict[str, Adapter]:
    found: dict[str, Adapter] = {}
    for module in pkgutil.iter_modules([str(Path(__file__).parent)]):
        if module.name == "beam":  # the engine's shell; nothing here may load it
            continue
        adapter: Adapter | None = getattr(import_module(f"transforms.ingest.{module.name}"), "ADAPTER", None)
        if adapter is not None:
            found[adapter.name] = adapter
    return dict(sorted(found.items()))


ADAPTERS: dict[str, Adapter] = _discovered()
"""Every adapter by name. A new one is a module of this room that defines `ADAPTER`."""


def choose(head: bytes, name: str, wanted: str = "auto") -> tuple[Adapter, Framing, str]:
    """The adapter for a source, how records lie in it, and why.

    Args:
        head: its first bytes, decompressed; some ten records.
        name: its name, for errors.
        wanted: an adapter's name, or `auto`.

    Raises:
        SourceRefused: it is empty, no adapter is sure enough, two are as sure, or `wanted` names none.
    """
    if head.strip(BLANK) == b"":
        raise SourceRefused(name, "it is empty", "leave it out, or check the export")
    if wanted != "auto":
        if wanted not in ADAPTERS:
            raise SourceRefused(name, f"there is no format {wanted}", f"name one of {', '.join(ADAPTERS)}, or auto")
        return ADAPTERS[wanted], framing_of(head), "named"
    guesses = {adapter.name: adapter.sniff(head) for adapter in ADAPTERS.values()}
    ranked = sorted(guesses, key=lambda format_name: (-guesses[format_name].confidence, format_name))
    best, second = guesses[ranked[0]], guesses[ranked[1]]
    if best.confidence < LEAST_CONFIDENCE or best.confidence - second.confidence < LEAST_LEAD:
        said = "; ".join(f"{format_name} {_score(guesses[format_name])}" for format_name in ranked)
        raise SourceRefused(name, f"its format is not clear ({said})", "name it with --format")
    return ADAPTERS[ranked[0]], framing_of(head), best.why


def framing_of(head: bytes) -> Framing:
    r"""How records lie in a source: in lines, or as one JSON value over several lines.

    It is a document when its first line opens a JSON value that ends on a later line.

    >>> framing_of(b'{"a": 1}'), framing_of(b'[\n {"a": 1}')
    ('lines', 'document')
    """
    first, newline, _ = head.removeprefix(BOM).lstrip(BLANK).partition(b"\n")
    if newline == b"" or first[:1] not in (b"{", b"["):
        return "lines"
    return "document" if first.rstrip(BLANK)[-1:] in (b"{", b"[", b",", b":") else "lines"


def _score(guess: Guess) -> str:
    return f"{guess.confidence:.2f}: {guess.why}"
