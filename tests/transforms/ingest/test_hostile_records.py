"""Hostile records: whatever a line holds, it is one record, its neighbours do not notice, and nothing absurd gets in."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from ingest_blocks import SOURCE, decoded
from schemas.event import EVENT
from schemas.policy import Policy
from schemas.reject import REJECT
from transforms.ingest import ADAPTERS, Adapter, Decoded

FIXTURES = Path(__file__).parents[2] / "fixtures" / "ingest"
MIDDLE = 40
"""Offset inside every fixture's first line: in its second field, past the first."""

HUGE = 10_000_000
LARGEST = 2**53
"""No count of one call is larger: a thousand such calls still add up in 64 bits."""

every_adapter = pytest.mark.parametrize("adapter", ADAPTERS.values(), ids=lambda adapter: adapter.name)
every_json_adapter = pytest.mark.parametrize(
    "adapter", [a for a in ADAPTERS.values() if a.name != "combined"], ids=lambda adapter: adapter.name
)


@cache
def clean_lines(name: str) -> tuple[bytes, ...]:
    """Lines of a format's fixture that are one event each."""
    (path,) = (FIXTURES / name).glob("records.*")
    lines = path.read_bytes().split(b"\n")
    return tuple(line for line in lines if _is_clean(decoded(name, line)) and not line.startswith(b"["))


@cache
def clean_events(name: str) -> pl.DataFrame:
    """What becomes of the lines of a format's fixture without a hostile one behind the second."""
    return _placed(decoded(name, b"\n".join(clean_lines(name))).events)


def _is_clean(result: Decoded) -> bool:
    return (result.events.height, result.records) == (1, 1)


def inside(change: bytes) -> Callable[[bytes], bytes]:
    return lambda line: line[:MIDDLE] + change + line[MIDDLE:]


def more(field: bytes) -> Callable[[bytes], bytes]:
    return lambda line: line.rstrip()[:-1] + b", " + field + b"}"


