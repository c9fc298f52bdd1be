"""One log, one lake: whichever host reads it, and however many workers it has."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from arrivals import Arrival, arrive
from clusters import Cluster
from dying import CHECKOUT, COMMAND
from lake_proofs import assert_accounted, assert_equal_lakes
from small_worlds import small_world

pytestmark = pytest.mark.slow
_OUTCOMES = (0, 3)  # a day of a few hundred calls may fail its audit: learning leaves it out, whoever reads it
Host = Callable[[Path], Path]


def _read(folder: Path, arrival: Arrival, options: tuple[str, ...] = (), beam: tuple[str, ...] = ()) -> Path:
    """The lake of a world that came in this way, each time read by a command of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    key, lake, logs = folder / "key", folder / "lake", folder / "logs"
    key.write_text("0f" * 32)
    key.chmod(0o600)
    for is_last, records in arrive(arrival, small_world(1), logs):
        asked = [*COMMAND, "backfill", str(logs), "--lake", str(lake), "--key-file", str(key), *options]
        asked += ["--complete"] if is_last else []
        asked += ["--", *beam] if beam else []
        around = os.environ | {"POLARS_MAX_THREADS": "1"}
        done = subprocess.run(asked, cwd=CHECKOUT, env=around, capture_output=True, check=False)
        assert done.returncode in _OUTCOMES, done.stderr.decode()
        assert_accounted(lake, records)
    return lake


def _on_dask(workers: int, *options: str) -> Host:
    def read(folder: Path) -> Path:
        with Cluster(folder / "cluster", workers) as cluster:
            return _read(folder, Arrival(), ("--runner", "dask", "--scheduler", cluster.address, *options))

    return read


HOSTS: dict[str, Host] = {
    "ten appends": lambda folder: _read(folder, Arrival(runs=10, shuffled=True)),
    "two workers of this machine": lambda folder: _read(folder, Arrival(), beam=("--direct_num_workers=2",)),
    "one worker of a cluster": _on_dask(1),
    "three workers of a cluster and seven groups": _on_dask(3, "--groups", "7"),
}
"""A host takes a folder to work in, and gives the lake of the world."""


@pytest.fixture(scope="module")
def one_backfill(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _read(tmp_path_factory.mktemp("one"), Arrival())


@pytest.mark.parametrize("host", HOSTS.values(), ids=HOSTS)
def test_every_host_gives_the_lake_that_one_backfill_gives(host: Host, one_backfill: Path, tmp_path: Path) -> None:
    assert_equal_lakes(host(tmp_path), one_backfill)
