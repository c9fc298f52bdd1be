"""Files are put together and no row changes: beside appends, kills, and the runs of others."""

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner

from pipelines.backfill import backfill
from pipelines.cli.main import cli
from pipelines.cli.progress import Progress
from pipelines.doctor import Case, examine
from pipelines.lake.commit import Committer, Outcome, Write
from pipelines.lake.lake import Lake
from pipelines.lake.lease import Lease
from pipelines.lake.plan import Plan, next_sequence, unfinished, write_plan
from pipelines.lake.state import States
from pipelines.request import Request
from pipelines.upkeep import upkeep
from schemas.catalogue import PARITY_TABLES
from schemas.errors import LakeError
from schemas.policy import Policy, Upkeep

from .conftest import EVENTS, SPARING, START, append, differing, file_count, rows, write


class Killed(BaseException):
    """Stands for SIGKILL: nothing may catch it."""


def killing(point: str) -> Callable[[str], None]:
    def after(now: str) -> None:
        if now == point:
            raise Killed(point)

    return after


def test_putting_files_together_changes_no_row_and_leaves_a_healthy_lake(lake: Lake) -> None:
    before, files = rows(lake), file_count(lake)
    done = upkeep(lake.root)
    after = file_count(lake)
    assert differing(before, rows(lake)) == []
    assert {table for table, *_ in done.tables} >= {"events", "sessions", "account_windows", "traits", "runs"}
    assert all(after[table] < files[table] for table, *_ in done.tables)
    assert sum(after.values()) <= sum(files.values()) / 2
    assert examine(Case(lake.root)).symptoms == ()


def test_repeated_it_finds_nothing_to_do(lake: Lake) -> None:
    upkeep(lake.root)
    runs = lake.last_sequence()
    assert upkeep(lake.root).tables == ()
    assert lake.last_sequence() == runs


def test_provisional_rows_stay_in_their_own_files(lake: Lake) -> None:
    def provisional() -> list[str]:
        return [
            e.path
            for e in lake.files("account_windows", lake.versions()["account_windows"])
            if e.path.startswith("prov")
        ]

    before = provisional()
    assert before != []
    upkeep(lake.root)
    assert provisional() == before


def test_the_log_says_that_no_row_is_new(lake: Lake) -> None:
    upkeep(lake.root)
    newest = lake.folder("events") / "_delta_log" / f"{lake.table('events').version():020d}.json"
    actions = [json.loads(one) for one in newest.read_text().splitlines()]
    changes = [a[kind]["dataChange"] for a in actions for kind in ("add", "remove") if kind in a]
    assert changes != []
    assert not any(changes)


