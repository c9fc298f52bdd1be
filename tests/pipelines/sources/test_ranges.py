"""Ranges divide a source exactly, whatever their size, its compression and the pieces it is read in."""

import gzip
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from pipelines.lake.times import to_micros
from pipelines.sources.cutter import Broken
from pipelines.sources.files import list_sources
from pipelines.sources.ranges import plan_ranges

Take = Callable[..., Any]

LINES = st.lists(st.binary(max_size=30).map(lambda line: line.replace(b"\n", b"\r")), max_size=25)
SUFFIX = {"plain": ".log", "gzip": ".gz", "zstd": ".zst"}


def packed(data: bytes, compression: str, cuts: list[int]) -> bytes:
    """The data as one or several members or frames."""
    borders = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    parts = [data[low:high] for low, high in pairwise(borders)] or [b""]
    if compression == "gzip":
        return b"".join(gzip.compress(part) for part in parts)
    if compression == "zstd":
        return b"".join(zstandard.ZstdCompressor(write_checksum=len(part) % 2 == 0).compress(part) for part in parts)
    return data


def expected(data: bytes, record_bytes: int) -> tuple[list[tuple[int, bytes]], list[tuple[int, int]]]:
    """Records and too long lines with their places, the slow way."""
    records, long, position = [], [], 0
    for line in data.split(b"\n"):
        if len(line) > record_bytes:
            long.append((position, len(line)))
        elif line:
            records.append((position, line))
        position += len(line) + 1
    return records, long


