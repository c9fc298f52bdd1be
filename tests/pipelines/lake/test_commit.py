"""A run's rows enter the lake once, wherever the process dies."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from pipelines.lake.commit import Committer, Outcome, Write, commit_points
from pipelines.lake.files import write_frame
from pipelines.lake.lake import Lake
from pipelines.lake.lease import Lease
from pipelines.lake.plan import Plan, abandon, next_sequence, unfinished, write_plan
from pipelines.lake.state import States
from schemas.catalogue import COMMIT_ORDER, TABLES
from schemas.contract import Contract
from schemas.errors import ContractViolation, LakeError
from schemas.policy import Policy

MakeRows = Callable[..., pl.DataFrame]
START = datetime(2026, 1, 1, tzinfo=UTC)
NOON = START + timedelta(hours=12)


class Killed(Exception):
    """Stands for the death of the process."""


def killing(point: str) -> Callable[[str], None]:
    def after(now: str) -> None:
        if now == point:
            raise Killed(point)

    return after


def first_run(make: MakeRows) -> dict[str, Write]:
    hours = [START + timedelta(hours=h) for h in range(6)]
    return {
        "traits": Write(rows=make(TABLES["traits"], 40)),
        "sessions": Write(
            rows=make(TABLES["sessions"], 6, session_start=hours),
            provisional=make(TABLES["sessions"], 2, account_id="open", session_start=hours[:2], provisional=True),
        ),
        "findings": Write(rows=make(TABLES["findings"], 3)),
        "flagged_accounts": Write(overwrite=True, rows=make(TABLES["flagged_accounts"], 3)),
    }


def second_run(make: MakeRows, lake: Lake, plan: Plan) -> dict[str, Write]:
    """Every kind of write at once."""
    events = make(TABLES["events"], 50, source="b" * 16)
    entry = write_frame(lake.folder("events"), TABLES["events"], f"{plan.run_id}-00000.parquet", events)
    assert entry is not None
    hours = [START + timedelta(hours=h) for h in range(3, 9)]
    return {
        "events": Write(files=(entry,)),
        "traits": Write(replace_from=("tick", START + timedelta(minutes=20)), rows=make(TABLES["traits"], 5, key=77)),
        "sessions": Write(
            replace_from=("session_start", hours[0]),
            rows=make(TABLES["sessions"], 6, account_id="new", session_start=hours),
            provisional=TABLES["sessions"].empty(),
        ),
        "findings": Write(rows=make(TABLES["findings"], 2, revision=2)),
        "flagged_accounts": Write(overwrite=True, rows=make(TABLES["flagged_accounts"], 2, campaign_id="c")),
    }


OUTCOME = Outcome(accounts=3, windows=0, findings=1, policy_version=Policy().version)


def plan_next(lake: Lake, lease: Lease, pipeline: str = "detect") -> Plan:
    plan = Plan(next_sequence(lake), pipeline, NOON, Policy().to_json(), {"ticks": [1, 2]})
    write_plan(lake, lease, plan)
    return plan


def execute(lake: Lake, lease: Lease, plan: Plan, make: MakeRows, after: Callable[[str], None]) -> dict[str, int]:
    """What a host does with a plan: the same work each time."""
    name = States(lake.root).write("order", "0", plan.run_id, f"state {plan.sequence}".encode())
    writes = first_run(make) if plan.sequence == 1 else second_run(make, lake, plan)
    return Committer(lake, lease, after).commit(plan, writes, OUTCOME, {"order/0": name})


def tables(lake: Lake) -> dict[str, pl.DataFrame]:
    return {name: lake.read(name).drop("started_at", "finished_at", strict=False) for name in TABLES}


def assert_same(one: dict[str, pl.DataFrame], other: dict[str, pl.DataFrame]) -> None:
    for name, frame in one.items():
        assert_frame_equal(frame, other[name])


@pytest.fixture(scope="module")
def make(make_rows: MakeRows) -> MakeRows:
    return make_rows


@pytest.fixture(scope="module")
def after_first(tmp_path_factory: pytest.TempPathFactory, make_rows: MakeRows) -> Path:
    """A lake after one run, to be copied."""
    root = tmp_path_factory.mktemp("first") / "lake"
    lake = Lake.create(root, "k" * 16)
    with Lease.acquire(root, "test") as lease:
        execute(lake, lease, plan_next(lake, lease), make_rows, lambda _: None)
    return root


@pytest.fixture(scope="module")
def clean(after_first: Path, tmp_path_factory: pytest.TempPathFactory, make_rows: MakeRows) -> dict[str, pl.DataFrame]:
    """All tables after two undisturbed runs."""
    root = tmp_path_factory.mktemp("clean") / "lake"
    shutil.copytree(after_first, root)
    lake = Lake.open(root)
    with Lease.acquire(root, "test") as lease:
        execute(lake, lease, plan_next(lake, lease), make_rows, lambda _: None)
    return tables(lake)


POINTS = commit_points(dict.fromkeys(["events", "traits", "sessions", "findings", "flagged_accounts"], Write()))


def test_commit_points_are_the_manifest_and_two_a_table_with_runs_last() -> None:
    assert len(POINTS) == 1 + 2 * 6
    assert POINTS[0] == "manifest"
    assert POINTS[-1] == "runs: commit"


def test_every_commit_point_is_reached_in_order(after_first: Path, tmp_path: Path, make: MakeRows) -> None:
    shutil.copytree(after_first, tmp_path / "lake")
    lake, seen = Lake.open(tmp_path / "lake"), []
    with Lease.acquire(lake.root, "test") as lease:
        execute(lake, lease, plan_next(lake, lease), make, seen.append)
    assert seen == POINTS


@pytest.mark.parametrize("point", POINTS)
def test_a_run_killed_at_a_commit_point_and_repeated_equals_a_clean_one(
    point: str, after_first: Path, clean: dict[str, pl.DataFrame], tmp_path: Path, make: MakeRows
) -> None:
    shutil.copytree(after_first, tmp_path / "lake")
    lake = Lake.open(tmp_path / "lake")
    with Lease.acquire(lake.root, "test") as lease, pytest.raises(Killed):
        execute(lake, lease, plan_next(lake, lease), make, killing(point))
    with Lease.acquire(lake.root, "test") as lease:
        plan = unfinished(lake)
        if point == POINTS[-1]:
            assert plan is None
        else:
            assert plan is not None
            assert tables(lake)["sessions"].height == 8, "readers still see the run before"
            execute(lake, lease, plan, make, lambda _: None)
        assert unfinished(lake) is None
    assert_same(tables(lake), clean)


def test_a_run_killed_three_times_equals_a_clean_one(
    after_first: Path, clean: dict[str, pl.DataFrame], tmp_path: Path, make: MakeRows
) -> None:
    shutil.copytree(after_first, tmp_path / "lake")
    lake = Lake.open(tmp_path / "lake")
    with Lease.acquire(lake.root, "test") as lease:
        plan = plan_next(lake, lease)
        for point in ("traits: files", "events: commit", "findings: commit", "runs: files"):
            # A point that was passed before is not reached again.
            try:
                execute(lake, lease, plan, make, killing(point))
            except Killed:
                continue
        execute(lake, lease, plan, make, lambda _: None)
    assert_same(tables(lake), clean)


@pytest.mark.parametrize("point", ["events: commit", "sessions: files"])
def test_a_process_killed_by_the_kernel_leaves_a_lake_that_the_next_one_finishes(
    point: str, after_first: Path, clean: dict[str, pl.DataFrame], tmp_path: Path, make: MakeRows, checkout: Path
) -> None:
    root = tmp_path / "lake"
    shutil.copytree(after_first, root)
    lake = Lake.open(root)
    # The killed process does what `execute` does up to the point, with the rows written by this one.
    with Lease.acquire(root, "test") as lease:
        plan = plan_next(lake, lease)
    writes = second_run(make, lake, plan)
    writes["traits"].rows.write_parquet(tmp_path / "traits.parquet")  # type: ignore[union-attr]
    writes["sessions"].rows.write_parquet(tmp_path / "sessions.parquet")  # type: ignore[union-attr]
    program = f"""
