"""Reads JSON records into one Struct type: exact about damage, blind to fields nobody asked for."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Generic, TypeVar

import msgspec
import numpy as np

from transforms.ingest.framing import Element, Pieces, elements, is_utf8
from transforms.ingest.mending import MOST_PARTS, without_lone_surrogates, without_part
from transforms.ingest.rejecting import Fault, fault_of, path_of

S = TypeVar("S", bound=msgspec.Struct)

MOST_UNKNOWN = 64
"""Names of unknown fields told apart in one block; further ones are counted together."""

OTHERS = "(others)"
_NAME_CHARACTERS = 64
_DECODER_ERRORS = (msgspec.MsgspecError, RecursionError, UnicodeDecodeError)
_UNKNOWN = re.compile(r"^Object contains unknown field `(.*)`$", re.DOTALL)
_UNKNOWN_IN_ARRAY = re.compile(r"^Object contains unknown field `(.*)` - at `\$\[\d+\]`$", re.DOTALL)
_CANNOT_RENAME = re.compile(r'[\\"\x00-\x1f]')
_NAMES = msgspec.json.Decoder(dict[str, msgspec.Raw])


@dataclass
class Read(Generic[S]):
    """What was read of some pieces.

    Attributes:
        pieces: the records; an array that fills a line has become its elements.
        records: those that could be decoded.
        rows: for each of them, which piece it was.
        faults: the other pieces.
        unknown: records by the name of an unknown top-level field.
    """

    pieces: Pieces
    records: list[S] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    unknown: Counter[str] = field(default_factory=Counter)


class JsonReader(Generic[S]):
    """Decodes records of one kind.

    The rule, the same for every record wherever it sits: it is UTF-8 throughout, one JSON object, and its fields hold
    what the Struct says. A lone surrogate escape (a text cut inside an emoji) reads as U+FFFD. Parts of tolerant fields
    that hold something else are taken as absent: a caller must not be able to hide a call by an odd request. Unknown
    top-level fields are counted; how often differs from record to record, so the decoder is extended as they are met.

    Args:
        kind: the Struct, with `forbid_unknown_fields`.
        tolerant: dotted paths whose parts may hold anything.
    """

    def __init__(self, kind: type[S], tolerant: Sequence[str] = ()) -> None:
        self._kind = kind
        self._tolerant = tuple(tolerant)

    def read(self, pieces: Pieces) -> Read[S]:
        """Every piece as a record or a fault."""
        work = _Work(self._kind, self._tolerant, _are_utf8(pieces))
        arrays = [row for row, text in enumerate(pieces.texts) if _is_array(text)]
        if arrays:
            pieces = _expanded(pieces, arrays, work)
        else:
            work.take_objects(pieces.texts, 0)
        return Read(pieces, work.records, work.rows, work.faults, work.unknown())


class _Work(Generic[S]):
    """The decoding of one set of pieces."""

    def __init__(self, kind: type[S], tolerant: tuple[str, ...], all_utf8: bool) -> None:
        self.records: list[S] = []
        self.rows: list[int] = []
        self.faults: list[Fault] = []
        self._kind, self._tolerant, self._all_utf8 = kind, tolerant, all_utf8
        self._names: list[str] = []
        self._uncounted: Counter[str] = Counter()
        self._decode = _decoder(kind, ())
        self._decode_array = _array_decoder(kind, ())

    def take_objects(self, texts: Sequence[bytes | Element], row: int) -> None:
        """Decodes objects, the first of them as `row`."""
        decode, records, rows, is_safe = self._decode, self.records, self.rows, self._all_utf8
        for text in texts:
            assert isinstance(text, bytes)  # noqa: S101 - elements come of arrays only
            try:
                if not is_safe:
                    text.decode()
                records.append(decode(text))
                rows.append(row)
            except _DECODER_ERRORS as error:
                self._retake(text, row, error)
                decode = self._decode
            row += 1

    def take_array(self, text: bytes, row: int) -> int:
        """Decodes an array's elements, the first of them as `row`; how many there are."""
        while self._all_utf8:
            try:
                records = self._decode_array(text)
            except _DECODER_ERRORS as error:
                if self._learn(_UNKNOWN_IN_ARRAY, error):
                    continue
                break
            self.records += records
            self.rows += range(row, row + len(records))
            return len(records)
        spans = elements(text)
        self.take_objects([text[start:end] for start, end in spans], row)
        return len(spans)

    def unknown(self) -> Counter[str]:
        counts = Counter(self._uncounted)
        for index, name in enumerate(self._names):
            found = sum(getattr(record, f"unknown_{index}", None) is not None for record in self.records)
            counts[name] += found
        return +counts

    def _retake(self, text: bytes, row: int, error: Exception) -> None:
        """Ends: every turn learns a name, leaves the names aside, takes out a part or a field, or mends the escapes."""
        decode, repairs = self._decode, 0
        while True:
            if self._learn(_UNKNOWN, error):
                decode = self._decode
            elif _UNKNOWN.match(str(error)):
                decode = _lax_decoder(self._kind)
            else:
                repairs += 1
                repaired = self._repaired(text, error, whole_field=repairs > MOST_PARTS)
                if repaired is None or repaired == text:
                    self.faults.append(fault_of(row, error))
                    return
                text = repaired
            try:
                record = decode(text)
            except _DECODER_ERRORS as another:
                error = another
                continue
            if decode is _lax_decoder(self._kind):
                self._count(text)
            self.records.append(record)
            self.rows.append(row)
            return

    def _learn(self, pattern: re.Pattern[str], error: Exception) -> bool:
        """Extends the decoder by the unknown field an error names, if it may be."""
        found = pattern.match(str(error)) if isinstance(error, msgspec.ValidationError) else None
        if found is None or len(self._names) == MOST_UNKNOWN or not can_be_learned(found[1]):
            return False
        self._names.append(found[1])
        self._decode = _decoder(self._kind, tuple(self._names))
        self._decode_array = _array_decoder(self._kind, tuple(self._names))
        return True

    def _count(self, text: bytes) -> None:
        names = {field.encode_name for field in msgspec.structs.fields(self._kind)}
        try:
            found = _NAMES.decode(text)
        except RecursionError:  # at the very edge of what the first look allowed
            found = {}
        for name in found:
            if name not in names:
                short = name[:_NAME_CHARACTERS]
                few = len(self._uncounted) < MOST_UNKNOWN or short in self._uncounted
                self._uncounted[short if few else OTHERS] += 1

    def _repaired(self, text: bytes, error: Exception, *, whole_field: bool) -> bytes | None:
        if isinstance(error, msgspec.ValidationError):
            path = path_of(error)
            tolerated = next((p for p in self._tolerant if path == p or path.startswith(p + ".")), None)
            return None if tolerated is None else without_part(text, "" if whole_field else str(error), tolerated)
        return without_lone_surrogates(text) if isinstance(error, msgspec.DecodeError) else None


