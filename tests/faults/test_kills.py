"""Whoever is killed, wherever, and run again, leaves the lake that one clean run leaves (invariant 5)."""

import random
import signal
import subprocess
from pathlib import Path

import pytest

from changes import changes_seen
from dying import CHECKOUT, COMMAND, Children, killed_at_each_point
from small_world import RECORDS, Clean, SmallWorld, assert_equal, leftovers, tables

KILLED = -signal.SIGKILL


@pytest.mark.slow
def test_killed_at_every_kind_of_point_and_repeated_a_lake_equals_a_clean_one(
    children: Children, clean: Clean, tmp_path: Path
) -> None:
    world = SmallWorld(tmp_path).make()
    lake, met = tmp_path / "lake", list[str]()
    for arguments in (world.first, world.second):
        while (ended := children.run(arguments(lake), lake, new_to=met)).code == KILLED:
            met.append(ended.points[-1])
        assert ended.code == 0, f"after {met[-1]}: {ended.err}"
        world.write(RECORDS)
    assert_equal(clean.tables, tables(lake))
    assert leftovers(lake) == []
    assert set(clean.kinds) <= set(met)


@pytest.mark.soak
def test_killed_at_any_single_point_of_two_runs_and_repeated_a_lake_equals_a_clean_one(
    children: Children, clean: Clean, tmp_path: Path
) -> None:
    world = SmallWorld(tmp_path).make()
    before, deaths = tmp_path / "before", 0
    for arguments in (world.first, world.second):
        for lake, where in killed_at_each_point(children, arguments, before, tmp_path / "lake"):
            finish(children, clean, world, lake, where)
            deaths += 1
        assert children.run(arguments(before), before).code == 0
        world.write(RECORDS)
    assert deaths == sum(map(len, clean.points))


def finish(children: Children, clean: Clean, world: SmallWorld, lake: Path, where: str) -> None:
    """Repeats the command that was killed, lets the log grow to its end, and holds the lake against the clean one."""
    count = world.log.read_bytes().count(b"\n")
    steps = [world.first, world.second] if count < RECORDS else [world.second]
    for arguments in steps:
        if arguments == world.second:
            world.write(RECORDS)
        ended = children.run(arguments(lake), lake)
        assert ended.code == 0, f"after {where}: {ended.err}"
    world.write(count)
    assert_equal(clean.tables, tables(lake))
    assert leftovers(lake) == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_a_process_killed_at_random_moments_and_repeated_leaves_what_a_clean_one_leaves(
    clean: Clean, tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    world = SmallWorld(tmp_path).make()
    lake, kills = tmp_path / "lake", 0
    usual, _ = changes_until_killed(world.first(tmp_path / "spare"), tmp_path / "spare")
    for arguments in (world.first, world.second):
        for patience in [chance.randint(1, usual // 4) for _ in range(4)] + [None]:
            _, code = changes_until_killed(arguments(lake), lake, patience)
            if code == 0:
                break
            assert code == KILLED
            kills += 1
        assert code == 0
        world.write(RECORDS)
    assert kills > 1
    assert_equal(clean.tables, tables(lake))
    assert leftovers(lake) == []


def changes_until_killed(arguments: list[object], lake: Path, patience: int | None = None) -> tuple[int, int]:
    """Runs the command, killed once so many changes of the lake's folders were seen; how many there were, and its code."""
    with subprocess.Popen([*COMMAND, *map(str, arguments)], cwd=CHECKOUT, stdout=subprocess.DEVNULL) as process:
        seen = changes_seen(lake, patience, lambda: process.poll() is None)
        if patience is not None:
            process.kill()
    return seen, process.returncode
