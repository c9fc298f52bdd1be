"""A result is the same in every form, and harmless in each."""

import csv
import io
import json
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.cli.output import Output, cell, iso, neutral, to_json

HOSTILE = 'a\x1b[31mred\x1b[0m\x07\u202egpj.exe\x9b2J\u2028\n"x",<b>[bold]'


class Terminal(io.StringIO):
    """A text stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def written(form: str, frame: pl.DataFrame, stream: io.StringIO | None = None) -> str:
    stream = io.StringIO() if stream is None else stream
    Output(form, stream).frame(frame)
    return stream.getvalue()


def test_a_plain_table_is_aligned_and_ends_lines_without_blanks() -> None:
    frame = pl.DataFrame({"account_id": ["a", "long"], "calls": [10, None], "is_new": [True, False]})
    assert written("table", frame) == (
        "account_id  calls  is_new\n"
        "----------  -----  ------\n"
        "a           10     yes\n"
        "long               no\n"
    )  # fmt: skip


def test_wide_characters_keep_the_columns_aligned() -> None:
    lines = written("table", pl.DataFrame({"a": ["日本", "x"], "b": [1, 2]})).splitlines()
    assert lines[2:] == ["日本  1", "x     2"]


def test_a_terminal_gets_a_table_that_neither_obeys_markup_nor_escapes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    shown = written("table", pl.DataFrame({"[red]name": [HOSTILE]}), Terminal())
    shown = shown.replace("\x1b[1m", "").replace("\x1b[0m", "")  # what our own bold header is made of
    assert "[red]name" in shown
    assert "[bold]" in shown
    assert "\\x1b[31mred" in shown
    assert not {"\x1b", "\x07", "\u202e", "\x9b", "\u2028"} & set(shown)


@pytest.mark.parametrize("form", ["table", "json", "csv"])
def test_no_form_writes_anything_a_terminal_would_obey(form: str) -> None:
    shown = written(form, pl.DataFrame({HOSTILE: [HOSTILE], "nested": [[{"x": HOSTILE}]]}))
    assert not {"\x1b", "\x07", "\u202e", "\x9b", "\u2028", "\r"} & set(shown)


@given(st.text())
def test_json_keeps_every_character_of_a_text(text: str) -> None:
    assert json.loads(to_json({"text": text})) == {"text": text}


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_neutral_text_is_one_printable_line(text: str) -> None:
    shown = neutral(text)
    assert shown.splitlines() in ([shown], [])
    assert neutral(shown) == shown


def test_json_is_an_array_with_one_object_a_line() -> None:
    frame = pl.DataFrame({"id": ["é", "b"], "n": [1, 2]})
    assert written("json", frame) == '[\n{"id": "é", "n": 1},\n{"id": "b", "n": 2}\n]\n'
    assert json.loads(written("json", frame.clear())) == []


def test_times_are_utc_in_json_and_numbers_that_json_lacks_are_null() -> None:
    value = {
        "at": datetime(2026, 3, 1, 13, tzinfo=timezone(timedelta(hours=1))),
        "day": date(2026, 3, 1),
        "for": timedelta(seconds=1.5),
        "nan": float("nan"),
        "inf": float("inf"),
        "bytes": b"\xff",
    }
    assert json.loads(to_json(value)) == {
        "at": "2026-03-01T12:00:00Z", "day": "2026-03-01", "for": 1.5, "nan": None, "inf": None, "bytes": "ff",
    }  # fmt: skip


def test_a_moment_without_a_zone_is_taken_as_utc() -> None:
    assert iso(datetime(2026, 3, 1, 12)) == iso(datetime(2026, 3, 1, 12, tzinfo=UTC)) == "2026-03-01T12:00:00Z"  # noqa: DTZ001 - the case in question


@pytest.mark.parametrize("formula", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_csv_never_starts_a_text_with_what_a_spreadsheet_would_compute(formula: str) -> None:
    row = list(csv.reader(io.StringIO(written("csv", pl.DataFrame({formula: [formula]})))))
    assert all(line[0][0] not in "=+-@\t\r" for line in row)


def test_csv_keeps_negative_numbers_as_numbers_and_nested_values_as_json() -> None:
    frame = pl.DataFrame({"n": [-1, None], "list": [["a,b"], []], "time": [datetime(2026, 1, 1, tzinfo=UTC), None]})
    assert written("csv", frame) == 'n,list,time\n-1,"[""a,b""]",2026-01-01T00:00:00Z\n,[],\n'


def test_one_record_is_its_text_its_object_or_one_row() -> None:
    forms = {}
    for form in ("text", "json", "csv"):
        stream = io.StringIO()
        Output(form, stream).record({"a": 1, "b": ["x"]}, "a is 1\n\n")
        forms[form] = stream.getvalue()
    assert forms == {
        "text": "a is 1\n",
        "json": '{\n  "a": 1,\n  "b": [\n    "x"\n  ]\n}\n',
        "csv": 'a,b\n1,"[""x""]"\n',
    }


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, ""), (True, "yes"), (0.1 + 0.2, "0.3"), (1767225600.5, "1767225600"), (12, "12"), ("a\nb", "a\\nb"),
        (["a", "b"], "a, b"), ([1, 2], "[1, 2]"), ({"k": None}, '{"k": null}'), (date(2026, 1, 2), "2026-01-02"),
    ],
)  # fmt: skip
def test_a_cell_is_one_line(value: Any, shown: str) -> None:
    assert cell(value) == shown