def can_be_learned(name: str) -> bool:
    """Whether an unknown field of this name is counted by it; others are counted together."""
    return len(name) <= _NAME_CHARACTERS and _CANNOT_RENAME.search(name) is None


def _are_utf8(pieces: Pieces) -> bool:
    texts = [text for text in pieces.texts if isinstance(text, bytes)]
    return all(map(bytes.isascii, texts)) or is_utf8(b"".join(texts))


def _is_array(text: bytes | Element) -> bool:
    return isinstance(text, bytes) and (text[:1] == b"[" or text.lstrip()[:1] == b"[")


def _expanded(pieces: Pieces, arrays: Sequence[int], work: _Work[Any]) -> Pieces:
    """Decodes pieces of which some are arrays; the pieces with their elements in place of the arrays."""
    texts: list[bytes | Element] = []
    origin: list[int] = []
    low = 0
    for high in [*arrays, len(pieces.texts)]:
        work.take_objects(pieces.texts[low:high], len(texts))
        texts += pieces.texts[low:high]
        origin += range(low, high)
        if high < len(pieces.texts):
            whole = pieces.text(high)
            count = work.take_array(whole, len(texts))
            texts += [Element(whole, index) for index in range(count)]
            origin += [high] * count
        low = high + 1
    index = np.array([text.index if isinstance(text, Element) else 0 for text in texts], dtype=np.int64)
    lines = None if pieces.lines is None else pieces.lines[origin]
    return Pieces(texts, pieces.positions[origin] + index, lines)


@lru_cache(maxsize=64)
def _decoder(kind: type[S], names: tuple[str, ...]) -> Callable[[bytes], S]:
    return msgspec.json.Decoder(_extended(kind, names)).decode


@lru_cache(maxsize=64)
def _array_decoder(kind: type[S], names: tuple[str, ...]) -> Callable[[bytes], list[S]]:
    return msgspec.json.Decoder(list[_extended(kind, names)]).decode  # type: ignore[misc]


@lru_cache(maxsize=8)
def _lax_decoder(kind: type[S]) -> Callable[[bytes], S]:
    lax = msgspec.defstruct("Lax", [], bases=(kind,), forbid_unknown_fields=False, gc=False)
    return msgspec.json.Decoder(lax).decode  # type: ignore[return-value]


def _extended(kind: type[S], names: tuple[str, ...]) -> type[S]:
    if not names:
        return kind
    fields: list[tuple[str, Any, Any]] = [(f"unknown_{index}", msgspec.Raw, None) for index in range(len(names))]
    rename = {f"unknown_{index}": name for index, name in enumerate(names)}
    return msgspec.defstruct("Extended", fields, bases=(kind,), rename=rename, forbid_unknown_fields=True, gc=False)  # type: ignore[return-value]
