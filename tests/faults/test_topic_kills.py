"""A watch over a topic, killed wherever its disk changes and started again, leaves the lake that one clean watch leaves."""

import shutil
import signal
from itertools import islice
from pathlib import Path

import pytest

from dying import Children, counted, kind_of
from mock_cluster import MockCluster
from small_world import RECORDS, SmallWorld, assert_equal, leftovers, lines, tables

KILLED = -signal.SIGKILL
TOPIC, PARTITIONS, FIRST = "calls", 4, 450


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


def killed_again_and_again(children: Children, folder: Path, *, kinds: bool, copies: int = 0) -> None:
    """A lake whose watch dies at one point after the other, each once, equals one whose watch never dies.

    With `copies`, the lake of every so-manieth death is also copied, and the copy is finished without another death.
    """
    points, met = set[str](), list[str]()
    clean, lake, copy = folder / "clean", folder / "lake", folder / "copy"
    with MockCluster() as broker:
        world = _TopicWorld(folder, broker)
        for count in (FIRST, RECORDS):
            world.write(count)
            is_last = count == RECORDS
            undisturbed = children.run(world.watch(clean, is_last=is_last), clean)
            assert undisturbed.code == 0, undisturbed.err
            points |= {kind_of(point) for point in undisturbed.points} if kinds else set(counted(undisturbed.points))
            wanted = tables(clean)
            arguments = world.watch(lake, is_last=is_last)
            while (ended := children.run(arguments, lake, new_to=met, kinds=kinds)).code == KILLED:
                met.append(ended.points[-1])
                if copies and len(met) % copies == 0 and lake.exists():
                    shutil.copytree(lake, copy)
                    finished = children.run(world.watch(copy, is_last=is_last), copy)
                    assert finished.code == 0, f"after {met[-1]}: {finished.err}"
                    assert_equal(wanted, tables(copy))
                    shutil.rmtree(copy)
            assert ended.code == 0, f"after {met[-1]}: {ended.err}"
            assert_equal(wanted, tables(lake))
            assert leftovers(lake) == []
    assert wanted["events"].height == RECORDS - 5  # all but the five that are no records
    assert wanted["flagged_accounts"].height == 1
    assert points <= set(met)


@pytest.mark.slow
def test_a_watch_killed_at_every_kind_of_point_of_a_topic_leaves_what_a_clean_one_leaves(
    children: Children, tmp_path: Path
) -> None:
    killed_again_and_again(children, tmp_path, kinds=True)


@pytest.mark.soak
def test_a_watch_killed_at_every_point_of_a_topic_leaves_what_a_clean_one_leaves(
    children: Children, tmp_path: Path
) -> None:
    killed_again_and_again(children, tmp_path, kinds=False, copies=100)
