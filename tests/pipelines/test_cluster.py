"""Backfills on a real Dask cluster whose processes die: one lake, and no key where it does not belong."""

import hashlib
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pytest

from clusters import Cluster
from dying import CHECKOUT, COMMAND, is_sentence
from mock_cluster import MockCluster
from programs import run_to_end
from small_world import SmallWorld, assert_equal, leftovers, tables

pytestmark = pytest.mark.slow
SECRET = hashlib.sha256(b"a key that is nowhere else").digest()
_LONGEST_SECONDS = 300
"""A backfill of the small world takes half a minute; one that hangs must fail the test, not stop it."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> SmallWorld:
    world = SmallWorld(tmp_path_factory.mktemp("world")).make()
    (world.folder / "key").write_text(SECRET.hex())
    return world


@pytest.fixture(scope="module")
def clean(world: SmallWorld) -> dict[str, pl.DataFrame]:
    """What the embedded engine gives."""
    _, err = _end(_begin(world.first(world.folder / "embedded")), code=0)
    assert "error" not in err
    return tables(world.folder / "embedded")


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with Cluster(tmp_path / "cluster", workers=2) as cluster:
        yield cluster


def _begin(arguments: list[object], patience: str = "30s", silence: str = "60s") -> "subprocess.Popen[str]":
    around = os.environ | {"DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": patience}
    around |= {"DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": silence}
    command = [*COMMAND, *map(str, arguments)]
    return subprocess.Popen(
        command, cwd=CHECKOUT, env=around, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def _end(process: "subprocess.Popen[str]", code: int) -> tuple[str, str]:
    try:
        out, err = process.communicate(timeout=_LONGEST_SECONDS)
    finally:
        process.kill()
    assert process.returncode == code, err
    return out, err


def _on(address: str, arguments: list[object]) -> list[object]:
    return [*arguments, "--runner", "dask", "--scheduler", address]


def _wait_until(happened: Callable[[], object], process: "subprocess.Popen[str]") -> None:
    until = time.monotonic() + _LONGEST_SECONDS
    while not happened():
        assert process.poll() is None, process.communicate(timeout=_LONGEST_SECONDS)
        if time.monotonic() > until:
            process.kill()
            raise AssertionError(process.communicate(timeout=_LONGEST_SECONDS))
        time.sleep(0.005)


def _has_begun_to_detect(lake: Path) -> Callable[[], bool]:
    """Whether the first account group was stepped: others, and all that comes behind them, are still to be done."""
    return lambda: any((lake / "_stillwatch" / "state" / "order").glob("*/detect-*"))


def test_a_worker_killed_in_the_middle_changes_nothing(
    world: SmallWorld, clean: dict[str, pl.DataFrame], cluster: Cluster, tmp_path: Path
) -> None:
    lake = tmp_path / "lake"
    process = _begin(_on(cluster.address, world.first(lake)))
    _wait_until(_has_begun_to_detect(lake), process)
    cluster.workers[0].kill()
    _end(process, code=0)
    assert_equal(clean, tables(lake))


def test_a_lost_scheduler_fails_the_run_in_one_sentence_and_the_repeat_is_exact(
    world: SmallWorld, clean: dict[str, pl.DataFrame], cluster: Cluster, tmp_path: Path
) -> None:
    lake = tmp_path / "lake"
    process = _begin(_on(cluster.address, world.first(lake)), patience="10s")
    _wait_until(_has_begun_to_detect(lake), process)
    cluster.scheduler.kill()
    _, err = _end(process, code=1)
    assert is_sentence(err), err
    assert "the scheduler was lost" in err
    with Cluster(tmp_path / "another", workers=1) as another:
        _end(_begin(_on(another.address, world.first(lake))), code=0)
    assert_equal(clean, tables(lake))
    assert leftovers(lake) == []


def test_workers_that_are_all_gone_fail_the_run_in_one_sentence(
    world: SmallWorld, cluster: Cluster, tmp_path: Path
) -> None:
    process = _begin(_on(cluster.address, world.first(tmp_path / "lake")), patience="10s")
    _wait_until(_has_begun_to_detect(tmp_path / "lake"), process)
    for worker in cluster.workers:
        worker.kill()
    _, err = _end(process, code=1)
    assert is_sentence(err), err
    assert "has no workers" in err


def test_a_scheduler_that_does_not_answer_or_has_no_workers_is_told_in_one_sentence(
    world: SmallWorld, tmp_path: Path
) -> None:
    _, err = _end(_begin(_on("tcp://127.0.0.1:9", world.first(tmp_path / "lake")), patience="1s"), code=1)
    assert is_sentence(err), err
    assert "no Dask scheduler answers" in err
    with Cluster(tmp_path / "cluster", workers=0) as alone:
        _, err = _end(_begin(_on(alone.address, world.first(tmp_path / "lake")), patience="1s"), code=1)
    assert is_sentence(err), err
    assert "has no workers" in err


def test_a_scheduler_that_freezes_is_given_up_in_one_sentence(
    world: SmallWorld, cluster: Cluster, tmp_path: Path
) -> None:
    lake = tmp_path / "lake"
    process = _begin(_on(cluster.address, world.first(lake)), silence="20s")
    _wait_until(_has_begun_to_detect(lake), process)
    cluster.scheduler.freeze()
    _, err = _end(process, code=1)
    assert is_sentence(err), err
    assert "the scheduler was lost" in err


def test_a_scheduler_that_is_frozen_when_a_run_begins_is_told_in_one_sentence(
    world: SmallWorld, tmp_path: Path
) -> None:
    with Cluster(tmp_path / "cluster", workers=0) as frozen:
        frozen.scheduler.freeze()
        _, err = _end(_begin(_on(frozen.address, world.first(tmp_path / "lake")), patience="10s"), code=1)
    assert is_sentence(err), err
    assert "no Dask scheduler answers there (it is silent)" in err


def test_a_worker_that_is_frozen_when_a_run_begins_is_told_in_one_sentence(
    world: SmallWorld, cluster: Cluster, tmp_path: Path
) -> None:
    cluster.workers[0].freeze()
    _, err = _end(_begin(_on(cluster.address, world.first(tmp_path / "lake")), patience="10s"), code=1)
    assert is_sentence(err), err
    assert "does not answer" in err


def test_the_key_is_in_no_log_and_on_no_disk_of_a_cluster_even_where_work_fails(
    world: SmallWorld, cluster: Cluster, tmp_path: Path
) -> None:
    lake = tmp_path / "lake"
    process = _begin(_on(cluster.address, world.first(lake)))
    _wait_until(lambda: any((lake / "_stillwatch" / "plans").glob("*-ingest.plan")), process)
    (lake / "events").rename(tmp_path / "events")
    (lake / "events").write_text("a file where a folder was")
    _, err = _end(process, code=1)
    assert "Compute Failed" in cluster.told()
    told = (cluster.told() + err).encode()
    kept = [path.read_bytes() for path in (tmp_path / "cluster").rglob("*") if path.is_file()]
    written = [path.read_bytes() for path in lake.rglob("*") if path.is_file()]
    for form in (SECRET, SECRET.hex().encode(), repr(SECRET)[2:-1].encode()):
        assert not any(form in data for data in (told, *kept, *written))


def test_topics_are_read_by_the_workers_of_a_cluster_and_their_secrets_stay_in_memory(
    world: SmallWorld, cluster: Cluster, tmp_path: Path
) -> None:
    config = tmp_path / "kafka.properties"
    config.write_text("ssl.key.password=${BROKER_SECRET}\n")
    secret = hashlib.sha256(b"a secret of brokers").hexdigest()
    with MockCluster() as broker:
        for partition in range(2):
            broker.write("calls", world.log.read_bytes().splitlines()[partition::2], partition)

        def watched(lake: Path) -> list[object]:
            known = ["--key-file", world.folder / "key", "--groups", 2, "--kafka-config", config]
            return ["watch", broker.uri("calls"), "--once", "--complete", "--lake", lake, *known]

        around = {"BROKER_SECRET": secret}
        assert run_to_end([*COMMAND, *watched(tmp_path / "embedded")], around).code == 0
        told = run_to_end([*COMMAND, *_on(cluster.address, watched(tmp_path / "lake"))], around)
    assert told.code == 0, told
    assert tables(tmp_path / "lake")["events"].height > 400
    assert_equal(tables(tmp_path / "embedded"), tables(tmp_path / "lake"))
    kept = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert not any(secret.encode() in data for data in (cluster.told().encode(), told.err.encode(), *kept))
