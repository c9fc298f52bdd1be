"""One log, one lake: whichever host reads it, however often, and however many workers it has."""

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import polars as pl
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from arrivals import Arrival, arrive, arrive_in_topics
from clusters import Cluster
from dying import COMMAND
from lake_proofs import assert_accounted, assert_equal_lakes, assert_no_text
from pipelines.lake.lake import Lake
from programs import LONGEST_SECONDS, Program, run_to_end
from real.kafka_broker import Broker
from small_worlds import PLANTED, accounts_of_pool, pooled_world
from warm import warm

pytestmark = pytest.mark.slow
_OUTCOMES = (0, 3)  # a day of a few hundred calls may fail its audit: learning leaves it out, whoever reads it
_AROUND = {"POLARS_MAX_THREADS": "1"}
Host = Callable[[Path], Path]


def _asked(command: str, folder: Path, *options: str, source: object = None) -> list[object]:
    folder.mkdir(parents=True, exist_ok=True)
    key, accounts = folder / "key", folder / "accounts.csv"
    if not key.exists():
        key.write_text("0f" * 32)
        key.chmod(0o600)
        accounts.write_text(accounts_of_pool())
    files = ["--lake", folder / "lake", "--key-file", key, "--accounts", accounts]
    return [*COMMAND, command, source or folder / "logs", *files, *options]


def _backfill(folder: Path, arrival: Arrival, options: Sequence[str] = (), beam: Sequence[str] = ()) -> Path:
    """The lake of a world that came in this way, each time read by a command of its own."""
    for is_last, records in _arrivals(folder, arrival):
        complete = ["--complete"] if is_last else []
        asked = [*_asked("backfill", folder, *options, *complete), *(["--", *beam] if beam else [])]
        if not beam and "dask" not in options:  # this is about how often, not about starts
            asked[: len(COMMAND)] = [warm()]
        told = run_to_end(asked, _AROUND)
        assert told.code in _OUTCOMES, told.err
        assert_accounted(folder / "lake", records)
    return folder / "lake"


def _watch(folder: Path, arrival: Arrival, options: Sequence[str] = ()) -> Path:
    """The lake of a world that was written while one watch read it, and then said to be complete."""
    return _watched(folder, _arrivals(folder, arrival), _asked("watch", folder, *options))


def _watch_topics(folder: Path, arrival: Arrival, partitions: int) -> Path:
    """The same of a world that came through the topics of a broker."""
    with Broker() as broker:
        for topic in ("canonical", "litellm"):
            broker.create(topic, partitions)
        arriving = arrive_in_topics(
            arrival, pooled_world(1), partitions, lambda topic, number, message: broker.write(topic, [message], number)
        )
        return _watched(folder, arriving, _asked("watch", folder, source=broker.uri("canonical", "litellm")))


def _at_instants(arriving: Iterator[tuple[bool, int]], watcher: Program) -> Iterator[tuple[bool, int]]:
    """What arrives, in no time for the watch: else a new file could be met before its neighbour, whose calls were too late."""
    while True:
        with watcher.frozen():
            step = next(arriving, None)
        if step is None:
            return
        yield step


def _watched(folder: Path, arriving: Iterator[tuple[bool, int]], command: Sequence[object]) -> Path:
    lake = folder / "lake"
    with Program([*command, "--latency", "0.2"], _AROUND) as watcher:
        for _, records in _at_instants(arriving, watcher):
            watcher.until(lambda records=records: _taken_in(lake) == records, LONGEST_SECONDS)
        watcher.until(lambda: _runs(lake, "detect") > 1, LONGEST_SECONDS)
        told = watcher.stop()
    assert told.code == 0, told.err
    assert_accounted(lake, records)
    told = run_to_end([*command, "--once", "--complete"], _AROUND)
    assert told.code in _OUTCOMES, told.err
    return lake


def _killed_watch(folder: Path, arrival: Arrival, moments: Sequence[float]) -> Path:
    """As `_watch`, but each time more has come, the watch is killed so many seconds after it began, and begun anew."""
    command = _asked("watch", folder)
    for (_, records), moment in zip(_arrivals(folder, arrival), moments, strict=True):  # noqa: B007 - the last is used
        with Program([*command, "--latency", "0.1"], _AROUND) as program:
            time.sleep(moment)
            program.kill()
    told = run_to_end([*command, "--once", "--complete"], _AROUND)
    assert told.code in _OUTCOMES, told.err
    assert_accounted(folder / "lake", records)
    return folder / "lake"