IN_ANY_FORMAT: dict[str, Callable[[bytes], bytes]] = {
    "NUL": inside(b"\0"),
    "control bytes": inside(b"\x01\x1b[31m\x7f"),
    "no UTF-8": inside(b"\xff\xfe"),
    "half a character": inside(b"\xc3"),
    "an encoded surrogate": inside(b"\xed\xa0\x80"),
    "an overlong slash": inside(b"\xc0\xaf"),
    "a byte order mark inside": inside(b"\xef\xbb\xbf"),
    "a lone carriage return": inside(b"\r"),
    "line separators of Unicode": inside("\x85\u2028\u2029".encode()),
    "vertical tab and form feed": inside(b"\x0b\x0c"),
    "cut off": lambda line: line[: len(line) // 2],
    "twice on a line": lambda line: line + line,
    "ten megabytes inside": inside(b"A" * HUGE),
    "ten megabytes of blanks behind": lambda line: line + b" " * HUGE,
    "ten megabytes of quotes": lambda line: b'"' * HUGE,
    "ten megabytes of backslashes": inside(b"\\" * HUGE),
    "only controls": lambda line: b"\0\0\0\0",
}
IN_JSON: dict[str, Callable[[bytes], bytes]] = {
    "1,000 levels": more(b'"x": ' + b"[" * 1000 + b"]" * 1000),
    "100,000 levels": more(b'"x": ' + b"[" * 100_000 + b"]" * 100_000),
    "100,000 levels of objects": more(b'"x": ' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
    "100,000 arrays that never end": lambda line: b"[" * 100_000,
    "100,000 objects that never end": lambda line: b'{"a":' * 100_000,
    "a lone surrogate": more(b'"x": "\\ud800"'),
    "an escaped NUL": more(b'"x": "\\u0000"'),
    "a number without end": more(b'"x": ' + b"9" * 100_000),
    "an exponent beyond all": more(b'"x": 1e999999999'),
    "no number": more(b'"x": NaN'),
    "another value behind": lambda line: line + b"{}",
    "single quotes": lambda line: line.replace(b'"', b"'"),
    "a name of a megabyte": more(b'"' + b"n" * 1_000_000 + b'": 1'),
    "100,000 unknown names": more(b", ".join(b'"n%d": 1' % n for n in range(100_000))),
}


def assert_one_record_that_nobody_notices(adapter: Adapter, hostile: bytes) -> Decoded:
    """A hostile line is one record, the same alone and among others, which are the same with and without it; what it is alone."""
    lines = clean_lines(adapter.name)
    before, after = b"\n".join(lines[:2]), b"\n".join(lines[2:])
    start = len(before) + 1
    result = decoded(adapter.name, b"\n".join([before, hostile, after]))
    assert result.records == len(lines) + 1
    EVENT.check(result.events)
    REJECT.check(result.rejects)

    others = result.events.filter(pl.col("position") != start)
    moved = pl.when(pl.col("position") > start).then(pl.col("position") - len(hostile) - 1).otherwise("position")
    assert_frame_equal(_placed(others.with_columns(position=moved)), clean_events(adapter.name))

    alone = decoded(adapter.name, hostile)
    assert_frame_equal(_unplaced(result.events.filter(pl.col("position") == start)), _unplaced(alone.events))
    assert_frame_equal(
        result.rejects.drop("position", "line"), alone.rejects.drop("position", "line"), check_row_order=False
    )
    assert result.rejects.select("position", "line").rows() == [(start, 3)] * alone.rejects.height
    return alone


def _placed(events: pl.DataFrame) -> pl.DataFrame:
    """The events in order, ids made of places left out."""
    made = pl.col("event_id").str.starts_with(SOURCE)
    return events.with_columns(event_id=pl.when(~made).then("event_id")).sort("position")


def _unplaced(events: pl.DataFrame) -> pl.DataFrame:
    return _placed(events).drop("position")


@every_adapter
@pytest.mark.parametrize("damage", IN_ANY_FORMAT)
def test_a_hostile_line_is_one_record_that_its_neighbours_do_not_notice(adapter: Adapter, damage: str) -> None:
    assert_one_record_that_nobody_notices(adapter, IN_ANY_FORMAT[damage](clean_lines(adapter.name)[0]))


@every_json_adapter
@pytest.mark.parametrize("damage", IN_JSON)
def test_hostile_json_is_one_record_that_its_neighbours_do_not_notice(adapter: Adapter, damage: str) -> None:
    assert_one_record_that_nobody_notices(adapter, IN_JSON[damage](clean_lines(adapter.name)[0]))


@every_json_adapter
def test_a_record_whose_names_all_come_twice_is_refused_or_the_record_said_once(adapter: Adapter) -> None:
    line = clean_lines(adapter.name)[0]
    doubled = line.rstrip()[:-1] + b", " + line.lstrip()[1:]
    result = assert_one_record_that_nobody_notices(adapter, doubled)
    if result.rejects.is_empty():
        assert_frame_equal(_unplaced(result.events), _unplaced(decoded(adapter.name, line).events))
    else:
        assert result.rejects["reason"].to_list() == ["not_json"]


TIMES = {
    "canonical": rb'(?<="time": )"[^"]*"',
    "litellm": rb'(?<="endTime": )[\d.]+',
    "nginx_json": rb'(?<="msec": )"[^"]*"',
    "combined": rb"(?<=\[)[^\]]*(?=\])",
}
HOSTILE_TIMES = (
    b"0", b"-1", b"1e400", b"-1e400", b"NaN", b"9223372036854775808", b"4102444800", b"999999999999999", b"253402300800", b"-62135596801",
    b"1970-01-01T00:00:00Z", b"2100-01-01T00:00:00Z", b"0000-00-00T00:00:00Z", b"10000-01-01T00:00:00Z",
    b"2026-02-30T00:00:00Z", "٢٠٢٦-٠٣-٠٢T٠٩:٠٠:٠٠Z".encode(), "١٧٧٢٤٤٢٠٠٠".encode(),
    "٠٢/Mar/٢٠٢٦:٠٩:٠٠:٠٠ +٠٠٠٠".encode(), b"2026-03-02T25:61:61Z", b"02/Xyz/2026:09:00:00 +0000", b"01/Jan/1970:00:00:00 +0000",
    b"01/Jan/2100:00:00:00 +0000", b"02/Mar/10000:09:00:00 +0000", b"02/Mar/0000:09:00:00 +0000", b"\0", b"",
)  # fmt: skip


@every_adapter
@pytest.mark.parametrize("time", HOSTILE_TIMES, ids=repr)
def test_no_impossible_time_becomes_an_event(adapter: Adapter, time: bytes) -> None:
    assert set(TIMES) == set(ADAPTERS), "say where the new format has its time"
    line, policy = clean_lines(adapter.name)[0], Policy()
    values = [time] if adapter.name == "combined" else [time, b'"' + time + b'"']
    for value in values:
        hostile = re.sub(TIMES[adapter.name], lambda _, value=value: value, line, count=1)  # type: ignore[misc]
        assert hostile != line
        result = assert_one_record_that_nobody_notices(adapter, hostile)
        earliest, latest = (
            datetime.fromisoformat(day).replace(tzinfo=UTC) for day in (policy.time.earliest, policy.time.latest)
        )
        assert result.events.filter(~pl.col("time").is_between(earliest, latest, closed="left")).is_empty()


COUNTS = {
    "canonical": rb'(?<="input_tokens": )\d+',
    "litellm": rb'(?<="prompt_tokens": )\d+',
    "nginx_json": rb'(?<="body_bytes_sent": )"\d+"',
    "combined": rb"(?<= )512(?= )",
}
HOSTILE_COUNTS = (
    b"-1", b"-9223372036854775809", b"9223372036854775807", b"9223372036854775808", b"18446744073709551616", b"1e400",
    b"-1e400", b"NaN", b"Infinity", b"0x10", b"1_000", "١٢".encode(), b"true", b"[]", b"1" * 5000, b"4611686018427387904",
)  # fmt: skip


@every_adapter
@pytest.mark.parametrize("count", HOSTILE_COUNTS, ids=lambda count: repr(count[:24]))
def test_no_absurd_count_becomes_an_event(adapter: Adapter, count: bytes) -> None:
    assert set(COUNTS) == set(ADAPTERS), "say where the new format has a count"
    line = clean_lines(adapter.name)[0]
    for value in [count] if adapter.name == "combined" else [count, b'"' + count + b'"']:
        hostile = re.sub(COUNTS[adapter.name], lambda _, value=value: value, line, count=1)  # type: ignore[misc]
        assert hostile != line
        events = assert_one_record_that_nobody_notices(adapter, hostile).events
        numbers = events.select(pl.selectors.integer()).drop("account_hash", "presence", "position")
        counts = numbers.select(name for name in numbers.columns if EVENT.metadata(name).get("at_least") == "0")
        assert all(value is None or 0 <= value <= LARGEST for row in counts.rows() for value in row)


HOSTILE_TEXTS = (
    "\x1b]0;pwned\x07\x1b[2J", "=cmd|' /C calc'!A0", "<script>alert(1)</script>", "../../../etc/passwd", "a\0b",
    "\u202egnp.exe", "'; DROP TABLE events; --", "%n%s%x", "A" * 1_000_000, "\ufeff", "[bold red]x[/]", " ", "\t", "-",
)  # fmt: skip


@every_json_adapter
@pytest.mark.parametrize("text", HOSTILE_TEXTS, ids=lambda text: repr(text[:12]))
def test_a_hostile_text_in_every_text_field_is_one_record_of_bounded_size(adapter: Adapter, text: str) -> None:
    line = clean_lines(adapter.name)[0]
    escaped = json.dumps(text).encode()
    fields = list(re.finditer(rb'(?<=: )"[^"\\]*"', line))
    result = decoded(adapter.name, b"\n".join(line[: f.start()] + escaped + line[f.end() :] for f in fields))
    assert result.records == len(fields)
    EVENT.check(result.events)
    assert max(len(repr(event)) for event in result.events.rows()) < 20_000, (
        "what a call can put into the lake is bounded"
    )