@pytest.fixture(scope="module")
def followed(grown: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the lake is after more calls without any upkeep, a late file among them."""
    place = shutil.copytree(grown, tmp_path_factory.mktemp("followed") / "place")
    _append_all(place)
    return place


def _append_all(place: Path) -> None:
    write(place, EVENTS + 200)
    write(place, 40, since=20, name="late.jsonl")
    write(place, 620, since=600, name="other.jsonl")
    append(place, EVENTS + 200, name="*.jsonl")


@pytest.mark.slow
def test_later_runs_give_what_they_give_without_an_upkeep(place: Path, lake: Lake, followed: Path) -> None:
    upkeep(lake.root)
    append(place, EVENTS + 200)
    upkeep(lake.root)
    append(place, 40, since=20, name="late.jsonl")
    upkeep(lake.root)
    append(place, 620, since=600, name="other.jsonl")
    there, here = rows(Lake.open(followed / "lake")), rows(lake)
    names = [*PARITY_TABLES, "too_late", "rejects"]
    assert differing({name: there[name] for name in names}, here) == []
    assert here["too_late"].height == 40
    assert here["events"].sort("source", "position").equals(there["events"].sort("source", "position"))
    assert examine(Case(lake.root)).symptoms == ()


def test_files_that_detect_has_not_looked_at_are_left_alone(lake: Lake) -> None:
    last = lake.last_run()
    assert last is not None
    with Lease.acquire(lake.root, "test") as lease:
        for _ in range(2):
            plan = Plan(next_sequence(lake), "ingest", START, Policy().to_json(), {})
            write_plan(lake, lease, plan)
            some = Write(rows=lake.read("events").head(3))
            manifest = States(lake.root).read_manifest(last["run_id"])
            Committer(lake, lease).commit(plan, {"events": some}, Outcome(0, 0, 0, "x"), manifest)
    unseen = {e.path for e in lake.files("events") if e.path.startswith("ingest-") and e.rows == 3}
    assert len(unseen) == 2
    upkeep(lake.root)
    assert unseen <= {e.path for e in lake.files("events")}


def test_what_was_readable_before_stays_readable(lake: Lake) -> None:
    versions, before = lake.versions(), rows(lake)
    upkeep(lake.root)
    assert differing(before, {name: lake.read(name, versions[name]) for name in before}) == []


@pytest.fixture(scope="module")
def points(grown: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Every instant at which an upkeep that also removes old rows can be interrupted."""
    place, seen = shutil.copytree(grown, tmp_path_factory.mktemp("points") / "place"), []
    upkeep(place / "lake", SPARING, seen.append)
    return seen


@pytest.fixture(scope="module")
def sparing(grown: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The lake after such an upkeep."""
    place = shutil.copytree(grown, tmp_path_factory.mktemp("sparing") / "place")
    upkeep(place / "lake", SPARING)
    return place


def _kill_and_repeat(grown: Path, sparing: Path, points: Sequence[str], last: str, folder: Path) -> None:
    clean, before = rows(Lake.open(sparing / "lake")), rows(Lake.open(grown / "lake"))
    for number, point in enumerate(points):
        root = shutil.copytree(grown / "lake", folder / f"{number}")
        with pytest.raises(Killed):
            upkeep(root, SPARING, killing(point))
        if point != last:
            assert differing(before, rows(Lake.open(root))) == [], f"readers see the run before, killed after {point}"
        upkeep(root, SPARING)
        assert differing(clean, rows(Lake.open(root))) == [], point
        assert examine(Case(root)).symptoms == (), point
        shutil.rmtree(root)


def test_killed_and_repeated_it_gives_what_an_undisturbed_one_gives(
    grown: Path, sparing: Path, points: list[str], tmp_path: Path
) -> None:
    some = ["events: files", "runs: commit"]
    assert set(some) < set(points)
    _kill_and_repeat(grown, sparing, some, points[-1], tmp_path)


@pytest.mark.slow
def test_killed_at_any_point_and_repeated_it_gives_what_an_undisturbed_one_gives(
    grown: Path, sparing: Path, points: list[str], tmp_path: Path
) -> None:
    assert len(points) > 15
    _kill_and_repeat(grown, sparing, points, points[-1], tmp_path)


def test_an_interrupted_upkeep_is_finished_by_the_next_backfill(place: Path, lake: Lake, sparing: Path) -> None:
    with pytest.raises(Killed):
        upkeep(lake.root, SPARING, killing("sessions: commit"))
    append(place, EVENTS)
    assert unfinished(lake) is None
    assert differing(rows(Lake.open(sparing / "lake")), rows(lake)) == []


def test_an_abandoned_upkeep_makes_no_event_late(place: Path, lake: Lake, followed: Path) -> None:
    with pytest.raises(Killed):
        upkeep(lake.root, None, killing("sessions: commit"))
    plan = unfinished(lake)
    assert plan is not None
    done = CliRunner().invoke(cli, ["doctor", str(lake.root), "--abandon", str(plan.sequence), "--yes"])
    assert done.exit_code == 0, done.output
    _append_all(place)
    there = rows(Lake.open(followed / "lake"))
    assert differing({name: there[name] for name in (*PARITY_TABLES, "too_late")}, rows(lake)) == []


def test_backfill_puts_files_together_at_its_end_once_there_are_many(tmp_path: Path) -> None:
    many = Policy(upkeep=Upkeep(small_files=4))
    for until in (300, 700, 1_000):
        append(tmp_path, until, policy=many)
    lake = Lake.open(tmp_path / "lake")
    assert "upkeep" in lake.read("runs")["pipeline"].to_list()
    assert max(file_count(lake).values()) <= 6
    assert examine(Case(lake.root)).symptoms == ()


def test_a_second_writer_is_refused(lake: Lake) -> None:
    with Lease.acquire(lake.root, "test"), pytest.raises(LakeError, match="being written"):
        upkeep(lake.root)


def test_backfill_without_news_does_not_rewrite_anything(place: Path, lake: Lake) -> None:
    before = lake.last_sequence()
    request = Request((str(place / "log.jsonl"),), lake.root, key_file=place / "key", groups=2)
    backfill(request, Progress(quiet=True))
    runs = lake.read("runs").sort("sequence").tail(lake.last_sequence() - before)
    assert "upkeep" not in runs["pipeline"].to_list()
