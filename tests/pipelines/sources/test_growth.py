"""Files that grow, are rotated or compressed later are continued; the same content is read once."""

import gzip
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from pipelines.sources.known import Known, begins_like, ladder_of, was_shortened
from pipelines.sources.ranges import Growing

Take = Callable[..., Any]
LIVE = Growing(most_bytes=1 << 40)


def log(count: int, seed: int = 0, start: int = 0) -> bytes:
    """JSON lines of varying length, different for every seed."""
    chance = random.Random(seed)
    return b"".join(
        b'{"n": %d, "x": "%d"}\n' % (n, chance.getrandbits(chance.randrange(1, 300)))
        for n in range(start, start + count)
    )


def packed(data: bytes, suffix: str) -> bytes:
    if suffix == ".gz":
        return gzip.compress(data)
    if suffix == ".zst":
        return zstandard.ZstdCompressor().compress(data)
    return data


def whole_lines(data: bytes) -> list[bytes]:
    return data.split(b"\n")[:-1]


STEPS = st.lists(
    st.tuples(st.integers(0, 10_000), st.sampled_from(["", ".gz", ".zst"]), st.sampled_from(["app.log", "old.log"])),
    min_size=1,
    max_size=5,
)


@given(steps=STEPS, seed=st.integers(0, 5), range_bytes=st.integers(50, 3000))
def test_a_file_grown_at_any_byte_renamed_and_compressed_between_is_read_once(
    steps: list[tuple[int, str, str]], seed: int, range_bytes: int, take: Take, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("growth")
    data = log(60, seed)
    cuts = sorted(cut % len(data) for cut, _, _ in steps)
    register: dict[str, Known] = {}
    lines: list[bytes] = []
    path = folder / "none"
    for cut, (_, suffix, name) in zip([*cuts, len(data)], [*steps, (0, "", "app.log")], strict=True):
        path.unlink(missing_ok=True)
        path = folder / (name + suffix)
        path.write_bytes(packed(data[:cut], suffix))
        taken = take(register, path, range_bytes=range_bytes, chunk=500, growing=LIVE)
        register, lines = taken.register, lines + taken.lines
        assert taken.broken == []
        assert taken.planned.refused == ()
    assert lines == whole_lines(data)
    assert len(register) == 1


@given(cut=st.integers(1, 2999), suffixes=st.tuples(*[st.sampled_from(["", ".gz", ".zst"])] * 2))
def test_a_last_line_that_was_taken_torn_is_read_again_as_a_whole(
    cut: int, suffixes: tuple[str, str], take: Take, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("torn")
    data = log(60)
    cut %= len(data)
    (folder / f"a{suffixes[0]}").write_bytes(packed(data[:cut], suffixes[0]))
    first = take({}, folder)
    assert b"\n".join(first.lines) == data[:cut].removesuffix(b"\n")
    (folder / f"a{suffixes[0]}").unlink()
    (folder / f"a{suffixes[1]}").write_bytes(packed(data, suffixes[1]))
    second = take(first.register, folder)
    at = {position: line for _, position, line in [*first.records, *second.records]}
    assert [line for _, line in sorted(at.items())] == whole_lines(data)
    torn = len(first.records) + len(second.records) - 60
    is_torn = data[cut - 1 : cut] != b"\n" and data[cut : cut + 1] != b"\n"
    assert torn == int(is_torn)


def test_a_finished_last_line_without_newline_is_not_left(take: Take, tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(b'{"a": 1}\n{"a": 2}')
    first = take({}, path, growing=LIVE)
    assert first.lines == [b'{"a": 1}', b'{"a": 2}']
    path.write_bytes(b'{"a": 1}\n{"a": 2}\n{"a": 3}\n')
    assert take(first.register, path, growing=LIVE).lines == [b'{"a": 3}']


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_a_line_that_was_left_is_taken_once_nothing_more_will_come(take: Take, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.log{suffix}"
    path.write_bytes(packed(b'{"a": 1}\n{"a": ', suffix))
    first = take({}, path, growing=LIVE)
    assert first.lines == [b'{"a": 1}']
    assert take(first.register, path, growing=LIVE).lines == []
    assert take(first.register, path).lines == [b'{"a": ']


def test_rotation_continues_the_old_file_and_starts_the_new_one(take: Take, tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    path.write_bytes(log(50))
    first = take({}, tmp_path)
    path.write_bytes(log(50) + log(5, start=50))
    path.rename(tmp_path / "app.log.1")
    path.write_bytes(log(7, seed=9))
    second = take(first.register, tmp_path)
    assert sorted(second.lines) == sorted(whole_lines(log(5, start=50)) + whole_lines(log(7, seed=9)))
    (tmp_path / "app.log.1").rename(tmp_path / "app.log.2")
    path.rename(tmp_path / "app.log.1")
    (tmp_path / "app.log.2.gz").write_bytes(gzip.compress((tmp_path / "app.log.2").read_bytes()))
    (tmp_path / "app.log.2").unlink()
    third = take(second.register, tmp_path)
    assert third.lines == []
    assert len(third.register) == 2
    names = {name.rpartition("/")[2] for known in third.register.values() for name in known.names}
    assert names == {"app.log", "app.log.1", "app.log.2.gz"}


def test_the_same_content_under_several_names_is_read_once_from_the_longest(take: Take, tmp_path: Path) -> None:
    whole = log(2000)
    assert len(whole) > 80_000
    (tmp_path / "a.log").write_bytes(log(1800))
    (tmp_path / "b.log").write_bytes(whole)
    (tmp_path / "c.log.gz").write_bytes(gzip.compress(whole))
    (tmp_path / "d.log.zst").write_bytes(packed(log(5), ".zst"))
    taken = take({}, tmp_path)
    assert taken.lines == whole_lines(whole)
    assert [(Path(name).name, what.rpartition("/")[2]) for name, what in taken.planned.notes] == [
        ("c.log.gz", "b.log does not hold"),
        ("a.log", "b.log does not hold"),
        ("d.log.zst", "b.log does not hold"),
    ]
    again = take(taken.register, tmp_path)
    assert again.lines == []
    assert again.planned.refused == ()
    assert again.register == taken.register


def test_two_logs_with_the_same_first_64_kib_are_two_sources(take: Take, tmp_path: Path) -> None:
    common = log(1500)
    assert len(common) > 65_536
    (tmp_path / "a.log").write_bytes(common + log(50, seed=1))
    (tmp_path / "b.log").write_bytes(common + log(40, seed=2))
    taken = take({}, tmp_path)
    assert len(taken.register) == 2
    assert len(taken.lines) == 1500 + 50 + 1500 + 40
    assert take(taken.register, tmp_path).lines == []
    (tmp_path / "b.log").write_bytes(common + log(40, seed=2) + log(3, seed=3))
    assert take(taken.register, tmp_path).lines == whole_lines(log(3, seed=3))


def test_two_files_that_continue_the_same_beginning_differently_lose_nothing(take: Take, tmp_path: Path) -> None:
    head = b"#Fields: date time c-ip\n"
    (tmp_path / "a.log").write_bytes(head)
    first = take({}, tmp_path)
    (tmp_path / "a.log").write_bytes(head + b"one\n")
    (tmp_path / "b.log").write_bytes(head + b"two\nthree\n")
    second = take(first.register, tmp_path)
    assert {b"one", b"two", b"three"} <= set(second.lines)
    assert len(second.register) == 2


@pytest.mark.parametrize("length", [10, 400, 40_000, 100_000])
def test_a_file_shorter_than_what_was_read_of_it_is_refused(take: Take, tmp_path: Path, length: int) -> None:
    path = tmp_path / "a.log"
    data = log(4000)
    path.write_bytes(data)
    first = take({}, path)
    path.write_bytes(data[:length])
    second = take(first.register, path)
    if length >= 64:
        assert second.lines == []
        assert f"it holds {length:,} bytes, but {len(data):,} bytes" in second.planned.refused[0][1]
        assert second.register == first.register
    path.write_bytes(data + b"more\n")
    assert take(second.register, path).lines == [b"more"] if length >= 64 else True


def test_a_truncated_and_restarted_log_is_a_new_source(take: Take, tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(log(500))
    first = take({}, path)
    path.write_bytes(log(20, seed=5))
    second = take(first.register, path)
    assert second.lines == whole_lines(log(20, seed=5))
    assert len(second.register) == 2


def test_a_file_listed_twice_is_read_once(take: Take, tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(log(5))
    (tmp_path / "link.log").symlink_to(path)
    assert len(take({}, path, tmp_path, path).lines) == 5


def test_a_changed_document_is_another_source(take: Take, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b'[\n{"a": 1}\n]')
    first = take({}, path, framing="document")
    path.write_bytes(b'[\n{"a": 1},\n{"a": 2}\n]')
    second = take(first.register, path, framing="document")
    assert second.lines == [b'[\n{"a": 1},\n{"a": 2}\n]']
    assert len(second.register) == 2


def test_ids_do_not_depend_on_name_or_compression(take: Take, tmp_path: Path) -> None:
    for name, suffix in (("a", ""), ("b", ".gz"), ("c", ".zst")):
        folder = tmp_path / name
        folder.mkdir()
        (folder / f"x{suffix}").write_bytes(packed(log(30), suffix))
    ids = {source for name in "abc" for source in take({}, tmp_path / name).register}
    assert len(ids) == 1
    assert len(ids.pop()) == 16


@given(st.binary(min_size=1, max_size=600), st.binary(max_size=100))
def test_a_source_begins_like_itself_and_its_continuations(data: bytes, more: bytes) -> None:
    known = Known("s", (), "text", "", "lines", ladder=ladder_of(data))
    assert begins_like(known, data + more)
    assert not begins_like(known, data[:-1])
    assert was_shortened(known, data[:-1]) == (len(data) > 64)


def test_an_unchanged_file_is_not_decompressed_again(
    take: Take, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipelines.sources import known as module

    (tmp_path / "a.gz").write_bytes(gzip.compress(log(3000)))
    first = take({}, tmp_path)
    shutil.move(tmp_path / "a.gz", tmp_path / "b.gz")

    def never(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(module, "decompressed", never)
    assert take(first.register, tmp_path).pieces == []
