"""What a lake is, and which folders and keys it refuses."""

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest
from deltalake import DeltaTable

from pipelines.lake.commit import Committer, Outcome, Write
from pipelines.lake.keys import default_key_file, read_secret
from pipelines.lake.lake import Lake, made_at
from pipelines.lake.lease import Lease
from pipelines.lake.plan import Plan, next_sequence, write_plan
from pipelines.lake.sealed import temporary_beside
from schemas.catalogue import TABLES
from schemas.errors import LakeError

MakeRows = Callable[..., pl.DataFrame]
START = datetime(2026, 1, 1, tzinfo=UTC)
SECRET = "ab" * 32


def commit(lake: Lake, lease: Lease, **writes: Write) -> dict[str, int]:
    plan = Plan(next_sequence(lake), "detect", START, "{}", {})
    write_plan(lake, lease, plan)
    return Committer(lake, lease).commit(plan, writes, Outcome(0, 0, 0, "x"), {})


def test_a_new_lake_holds_every_table_with_its_contract_s_columns(lake: Lake) -> None:
    for name, contract in TABLES.items():
        fields = lake.table(name).schema().fields
        assert [f.name for f in fields] == contract.columns
        assert [f.nullable for f in fields] == [f.nullable for f in contract.arrow]
        assert lake.read(name).schema == contract.polars


def test_creating_an_existing_lake_opens_it(lake: Lake) -> None:
    assert Lake.create(lake.root, lake.key_id) == lake


def test_another_key_is_refused_and_readers_need_none(lake: Lake) -> None:
    with pytest.raises(LakeError, match="made with key 0123456789abcdef, not with ffff"):
        Lake.open(lake.root, "ffff")
    assert Lake.open(lake.root).key_id == "0123456789abcdef"


def test_a_newer_format_is_refused(lake: Lake) -> None:
    path = lake.root / "_stillwatch" / "lake.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 2}))
    with pytest.raises(LakeError, match="format 2, newer than 1"):
        Lake.open(lake.root)


@pytest.mark.parametrize("content", ["", "{}", '{"format": "x", "key_id": 1}', "[1]"])
def test_a_damaged_description_is_one_clear_sentence(lake: Lake, content: str) -> None:
    (lake.root / "_stillwatch" / "lake.json").write_text(content)
    with pytest.raises(LakeError, match="it is damaged"):
        Lake.open(lake.root)


def test_a_folder_that_is_no_lake_is_not_opened_and_not_filled(tmp_path: Path) -> None:
    with pytest.raises(LakeError, match="no such folder"):
        Lake.open(tmp_path / "nowhere")
    (tmp_path / "thesis.txt").write_text("x")
    with pytest.raises(LakeError, match="it is no lake"):
        Lake.open(tmp_path)
    with pytest.raises(LakeError, match="neither empty nor a lake"):
        Lake.create(tmp_path, "k")
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


def test_an_interrupted_creation_is_completed(lake: Lake) -> None:
    (lake.root / "_stillwatch" / "lake.json").unlink()
    (lake.root / "_stillwatch" / "creating").touch()
    with pytest.raises(LakeError, match="its creation was interrupted"):
        Lake.open(lake.root)
    assert Lake.create(lake.root, "other").key_id == "other"
    assert not (lake.root / "_stillwatch" / "creating").exists()


def test_a_table_that_is_gone_is_named(lake: Lake) -> None:
    (lake.root / "findings").rename(lake.root / "elsewhere")
    with pytest.raises(LakeError, match="findings: the table is missing"):
        Lake.open(lake.root)


def test_a_damaged_log_entry_is_named(lake: Lake) -> None:
    log = lake.root / "sessions" / "_delta_log" / f"{0:020d}.json"
    log.write_bytes(log.read_bytes()[:100])
    with pytest.raises(LakeError, match=r"sessions: its log cannot be read .*doctor"):
        lake.table("sessions")


@pytest.mark.parametrize("damage", ["cut", "gone"])
def test_a_damaged_data_file_is_named(lake: Lake, lease: Lease, make_rows: MakeRows, damage: str) -> None:
    commit(lake, lease, sessions=Write(rows=make_rows(TABLES["sessions"], 5)))
    path = next((lake.root / "sessions").glob("*.parquet"))
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-20])
    else:
        path.unlink()
    with pytest.raises(LakeError, match=rf"{path.name}: the data file is (damaged|missing)"):
        lake.read("sessions")


