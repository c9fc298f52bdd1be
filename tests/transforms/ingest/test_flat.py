"""Records read by columns are those read one by one."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from ingest_blocks import blocks, context, decoded
from schemas.event import EVENT
from schemas.reject import REJECT
from transforms.ingest import ADAPTERS, Decoded
from transforms.ingest.canonical_fields import FIELDS
from transforms.ingest.canonical_lines import read_lines
from transforms.ingest.flat import LEAST_RECORDS
from transforms.ingest.framing import cut
from transforms.ingest.moments import microseconds, rfc3339

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
FEW = settings(max_examples=60, deadline=None)


def ordinary(number: int) -> dict[str, Any]:
    """A record as a gateway writes it, always with the same fields."""
    return {
        "event_id": f"e{number}",
        "time": (NOON + timedelta(milliseconds=137 * number)).isoformat(timespec="milliseconds"),
        "account_id": f"acct-{number % 7}",
        "operation": "Chat",
        "model_requested": "large",
        "http_status": 200 if number % 5 else 429,
        "latency_ms": 300.5 + number,
        "input_tokens": number,
        "stream": number % 2 == 0,
        "logprobs": number % 3 == 0,
        "prompt": f'tell me {number} times: why\n\t"not"?',
        "response_format": "json_object",
        "tools": '["a", "b"]',
        "region": "eu",
    }


NAMES = (*ordinary(0), "time", "account_id", "seed", "x")
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), st.text(max_size=8),
    st.sampled_from([NOON.isoformat(), "2026-02-30T00:00:00Z", 1_772_452_800, 1_772_452_800_000.5, "redacted-by-litellm"]),
)  # fmt: skip
VALUES = st.recursive(SCALARS, lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text(max_size=3), v, max_size=2))


@st.composite
def odd_lines(draw: st.DrawFn) -> bytes:
    """A line that differs from ordinary ones in values, names, order, doubled names, spelling, or single bytes."""
    record = draw(st.sampled_from([ordinary, spelled_out]))
    pairs = list(record(draw(st.integers(0, 50))).items())
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(pairs) - 1))
        change = draw(st.sampled_from(["value", "drop", "double", "name", "move"]))
        if change == "value":
            pairs[place] = (pairs[place][0], draw(VALUES))
        elif change == "drop":
            pairs.pop(place)
        elif change == "double":
            pairs.append((pairs[place][0], draw(VALUES)))
        elif change == "name":
            pairs[place] = (draw(st.sampled_from(NAMES) | st.text(max_size=5)), draw(VALUES))
        else:
            pairs.insert(0, pairs.pop(place))
    colon = draw(st.sampled_from([":", ": ", " : ", ":\t", ":  "]))
    ascii_only = draw(st.booleans())
    members = [
        json.dumps(name, ensure_ascii=ascii_only) + colon + json.dumps(value, ensure_ascii=ascii_only)
        for name, value in pairs
    ]
    line = ("{" + ",".join(members) + "}").encode("utf-8", "surrogatepass")
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 2]))):
        place = draw(st.integers(0, len(line) - 1))
        line = (
            line[:place]
            + draw(st.sampled_from([b"", b'"', b"\\", b"\\u", b"\xff", b"}", b"{", b":", b"[", b" ", b"\x00", b"0"]))
            + line[place + 1 :]
        )
    return line.replace(b"\n", b" ")


def spelled_out(number: int) -> dict[str, Any]:
    """A record as a serializer writes it that leaves nothing out: what is not known says null."""
    return ordinary(number) | {
        "system": None,
        "seed": None if number % 6 else number,
        "bytes_out": None,
        "refused": None if number % 4 else False,
        "reasoning_used": None if number % 10 else ["h1", "h2"],
        "prompt": None if number % 7 == 1 else f"say {number} :",
        "x": None,
    }


@cache
def usual(*, with_nulls: bool = False) -> tuple[bytes, ...]:
    record = spelled_out if with_nulls else ordinary
    return tuple(json.dumps(record(number)).encode() for number in range(LEAST_RECORDS + 20))


def one_by_one(lines: list[bytes]) -> Decoded:
    """Blocks too small to be read by columns."""
    adapter, every = ADAPTERS["canonical"], context()
    parts = [adapter.decode(block, every) for block in blocks(lines, range(0, len(lines), LEAST_RECORDS // 2))]
    return Decoded(
        EVENT.conform(pl.concat([EVENT.empty(), *[part.events for part in parts]])),
        REJECT.conform(pl.concat([REJECT.empty(), *[part.rejects for part in parts]])),
        {},
        dict(sum((Counter(part.unknown_fields) for part in parts), Counter[str]())),
    )


@settings(max_examples=25, deadline=None)
@given(
    with_nulls=st.booleans(),
    odd=st.lists(odd_lines(), max_size=6),
    places=st.lists(st.integers(0, LEAST_RECORDS), min_size=6, max_size=6),
)
def test_a_record_is_the_same_read_by_columns_and_one_by_one(
    with_nulls: bool, odd: list[bytes], places: list[int]
) -> None:
    lines = list(usual(with_nulls=with_nulls))
    for place, line in zip(places, odd, strict=False):
        lines.insert(place, line)
    together, alone = decoded("canonical", b"\n".join(lines)), one_by_one(lines)
    assert_frame_equal(EVENT.conform(together.events), alone.events)
    assert_frame_equal(together.rejects.drop("line"), alone.rejects.drop("line"))
    assert together.unknown_fields == alone.unknown_fields
    assert together.rejects["line"].to_list() == sorted(together.rejects["line"].to_list())


def test_ordinary_records_are_read_by_columns() -> None:
    block = blocks(list(usual()), [])[0]
    flat = read_lines(cut(block))
    assert flat is not None
    assert flat.others.size == 0
    assert flat.unknown == {"region": len(usual())}


def test_records_that_say_null_are_read_by_columns_unless_they_hold_lists() -> None:
    flat = read_lines(cut(blocks(list(usual(with_nulls=True)), [])[0]))
    assert flat is not None
    assert flat.others.tolist() == list(range(0, len(usual()), 10))
    assert flat.unknown["x"] == len(flat.rows)


def test_a_damaged_line_leaves_its_neighbours_on_the_fast_way() -> None:
    lines = [*usual()[:70], usual()[70][:40], *usual()[71:]]
    flat = read_lines(cut(blocks(lines, [])[0]))
    assert flat is not None
    assert flat.others.tolist() == [70]


@pytest.mark.parametrize("end", [b"\r\n", b"\n\n", b"\n \t\n", b"\n\xef\xbb\xbf"])
def test_blank_lines_returns_and_marks_keep_positions(end: bytes) -> None:
    plain, spaced = decoded("canonical", b"\n".join(usual())), decoded("canonical", end.join(usual()))
    assert_frame_equal(EVENT.conform(plain.events).drop("position"), EVENT.conform(spaced.events).drop("position"))
    data = end.join(usual())
    starts = [data.index(b'{"event_id": "%s"' % name.encode()) for name in spaced.events["event_id"]]
    marked = 3 if end.endswith(b"\xbf") else 0
    assert [p + (marked if p else 0) for p in spaced.events["position"]] == starts


@FEW
@given(value=st.floats(-1e308, 1e308), digits=st.integers(1, 25))  # beyond, rounding may leave no finite number
def test_decimals_are_read_to_the_last_bit(value: float, digits: int) -> None:
    records = [ordinary(number) | {"temperature": 0.5} for number in range(LEAST_RECORDS)]
    lines = [json.dumps(record) for record in records]
    lines[9] = lines[9].replace('"temperature": 0.5', f'"temperature": {value:.{digits}e}')
    flat = read_lines(cut(blocks([line.encode() for line in lines], [])[0]))
    assert flat is not None
    assert flat.draft["temperature"].to_list()[9] == float(f"{value:.{digits}e}")


TIMES = st.datetimes(datetime(1969, 12, 30), datetime(2200, 1, 2))  # noqa: DTZ001 - a zone is added below
ZONES = st.sampled_from([UTC, *(timezone(timedelta(minutes=m)) for m in (-570, -1, 330, 840))])


@given(time=TIMES, zone=ZONES, zulu=st.booleans(), decimals=st.integers(0, 6))
def test_a_time_is_read_as_the_decoder_reads_it(time: datetime, zone: timezone, zulu: bool, decimals: int) -> None:
    moment = time.replace(microsecond=time.microsecond // 10 ** (6 - decimals) * 10 ** (6 - decimals), tzinfo=zone)
    text = moment.isoformat(timespec="microseconds")
    text = text[:19] + (text[19 : 20 + decimals] if decimals else "") + ("Z" if zulu else text[26:])
    expected = datetime.fromisoformat(text)
    read = rfc3339(pl.Series([text, text]))
    if 1970 <= time.year <= 2199 and expected.timestamp() >= 0:
        assert read.to_list() == microseconds([expected, expected]).to_list()
    else:
        assert read.to_list() == [None, None]


@pytest.mark.parametrize(
    "text",
    ["", "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-01-00T00:00:00Z",
     "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z", "2026-01-01T00:00:60Z", "2026-01-01 00:00:00Z",
     "2026-01-01T00:00:00", "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00.1234567Z", "2026-01-01T00:00:00+24:00",
     "2026-01-01T00:00:00+0100", "2026-01-01t00:00:00z", "20X6-01-01T00:00:00Z", "2026-01-01T00:00:0\u0661Z"],
)  # fmt: skip
def test_another_spelling_is_left_to_the_decoder(text: str) -> None:
    assert rfc3339(pl.Series([text])).to_list() == [None]


def test_a_leap_day_is_a_day() -> None:
    assert rfc3339(pl.Series(["2028-02-29T00:00:00Z"])).to_list() == [
        int(datetime(2028, 2, 29, tzinfo=UTC).timestamp()) * 10**6
    ]


def test_every_simple_field_can_be_read_by_columns() -> None:
    values = {"moment": NOON.isoformat(), "name": "n", "label": "l", "whole": 1, "number": 1.5, "flag": True, "text": "t", "tools": "t", "format": "text", "logprobs": True}  # fmt: skip
    record = {field.name: values[field.kind] for field in FIELDS if field.kind in values}
    lines = [json.dumps(record | {"event_id": str(number)}).encode() for number in range(LEAST_RECORDS)]
    flat = read_lines(cut(blocks(lines, [])[0]))
    assert flat is not None
    assert flat.others.size == 0
    together, alone = decoded("canonical", b"\n".join(lines)), one_by_one(lines)
    assert_frame_equal(EVENT.conform(together.events), alone.events)
