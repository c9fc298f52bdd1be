"""Small figures as SVG, written by hand: nothing to install, equal input gives equal bytes."""

import math
from collections.abc import Sequence
from html import escape

_WIDTH, _HEIGHT = 360, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 16, 34, 44
_STYLE = (
    "<style>text{font:11px sans-serif;fill:#57606a}.t{font-size:13px;fill:#24292f}.g{stroke:#d0d7de}"
    ".l{fill:none;stroke:#0969da;stroke-width:2}.p{fill:#0969da}.b{fill:#0969da}"
    "@media(prefers-color-scheme:dark){text{fill:#8b949e}.t{fill:#e6edf3}.g{stroke:#30363d}}</style>"
)

Points = Sequence[tuple[float, float]]


def panels(parts: Sequence[tuple[str, str, Points]]) -> str:
    """Curves beside each other: (title, name of the x axis, points); x is logarithmic, y begins at 0."""
    drawn = "".join(
        f'<g transform="translate({number * _WIDTH},0)">{_panel(*part)}</g>' for number, part in enumerate(parts)
    )
    return _svg(_WIDTH * len(parts), _HEIGHT, drawn)


def bars(title: str, rows: Sequence[tuple[str, float]], unit: str) -> str:
    """Horizontal bars with their values."""
    label, width, high = 190, 640, 18
    most = max((value for _, value in rows), default=0.0) or 1.0
    drawn = f'<text class="t" x="8" y="18">{escape(title)}</text>'
    for number, (name, value) in enumerate(rows):
        top = 30 + number * high
        length = value / most * (width - label - 90)
        drawn += f'<text x="{label - 6}" y="{top + 12}" text-anchor="end">{escape(name)}</text>'
        drawn += f'<rect class="b" x="{label}" y="{top + 2}" width="{length:.1f}" height="{high - 5}"/>'
        drawn += f'<text x="{label + length + 5:.1f}" y="{top + 12}">{_short(value)} {escape(unit)}</text>'
    return _svg(width, 40 + len(rows) * high, drawn)


def _panel(title: str, axis: str, points: Points) -> str:
    ordered = sorted(points)
    lows, highs = math.log(ordered[0][0]), math.log(ordered[-1][0])
    top = _round_up(max(y for _, y in ordered))
    wide, high = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM

    def across(x: float) -> float:
        return _LEFT + (wide / 2 if highs == lows else (math.log(x) - lows) / (highs - lows) * wide)

    def down(y: float) -> float:
        return _TOP + high - y / top * high

    drawn = f'<text class="t" x="{_LEFT}" y="18">{escape(title)}</text>'
    for step in range(5):
        y = top * step / 4
        drawn += f'<line class="g" x1="{_LEFT}" x2="{_LEFT + wide}" y1="{down(y):.1f}" y2="{down(y):.1f}"/>'
        drawn += f'<text x="{_LEFT - 6}" y="{down(y) + 4:.1f}" text-anchor="end">{_short(y)}</text>'
    last = -math.inf
    for x, _ in ordered:
        if across(x) - last > 34:  # labels must not overlap
            last = across(x)
            drawn += f'<text x="{last:.1f}" y="{_TOP + high + 16}" text-anchor="middle">{_short(x)}</text>'
    drawn += f'<text x="{_LEFT + wide / 2:.1f}" y="{_HEIGHT - 10}" text-anchor="middle">{escape(axis)}</text>'
    path = " ".join(f"{across(x):.1f},{down(y):.1f}" for x, y in ordered)
    drawn += f'<polyline class="l" points="{path}"/>'
    return drawn + "".join(f'<circle class="p" cx="{across(x):.1f}" cy="{down(y):.1f}" r="3"/>' for x, y in ordered)


def _svg(width: int, height: int, drawn: str) -> str:
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{_STYLE}{drawn}</svg>\n'


def _round_up(value: float) -> float:
    """The next of 1, 2, 4, 5, 8, 10 times a power of ten; not 0."""
    if value <= 0:
        return 1.0
    unit = 10.0 ** math.floor(math.log10(value))
    return next(unit * step for step in (1, 2, 4, 5, 8, 10) if unit * step >= value * (1 - 1e-9))


def _short(value: float) -> str:
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:.3g}"
