"""Damaged streams lose what is damaged, are counted, and never make up a record."""

import gzip
import itertools
import random
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from pipelines.sources.members import members_of
from schemas.errors import SourceMoved

Take = Callable[..., Any]


def lines(count: int, seed: int) -> bytes:
    chance = random.Random(seed)
    return b"".join(b'{"seed": %d, "n": %d, "x": %d}\n' % (seed, n, chance.randrange(10**9)) for n in range(count))


PARTS = [lines(200, seed) for seed in range(4)]


def pack(part: bytes, compression: str) -> bytes:
    if compression == "gzip":
        return gzip.compress(part)
    return zstandard.ZstdCompressor(write_checksum=True).compress(part)


def flip(data: bytes, place: int, bit: int = 0) -> bytes:
    changed = bytearray(data)
    changed[place] ^= 1 << bit
    return bytes(changed)


def split(data: bytes) -> list[bytes]:
    return data.split(b"\n")[:-1]


SUFFIX = {"gzip": "a.gz", "zstd": "a.zst"}


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
@given(data=st.data())
def test_whatever_bit_flips_every_record_read_is_a_true_one(
    compression: str, data: st.DataObject, take: Take, tmp_path_factory: pytest.TempPathFactory
) -> None:
    packed = [pack(part, compression) for part in PARTS[:3]]
    whole = b"".join(packed)
    place = data.draw(st.integers(18, len(whole) - 1))
    path = tmp_path_factory.mktemp("flip") / SUFFIX[compression]
    path.write_bytes(flip(whole, place, data.draw(st.integers(0, 7))))
    taken = take({}, path, chunk=1000)
    truth = dict(zip(*places(b"".join(PARTS[:3])), strict=True))
    for _, position, line in taken.records:
        assert truth[position] == line
    hit = 0 if place < len(packed[0]) else 1 if place < len(packed[0]) + len(packed[1]) else 2
    for number in range(3):
        if number < hit:
            assert set(split(PARTS[number])) <= set(taken.lines)
    if len(taken.lines) < 600:
        assert [broken.reason for broken in taken.broken] == ["damaged_stream"]


