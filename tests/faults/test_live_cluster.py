"""A watch whose work is done by a cluster: whoever dies, and when, the lake is that of one backfill on one machine."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pytest

from clusters import Cluster
from dying import COMMAND, is_sentence
from pipelines.lake.lake import Lake
from programs import Program, run_to_end
from small_world import SmallWorld, assert_equal, leftovers, tables

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> SmallWorld:
    return SmallWorld(tmp_path_factory.mktemp("world")).make()


@pytest.fixture(scope="module")
def clean_backfill(world: SmallWorld) -> dict[str, pl.DataFrame]:
    """What the embedded engine gives."""
    told = run_to_end([*COMMAND, *world.first(world.folder / "embedded")])
    assert told.code == 0, told.err
    return tables(world.folder / "embedded")


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with Cluster(tmp_path / "cluster", workers=2) as cluster:
        yield cluster


def _watch(world: SmallWorld, lake: Path, cluster: Cluster, *more: object) -> list[object]:
    asked = [*COMMAND, "watch", *world.first(lake)[1:], "--runner", "dask", "--scheduler", cluster.address]
    return [*asked, "--latency", "0.2", *more]


def _has_begun_to_detect(lake: Path) -> Callable[[], bool]:
    """Whether the first account group was stepped: others, and all that comes behind them, are still to be done."""
    return lambda: any((lake / "_stillwatch" / "state" / "order").glob("*/detect-*"))


def _has_detected(lake: Path) -> Callable[[], bool]:
    return lambda: "detect" in Lake.open(lake).read("runs")["pipeline"]


def test_a_killed_supervisor_is_followed_by_one_that_finishes_its_run(
    world: SmallWorld,
    clean_backfill: dict[str, pl.DataFrame],
    cluster: Cluster,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    lake = tmp_path / "lake"
    with Program(_watch(world, lake, cluster)) as watch:
        watch.until(_has_begun_to_detect(lake))
        watch.kill()  # what it asked of the cluster is still being done there
    assert not _has_detected(lake)()
    killed_at = time.monotonic()
    with Program(_watch(world, lake, cluster)) as watch:
        watch.until(_has_detected(lake))
        record_property("seconds_from_kill_to_commit", time.monotonic() - killed_at)
        assert watch.stop().code == 0
    told = run_to_end(_watch(world, lake, cluster, "--once"))
    assert told.code == 0, told.err
    assert_equal(clean_backfill, tables(lake))
    assert leftovers(lake) == []


def test_a_watch_goes_on_when_a_worker_is_killed_and_another_comes(
    world: SmallWorld,
    clean_backfill: dict[str, pl.DataFrame],
    cluster: Cluster,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    lake = tmp_path / "lake"
    with Program(_watch(world, lake, cluster)) as watch:
        watch.until(_has_begun_to_detect(lake))
        cluster.workers[0].kill()
        killed_at = time.monotonic()
        cluster.add_worker()
        watch.until(_has_detected(lake))
        record_property("seconds_from_kill_to_commit", time.monotonic() - killed_at)
        told = watch.stop()
    assert told.code == 0, told.err
    told = run_to_end(_watch(world, lake, cluster, "--once"))
    assert told.code == 0, told.err
    assert_equal(clean_backfill, tables(lake))


def test_a_watch_whose_scheduler_is_lost_ends_in_one_sentence_and_goes_on_with_another(
    world: SmallWorld, clean_backfill: dict[str, pl.DataFrame], cluster: Cluster, tmp_path: Path
) -> None:
    lake = tmp_path / "lake"
    patience = {"DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "10s"}
    with Program(_watch(world, lake, cluster), patience) as watch:
        watch.until(_has_begun_to_detect(lake))
        cluster.scheduler.kill()
        told = watch.wait()
    assert told.code == 1
    assert is_sentence(told.err), told.err
    assert "the scheduler was lost" in told.err
    with Cluster(tmp_path / "another", workers=1) as another:
        told = run_to_end(_watch(world, lake, another, "--once"))
    assert told.code == 0, told.err
    assert_equal(clean_backfill, tables(lake))
    assert leftovers(lake) == []
