"""A watch over a topic, killed wherever its disk changes and started again, leaves the lake that one clean watch leaves."""

import shutil
import signal
from functools import partial
from itertools import islice
from pathlib import Path

import pytest

from dying import Children, killed_at_each_point, kind_of
from mock_cluster import MockCluster
from small_world import RECORDS, SmallWorld, assert_equal, leftovers, lines, tables

KILLED = -signal.SIGKILL
TOPIC, PARTITIONS, FIRST = "calls", 4, 450
PARTS = 8
"""Into which the points are dealt: an hour's proof that several workers can share."""


class _TopicWorld:
    """The records of the small world in a topic, and two commands: over its first part, and once it has ended."""

    def __init__(self, folder: Path, broker: MockCluster) -> None:
        self._broker, self._written = broker, 0
        self._files = SmallWorld(folder).make()

    def write(self, count: int) -> None:
        """Appends to the topic until it holds so many records, by turns in each partition."""
        for number, line in islice(enumerate(lines()), self._written, count):
            self._broker.write(TOPIC, [line.rstrip(b"\n")], number % PARTITIONS)
        self._written = count

    def watch(self, lake: Path, *, is_last: bool) -> list[object]:
        """Arguments of a watch that drains the topic, closes what it can, and shows the rest."""
        known = ["--lake", lake, "--key-file", self._files.folder / "key"]
        accounts = [] if is_last else ["--accounts", self._files.folder / "accounts.csv", "--groups", 2]
        return ["watch", self._broker.uri(TOPIC), *known, *accounts, "--once", *(["--complete"] if is_last else [])]


@pytest.mark.slow
def test_a_watch_killed_at_every_kind_of_point_of_a_topic_leaves_what_a_clean_one_leaves(
    children: Children, tmp_path: Path
) -> None:
    points, met = set[str](), list[str]()
    clean, lake = tmp_path / "clean", tmp_path / "lake"
    with MockCluster() as broker:
        world = _TopicWorld(tmp_path, broker)
        for count in (FIRST, RECORDS):
            world.write(count)
            is_last = count == RECORDS
            undisturbed = children.run(world.watch(clean, is_last=is_last), clean)
            assert undisturbed.code == 0, undisturbed.err
            points |= set(map(kind_of, undisturbed.points))
            arguments = world.watch(lake, is_last=is_last)
            while (ended := children.run(arguments, lake, new_to=met)).code == KILLED:
                met.append(ended.points[-1])
            assert ended.code == 0, f"after {met[-1]}: {ended.err}"
            assert_equal(tables(clean), tables(lake))
            assert leftovers(lake) == []
    assert_whole(clean)
    assert points <= set(met)


@pytest.mark.soak
@pytest.mark.parametrize("part", range(PARTS))
def test_a_watch_killed_at_any_single_point_of_a_topic_and_repeated_leaves_what_a_clean_one_leaves(
    children: Children, tmp_path: Path, part: int
) -> None:
    clean, reached, deaths = tmp_path / "clean", 0, 0
    with MockCluster() as broker:
        world = _TopicWorld(tmp_path, broker)
        for count in (FIRST, RECORDS):
            before = tmp_path / f"before-{count}"
            if clean.exists():
                shutil.copytree(clean, before)
            world.write(count)
            watch = partial(world.watch, is_last=count == RECORDS)
            undisturbed = children.run(watch(clean), clean)
            assert undisturbed.code == 0, undisturbed.err
            reached += len(range(part, len(undisturbed.points), PARTS))
            for lake, where in killed_at_each_point(children, watch, before, tmp_path / "lake", part, PARTS):
                deaths += 1
                finished = children.run(watch(lake), lake)
                assert finished.code == 0, f"after {where}: {finished.err}"
                assert_equal(tables(clean), tables(lake))
                assert leftovers(lake) == []
    assert_whole(clean)
    assert deaths == reached


def assert_whole(lake: Path) -> None:
    """The lake has every record but the five that are none, and the one account that is to be found."""
    found = tables(lake)
    assert found["events"].height == RECORDS - 5
    assert found["flagged_accounts"].height == 1