@pytest.mark.parametrize("compression", ["plain", "gzip", "zstd"])
@given(
    lines=LINES,
    ends=st.booleans(),
    range_bytes=st.integers(1, 200),
    chunk=st.integers(4, 120),
    record_bytes=st.integers(1, 40),
    cuts=st.lists(st.integers(0, 1000), max_size=4),
)
def test_every_record_is_read_once_at_its_place(
    compression: str,
    lines: list[bytes],
    ends: bool,
    range_bytes: int,
    chunk: int,
    record_bytes: int,
    cuts: list[int],
    take: Take,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    data = b"\n".join([b"first", *lines]) + (b"\n" if ends else b"")
    path = tmp_path_factory.mktemp("ranges") / f"a{SUFFIX[compression]}"
    path.write_bytes(packed(data, compression, cuts))
    taken = take({}, path, range_bytes=range_bytes, chunk=chunk, record_bytes=record_bytes)
    records, long = expected(data, record_bytes)
    assert [(position, line) for _, position, line in taken.records] == records
    assert [(broken.position, broken.length) for broken in taken.broken] == long
    again = take(taken.register, path, range_bytes=range_bytes)
    assert again.planned.ranges == ()
    assert again.register == taken.register


def test_a_range_border_on_a_line_border_belongs_to_the_later_range(take: Take, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"aaa\nbbb\nccc\n")
    taken = take({}, tmp_path / "a", range_bytes=4)
    assert [(p.start, p.end) for p in taken.pieces] == [(0, 4), (4, 8), (8, 12)]
    assert taken.lines == [b"aaa", b"bbb", b"ccc"]


def test_line_numbers_count_from_the_piece_s_first_record(take: Take, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a\n\n" + b"x" * 50 + b"\nb\n" + b"y" * 60 + b"\n")
    taken = take({}, tmp_path / "a", record_bytes=20)
    assert [(b.line, b.length, b.reason) for b in taken.broken] == [(3, 50, "too_long"), (5, 60, "too_long")]


def test_a_long_line_is_skipped_without_being_held(take: Take, tmp_path: Path) -> None:
    import tracemalloc

    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(b"ok\n" + b"z" * 50_000_000 + b"\nok too\n"))
    tracemalloc.start()
    taken = take({}, path, record_bytes=10_000, chunk=100_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert taken.lines == [b"ok", b"ok too"]
    assert taken.broken[0].length == 50_000_000
    assert peak < 5_000_000


def test_equal_long_lines_have_equal_digests_however_they_are_met(take: Take, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"q\n" + b"x" * 500 + b"\n")
    digests = {take({}, tmp_path / "a", record_bytes=100, chunk=c).broken[0].digest for c in (7, 90, 400, 9000)}
    assert len(digests) == 1


def test_a_byte_order_mark_is_no_part_of_the_first_record(take: Take, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\xef\xbb\xbfone\ntwo\n")
    assert [(p, line) for _, p, line in take({}, tmp_path / "a").records] == [(3, b"one"), (7, b"two")]


def test_many_small_files_share_a_range_and_a_large_one_has_several(take: Take, tmp_path: Path) -> None:
    for number in range(40):
        (tmp_path / f"{number:02}.log").write_bytes(b"line %d\n" % number)
    (tmp_path / "big.log").write_bytes(b"0123456\n" * 100)
    taken = take({}, tmp_path, range_bytes=200)
    assert len(taken.planned.ranges) == 2 + 4
    assert max(bite.size for bite in taken.planned.ranges) <= 200
    assert [bite.number for bite in taken.planned.ranges] == list(range(6))
    assert len(taken.records) == 140
    assert len(taken.register) == 41


def test_a_document_is_one_block(take: Take, tmp_path: Path) -> None:
    text = b'[\n  {\n    "a": 1\n  }\n]\n'
    (tmp_path / "a.json").write_bytes(text)
    taken = take({}, tmp_path / "a.json", framing="document", range_bytes=5)
    assert [(p, line) for _, p, line in taken.records] == [(0, text)]
    assert take(taken.register, tmp_path / "a.json", framing="document").pieces == []


def test_a_document_beyond_all_measure_is_refused_whole(take: Take, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b"[\n" + b" " * 2000 + b"\n]")
    taken = take({}, tmp_path / "a.json", framing="document", record_bytes=100)
    assert taken.records == []
    assert [(b.reason, b.length) for b in taken.broken] == [("too_long", 2004)]


DAY = datetime(2026, 1, 1, tzinfo=UTC)


def windows(taken: Any) -> list[tuple[int, int | None, tuple[tuple[int, int], ...], bool]]:
    return [(p.start, p.end, p.times, p.again) for p in taken.pieces]


@pytest.mark.parametrize("suffix", [".log", ".gz"])
def test_another_window_reads_only_what_was_not_taken(take: Take, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    data = b"0123456789\n" * 10
    path.write_bytes(gzip.compress(data) if suffix == ".gz" else data)
    one, two, three = (DAY + timedelta(days=n) for n in (1, 2, 3))
    first = take({}, path, since=one, until=two)
    assert not first.pieces[0].wants_all_times
    assert take(first.register, path, since=one, until=two).pieces == []
    second = take(first.register, path, since=DAY, until=three)
    expected_times = ((to_micros(DAY), to_micros(one)), (to_micros(two), to_micros(three)))
    assert windows(second) == [(0, 110, expected_times, True)]
    everything = take(second.register, path)
    assert [p.again for p in everything.pieces] == [True]
    assert len(everything.pieces[0].times) == 2
    assert take(everything.register, path).pieces == []
    assert take(everything.register, path, since=one).pieces == []


def test_new_bytes_are_read_for_the_whole_window_and_old_ones_for_the_rest(take: Take, tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(b"0123456789\n" * 10)
    one = DAY + timedelta(days=1)
    first = take({}, path, until=one)
    path.write_bytes(b"0123456789\n" * 13)
    second = take(first.register, path)
    assert [(start, end, again) for start, end, _, again in windows(second)] == [(0, 110, True), (110, 143, False)]
    assert second.pieces[1].wants_all_times
    assert second.lines == [b"0123456789"] * 13


def test_a_run_that_took_only_some_ranges_leaves_the_others_to_the_next(take: Take, tmp_path: Path) -> None:
    from pipelines.lake.sources import Done, after_run

    path = tmp_path / "a.log"
    path.write_bytes(b"0123456789\n" * 10)
    planned = plan_ranges(list_sources([str(path)], tmp_path), {}, range_bytes=22)
    some = [piece for bite in planned.ranges[1:3] for piece in bite.pieces]
    done = [Done(p.source, p.start, p.end, p.times, 0, ()) for p in some]
    register, changed = after_run({}, planned.sightings, done)
    assert changed == {some[0].source}
    rest = take(register, path, range_bytes=22)
    assert [(p.start, p.end) for p in rest.pieces] == [(0, 22), (66, 88), (88, 110)]


def test_refused_and_empty_files_are_listed_with_their_reason(take: Take, tmp_path: Path) -> None:
    (tmp_path / "empty.log").write_bytes(b"")
    (tmp_path / "empty.gz").write_bytes(gzip.compress(b""))
    (tmp_path / "archive.xz").write_bytes(b"\xfd7zXZ\x00abc")
    (tmp_path / "good.log").write_bytes(b"x\n")
    taken = take({}, tmp_path)
    assert [(Path(name).name, what) for name, what in taken.planned.notes] == [
        ("empty.gz", "it is empty"),
        ("empty.log", "it is empty"),
    ]
    assert [Path(name).name for name, _ in taken.planned.refused] == ["archive.xz"]
    assert "xz" in taken.planned.refused[0][1]
    assert taken.lines == [b"x"]


def test_a_broken_record_is_frozen_and_comparable() -> None:
    broken = Broken(0, 1, "too_long", 1, "d", "why")
    assert replace(broken, line=2) != broken