def _arrivals(folder: Path, arrival: Arrival):  # type: ignore[no-untyped-def]
    folder.mkdir(parents=True, exist_ok=True)
    return arrive(arrival, pooled_world(1), folder / "logs")


def _taken_in(lake: Path) -> int:
    if not (lake / "_stillwatch" / "lake.json").exists():
        return 0
    counts = Lake.open(lake).read("runs")["sources"].explode(empty_as_null=True)
    return int(counts.struct.field("records").sum())


def _runs(lake: Path, pipeline: str) -> int:
    return Lake.open(lake).read("runs").filter(pl.col("pipeline") == pipeline).height


def _on_dask(
    workers: int, *options: str, host: Callable[..., Path] = _backfill, arrival: Arrival | None = None
) -> Host:
    def read(folder: Path) -> Path:
        with Cluster(folder / "cluster", workers) as cluster:
            asked = ("--runner", "dask", "--scheduler", cluster.address, *options)
            return host(folder, arrival or Arrival(), asked)

    return read


HOSTS: dict[str, Host] = {
    "ten appends": lambda folder: _backfill(folder, Arrival(runs=10, shuffled=True)),
    "one group": lambda folder: _backfill(folder, Arrival(copies=20), ("--groups", "1")),
    "three groups": lambda folder: _backfill(folder, Arrival(files=3, shuffled=True), ("--groups", "3")),
    "two workers of this machine": lambda folder: _backfill(folder, Arrival(), beam=("--direct_num_workers=2",)),
    "watch over growing files": lambda folder: _watch(folder, Arrival(runs=6, shuffled=True, copies=20)),
    "watch over topics of eight partitions": lambda folder: _watch_topics(
        folder, Arrival(runs=4, shuffled=True, copies=20), 8
    ),
    "one worker of a cluster": _on_dask(1),
    "three workers of a cluster and seven groups": _on_dask(3, "--groups", "7"),
    "watch on one worker of a cluster": _on_dask(1, host=_watch, arrival=Arrival(runs=3, shuffled=True)),
    "watch on three workers of a cluster": _on_dask(3, host=_watch, arrival=Arrival(runs=2, rotated=True)),
}
"""A host takes a folder to work in, and gives the lake of the world."""


@pytest.fixture(scope="module")
def one_backfill(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _backfill(tmp_path_factory.mktemp("one"), Arrival())


def test_what_is_compared_holds_campaigns_findings_scores_and_flagged_accounts(one_backfill: Path) -> None:
    lake = Lake.open(one_backfill)
    handles, answers, pool = sorted(lake.read("campaigns")["account_ids"].to_list())
    assert pool == [f"pool-{number}" for number in range(8)]
    assert handles == ["acct-gives", "acct-takes", "acct-third"]
    assert answers == ["grader-0", "grader-1", "grader-2"]
    members = {*pool, *handles, *answers}
    flagged = lake.read("flagged_accounts")
    assert members < set(flagged["account_id"])
    assert flagged["flagged_at"].n_unique() > 1
    assert lake.read("findings").height >= flagged.height
    assert lake.read("account_scores")["score"].drop_nulls().n_unique() > 5
    assert lake.read("models")["snapshot_id"].n_unique() > 1


@pytest.mark.parametrize("host", HOSTS.values(), ids=HOSTS)
def test_every_host_gives_the_lake_that_one_backfill_gives(host: Host, one_backfill: Path, tmp_path: Path) -> None:
    lake = host(tmp_path)
    assert_equal_lakes(lake, one_backfill)
    assert_no_text([lake], PLANTED)


@given(
    seed=st.integers(0, 2**32),
    copies=st.sampled_from((0, 30)),
    rotated=st.booleans(),
    moments=st.lists(st.floats(2.0, 15.0), min_size=2, max_size=4),  # it starts in two seconds, and ends a run in one
)
@settings(
    max_examples=3, phases=[Phase.explicit, Phase.generate]
)  # half a minute each; to shrink one would take an hour
def test_a_watch_killed_at_any_moment_gives_the_lake_that_one_backfill_gives(
    one_backfill: Path,
    tmp_path_factory: pytest.TempPathFactory,
    seed: int,
    copies: int,
    rotated: bool,
    moments: list[float],
) -> None:
    arrival = Arrival(seed=seed, runs=len(moments), shuffled=True, copies=copies, rotated=rotated)
    lake = _killed_watch(tmp_path_factory.mktemp("killed"), arrival, moments)
    assert_equal_lakes(lake, one_backfill)
    assert_no_text([lake], PLANTED)
