"""What is older than the policy keeps goes, nothing else does, and the counts know."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from pipelines.doctor import Case, examine
from pipelines.lake.commit import Committer, Outcome, Write
from pipelines.lake.delta_log import log_files, oldest_version
from pipelines.lake.lake import Lake
from pipelines.lake.lease import Lease
from pipelines.lake.plan import Plan, next_sequence, write_plan
from pipelines.lake.state import States
from pipelines.upkeep import upkeep
from pipelines.upkeep.choosing import TIME_OF, keep_from
from schemas.catalogue import PARITY_TABLES
from schemas.errors import LakeError, PolicyError
from schemas.policy import Policy, Retention

from .conftest import EVENTS, SPARING, START, append, differing, rows

CUTOFF = datetime(2026, 3, 3, tzinfo=UTC)  # a day before the midnight that closed time has passed


def test_exactly_the_rows_before_the_cutoff_go(lake: Lake) -> None:
    before = rows(lake)
    upkeep(lake.root, SPARING)
    for name, frame in rows(lake).items():
        column = TIME_OF.get(name)
        kept = before[name] if column is None else before[name].filter(pl.col(column) >= CUTOFF)
        assert frame.equals(kept), name
    assert before["events"].filter(pl.col("time") < CUTOFF).height == 480


def test_the_counts_still_add_up_and_say_what_went(lake: Lake) -> None:
    upkeep(lake.root, SPARING)
    gone = lake.read("runs").select(pl.col("removed").explode(empty_as_null=False)).drop_nulls().unnest("removed")
    by_table = dict(gone.group_by("table").agg(pl.col("rows").sum()).iter_rows())
    assert by_table["events"] == 480
    results = {"sessions", "account_windows", "account_embeddings", "account_scores"}
    assert set(by_table) == {"events", "traits"} | results
    assert examine(Case(lake.root)).symptoms == ()


@pytest.mark.slow
def test_what_follows_is_what_it_would_have_been(grown: Path, place: Path, lake: Lake, tmp_path: Path) -> None:
    import shutil

    untouched = shutil.copytree(grown, tmp_path / "untouched")
    only_events = Policy(retention=Retention(events_days=1))
    upkeep(lake.root, only_events)
    for folder in (place, untouched):
        append(folder, EVENTS + 300)
    there = rows(Lake.open(untouched / "lake"))
    assert differing({name: there[name] for name in (*PARITY_TABLES, "too_late")}, rows(lake)) == []


def test_sources_whose_events_went_are_not_read_again(place: Path, lake: Lake) -> None:
    upkeep(lake.root, SPARING)
    before = lake.read("events").height
    append(place, EVENTS)
    assert lake.read("events").height == before


def test_nothing_goes_by_the_default_policy(lake: Lake) -> None:
    before = rows(lake)
    upkeep(lake.root)
    assert differing(before, rows(lake)) == []


def test_backfill_removes_old_rows_by_itself_when_a_day_closes(place: Path, lake: Lake) -> None:
    append(place, EVENTS + 300, policy=SPARING)
    assert lake.read("events")["time"].min() == CUTOFF + timedelta(days=1)
    assert examine(Case(lake.root)).symptoms == ()


def test_old_events_that_detect_has_not_looked_at_stay_until_it_has(lake: Lake) -> None:
    last = lake.last_run()
    assert last is not None
    with Lease.acquire(lake.root, "test") as lease:
        plan = Plan(next_sequence(lake), "ingest", START, Policy().to_json(), {})
        write_plan(lake, lease, plan)
        manifest = States(lake.root).read_manifest(last["run_id"])
        some = Write(rows=lake.read("events").head(3))
        Committer(lake, lease).commit(plan, {"events": some}, Outcome(0, 0, 0, "x"), manifest)
    upkeep(lake.root, SPARING)
    assert lake.read("events").filter(pl.col("time") < CUTOFF).height == 3


def test_days_are_counted_from_the_last_closed_midnight() -> None:
    closed = datetime(2026, 3, 4, 17, 5, tzinfo=UTC)
    assert keep_from("events", closed, Policy(retention=Retention(events_days=2))) == datetime(2026, 3, 2, tzinfo=UTC)
    assert keep_from("sessions", closed, Policy()) == datetime(2023, 12, 25, tzinfo=UTC)
    assert keep_from("findings", closed, SPARING) is None
    assert keep_from("events", None, SPARING) is None
    assert keep_from("events", closed, Policy(retention=Retention(events_days=10**9))) is None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("events_days = 34", "events_days is less than retention.checkpoint_days"),
        ("results_days = 1", "results_days is less than 2"),
        ("traits_days = 1", "traits_days is less than 2"),
    ],
)
def test_a_policy_that_keeps_less_than_is_needed_is_refused(text: str, problem: str) -> None:
    with pytest.raises(PolicyError, match=problem):
        Policy.parse(f"[retention]\n{text}\n")


def test_retention_and_upkeep_leave_the_policy_version_alone() -> None:
    assert SPARING.version == Policy().version


def test_versions_older_than_the_policy_keeps_go_with_their_files(lake: Lake) -> None:
    first = lake.read("runs").sort("sequence").row(0, named=True)
    versions = {item["table"]: item["version"] for item in first["tables"]}
    before = rows(lake)
    done = upkeep(lake.root, Policy(retention=Retention(versions_days=0)))
    assert done.old_versions > 0
    assert differing(before, rows(lake)) == []
    flagged = lake.folder("flagged_accounts")
    named = {e.path for e in lake.files("flagged_accounts")}
    assert len(list(flagged.glob("*.parquet"))) <= len(named) + 1
    assert lake.read("events", versions["events"]).height == 300, "what is still there can still be read"
    assert examine(Case(lake.root)).symptoms == ()


def test_log_entries_that_no_kept_version_needs_go(lake: Lake) -> None:
    last = lake.last_run()
    assert last is not None
    with Lease.acquire(lake.root, "test") as lease:
        for number in range(45):
            plan = Plan(next_sequence(lake), "detect", START, Policy().to_json(), {})
            write_plan(lake, lease, plan)
            manifest = States(lake.root).read_manifest(last["run_id"])
            closed = last["finished_at"].replace(year=2026, month=3, day=5) + timedelta(hours=number)
            outcome = Outcome(0, 0, 0, "x", closed_until=closed, events_version=lake.versions()["events"])
            Committer(lake, lease).commit(plan, {"campaigns": Write(overwrite=True)}, outcome, manifest)
    before = rows(lake)
    upkeep(lake.root, Policy(retention=Retention(versions_days=0)))
    assert oldest_version(lake.folder("runs")) >= 20
    assert log_files(lake.folder("runs"))["json"][0] >= 20
    assert differing(before, rows(lake)) == []
    assert lake.read("runs").height >= 45
    assert [s for check, s in examine(Case(lake.root)).symptoms if check in ("tables", "files", "leftovers")] == []
    with pytest.raises(LakeError, match="version 3 cannot be read"):
        lake.table("runs", 3)
