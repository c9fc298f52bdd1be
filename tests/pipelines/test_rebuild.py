"""A rebuild: the same lake where nothing changed, the lake of a clean backfill where something did, whoever is killed."""

import json
import random
import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from given_lakes import (
    DAY,
    START,
    Killed,
    assert_equal,
    assert_everything_adds_up,
    copy_of,
    record,
    run_backfill,
)
from pipelines import run_bounds
from pipelines.cli.progress import Progress
from pipelines.doctor import Case, examine
from pipelines.lake.commit import Committer, Outcome, Write
from pipelines.lake.lake import Lake
from pipelines.lake.lease import Lease
from pipelines.lake.plan import Plan, next_sequence, write_plan
from pipelines.lake.state import States
from pipelines.rebuild import Outlook, RebuildRequest, Rebuilt, preview, rebuild
from pipelines.upkeep import upkeep
from schemas.errors import LakeError
from schemas.policy import Policy
from transforms.findings import standing_revisions

LAST_DAY = START + 2 * DAY + timedelta(hours=5)
STRICT = "[rules]\nfresh_tokens = 100000\nsweep_tokens = 100000\nsweep_act_tokens = 200000\n"


@pytest.fixture(scope="module")
def lines() -> list[bytes]:
    rng = random.Random(5)
    return [json.dumps(record(number, rng)).encode() + b"\n" for number in range(2400)]


@pytest.fixture(scope="module")
def late() -> list[bytes]:
    """What another gateway logged on the second day: it sweeps a little earlier, and an account nobody knew calls."""
    rng = random.Random(6)
    rows = []
    for number in range(960, 1400, 2):
        row = record(number, rng) | {"event_id": f"late-{number}"}
        if number % 4 == 0:
            row |= {"account_id": "acct-9"}
        rows.append(json.dumps(row).encode() + b"\n")
    return rows


