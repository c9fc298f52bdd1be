"""The shape of JSON lines that differ only in some values: learned from a few lines, found again byte by byte.

A shape is a line with holes. What stands between the holes is compared byte for byte, and a hole holds one string or one
number: a line that fits is the line the shape was learned from with these values in place of its own, whatever reads it.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import ne
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from transforms.ingest.framing import Lines

Path = tuple[str | int, ...]
"""Where a value lies in its record: names of members and numbers of elements."""

Use = Literal["value", "text", "kind", "unread"]
"""What becomes of a hole: its value is read (`text`: a string that may be long and hold escapes), lines that differ there
are told apart, or nobody reads it."""

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[-0-9][-+.0-9eE]*|[a-z]+|[{}\[\],:]')
_QUOTE, _BACKSLASH, _SPACE, _COMMA, _BRACE, _BRACKET, _MINUS, _COLON, _OPEN = b'"\\ ,}]-:{'
_ZERO = np.uint8(ord("0"))
_NUMBER = b"-0123456789"
_WINDOW = 32  # bytes in which most values end; the end of longer ones is searched one by one; the data is longer
_FEW = 0.9  # share of lines below which those that do not fit are dropped at once, not at the end
_WIDE = 512  # bytes from which a comparison in place is cheaper than one of copies


@dataclass(frozen=True)
class Scalar:
    """A string or a number in a line.

    Attributes:
        path: where it lies in the record.
        start, end: where its bytes begin and end, quotes not included.
        is_string: whether it is a string.
    """

    path: Path
    start: int
    end: int
    is_string: bool


@dataclass(frozen=True)
class Hole:
    """A place where lines of one shape may differ: always in a string, or always in a number.

    Attributes:
        path: where it lies in the record.
        is_string: whether a string stands there, else a number.
        use: what becomes of it.
    """

    path: Path
    is_string: bool
    use: Use


@dataclass(frozen=True)
class Shape:
    """A line with holes.

    Attributes:
        line: the line it was learned from.
        holes: in the order of the line.
        between: what stands before each hole (with its quote), and behind the last.
    """

    line: bytes
    holes: tuple[Hole, ...]
    between: tuple[bytes, ...]


@dataclass
class Fitting:
    """Lines that fit a shape.

    Attributes:
        shape: the shape.
        lines: all lines.
        rows: numbers of those that fit, ascending.
        begins, ends: for each hole where its value lies in each of these, quotes not included.
    """

    shape: Shape
    lines: Lines
    rows: Ints
    begins: list[Ints]
    ends: list[Ints]

    def keep(self, wanted: Bools) -> None:
        """Drops the other lines."""
        if not wanted.all():
            self.rows = self.rows[wanted]
            self.begins = [places[wanted] for places in self.begins]
            self.ends = [places[wanted] for places in self.ends]


@dataclass(frozen=True)
class Plan:
    """What is to become of the scalars of a line.

    Attributes:
        wanted: paths whose values are read one by one, in any line; None for those that must not be holes.
        is_read: whether anybody looks at the scalar at a path.
    """

    wanted: Mapping[Path, Use | None]
    is_read: Callable[[Path], bool]


def commonest(lines: Sequence[bytes]) -> list[bytes]:
    """Those of the lines that have the commonest number of tokens."""
    counts = [len(_TOKEN.findall(line)) for line in lines]
    most, _ = Counter(counts).most_common(1)[0]
    return [line for line, count in zip(lines, counts, strict=True) if count == most]


def learn(samples: Sequence[bytes], plan: Plan) -> Shape | None:
    """The shape of the first sample, with holes where others differ in a value; those that differ in more are left out.

    Args:
        samples: lines; the first is a valid object.
        plan: of the first.

    Returns:
        None where the first names a member twice, or by an escape.
    """
    line, first = samples[0], _TOKEN.findall(samples[0])
    scalars = _scalars(line, first)
    if scalars is None:
        return None
    differs: set[int] = set()
    for other in map(_TOKEN.findall, samples[1:]):
        places = [place for place, is_other in enumerate(map(ne, first, other)) if is_other]
        is_alike = len(other) == len(first) and len(places) <= len(scalars)
        if is_alike and all(place in scalars and _kind(first[place]) == _kind(other[place]) for place in places):
            differs.update(places)
    holes, between, end = [], [], 0
    for place, scalar in scalars.items():
        use = _use(line[scalar.start : scalar.end], scalar, plan, differs=place in differs)
        if use is not None:
            holes.append(Hole(scalar.path, scalar.is_string, use))
            between.append(line[end : scalar.start])
            end = scalar.end
    return Shape(line, tuple(holes), (*between, line[end:]))


def _use(value: bytes, scalar: Scalar, plan: Plan, *, differs: bool) -> Use | None:
    if scalar.path in plan.wanted:
        use = plan.wanted[scalar.path]
        if use == "text":
            return use if scalar.is_string else None
        return use if not scalar.is_string or (value and b"\\" not in value) else None
    if not differs:
        return None
    return "kind" if plan.is_read(scalar.path) else "unread"


def fit(shape: Shape, lines: Lines, rows: Ints) -> Fitting:
    """Those of the lines that fit, as far as that can be seen without reading a text: it may still hold what no string may.

    Args:
        shape: the shape.
        lines: lines of UTF-8.
        rows: numbers of the lines to be looked at, ascending.
    """
    data, size = lines.data, len(lines.data)
    fitting, at = Fitting(shape, lines, rows, [], []), lines.starts[rows]
    good = np.ones(len(rows), dtype=np.bool_)
    for hole, before in zip(shape.holes, shape.between[:-1], strict=True):
        good &= _stands(data, before, at)
        at = at + len(before)
        good &= at <= size
        at = np.minimum(at, size)
        end = _string_ends(data, at, is_text=hole.use == "text") if hole.is_string else _number_ends(data, at)
        good &= end >= at
        fitting.begins.append(at)
        fitting.ends.append(end)
        at = np.maximum(at, end)
        if np.count_nonzero(good) < _FEW * len(good):
            fitting.keep(good)
            at, good = at[good], good[good]
    last = shape.between[-1]
    good &= _stands(data, last, at) & (at + len(last) == lines.ends[fitting.rows])
    fitting.keep(good)
    return fitting


def _scalars(line: bytes, tokens: Sequence[bytes]) -> dict[int, Scalar] | None:
    """The scalars of a valid object by the number of their token; None where a name stands twice or is spelled by escapes."""
    found: dict[int, Scalar] = {}
    around: list[tuple[Path, set[str] | None, int]] = []
    path: Path = ()  # of what is read now
    prefix: Path = ()  # of the object or array around it
    names: set[str] | None = None  # of the object so far; None in an array
    index, end = 0, 0
    for place, text in enumerate(tokens):
        start = line.index(text, end)  # only blanks lie between two tokens
        end = start + len(text)
        sign = text[0]
        if sign == _COLON:
            continue
        if sign == _COMMA:
            if names is None:
                index += 1
                path = (*prefix, index)
        elif sign == _QUOTE:
            if names is None or tokens[place + 1] != b":":
                found[place] = Scalar(path, start + 1, end - 1, is_string=True)
                continue
            name = text[1:-1].decode()
            if name in names or _BACKSLASH in text:
                return None
            names.add(name)
            path = (*prefix, name)
        elif sign in b"{[":
            around.append((prefix, names, index))
            prefix, names, index = path, set() if sign == _OPEN else None, 0
            path = prefix if names is not None else (*prefix, 0)
        elif sign in b"}]":
            path = prefix
            prefix, names, index = around.pop()
        elif sign in _NUMBER:
            found[place] = Scalar(path, start, end, is_string=False)
    return found


def _kind(token: bytes) -> str:
    return "string" if token[0] == _QUOTE else ("number" if token[0] in _NUMBER else "other")


def _stands(data: bytes, text: bytes, at: Ints) -> Bools:
    """Whether the text, which holds no control character, stands at each of the places."""
    width = len(text)
    if width >= _WIDE:
        return np.array([data.startswith(text, place) for place in at.tolist()], dtype=np.bool_)
    if not width:
        return np.ones(len(at), dtype=np.bool_)
    last = len(data) - width
    if last < 0:
        return np.zeros(len(at), dtype=np.bool_)
    windows: npt.NDArray[Any] = np.ndarray((last + 1,), f"S{width}", data, strides=(1,))
    # numpy leaves out zero bytes at the end of a value: such a one is shorter than the text, and not equal to it.
    return np.asarray((windows[np.minimum(at, last)] == text) & (at <= last))


def _string_ends(data: bytes, at: Ints, *, is_text: bool) -> Ints:
    """Where strings end that begin at these places; before that for those that hold an escape or a control character.

    A text's end is found in any case, and a control character in it only if it lies within the first bytes.
    """
    look = _looks(data, at)
    ends_here = look == _QUOTE
    is_odd = (look < _SPACE) | (look == _BACKSLASH)
    place = (ends_here | is_odd).argmax(axis=1)
    rows = np.arange(len(at))
    ends = np.where(ends_here[rows, place], at + place, -1)
    further = np.flatnonzero(~ends_here[rows, place] & (is_text | ~is_odd[rows, place]))
    ends[further] = [_end(data, begin, is_text=is_text) for begin in at[further].tolist()]
    return ends


def _end(data: bytes, begin: int, *, is_text: bool) -> int:
    end = data.find(_QUOTE, begin)
    if not is_text:
        value = data[begin:end]
        return -1 if b"\\" in value or min(value, default=_SPACE) < _SPACE else end
    while end > begin and data[end - 1] == _BACKSLASH:
        slashes = end - begin - len(data[begin:end].rstrip(b"\\"))
        if slashes % 2 == 0:
            break
        end = data.find(_QUOTE, end + 1)
    return end


def _number_ends(data: bytes, at: Ints) -> Ints:
    """Where numbers end that begin at these places; before that where none does."""
    look = _looks(data, at)
    is_end = (look == _COMMA) | (look == _BRACE) | (look == _BRACKET) | (look <= _SPACE)
    place = is_end.argmax(axis=1)  # 0 where there is none, or nothing before it
    is_number = (look[:, 0] == _MINUS) | ((look[:, 0] - _ZERO) <= 9)  # what is below 0 wraps
    return np.where((place > 0) & is_number, at + place, -1)


def _looks(data: bytes, at: Ints) -> npt.NDArray[np.uint8]:
    """The bytes from each place on; zeros behind the end of the data."""
    last = len(data) - _WINDOW
    windows: npt.NDArray[Any] = np.ndarray((last + 1,), f"V{_WINDOW}", data, strides=(1,))
    found = windows[np.minimum(at, last)].view(np.uint8).reshape(len(at), _WINDOW)
    for row in np.flatnonzero(at > last).tolist():
        found[row] = np.frombuffer(data[at[row] :].ljust(_WINDOW, b"\0"), np.uint8)
    return found