def places(data: bytes) -> tuple[list[int], list[bytes]]:
    positions, position = [], 0
    for line in split(data):
        positions.append(position)
        position += len(line) + 1
    return positions, split(data)


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_reading_goes_on_behind_a_damaged_member_at_the_true_offset(
    take: Take, tmp_path: Path, compression: str
) -> None:
    packed = [pack(part, compression) for part in PARTS]
    path = tmp_path / SUFFIX[compression]
    path.write_bytes(packed[0] + flip(packed[1], len(packed[1]) // 2) + packed[2] + packed[3])
    taken = take({}, path)
    assert taken.lines == split(PARTS[0] + PARTS[2] + PARTS[3])
    assert {p: line for _, p, line in taken.records}[len(PARTS[0] + PARTS[1])] == split(PARTS[2])[0]
    assert [(b.position, b.length) for b in taken.broken] == [(len(PARTS[0]), len(PARTS[1]))]


def test_a_member_whose_format_is_broken_is_passed_over_by_its_length_field(take: Take, tmp_path: Path) -> None:
    packed = [pack(part, "gzip") for part in PARTS]
    broken = packed[1][:200] + b"\xff" * 300 + packed[1][500:]
    path = tmp_path / "a.gz"
    path.write_bytes(packed[0] + broken + packed[2])
    taken = take({}, path)
    assert taken.lines == split(PARTS[0] + PARTS[2])
    assert taken.records[200][1] == len(PARTS[0] + PARTS[1])


def test_a_record_over_the_border_of_a_damaged_member_is_not_made_up(take: Take, tmp_path: Path) -> None:
    data = PARTS[0]
    cuts = [0, 1001, 2003, 3007, len(data)]
    packed = [gzip.compress(data[low:high]) for low, high in itertools.pairwise(cuts)]
    path = tmp_path / "a.gz"
    path.write_bytes(packed[0] + flip(packed[1], len(packed[1]) // 2) + packed[2] + packed[3])
    taken = take({}, path)
    truth = dict(zip(*places(data), strict=True))
    assert all(truth[position] == line for _, position, line in taken.records)
    before = [line for position, line in truth.items() if position + len(line) < 1001]
    after = [line for position, line in truth.items() if position > 2003]
    assert taken.lines == before + after
    assert taken.broken[0].position == 1001 - (1001 - sum(len(line) + 1 for line in before))


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
@given(cut=st.integers(1, 10**6))
def test_a_stream_cut_off_keeps_what_came_before_and_is_continued_when_it_is_whole(
    compression: str, cut: int, take: Take, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("cut") / SUFFIX[compression]
    data = b"".join(PARTS)
    whole = b"".join(pack(part, compression) for part in PARTS)
    cut = 4 + cut % (len(whole) - 4)
    path.write_bytes(whole[:cut])
    first = take({}, path, chunk=1000)
    truth = dict(zip(*places(data), strict=True))
    assert all(truth[position] == line for _, position, line in first.records)
    path.write_bytes(whole)
    second = take(first.register, path, chunk=1000)
    at = {position: line for _, position, line in [*first.records, *second.records]}
    assert at == truth
    assert second.broken == []
    if first.records:
        assert len(first.records) + len(second.records) == 800


def test_a_cut_stream_is_one_reject_however_often_it_is_read(take: Take, tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(PARTS[0])[:-700])
    first = take({}, path)
    assert [b.reason for b in first.broken] == ["damaged_stream"]
    assert 0 < len(first.lines) < 200
    again = take(first.register, path)
    assert (again.lines, again.broken) == ([], [])


def test_a_mended_copy_gives_what_was_lost(take: Take, tmp_path: Path) -> None:
    packed = [pack(part, "gzip") for part in PARTS]
    path = tmp_path / "a.gz"
    path.write_bytes(packed[0] + flip(packed[1], 900) + packed[2] + packed[3] + pack(lines(2000, 7), "gzip"))
    first = take({}, path)
    path.write_bytes(b"".join(packed) + pack(lines(2000, 7), "gzip"))
    second = take(first.register, path)
    assert second.lines == split(PARTS[1])
    assert len(second.register) == 1


def test_zero_padding_is_no_damage_and_garbage_is(take: Take, tmp_path: Path) -> None:
    (tmp_path / "padded.gz").write_bytes(gzip.compress(PARTS[0]) + b"\0" * 10_000)
    padded = take({}, tmp_path / "padded.gz")
    assert (len(padded.lines), padded.broken) == (200, [])
    (tmp_path / "garbage.gz").write_bytes(gzip.compress(PARTS[1]) + b"garbage")
    garbage = take({}, tmp_path / "garbage.gz")
    assert len(garbage.lines) == 200
    assert [(b.reason, b.position) for b in garbage.broken] == [("damaged_stream", len(PARTS[1]))]


def test_a_file_of_which_nothing_can_be_decompressed_is_one_reject(take: Take, tmp_path: Path) -> None:
    (tmp_path / "a.gz").write_bytes(b"\x1f\x8b\x08\x00" + b"\xff" * 500)
    taken = take({}, tmp_path / "a.gz")
    assert taken.lines == []
    assert [b.reason for b in taken.broken] == ["damaged_stream"]
    assert take(taken.register, tmp_path / "a.gz").broken == []


def test_a_checksum_that_fails_alone_loses_its_member(take: Take, tmp_path: Path) -> None:
    packed = gzip.compress(PARTS[0])
    (tmp_path / "a.gz").write_bytes(packed[:-8] + struct.pack("<I", 1) + packed[-4:])
    taken = take({}, tmp_path / "a.gz")
    assert taken.lines == []
    assert [b.reason for b in taken.broken] == ["damaged_stream"]


def test_skippable_zstd_frames_are_skipped(take: Take, tmp_path: Path) -> None:
    skip = b"\x50\x2a\x4d\x18" + struct.pack("<I", 5) + b"12345"
    packed = [pack(part, "zstd") for part in PARTS]
    (tmp_path / "a.zst").write_bytes(skip + packed[0] + skip + flip(packed[1], 900) + skip + packed[2])
    taken = take({}, tmp_path / "a.zst")
    assert taken.lines == split(PARTS[0] + PARTS[2])


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_members_of_a_sound_file_cover_it(tmp_path: Path, compression: str) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"".join(pack(part, compression) for part in PARTS))
    with path.open("rb") as file:
        members = list(members_of(file, path.stat().st_size, compression))
    assert [m.state for m in members] == ["whole"] * 4
    assert [m.length for m in members] == [len(part) for part in PARTS]
    assert members[0].start == 0
    assert all(m.end == n.start for m, n in itertools.pairwise(members))
    assert members[-1].end == path.stat().st_size


def test_header_fields_of_a_gzip_member_are_read_past(tmp_path: Path) -> None:
    body = gzip.compress(b"hello\n", mtime=0)
    flags = bytes([4 | 8 | 16 | 2])
    header = body[:3] + flags + body[4:10] + struct.pack("<H", 3) + b"xyz" + b"name\0" + b"comment\0" + b"\x12\x34"
    path = tmp_path / "a.gz"
    path.write_bytes(header + body[10:])
    with path.open("rb") as file:
        members = list(members_of(file, path.stat().st_size, "gzip"))
    assert [(m.state, m.length) for m in members] == [("whole", 6)]


def test_a_file_shortened_before_it_is_read_is_planned_anew_or_counted(take: Take, tmp_path: Path) -> None:
    from pipelines.lake.sources import Done, after_run
    from pipelines.sources.cutter import Broken
    from pipelines.sources.files import list_sources
    from pipelines.sources.ranges import plan_ranges
    from pipelines.sources.reading import read_text

    path = tmp_path / "a.log"
    path.write_bytes(PARTS[0])
    planned = plan_ranges(list_sources([str(path)], tmp_path), {}, range_bytes=1 << 20)
    path.write_bytes(PARTS[0][:1000])
    with pytest.raises(SourceMoved, match="cut off"):
        list(read_text(planned.ranges[0].pieces[0], 1 << 16))
    unmarked = replace(planned.ranges[0].pieces[0], mark=(0, ""))  # planned by an older program
    items = list(read_text(unmarked, 1 << 16))
    assert [item.why for item in items if isinstance(item, Broken)] == ["the file was shortened while it was read"]
    piece, ending = planned.ranges[0].pieces[0], items[-1]
    register, _ = after_run(
        {},
        planned.sightings,
        [Done(piece.source, piece.start, piece.end, piece.times, 0, (), ending)],  # type: ignore[arg-type]
    )
    path.write_bytes(PARTS[0] + b"more\n")
    rest = take(register, path)
    assert rest.lines[-1] == b"more"
    assert rest.lines == split(PARTS[0] + b"more\n")[-len(rest.lines) :]
    assert rest.records[0][1] <= 1000


def test_a_stream_that_expands_beyond_measure_is_read_so_far_and_counted_once(
    take: Take, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipelines.sources import streams

    monkeypatch.setattr(streams, "_BOMB_BYTES", 1 << 20)
    path = tmp_path / "a.zst"
    path.write_bytes(pack(b"first\n" + b"x" * 30_000_000 + b"\nlast\n", "zstd"))
    taken = take({}, path)
    assert taken.lines == [b"first"]
    assert [b.why for b in taken.broken] == ["it expands more than 1,100-fold"]
    assert taken.broken[0].length < 4 << 20
    assert take(taken.register, path).broken == []
