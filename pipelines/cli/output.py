"""The result of a command on stdout: a table for people, JSON or CSV for programs."""

import csv
import json
import math
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

import click

if TYPE_CHECKING:
    import polars as pl

FORMATS = ("table", "json", "csv")

_INVISIBLE = "\x7f-\x9f\xad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff\U000e0000-\U000e007f"
_HOSTILE = re.compile(f"[\x00-\x1f{_INVISIBLE}]")
_HOSTILE_IN_JSON = re.compile(f"[{_INVISIBLE}]")
_FORMULA = re.compile(r"[=+\-@\t\r]")

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


def format_option(formats: Sequence[str] = FORMATS, *, reads_sources: bool = False) -> Callable[[Decorated], Decorated]:
    """The option that chooses how the result is written; the command receives it as `output_format`.

    It is `--output-format` everywhere; where no sources are read, whose format `--format` would name, that does as well.
    """
    names = ("--output-format",) if reads_sources else ("--output-format", "--format")
    return click.option(
        *names,
        "output_format",
        type=click.Choice(formats),
        default=formats[0],
        show_default=True,
        help="How the result is written.",
    )


def neutral(text: str) -> str:
    r"""The text with control characters, terminal escapes and direction overrides spelled out.

    >>> neutral("red\x1b[31m")
    'red\\x1b[31m'
    """
    return _HOSTILE.sub(lambda match: match.group().encode("unicode_escape").decode(), text)


def iso(moment: datetime) -> str:
    """The moment as RFC 3339 in UTC; a moment without a zone is taken as UTC.

    >>> iso(datetime(2026, 3, 1, 12, 0, 0, 500_000, tzinfo=UTC))
    '2026-03-01T12:00:00.500000Z'
    """
    zoned = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return zoned.isoformat().removesuffix("+00:00") + "Z"


def to_json(value: Any, *, indent: int | None = None) -> str:
    """The value as JSON: ISO times, null for NaN and infinities, nothing in it that a terminal would obey."""
    text = json.dumps(_plain(value), ensure_ascii=False, allow_nan=False, indent=indent)
    return _HOSTILE_IN_JSON.sub(lambda match: json.dumps(match.group())[1:-1], text)


@dataclass(frozen=True)
class Output:
    """Where a command puts its result, and in which form.

    Attributes:
        format: `table`, `json` or `csv` (a command may offer other names for the first).
        stream: where it is written; stdout at the time of writing if None.
    """

    format: str
    stream: TextIO | None = None

    def frame(self, frame: "pl.DataFrame") -> None:
        """Writes the rows: an aligned table, a JSON array with one object a line, or CSV with a header."""
        self.rows(frame.columns, frame.iter_rows())

    def rows(self, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Writes rows of any origin; see `frame`."""
        stream = self._stream
        if self.format == "json":
            separator = "["
            for row in rows:
                stream.write(f"{separator}\n{to_json(dict(zip(columns, row, strict=True)))}")
                separator = ","
            stream.write("[]\n" if separator == "[" else "\n]\n")
        elif self.format == "csv":
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow([_unformula(neutral(name)) for name in columns])
            writer.writerows([_csv_cell(value) for value in row] for row in rows)
        else:
            cells = [[cell(value) for value in row] for row in rows]
            headers = [neutral(name) for name in columns]
            if stream.isatty():
                _rich_table(headers, cells, stream)
            else:
                _plain_table(headers, cells, stream)

    def record(self, values: Mapping[str, Any], text: str) -> None:
        """Writes one thing: `text` for people (already neutral), the values for programs."""
        if self.format == "json":
            self._stream.write(to_json(values, indent=2) + "\n")
        elif self.format == "csv":
            self.rows(list(values), [list(values.values())])
        else:
            self.text(text)

    def text(self, text: str) -> None:
        """Writes text for people, already neutral; nothing where it is empty."""
        if text:
            self._stream.write(text.rstrip("\n") + "\n")

    @property
    def _stream(self) -> TextIO:
        return sys.stdout if self.stream is None else self.stream


def cell(value: Any) -> str:
    """A value as one line of readable text; "" for null, six digits for a float.

    >>> cell(["a", "b"]), cell(0.123456789), cell(None)
    ('a, b', '0.123457', '')
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return neutral(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}" if abs(value) < 1e6 else f"{value:.0f}"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ", ".join(neutral(item) for item in value)
    return neutral(to_json(value)) if isinstance(value, list | dict) else neutral(str(_plain(value)))


def _plain(value: Any) -> Any:
    """The value made of what JSON knows."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, Iterable):
        return [_plain(item) for item in value]
    return str(value)


def _csv_cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return _unformula(neutral(value))
    plain = _plain(value)
    return plain if isinstance(plain, str) else to_json(plain)


def _unformula(text: str) -> str:
    """The text with an apostrophe before anything a spreadsheet would take for a formula."""
    return f"'{text}" if _FORMULA.match(text) else text


def _plain_table(headers: Sequence[str], rows: Sequence[Sequence[str]], stream: TextIO) -> None:
    from rich.cells import cell_len

    widths = [max(cell_len(line[index]) for line in (headers, *rows)) for index in range(len(headers))]
    for line in (headers, ["-" * width for width in widths], *rows):
        padded = [text + " " * (width - cell_len(text)) for text, width in zip(line, widths, strict=True)]
        stream.write("  ".join(padded).rstrip() + "\n")


def _rich_table(headers: Sequence[str], rows: Sequence[Sequence[str]], stream: TextIO) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, show_edge=False)
    for header in headers:
        table.add_column(Text(header), overflow="fold")
    for row in rows:
        table.add_row(*[Text(text) for text in row])
    Console(file=stream, highlight=False, emoji=False, markup=False).print(table)