def test_readers_see_the_last_complete_run_and_nothing_newer(lake: Lake, lease: Lease, make_rows: MakeRows) -> None:
    commit(lake, lease, sessions=Write(rows=make_rows(TABLES["sessions"], 5)))
    plan = Plan(next_sequence(lake), "detect", START, "{}", {})

    def stop(point: str) -> None:
        if point == "sessions: commit":
            raise KeyboardInterrupt

    write = Write(rows=make_rows(TABLES["sessions"], 2, account_id="later"))
    with pytest.raises(KeyboardInterrupt):
        Committer(lake, lease, stop).commit(plan, {"sessions": write}, Outcome(0, 0, 0, "x"), {})
    assert lake.table("sessions").version() == 2
    assert lake.read("sessions").height == 5


def test_an_open_lake_sees_what_another_has_committed(lake: Lake, lease: Lease, make_rows: MakeRows) -> None:
    other = Lake.open(lake.root)
    for count in (1, 2):
        commit(lake, lease, sessions=Write(rows=make_rows(TABLES["sessions"], 1, account_id=f"a{count}")))
        assert (other.read("sessions").height, other.last_sequence()) == (count, count)
    assert other.read("sessions", version=1).height == 1


def test_an_open_lake_sees_the_one_that_was_made_in_its_place(lake: Lake, make_rows: MakeRows) -> None:
    for account in ("former", "the one after"):
        made = Lake.create(lake.root, lake.key_id)
        with Lease.acquire(lake.root, "test") as lease:
            commit(made, lease, sessions=Write(rows=make_rows(TABLES["sessions"], 1, account_id=account)))
        assert lake.read("sessions")["account_id"].to_list() == [account]
        shutil.rmtree(lake.root)