def _rebuild(
    lake: Path, since: datetime, policy: Policy | None = None, after: Callable[[str], None] = lambda _: None
) -> Rebuilt:
    return rebuild(RebuildRequest(lake, since, policy, key_file=lake.parent / "key"), Progress(quiet=True), after)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, lines: list[bytes]) -> Path:
    """A lake of everything but the late file; tests copy it."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "log.jsonl").write_bytes(b"".join(lines))
    run_backfill(folder / "lake", [folder / "log.jsonl"])
    return folder


@pytest.fixture(scope="module")
def with_late(made: Path, tmp_path_factory: pytest.TempPathFactory, late: list[bytes]) -> Path:
    """The same after the late file came: its events are too late."""
    folder = tmp_path_factory.mktemp("late")
    shutil.copytree(made, folder, dirs_exist_ok=True)
    (folder / "late.jsonl").write_bytes(b"".join(late))
    run_backfill(folder / "lake", [folder / "late.jsonl"])
    assert Lake.open(folder / "lake").read("too_late").height == len(late)
    return folder


@pytest.fixture(scope="module")
def clean(made: Path, tmp_path_factory: pytest.TempPathFactory, late: list[bytes]) -> Path:
    """One backfill of all files."""
    folder = tmp_path_factory.mktemp("clean")
    (folder / "log.jsonl").write_bytes((made / "log.jsonl").read_bytes())
    (folder / "late.jsonl").write_bytes(b"".join(late))
    run_backfill(folder / "lake", [folder / "log.jsonl", folder / "late.jsonl"])
    return folder


@pytest.fixture(scope="module")
def untouched(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[datetime], tuple[Path, Rebuilt]]:
    """The lake of everything but the late file, rebuilt since a day; each once, for tests that only read it."""

    @cache
    def since(day: datetime) -> tuple[Path, Rebuilt]:
        lake = copy_of(made, tmp_path_factory.mktemp("untouched"))
        return lake, _rebuild(lake, day)

    return since


@pytest.fixture(scope="module")
def taken_in(with_late: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Outlook, Rebuilt]:
    """The lake with the late file, rebuilt since the day it was late on, and what was said before and after."""
    lake = copy_of(with_late, tmp_path_factory.mktemp("taken-in"))
    return lake, preview(RebuildRequest(lake, START + DAY)), _rebuild(lake, START + DAY)


@pytest.mark.parametrize("since", [START, LAST_DAY])
def test_a_rebuild_of_an_untouched_lake_changes_no_byte_and_says_nothing(
    made: Path, untouched: Callable[[datetime], tuple[Path, Rebuilt]], since: datetime
) -> None:
    lake, told = untouched(since)
    assert_equal(made / "lake", lake)
    assert_everything_adds_up(lake)
    assert told.findings == {"created": 0, "changed": 0, "withdrawn": 0}
    assert (told.flagged, told.unflagged) == ((), ())


def test_the_state_of_the_borders_is_kept_and_a_rebuild_starts_there(
    made: Path, untouched: Callable[[datetime], tuple[Path, Rebuilt]]
) -> None:
    assert preview(RebuildRequest(made / "lake", START + DAY)).since == START + DAY
    assert untouched(LAST_DAY)[1].days == 1


def test_late_events_are_taken_in_as_if_they_had_come_in_time(
    with_late: Path, clean: Path, taken_in: tuple[Path, Outlook, Rebuilt]
) -> None:
    lake, seen, told = taken_in
    assert_equal(clean / "lake", lake, "findings")
    assert_everything_adds_up(lake)
    assert seen.late == told.late == Lake.open(with_late / "lake").read("too_late").height
    assert Lake.open(lake).read("too_late").is_empty()


def test_what_stands_of_the_findings_is_what_a_clean_backfill_finds(
    with_late: Path, clean: Path, taken_in: tuple[Path, Outlook, Rebuilt]
) -> None:
    lake, _, told = taken_in
    rows = Lake.open(lake).read("findings")
    before = Lake.open(with_late / "lake").read("findings")
    assert sum(told.findings.values()) == rows.height - before.height > 0
    assert_frame_equal(rows.join(before, on=["finding_uid", "revision"], how="semi"), before)
    expected = Lake.open(clean / "lake").read("findings").drop("revision", "activity")
    standing = [
        row
        for (_, group) in rows.group_by("finding_uid", maintain_order=True)
        for row in standing_revisions(group.sort("revision").to_dicts())
    ]
    found = pl.DataFrame(standing, schema=rows.schema).sort("finding_uid", "tick").drop("revision", "activity")
    assert_frame_equal(found, expected.sort("finding_uid", "tick"), check_exact=True)


def test_upkeep_before_and_after_a_rebuild_changes_no_row_and_doctor_finds_nothing(
    with_late: Path, clean: Path, tmp_path: Path
) -> None:
    lake = copy_of(with_late, tmp_path)
    assert upkeep(lake).tables
    _rebuild(lake, START + DAY)
    upkeep(lake)
    assert_equal(clean / "lake", lake, "findings")
    assert_everything_adds_up(lake)
    assert examine(Case(lake)).symptoms == ()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_whatever_comes_late_and_whichever_days_are_rebuilt_the_clean_lake_comes_out(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A log in two files and what came late of it in two more; a rebuild after each, and perhaps one in between."""
    rng = random.Random(seed)
    monkeypatch.setattr(run_bounds, "RUN_ROWS", rng.choice([2_000_000, 400]))
    first = rng.randrange(2)
    files: dict[str, list[str]] = {name: [] for name in ("a", "b", "late-0", "late-1")}
    for number in range(2300):
        row = record(number, rng)
        if rng.random() < 0.15:
            row["account_id"] = f"acct-{rng.randrange(5, 9)}"
        could_be_late = first * 960 <= number < 1160
        name = f"late-{number % 2}" if could_be_late and rng.random() < 0.25 else "ab"[number >= 1150]
        files[name].append(json.dumps(row) + "\n")
    for name, rows in files.items():
        (tmp_path / f"{name}.jsonl").write_text("".join(rows))
    paths = {name: tmp_path / f"{name}.jsonl" for name in files}
    lake = tmp_path / "lake"
    run_backfill(lake, [paths["a"]], complete=False)
    run_backfill(lake, [paths["late-0"], paths["b"]], complete=rng.random() < 0.5)
    _rebuild(lake, START + rng.randrange(first + 1) * DAY)
    run_backfill(lake, [paths["late-1"]])
    if rng.random() < 0.3:
        _rebuild(lake, START + DAY)
    _rebuild(lake, START + rng.randrange(first + 1) * DAY)
    run_backfill(tmp_path / "clean" / "lake", list(paths.values()))
    assert_equal(tmp_path / "clean" / "lake", lake, "findings")
    assert_everything_adds_up(lake)
    assert examine(Case(lake)).symptoms == ()


@pytest.mark.slow
def test_a_second_rebuild_says_nothing_more(with_late: Path, tmp_path: Path) -> None:
    lake = copy_of(with_late, tmp_path)
    _rebuild(lake, START + DAY)
    before = Lake.open(lake).read("findings")
    told = _rebuild(lake, START)
    assert told.findings == {"created": 0, "changed": 0, "withdrawn": 0}
    assert_frame_equal(Lake.open(lake).read("findings"), before)
    assert_everything_adds_up(lake)


def test_a_policy_that_asks_for_more_withdraws_a_finding_and_the_old_one_brings_it_back(
    made: Path, tmp_path: Path
) -> None:
    lake = copy_of(made, tmp_path)
    before = Lake.open(lake).read("flagged_accounts")
    assert before.filter(pl.col("kind") == "reverse_engineering")["account_id"].to_list() == ["acct-1"]
    told = _rebuild(lake, START + DAY, Policy.parse(STRICT))  # it sweeps from then on
    opened = Lake.open(lake)
    assert "acct-1" in told.unflagged
    assert told.findings["withdrawn"] >= 1
    last = opened.read("findings").filter(pl.col("account_id") == "acct-1").sort("revision").row(-1, named=True)
    assert last["activity"] == "withdrawn"
    assert last["policy_version"] == Policy.parse(STRICT).version
    assert last["reasons"][0].startswith("Withdrawn")
    assert "acct-1" not in opened.read("flagged_accounts")["account_id"]
    again = _rebuild(lake, START + DAY, Policy())
    assert "acct-1" in again.flagged
    assert_equal(made / "lake", lake, "findings")


