"""A watch whose disk is full or read-only, and two watches that meet: one clear sentence, and nothing lost or doubled by the repeat."""

import subprocess
from pathlib import Path

from dying import CHECKOUT, COMMAND, Children, is_one_clear_sentence
from pipelines.lake.lease import who_holds
from small_world import RECORDS, Clean, SmallWorld, assert_equal, leftovers, tables


def _watching(world: SmallWorld, lake: Path) -> list[object]:
    return ["watch", *world.first(lake)[1:], "--once"]


def test_a_watch_on_a_full_or_read_only_disk_says_so_and_the_next_goes_on(
    children: Children, clean: Clean, tmp_path: Path
) -> None:
    world, lake = SmallWorld(tmp_path).make(), tmp_path / "lake"
    for most in (10_000, 18_000):  # met by a table's first log entry, a data file
        ended = children.run(_watching(world, lake), lake, file_bytes=most)
        assert is_one_clear_sentence(ended), ended.err
    assert children.run(_watching(world, lake), lake).code == 0
    world.write(RECORDS)
    modes = {path: path.stat().st_mode for path in [lake, *lake.rglob("*")]}
    for path, mode in modes.items():
        path.chmod(mode & ~0o222)
    ended = children.run(_watching(world, lake), lake, is_plain=True)
    assert is_one_clear_sentence(ended), ended.err
    told = children.run(["status", "--lake", lake], lake, is_plain=True)
    assert (told.code, "last run" in told.out) == (0, True), told.err
    for path, mode in modes.items():
        path.chmod(mode)
    assert children.run(world.second(lake), lake).code == 0
    assert_equal(clean.tables, tables(lake))
    assert leftovers(lake) == []


def test_of_two_watches_one_works_and_the_other_says_who_does(children: Children, tmp_path: Path) -> None:
    world, lake = SmallWorld(tmp_path).make(), tmp_path / "lake"
    command = [*COMMAND, *map(str, _watching(world, lake)[:-1])]
    with subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as first:
        while (holder := who_holds(lake)) is None or holder.command != "watch":
            assert first.poll() is None
        ended = children.run(_watching(world, lake), lake)
        first.terminate()
        assert first.wait() == 0
    assert is_one_clear_sentence(ended), ended.err
    assert f"being written by process {first.pid}" in ended.err
    assert "(watch)" in ended.err