import os, signal, sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path
import polars as pl
from pipelines.lake.commit import Committer, Outcome, Write
from pipelines.lake.files import FileEntry
from pipelines.lake.lake import Lake
from pipelines.lake.lease import Lease
from pipelines.lake.plan import unfinished
from schemas.catalogue import TABLES
root, at = Path(sys.argv[1]), datetime.fromisoformat
lake = Lake.open(root)
lease = Lease.acquire(root, "victim")
plan = unfinished(lake)
writes = {{
    "events": Write(files=(FileEntry(**{writes["events"].files[0].to_json()!r}),)),
    "traits": Write(replace_from=("tick", at("{writes["traits"].replace_from[1].isoformat()}")),
                    rows=pl.read_parquet(root.parent / "traits.parquet")),
    "sessions": Write(replace_from=("session_start", at("{writes["sessions"].replace_from[1].isoformat()}")),
                      rows=pl.read_parquet(root.parent / "sessions.parquet"), provisional=TABLES["sessions"].empty()),
}}
def after(point):
    if point == {point!r}:
        os.kill(os.getpid(), signal.SIGKILL)
Committer(lake, lease, after).commit(plan, writes, Outcome(3, 0, 1, "x"), {{}})
"""
    died = subprocess.run([sys.executable, "-c", program, str(root)], cwd=checkout, capture_output=True, check=False)
    assert died.returncode == -9, died.stderr.decode()
    with Lease.acquire(root, "test") as lease:
        again = unfinished(lake)
        assert again == plan
        execute(lake, lease, plan, make, lambda _: None)
    assert_same(tables(lake), clean)


def test_a_finished_commit_repeated_changes_nothing(after_first: Path, tmp_path: Path, make: MakeRows) -> None:
    shutil.copytree(after_first, tmp_path / "lake")
    lake = Lake.open(tmp_path / "lake")
    before = {name: lake.table(name).version() for name in TABLES}
    with Lease.acquire(lake.root, "test") as lease:
        plan = Plan(1, "detect", NOON, Policy().to_json(), {})
        versions = execute(lake, lease, plan, make, lambda _: None)
    assert {name: lake.table(name).version() for name in TABLES} == before
    assert versions == lake.versions()


def test_replacing_keeps_the_rows_before_and_drops_those_from_the_time_on(clean: dict[str, pl.DataFrame]) -> None:
    sessions = clean["sessions"]
    assert sessions["provisional"].any() is False
    old = sessions.filter(pl.col("account_id") != "new")["session_start"].to_list()
    assert sorted(old) == [START + timedelta(hours=h) for h in range(3)]
    assert sessions.filter(pl.col("account_id") == "new").height == 6
    assert clean["traits"].height == 20 + 5


def test_the_review_list_is_replaced_as_a_whole(clean: dict[str, pl.DataFrame]) -> None:
    assert clean["flagged_accounts"]["campaign_id"].to_list() == ["c", "c"]


def test_the_run_row_names_the_version_of_every_table(after_first: Path) -> None:
    lake = Lake.open(after_first)
    run = lake.last_run()
    assert run is not None
    assert {item["table"]: item["version"] for item in run["tables"]} == {
        name: lake.table(name).version() for name in TABLES
    }


def test_rows_that_break_their_contract_are_not_committed(lake: Lake, lease: Lease, make: MakeRows) -> None:
    plan = plan_next(lake, lease)
    rows = make(TABLES["sessions"], 2, account_id="twice", session_start=START)
    with pytest.raises(ContractViolation, match=r"key \(account_id, session_start\) is not unique"):
        Committer(lake, lease).commit(plan, {"sessions": Write(rows=rows)}, OUTCOME, {})
    assert lake.table("sessions").version() == 0


def test_a_table_outside_the_commit_order_is_refused(lake: Lake, lease: Lease) -> None:
    plan = plan_next(lake, lease)
    with pytest.raises(LakeError, match="a run cannot write this table"):
        Committer(lake, lease).commit(plan, {"runs": Write()}, OUTCOME, {})


def test_every_table_is_in_the_commit_order() -> None:
    assert set(COMMIT_ORDER) == set(TABLES)
    assert COMMIT_ORDER[-1] == "runs"


def test_an_abandoned_run_leaves_no_row_and_its_number_is_never_used_again(
    after_first: Path, tmp_path: Path, make: MakeRows
) -> None:
    shutil.copytree(after_first, tmp_path / "lake")
    lake = Lake.open(tmp_path / "lake")
    before = tables(lake)
    with Lease.acquire(lake.root, "test") as lease:
        plan = plan_next(lake, lease)
        with pytest.raises(Killed):
            execute(lake, lease, plan, make, killing("sessions: commit"))
        assert sorted(abandon(lake, lease, plan.sequence)) == ["events", "sessions", "traits"]
        assert unfinished(lake) is None
        assert abandon(lake, lease, plan.sequence) == []
        following = plan_next(lake, lease)
        assert following.sequence == plan.sequence + 1
        newest = {name: lake.read(name, lake.table(name).version()) for name in ("events", "sessions", "traits")}
        for name, frame in newest.items():
            assert_frame_equal(frame, before[name])
        execute(lake, lease, following, make, lambda _: None)
    assert lake.last_sequence() == following.sequence
    assert lake.read("events").height == 50


def test_a_file_of_the_same_name_with_other_rows_is_refused(lake: Lake, make: MakeRows) -> None:
    contract: Contract = TABLES["events"]
    write_frame(lake.folder("events"), contract, "x.parquet", make(contract, 5))
    with pytest.raises(LakeError, match="holds 5 rows of the same run where 4 are to be written"):
        write_frame(lake.folder("events"), contract, "x.parquet", make(contract, 4))
