"""Disks that are full, read-only or gone, and writers that meet: a clean lake after the repeat, and one clear sentence."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from dying import CHECKOUT, COMMAND, Children, is_one_clear_sentence
from pipelines.lake.lease import who_holds
from small_world import RECORDS, Clean, SmallWorld, assert_equal, leftovers, tables


def finish(children: Children, clean: Clean, world: SmallWorld, lake: Path) -> None:
    """Runs both commands undisturbed and holds the lake against a clean one."""
    for arguments in (world.first, world.second):
        ended = children.run(arguments(lake), lake)
        assert ended.code == 0, ended.err
        world.write(RECORDS)
    assert_equal(clean.tables, tables(lake))
    assert leftovers(lake) == []


def test_a_disk_that_takes_no_more_of_a_file_fails_in_one_sentence_and_the_repeat_completes(
    children: Children, clean: Clean, tmp_path: Path
) -> None:
    world, lake = SmallWorld(tmp_path).make(), tmp_path / "lake"
    places = []
    for most in (1_000, 10_000, 18_000):  # met by the lease, a table's first log entry, a data file
        ended = children.run(world.first(lake), lake, file_bytes=most)
        assert is_one_clear_sentence(ended), ended.err
        assert "cannot be" in ended.err
        places.append(ended.err.split(": ")[1])
    assert len(set(places)) == 3, places
    finish(children, clean, world, lake)


@pytest.mark.parametrize("kilobytes", [96, 320])
def test_a_full_disk_fails_in_one_sentence_and_the_repeat_on_a_larger_one_completes(
    children: Children, clean: Clean, tmp_path: Path, kilobytes: int
) -> None:
    world, disk = SmallWorld(tmp_path).make(), tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "none", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting a small disk is not permitted here; the limit on file sizes above is met everywhere")
    try:
        ended = children.run(world.first(disk / "lake"), disk / "lake")
        assert is_one_clear_sentence(ended), ended.err
        subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)
        finish(children, clean, world, disk / "lake")
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_read_only_lake_answers_and_takes_nothing_in(children: Children, clean: Clean, tmp_path: Path) -> None:
    world, lake = SmallWorld(tmp_path).make(), tmp_path / "lake"
    assert children.run(world.first(lake), lake).code == 0
    world.write(RECORDS)
    modes = {path: path.stat().st_mode for path in [lake, *lake.rglob("*")]}
    for path, mode in modes.items():
        path.chmod(mode & ~0o222)
    ended = children.run(world.second(lake), lake, is_plain=True)
    assert is_one_clear_sentence(ended), ended.err
    asked = children.run(["query", "SELECT account_id FROM flagged_accounts", "--lake", lake], lake, is_plain=True)
    assert (asked.code, "acct-2" in asked.out) == (0, True), asked.err
    for path, mode in modes.items():
        path.chmod(mode)
    finish(children, clean, world, lake)


@pytest.mark.parametrize(
    "point",
    [
        "rename _stillwatch/plans/#-ingest.plan",
        "rename events/ingest-#-#-#.parquet",
        "create_write_transaction events",
        "rename _stillwatch/plans/#-detect.plan",
        "rename _stillwatch/state/STAGE/group-#/detect-#",
        "rename _stillwatch/manifests/detect-#",
        "create_write_transaction findings",
        "create_write_transaction runs",
        "rename _stillwatch/snapshots/day-#-#-#.learn-#/PART.arrow",
    ],
)
def test_a_lake_deleted_underneath_ends_in_one_sentence(
    children: Children, clean: Clean, tmp_path: Path, point: str
) -> None:
    world, lake = SmallWorld(tmp_path).make(), tmp_path / "lake"
    kinds = [kind for kind in clean.kinds if kind != point]
    assert len(kinds) < len(clean.kinds), "no such point"
    ended = children.run(world.first(lake), lake, new_to=kinds, loses=True)
    assert point in ended.points
    assert is_one_clear_sentence(ended), ended.err


def test_of_two_writers_one_works_and_the_other_says_who_does(children: Children, clean: Clean, tmp_path: Path) -> None:
    world, lake = SmallWorld(tmp_path).make(), tmp_path / "lake"
    command = [*COMMAND, *map(str, world.first(lake))]
    with subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as first:
        while (holder := who_holds(lake)) is None:
            assert first.poll() is None
            time.sleep(0.01)
        os.kill(first.pid, signal.SIGSTOP)
        try:
            ended = children.run(world.first(lake), lake)
        finally:
            os.kill(first.pid, signal.SIGCONT)
        assert first.wait(240) == 0
    assert holder.pid == first.pid
    assert is_one_clear_sentence(ended), ended.err
    assert f"being written by process {first.pid}" in ended.err
    finish(children, clean, world, lake)


def test_a_writer_that_was_killed_holds_up_nobody(children: Children, clean: Clean, tmp_path: Path) -> None:
    world, lake = SmallWorld(tmp_path).make(), tmp_path / "lake"
    command = [*COMMAND, *map(str, world.first(lake))]
    with subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as first:
        while who_holds(lake) is None:
            assert first.poll() is None
            time.sleep(0.01)
        first.kill()
    assert first.returncode == -signal.SIGKILL
    assert who_holds(lake) is None
    finish(children, clean, world, lake)
