"""Figures of the page as inline SVG, written by hand: no scripts, nothing from elsewhere, equal input gives equal bytes."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

Point = tuple[float, float]

WIDTH, HEIGHT = 560, 300
LEFT, RIGHT, TOP, BOTTOM = 64, 120, 28, 44
COLOURS = ("#0969da", "#cf222e", "#1a7f37", "#8250df", "#bf8700", "#0b7285", "#d63384", "#57606a", "#e8590c", "#364fc7")


@dataclass(frozen=True)
class Axis:
    """One axis.

    Attributes:
        name: what it shows, with its unit.
        is_log: logarithmic; values at or below 0 are left out then.
        is_share: values are shares of 1, told in per cent.
    """

    name: str
    is_log: bool = False
    is_share: bool = False


@dataclass(frozen=True)
class Line:
    """One curve.

    Attributes:
        name: told at its end.
        points: x and y, in order of x.
        mark: a point to be marked, such as the moment of a flag.
    """

    name: str
    points: Sequence[Point]
    mark: Point | None = None


def curves(title: str, x: Axis, y: Axis, lines: Sequence[Line], levels: Sequence[tuple[str, float]] = ()) -> str:
    """Curves in one frame, with named horizontal levels; an empty string where there is nothing to draw."""
    kept = [Line(line.name, _drawable(line.points, x, y), line.mark) for line in lines]
    kept = [line for line in kept if line.points]
    if not kept:
        return ""
    points = [point for line in kept for point in line.points]
    across = _scale([p[0] for p in points], x, LEFT, WIDTH - RIGHT)
    down = _scale([p[1] for p in points] + ([0.0, 1.0] if y.is_share else []), y, HEIGHT - BOTTOM, TOP)
    drawn = _frame(title, x, y, across, down)
    for name, value in levels:
        if down.low <= value <= down.high:
            at = down.at(value)
            drawn += f'<line class="level" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>'
            drawn += f'<text x="{WIDTH - RIGHT + 4}" y="{at + 4:.1f}">{escape(name)}</text>'
    taken: list[float] = []
    for number, line in enumerate(kept):
        colour = COLOURS[number % len(COLOURS)]
        path = " ".join(f"{across.at(px):.1f},{down.at(py):.1f}" for px, py in line.points)
        drawn += f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{path}"/>'
        if len(line.points) < 12:
            drawn += "".join(
                f'<circle fill="{colour}" r="3" cx="{across.at(px):.1f}" cy="{down.at(py):.1f}"/>'
                for px, py in line.points
            )
        if line.mark is not None and _drawable([line.mark], x, y):
            px, py = line.mark
            drawn += f'<circle fill="none" stroke="{colour}" stroke-width="2" r="6" cx="{across.at(px):.1f}" cy="{down.at(py):.1f}"/>'
        height = down.at(line.points[-1][1]) + 4
        while any(abs(height - other) < 12 for other in taken):
            height += 4
        taken.append(height)
        drawn += f'<text fill="{colour}" x="{across.at(line.points[-1][0]) + 8:.1f}" y="{height:.1f}">{escape(line.name)}</text>'
    return _svg(WIDTH, HEIGHT, drawn)


def bars(title: str, rows: Sequence[tuple[str, float, float, float]], level: tuple[str, float] | None = None) -> str:
    """Horizontal bars of shares with their intervals: (name, value, low, high); a level is a vertical line."""
    if not rows:
        return ""
    label, high = 210, 20
    most = max([row[3] for row in rows] + ([level[1]] if level else [])) or 1.0
    room = WIDTH - label - 90

    def across(value: float) -> float:
        return label + value / most * room

    drawn = f'<text class="title" x="8" y="18">{escape(title)}</text>'
    for number, (name, value, least, upper) in enumerate(rows):
        top = 30 + number * high
        drawn += f'<text x="{label - 6}" y="{top + 13}" text-anchor="end">{escape(name)}</text>'
        drawn += f'<rect fill="{COLOURS[0]}" x="{label}" y="{top + 3}" width="{across(value) - label:.1f}" height="{high - 7}"/>'
        middle = top + high / 2 - 0.5
        drawn += f'<line class="span" x1="{across(least):.1f}" x2="{across(upper):.1f}" y1="{middle}" y2="{middle}"/>'
        drawn += f'<text x="{across(upper) + 5:.1f}" y="{top + 13}">{told(value, is_share=True)}</text>'
    if level is not None:
        at, end = across(level[1]), 30 + len(rows) * high
        drawn += f'<line class="level" x1="{at:.1f}" x2="{at:.1f}" y1="26" y2="{end}"/>'
        drawn += f'<text x="{at:.1f}" y="{end + 12}" text-anchor="middle">{escape(level[0])}</text>'
    return _svg(WIDTH, 50 + len(rows) * high, drawn)


def told(value: float, *, is_share: bool = False) -> str:
    """A number as one reads it: shares in per cent, thousands as k, millions as M.

    >>> told(0.001, is_share=True), told(52_000), told(0.5), told(0, is_share=True)
    ('0.1%', '52k', '0.5', '0%')
    """
    if is_share:
        return f"{100 * value:.2g}%" if value < 0.995 else f"{100 * value:.0f}%"
    for least, unit in ((1e6, "M"), (1e3, "k")):
        if abs(value) >= least:
            return f"{value / least:.3g}{unit}"
    return f"{value:.3g}"


@dataclass(frozen=True)
class _Scale:
    low: float
    high: float
    begin: float
    end: float
    is_log: bool

    def at(self, value: float) -> float:
        """The place of a value on the page, cut at the frame."""
        low, high, here = (math.log(v) if self.is_log else v for v in (self.low, self.high, max(value, self.low)))
        share = 0.5 if high == low else min((here - low) / (high - low), 1.0)
        return self.begin + share * (self.end - self.begin)

    def ticks(self) -> list[float]:
        if self.is_log:
            first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
            return [10.0**power for power in range(first, last + 1) if self.low <= 10.0**power <= self.high]
        return [self.low + (self.high - self.low) * step / 4 for step in range(5)]


def _scale(values: Sequence[float], axis: Axis, begin: float, end: float) -> _Scale:
    low, high = min(values), max(values)
    return _Scale(low if axis.is_log else min(low, 0.0), high if high > low else low + 1.0, begin, end, axis.is_log)


def _drawable(points: Sequence[Point], x: Axis, y: Axis) -> list[Point]:
    return [(px, py) for px, py in points if (px > 0 or not x.is_log) and (py > 0 or not y.is_log)]


def _frame(title: str, x: Axis, y: Axis, across: _Scale, down: _Scale) -> str:
    drawn = f'<text class="title" x="{LEFT}" y="16">{escape(title)}</text>'
    for value in down.ticks():
        at = down.at(value)
        drawn += f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>'
        drawn += f'<text x="{LEFT - 6}" y="{at + 4:.1f}" text-anchor="end">{told(value, is_share=y.is_share)}</text>'
    for value in across.ticks():
        drawn += f'<text x="{across.at(value):.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{told(value, is_share=x.is_share)}</text>'
    middle = (LEFT + WIDTH - RIGHT) / 2
    drawn += f'<text x="{middle}" y="{HEIGHT - 8}" text-anchor="middle">{escape(x.name)}</text>'
    return (
        drawn
        + f'<text transform="translate(13,{(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)" text-anchor="middle">{escape(y.name)}</text>'
    )


def _svg(width: int, height: int, drawn: str) -> str:
    return f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img">{drawn}</svg>'