@pytest.mark.parametrize("step", [pytest.param(23, marks=pytest.mark.slow), pytest.param(1, marks=pytest.mark.soak)])
def test_a_rebuild_killed_at_any_commit_point_and_repeated_gives_the_clean_lake(
    with_late: Path, clean: Path, tmp_path: Path, step: int
) -> None:
    points: list[str] = []
    _rebuild(copy_of(with_late, tmp_path / "counted"), START + DAY, after=points.append)
    assert len(points) > 60
    for number in range(0, len(points), step):
        lake = copy_of(with_late, tmp_path / f"killed-{number}")
        left = [number]

        def kill(_: str, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] < 0:
                raise Killed

        with pytest.raises(Killed):
            _rebuild(lake, START + DAY, after=kill)
        if number % 2:
            run_backfill(lake, [lake.parent / "log.jsonl"])
        else:
            _rebuild(lake, START + DAY)
        assert_equal(clean / "lake", lake, "findings")
        assert_everything_adds_up(lake)
        expected = Lake.open(tmp_path / "counted" / "lake").read("findings")
        assert_frame_equal(Lake.open(lake).read("findings"), expected, check_exact=True)
        shutil.rmtree(lake.parent)


def test_a_rebuild_that_was_killed_goes_on_and_does_not_begin_anew(with_late: Path, tmp_path: Path) -> None:
    lake, seen = copy_of(with_late, tmp_path), []

    def kill(point: str) -> None:
        seen.append(point)
        if seen.count("runs: commit") == 3:  # after the rewind, a day detected and learned
            raise Killed

    with pytest.raises(Killed):
        _rebuild(lake, START + DAY, after=kill)
    _rebuild(lake, START + DAY)
    runs = Lake.open(lake).read("runs").sort("sequence")["pipeline"].to_list()
    assert runs.count("rewind") == 1
    assert runs[runs.index("rewind") :][:4] == ["rewind", "detect", "learn", "detect"]


def test_a_rebuild_goes_on_as_far_as_was_closed_before(
    made: Path, untouched: Callable[[datetime], tuple[Path, Rebuilt]]
) -> None:
    closed = Lake.open(made / "lake").read("runs")["closed_until"].max()
    assert untouched(LAST_DAY)[1].closed_until == closed


def test_a_lost_state_is_mended_by_a_rebuild(made: Path, tmp_path: Path, lines: list[bytes]) -> None:
    lake = copy_of(made, tmp_path)
    manifest = States(lake).read_manifest(Lake.open(lake).last_run()["run_id"])  # type: ignore[index]
    (lake / "_stillwatch" / "state" / manifest["order/group-000"]).unlink()
    more = json.loads(lines[-1]) | {"end_time": (START + 4 * DAY).isoformat(), "event_id": "more"}
    (tmp_path / "more.jsonl").write_text("".join(json.dumps(more | {"event_id": f"m{n}"}) + "\n" for n in range(20)))
    with pytest.raises(LakeError, match="stillwatch rebuild --since"):
        run_backfill(lake, [tmp_path / "more.jsonl"])
    _rebuild(lake, START + 2 * DAY)
    run_backfill(lake, [tmp_path / "more.jsonl"])
    run_backfill(tmp_path / "whole", [tmp_path / "log.jsonl", tmp_path / "more.jsonl"])
    assert_equal(tmp_path / "whole", lake)


@pytest.mark.parametrize("since", [START + 9 * DAY, START + 3 * DAY])
def test_a_day_that_is_not_closed_cannot_be_rebuilt(made: Path, since: datetime) -> None:
    with pytest.raises(LakeError, match="nothing to rebuild since"):
        preview(RebuildRequest(made / "lake", since))


def test_a_preview_writes_nothing(made: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in (made / "lake").rglob("*")}
    seen = preview(RebuildRequest(made / "lake", START + DAY))
    assert seen.events == Lake.open(made / "lake").read("events", None, ("time", START + DAY, None)).height
    assert seen.rows["sessions"] > 0
    assert {path: path.stat().st_mtime_ns for path in (made / "lake").rglob("*")} == before


def test_where_events_are_no_longer_kept_nothing_is_forgotten(made: Path, tmp_path: Path) -> None:
    lake = Lake.open(copy_of(made, tmp_path))
    with Lease.acquire(lake.root, "a test") as lease:
        plan = Plan(next_sequence(lake), "overlay", START, Policy().to_json(), {})
        write_plan(lake, lease, plan)
        manifest = States(lake.root).read_manifest(lake.last_run()["run_id"])  # type: ignore[index]
        writes = {"events": Write(replace_from=("time", START + 2 * DAY))}
        Committer(lake, lease).commit(plan, writes, Outcome(0, 0, 0, Policy().version), manifest)
    with pytest.raises(LakeError, match="events since then are no longer kept"):
        _rebuild(lake.root, START + DAY)
    assert_equal(made / "lake", lake.root)
