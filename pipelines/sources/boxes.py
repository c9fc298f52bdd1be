"""Arithmetic of what was read: boxes over bytes (or rows) and event times."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

EVER = (-(2**63), 2**63 - 1)
"""All event times, in microseconds since 1970."""

Span = tuple[int, int]


@dataclass(frozen=True)
class Box:
    """The records that begin in [start, end) and have an event time in [since, until) microseconds."""

    start: int
    end: int
    since: int = EVER[0]
    until: int = EVER[1]


@dataclass(frozen=True)
class Stretch:
    """Bytes [start, end) that have to be read for some event times.

    Attributes:
        start: first byte (or row).
        end: byte behind the last.
        times: event times wanted, in order, disjoint.
        again: the bytes were read before, for other times: their rejects and ignored records are counted already.
    """

    start: int
    end: int
    times: tuple[Span, ...]
    again: bool


def missing(start: int, end: int, times: Span, taken: Iterable[Box]) -> list[Stretch]:
    """What [start, end) x times holds beyond the boxes taken, in order, in as few stretches as can be.

    >>> missing(0, 10, (0, 9), [Box(0, 4, 0, 9), Box(0, 6, 2, 5)])[0]
    Stretch(start=4, end=6, times=((0, 2), (5, 9)), again=True)
    """
    boxes = [box for box in taken if box.start < end and box.end > start]
    edges = {start, end, *(box.start for box in boxes), *(box.end for box in boxes)}
    borders = sorted(edge for edge in edges if start <= edge <= end)
    found: list[Stretch] = []
    for low, high in pairwise(borders):
        covered = [(box.since, box.until) for box in boxes if box.start <= low and box.end >= high]
        wanted = _without(times, covered)
        if not wanted:
            continue
        again = bool(covered)
        if found and found[-1].end == low and (found[-1].times, found[-1].again) == (wanted, again):
            low = found.pop().start
        found.append(Stretch(low, high, wanted, again))
    return found


def cut_at(boxes: Iterable[Box], end: int) -> tuple[Box, ...]:
    """The boxes without what lies at or beyond an offset."""
    return tuple(Box(b.start, min(b.end, end), b.since, b.until) for b in boxes if b.start < end)


def without_stretch(boxes: Iterable[Box], low: int, high: int) -> tuple[Box, ...]:
    """The boxes without the bytes [low, high)."""
    left = [Box(b.start, min(b.end, low), b.since, b.until) for b in boxes if b.start < low]
    right = [Box(max(b.start, high), b.end, b.since, b.until) for b in boxes if b.end > high]
    return tuple(left + right)


def tidy(boxes: Iterable[Box]) -> tuple[Box, ...]:
    """The same coverage with fewer boxes: contained ones dropped, neighbours of equal times or bytes joined."""
    result = sorted(set(boxes), key=_place)
    changed = True
    while changed:
        changed = False
        for number, first in enumerate(result):
            joined = _joined_with_another(first, result[number + 1 :])
            if joined is not None:
                other, box = joined
                result = sorted([b for b in result if b not in (first, other)] + [box], key=_place)
                changed = True
                break
    return tuple(result)


def _place(box: Box) -> tuple[int, int, int, int]:
    return box.start, box.end, box.since, box.until


def _joined_with_another(box: Box, others: Sequence[Box]) -> tuple[Box, Box] | None:
    for other in others:
        inside = [b for b in (box, other) if _contains(b, other if b is box else box)]
        if inside:
            return other, inside[0]
        if (box.since, box.until) == (other.since, other.until) and other.start <= box.end and box.start <= other.end:
            union = Box(min(box.start, other.start), max(box.end, other.end), box.since, box.until)
            return other, union
        if (box.start, box.end) == (other.start, other.end) and other.since <= box.until and box.since <= other.until:
            union = Box(box.start, box.end, min(box.since, other.since), max(box.until, other.until))
            return other, union
    return None


def _contains(outer: Box, inner: Box) -> bool:
    return (
        outer.start <= inner.start
        and outer.end >= inner.end
        and outer.since <= inner.since
        and outer.until >= inner.until
    )


def _without(times: Span, covered: Iterable[Span]) -> tuple[Span, ...]:
    left: list[Span] = []
    position = times[0]
    for low, high in sorted(covered):
        if low > position:
            left.append((position, min(low, times[1])))
        position = max(position, high)
        if position >= times[1]:
            break
    if position < times[1]:
        left.append((position, times[1]))
    return tuple(span for span in left if span[0] < span[1])
