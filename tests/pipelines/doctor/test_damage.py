"""Each way in which a lake's files can be broken is a symptom, with what mends it."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner

from pipelines.cli.main import cli
from pipelines.doctor import Case, Symptom, examine
from pipelines.doctor.examining import all_checks
from pipelines.lake.commit import Committer, Outcome, Write
from pipelines.lake.files import scan
from pipelines.lake.lake import Lake
from pipelines.lake.lease import Lease
from pipelines.lake.plan import Plan, next_sequence, unfinished, write_plan
from pipelines.upkeep import upkeep
from schemas.catalogue import TABLES
from schemas.errors import LakeError
from schemas.policy import Doctor, Policy


def symptoms(root: Path, **policy: float) -> dict[str, list[Symptom]]:
    case = Case(root)
    if policy:
        case.policy = Policy(doctor=Doctor(**policy))  # type: ignore[arg-type, misc]
    found: dict[str, list[Symptom]] = {}
    for check, symptom in examine(case).symptoms:
        found.setdefault(check, []).append(symptom)
    return found


def only(root: Path, check: str) -> Symptom:
    """The one symptom of a check, and no other."""
    found = symptoms(root)
    assert list(found) == [check], found
    assert len(found[check]) == 1, found
    return found[check][0]


def data_file(lake: Lake, table: str) -> Path:
    return lake.folder(table) / lake.files(table, lake.versions()[table])[0].path


def files_of(root: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def test_a_healthy_lake_has_no_symptom(healthy: Path) -> None:
    assert symptoms(healthy / "lake") == {}


def test_examining_changes_nothing(place: Path) -> None:
    before = files_of(place)
    examine(Case(place / "lake", place / "key"))
    assert files_of(place) == before


def test_there_is_a_check_for_everything_promised() -> None:
    promised = (
        "clocks counts days files findings key layout lease leftovers refused rows states tables traffic unfinished"
    )
    assert set(promised.split()) <= set(all_checks())


@pytest.mark.parametrize(
    ("content", "problem"),
    [(None, "it is no lake"), (b"{", "it is damaged"), (b'{"format": 99, "key_id": "k"}', "newer than 1")],
)
def test_a_lake_without_its_own_description_is_examined_all_the_same(
    lake: Lake, content: bytes | None, problem: str
) -> None:
    about = lake.root / "_stillwatch" / "lake.json"
    about.unlink()
    if content is not None:
        about.write_bytes(content)
    data_file(lake, "sessions").unlink()
    found = symptoms(lake.root)
    assert problem in found["layout"][0].problem
    assert found["files"][0].problem == "the data file is missing"


def test_a_missing_table_is_a_symptom_and_the_others_are_examined(lake: Lake) -> None:
    shutil.rmtree(lake.folder("traits"))
    data_file(lake, "sessions").unlink()
    found = symptoms(lake.root)
    assert any(s.where.endswith("traits") for s in found["layout"] + found["tables"])
    assert "files" in found


@pytest.mark.parametrize("table", ["events", "sessions", "runs"])
def test_a_damaged_log_entry_is_a_symptom(lake: Lake, table: str) -> None:
    (lake.folder(table) / "_delta_log" / f"{1:020d}.json").write_text("{")
    found = [s for some in symptoms(lake.root).values() for s in some]
    assert any(table in s.where for s in found)
    assert all("copy" in s.mend or "stillwatch" in s.mend for s in found if table in s.where)


def test_a_column_that_an_older_version_did_not_have_is_added_by_upkeep(lake: Lake) -> None:
    first = lake.folder("verdicts") / "_delta_log" / f"{0:020d}.json"
    gone = next(name for name in TABLES["verdicts"].columns if name not in TABLES["verdicts"].required)
    actions = [json.loads(line) for line in first.read_text().splitlines()]
    for action in actions:
        if "metaData" in action:
            schema = json.loads(action["metaData"]["schemaString"])
            schema["fields"] = [f for f in schema["fields"] if f["name"] != gone]
            action["metaData"]["schemaString"] = json.dumps(schema)
    first.write_text("".join(json.dumps(action) + "\n" for action in actions))
    found = only(lake.root, "tables")
    assert (found.severity, f"column {gone} is missing" in found.problem) == ("warning", True)
    assert upkeep(lake.root).adopted == (f"verdicts.{gone}",)
    assert symptoms(lake.root) == {}


def test_a_column_of_a_newer_version_asks_for_a_newer_program(lake: Lake) -> None:
    from deltalake import Field

    lake.table("sessions").alter.add_columns([Field("invented", "long")])
    found = only(lake.root, "tables")
    assert "column invented is unknown" in found.problem
    assert "newer" in found.mend


@pytest.mark.parametrize("table", ["events", "sessions", "findings", "runs"])
def test_a_missing_data_file_is_a_symptom_that_names_it(lake: Lake, table: str) -> None:
    path = data_file(lake, table)
    path.unlink()
    found = [s for some in symptoms(lake.root).values() for s in some]
    assert any(s.where == str(path) and s.problem == "the data file is missing" for s in found)


def test_a_data_file_cut_short_is_a_symptom(lake: Lake) -> None:
    path = data_file(lake, "sessions")
    path.write_bytes(path.read_bytes()[:-20])
    assert "bytes where the log says" in symptoms(lake.root)["files"][0].problem


def test_a_changed_byte_inside_a_data_file_is_a_symptom(lake: Lake) -> None:
    path = data_file(lake, "events")
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 64] = b"\xff" * 64
    path.write_bytes(data)
    found = [s for some in symptoms(lake.root).values() for s in some]
    assert any(s.where == str(path) for s in found)


def test_rows_out_of_order_are_a_symptom(lake: Lake) -> None:
    path = data_file(lake, "events")
    scan([path], TABLES["events"]).collect().reverse().write_parquet(path)
    assert any("not sorted by account_hash" in s.problem for s in symptoms(lake.root)["rows"])


def test_a_required_value_that_is_missing_is_a_symptom(lake: Lake) -> None:
    path = data_file(lake, "sessions")
    rows = scan([path], TABLES["sessions"]).collect()
    rows.with_columns(pl.lit(None, pl.String).alias("account_id")).write_parquet(path)
    assert any("account_id is null" in s.problem for s in symptoms(lake.root)["rows"])


def test_a_large_table_is_looked_at_in_part_and_that_is_said(lake: Lake) -> None:
    case = Case(lake.root)
    case.policy = Policy(doctor=Doctor(checked_rows=100))  # type: ignore[misc]
    found = examine(case)
    assert found.symptoms == ()
    assert "events: 1,100 rows, of which one in 11 was looked at" in found.notes


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("events/.x.parquet.77.88.tmp", "half-written"),
        ("sessions/detect-00000099-group-000.parquet", "data files that no version"),
        ("_stillwatch/staging/detect-00000002/messages.json", "folders of runs that are over"),
        ("_stillwatch/spool/stdin", "folders of runs that are over"),
        ("_stillwatch/state/order/group-000/detect-00000099", "states and snapshots"),
        ("_stillwatch/snapshots/day-2026-01-01.learn-00000099/snapshot.json", "states and snapshots"),
    ],
)
def test_a_leftover_is_a_symptom_and_upkeep_removes_it(lake: Lake, name: str, what: str) -> None:
    path = lake.root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"left over")
    assert what in only(lake.root, "leftovers").problem
    assert upkeep(lake.root).leftovers == 1
    assert not path.exists()
    assert symptoms(lake.root) == {}


@pytest.fixture
def interrupted(lake: Lake) -> Plan:
    """A run that died after it had committed its first table."""

    class Killed(Exception):
        pass

    def kill(point: str) -> None:
        if point == "sessions: commit":
            raise Killed

    with Lease.acquire(lake.root, "test") as lease:
        plan = Plan(next_sequence(lake), "detect", lake.last_run()["finished_at"], Policy().to_json(), {})  # type: ignore[index]
        write_plan(lake, lease, plan)
        rows = lake.read("sessions").with_columns(pl.lit("another").alias("account_id"))
        with pytest.raises(Killed):
            Committer(lake, lease, kill).commit(plan, {"sessions": Write(rows=rows)}, Outcome(0, 0, 0, "x"), {})
    return plan


def test_an_unfinished_run_is_a_symptom_and_can_be_abandoned(lake: Lake, interrupted: Plan) -> None:
    before = lake.read("sessions")
    assert f"--abandon {interrupted.sequence}" in only(lake.root, "unfinished").mend
    done = CliRunner().invoke(cli, ["doctor", str(lake.root), "--abandon", str(interrupted.sequence), "--yes"])
    assert done.exit_code == 0, done.output
    assert unfinished(lake) is None
    assert lake.read("sessions", lake.table("sessions").version()).equals(before)
    assert symptoms(lake.root) == {}


def test_a_run_is_not_abandoned_without_consent(lake: Lake, interrupted: Plan) -> None:
    done = CliRunner().invoke(cli, ["doctor", str(lake.root), "--abandon", str(interrupted.sequence)], input="n\n")
    assert done.exit_code != 0
    assert unfinished(lake) == interrupted


def test_a_run_that_is_not_unfinished_is_not_abandoned(lake: Lake) -> None:
    done = CliRunner().invoke(cli, ["doctor", str(lake.root), "--abandon", "1", "--yes"])
    assert isinstance(done.exception, LakeError)
    assert "run 1 is not unfinished" in str(done.exception)


def test_upkeep_leaves_an_unfinished_run_alone(lake: Lake, interrupted: Plan) -> None:
    before = files_of(lake.root)
    with pytest.raises(LakeError, match=f"--abandon {interrupted.sequence}"):
        upkeep(lake.root)
    assert {path: data for path, data in files_of(lake.root).items() if path.name != "lease"} == {
        path: data for path, data in before.items() if path.name != "lease"
    }


@pytest.mark.parametrize(
    "kind",
    [
        "state/order/group-000",
        "state/segments",
        "state/names",
        "snapshots",
        "manifests",
        "plans",
        "state/sources",
    ],
)
@pytest.mark.parametrize("damage", ["changed", "emptied"])
def test_a_damaged_state_snapshot_manifest_or_plan_is_a_symptom(lake: Lake, kind: str, damage: str) -> None:
    last = lake.last_run()
    assert last is not None
    paths = [path for path in (lake.root / "_stillwatch" / kind).rglob("*") if path.is_file()]
    path = next((p for p in paths if p.name == last["run_id"]), max(paths))
    path.write_bytes(b"" if damage == "emptied" else path.read_bytes()[:-1] + b"~")
    found = [s for some in symptoms(lake.root).values() for s in some if s.where == str(path)]
    assert len(found) == 1
    assert any(word in found[0].mend for word in ("stillwatch rebuild --lake", "copy", "remove"))


def test_what_only_an_earlier_border_needs_is_a_warning_and_the_rest_goes_on(lake: Lake) -> None:
    states = lake.root / "_stillwatch" / "state" / "features" / "group-000"
    oldest = min(states.iterdir(), key=lambda path: path.name.rpartition("-")[2])
    oldest.write_bytes(b"")
    found = only(lake.root, "states")
    assert (found.severity, found.where) == ("warning", str(oldest))
    manifest = Path(found.mend.partition("remove ")[2].partition(":")[0])
    assert manifest.parent.name == "manifests"


def test_a_damaged_register_of_sources_asks_for_a_copy_not_for_a_rebuild(lake: Lake) -> None:
    path = next(path for path in (lake.root / "_stillwatch" / "state" / "sources").rglob("*") if path.is_file())
    path.write_bytes(b"")
    found = [s for some in symptoms(lake.root).values() for s in some if s.where == str(path)]
    assert ["copy" in s.mend and "rebuild" not in s.mend for s in found] == [True]


def test_a_damaged_plan_of_an_unfinished_run_names_the_command_that_drops_it(lake: Lake, interrupted: Plan) -> None:
    path = lake.root / "_stillwatch" / "plans" / f"{interrupted.sequence:08d}-detect.plan"
    path.write_bytes(path.read_bytes()[:-3])
    found = symptoms(lake.root)
    assert any(f"--abandon {interrupted.sequence}" in s.mend for s in found["states"])


def test_a_state_of_a_newer_version_asks_for_a_newer_program(lake: Lake) -> None:
    path = next(path for path in (lake.root / "_stillwatch" / "state" / "order" / "group-000").iterdir())
    path.write_bytes(path.read_bytes().replace(b"stillwatch state 1", b"stillwatch state 9", 1))
    found = symptoms(lake.root)["states"]
    assert [("newer than 1" in s.problem, s.mend) for s in found] == [(True, "use a newer stillwatch")]


@pytest.fixture
def orphaned_lock(lake: Lake) -> Iterator[None]:
    """The lease is locked by a child of a holder that is gone."""
    code = (
        "import os, sys, time\n"
        "from pathlib import Path\n"
        "from pipelines.lake.lease import Lease\n"
        "lease = Lease.acquire(Path(sys.argv[1]), 'a run')\n"
        "os.set_inheritable(lease._descriptor, True)\n"
        "import subprocess\n"
        "quiet = {'stdout': subprocess.DEVNULL, 'stderr': subprocess.DEVNULL}\n"
        "child = subprocess.Popen(['sleep', '60'], pass_fds=[lease._descriptor], **quiet)\n"
        "print(child.pid, flush=True)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(lake.root)], check=True, capture_output=True, text=True)
    yield
    os.kill(int(done.stdout), signal.SIGKILL)


@pytest.mark.usefixtures("orphaned_lock")
def test_a_lease_whose_holder_is_dead_is_a_symptom(lake: Lake) -> None:
    found = only(lake.root, "lease")
    assert "its holder is gone" in found.problem
    assert "fuser" in found.mend


def test_a_writer_at_work_is_no_symptom(lake: Lake, interrupted: Plan) -> None:
    (lake.folder("events") / ".x.parquet.77.88.tmp").write_bytes(b"being written")
    with Lease.acquire(lake.root, "test"):
        assert symptoms(lake.root) == {}
    assert set(symptoms(lake.root)) == {"unfinished"}


@pytest.mark.parametrize(("mode", "text"), [(0o644, "0f" * 32), (0o600, "1e" * 32), (0o600, "short")])
def test_a_key_that_others_read_or_that_is_not_the_lakes_is_a_symptom(place: Path, mode: int, text: str) -> None:
    (place / "key").write_text(text)
    (place / "key").chmod(mode)
    found = examine(Case(place / "lake", place / "key")).symptoms
    assert [check for check, _ in found] == ["key"]


def test_the_command_lists_symptoms_and_exits_with_1(lake: Lake) -> None:
    healthy = CliRunner().invoke(cli, ["doctor", str(lake.root)], standalone_mode=False)
    assert (healthy.return_value, healthy.stdout) == (0, "")
    data_file(lake, "sessions").unlink()
    ill = CliRunner().invoke(cli, ["doctor", str(lake.root), "--format", "json"], standalone_mode=False)
    assert ill.return_value == 1
    assert json.loads(ill.stdout)[0]["problem"] == "the data file is missing"