def test_a_table_is_opened_once_for_reading(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []

    def counted(folder: Path, version: int | None) -> DeltaTable:
        opened.append(folder.name)
        return DeltaTable(folder, version=version)

    monkeypatch.setattr("pipelines.lake.lake.DeltaTable", counted)
    for one in (lake, Lake.open(lake.root)):
        for _ in range(3):
            one.read("sessions")
            one.files("sessions")
        assert sorted(opened) == ([] if one is lake else ["runs", "sessions"])  # who made the lake has them open


def test_a_time_range_is_read_without_opening_the_files_outside(lake: Lake, lease: Lease, make_rows: MakeRows) -> None:
    for day in range(3):
        start = START + timedelta(days=day)
        rows = make_rows(TABLES["sessions"], 4, session_start=[start + timedelta(hours=h) for h in range(4)])
        commit(lake, lease, sessions=Write(rows=rows))
    for path in (lake.root / "sessions").glob("detect-0000000[13].parquet"):
        path.unlink()
    second = START + timedelta(days=1)
    rows = lake.read("sessions", between=("session_start", second + timedelta(hours=1), second + timedelta(hours=3)))
    assert rows["session_start"].to_list() == [second + timedelta(hours=h) for h in (1, 2)]


def test_tables_of_an_older_program_get_the_new_nullable_columns(
    tmp_path: Path, make_rows: MakeRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    contract = TABLES["sessions"]
    older = replace(contract, arrow=pa.schema([f for f in contract.arrow if f.name != "bytes_out"]))
    monkeypatch.setitem(TABLES, "sessions", older)
    monkeypatch.delitem(TABLES, "verdicts")
    lake = Lake.create(tmp_path / "old", "k" * 16)
    with Lease.acquire(lake.root, "test") as lease:
        commit(lake, lease, sessions=Write(rows=make_rows(older, 2)))
        monkeypatch.undo()
        reopened = Lake.open(lake.root)
        assert sorted(reopened.adopt_contracts(lease)) == ["sessions.bytes_out", "verdicts"]
        assert reopened.adopt_contracts(lease) == []
        rows = make_rows(contract, 1, account_id="new", bytes_out=5)
        commit(reopened, lease, sessions=Write(rows=rows))
    assert sorted(reopened.read("sessions")["bytes_out"].to_list(), key=str) == [5, None, None]
    assert "bytes_out" in [f.name for f in DeltaTable(lake.root / "sessions").schema().fields]


def test_a_table_that_an_older_program_did_not_know_reads_as_empty(
    tmp_path: Path, make_rows: MakeRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    sessions = TABLES["sessions"]
    monkeypatch.delitem(TABLES, "verdicts")
    lake = Lake.create(tmp_path / "old", "k" * 16)
    with Lease.acquire(lake.root, "test") as lease:
        commit(lake, lease, sessions=Write(rows=make_rows(sessions, 1)))
    monkeypatch.undo()
    assert Lake.open(lake.root).read("verdicts").is_empty()


def test_a_table_that_lacks_a_required_column_is_refused(
    lake: Lake, lease: Lease, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    contract = TABLES["sessions"]
    wider = replace(contract, arrow=contract.arrow.append(pa.field("weight", pa.int64(), nullable=False)))
    monkeypatch.setitem(TABLES, "sessions", wider)
    with pytest.raises(LakeError, match="lacks column weight, which may not be null"):
        lake.adopt_contracts(lease)


def test_the_key_comes_from_the_environment_before_the_default_file(tmp_path: Path) -> None:
    environment = {"STILLWATCH_KEY": SECRET, "XDG_CONFIG_HOME": str(tmp_path)}
    assert read_secret(tmp_path / "lake", None, environment) == bytes.fromhex(SECRET)
    assert not default_key_file(environment).exists()


def test_the_default_key_is_made_once_readable_by_its_owner_only(tmp_path: Path) -> None:
    environment = {"XDG_CONFIG_HOME": str(tmp_path / "config")}
    key = read_secret(tmp_path / "lake", None, environment)
    assert len(key) == 32
    assert read_secret(tmp_path / "lake", None, environment) == key
    path = default_key_file(environment)
    assert path == tmp_path / "config" / "stillwatch" / "fingerprint.key"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in path.parent.iterdir()] == ["fingerprint.key"]


@pytest.mark.parametrize("text", ["", "ab", SECRET + "00", "zz" * 32, "a b" * 32, "\xe9" * 64])
def test_a_key_that_is_not_64_hex_digits_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(LakeError, match="not 64 hex digits"):
        read_secret(tmp_path / "lake", None, {"STILLWATCH_KEY": text})
    path = tmp_path / "key"
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    with pytest.raises(LakeError, match="not 64 hex digits"):
        read_secret(tmp_path / "lake", path, {})


def test_a_key_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text(SECRET)
    path.chmod(0o640)
    with pytest.raises(LakeError, match=r"mode 0640.*chmod 600"):
        read_secret(tmp_path / "lake", path, {})


def test_a_key_inside_the_lake_is_refused_also_through_a_link(tmp_path: Path) -> None:
    inside = tmp_path / "lake" / "key"
    inside.parent.mkdir()
    inside.write_text(SECRET)
    inside.chmod(0o600)
    (tmp_path / "link").symlink_to(inside)
    for path in (inside, tmp_path / "link"):
        with pytest.raises(LakeError, match="lies inside the lake"):
            read_secret(tmp_path / "lake", path, {})
    with pytest.raises(LakeError, match="lies inside the lake"):
        read_secret(tmp_path / "lake", None, {"XDG_CONFIG_HOME": str(tmp_path / "lake")})
    assert [p.name for p in inside.parent.iterdir()] == ["key"]


def test_a_missing_key_file_of_an_existing_lake_is_one_clear_sentence(tmp_path: Path) -> None:
    Lake.create(tmp_path / "lake", "0" * 16)
    with pytest.raises(LakeError, match="the key cannot be read"):
        read_secret(tmp_path / "lake", tmp_path / "missing", {})


def test_a_key_file_named_for_a_new_lake_is_made_once(tmp_path: Path) -> None:
    first = read_secret(tmp_path / "lake", tmp_path / "new.key", {})
    assert read_secret(tmp_path / "lake", tmp_path / "new.key", {}) == first
    assert (tmp_path / "new.key").stat().st_mode & 0o777 == 0o600


def test_a_lake_made_anew_in_the_same_place_is_told_from_the_former(tmp_path: Path) -> None:
    Lake.create(tmp_path / "lake", "k" * 16)
    before = made_at(tmp_path / "lake")
    shutil.rmtree(tmp_path / "lake")
    with pytest.raises(LakeError, match="a worker does not find the lake there"):
        made_at(tmp_path / "lake")
    Lake.create(tmp_path / "lake", "k" * 16)
    assert made_at(tmp_path / "lake") != before


def test_two_writers_of_one_file_never_share_a_temporary_one(tmp_path: Path) -> None:
    path = tmp_path / "state"
    assert len({temporary_beside(path) for _ in range(100)}) == 100  # in one process and thread, as in equal containers
