"""Plans, states, manifests and snapshots are whole or refused."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from pipelines.lake.lake import Lake
from pipelines.lake.lease import Lease
from pipelines.lake.plan import Plan, abandon, forget_plans, next_sequence, unfinished, write_plan
from pipelines.lake.sealed import seal, unseal, write_whole
from pipelines.lake.snapshots import read_snapshot, write_snapshot
from pipelines.lake.state import States
from schemas.errors import LakeError
from schemas.snapshot import PARTS, Snapshot

WHEN = datetime(2026, 1, 1, 12, tzinfo=UTC)


def plan(sequence: int) -> Plan:
    return Plan(sequence, "ingest", WHEN, '{"time": {}}', {"ranges": [[0, 10]], "since": None})


def plan_file(lake: Lake) -> Path:
    return next((lake.root / "_stillwatch" / "plans").iterdir())


def test_a_plan_is_read_back_as_it_was_written(lake: Lake, lease: Lease) -> None:
    write_plan(lake, lease, plan(1))
    assert unfinished(lake) == plan(1)
    assert plan(1).run_id == "ingest-00000001"


def test_a_new_lake_has_nothing_unfinished_and_begins_at_one(lake: Lake) -> None:
    assert unfinished(lake) is None
    assert next_sequence(lake) == 1


def test_a_plan_without_the_lease_is_not_written(lake: Lake) -> None:
    lease = Lease.acquire(lake.root, "short")
    lease.release()
    with pytest.raises(LakeError, match="given back"):
        write_plan(lake, lease, plan(1))
    assert unfinished(lake) is None


@pytest.mark.parametrize("damage", ["cut", "changed", "emptied", "foreign"])
def test_a_damaged_plan_is_refused_with_the_command_that_drops_it(lake: Lake, lease: Lease, damage: str) -> None:
    write_plan(lake, lease, plan(1))
    path = plan_file(lake)
    data = path.read_bytes()
    path.write_bytes(
        {
            "cut": data[:-5],
            "changed": data.replace(b"[[0, 10]]", b"[[0, 11]]"),
            "emptied": b"",
            "foreign": b'{"sequence": 1}',
        }[damage]
    )
    with pytest.raises(LakeError, match="--abandon 1"):
        unfinished(lake)
    abandon(lake, lease, 1)
    assert unfinished(lake) is None
    assert next_sequence(lake) == 2


def test_plans_of_finished_runs_are_forgotten_but_for_the_newest(lake: Lake, lease: Lease) -> None:
    from pipelines.lake.commit import Committer, Outcome

    for sequence in (1, 2, 3):
        write_plan(lake, lease, plan(sequence))
        Committer(lake, lease).commit(plan(sequence), {}, Outcome(0, 0, 0, "x"), {})
    write_plan(lake, lease, plan(4))
    assert forget_plans(lake, keep=1) == 2
    assert unfinished(lake) == plan(4)


@pytest.mark.parametrize("payload", [b"", b"abc", b"1\n2"])
def test_any_single_changed_byte_of_a_sealed_file_is_noticed(payload: bytes) -> None:
    sealed = seal("state", 1, payload)
    assert unseal(Path("x"), sealed, "state", 1, "mend it") == payload
    for place in range(len(sealed)):
        for value in range(256):
            changed = sealed[:place] + bytes([value]) + sealed[place + 1 :]
            if changed != sealed:
                with pytest.raises(LakeError):
                    unseal(Path("x"), changed, "state", 1, "mend it")


@given(st.binary(max_size=300), st.integers(1, 300))
def test_a_sealed_file_cut_anywhere_is_refused(payload: bytes, cut: int) -> None:
    sealed = seal("state", 1, payload)
    with pytest.raises(LakeError):
        unseal(Path("x"), sealed[: -min(cut, len(sealed))], "state", 1, "mend it")


def test_a_newer_version_is_refused_and_not_called_damaged() -> None:
    with pytest.raises(LakeError, match="state version 2, newer than 1"):
        unseal(Path("x"), seal("state", 2, b"abc"), "state", 1, "mend it")


def test_one_kind_of_file_is_not_taken_for_another() -> None:
    with pytest.raises(LakeError, match="not a plan"):
        unseal(Path("x"), seal("state", 1, b"abc"), "plan", 1, "mend it")


def test_writing_leaves_no_temporary_file_behind(tmp_path: Path) -> None:
    write_whole(tmp_path / "a", b"1")
    write_whole(tmp_path / "a", b"2")
    assert [p.name for p in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_bytes() == b"2"


def test_a_folder_in_place_of_a_file_is_one_clear_sentence(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(LakeError, match="cannot be written"):
        write_whole(tmp_path / "a", b"1")
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_a_state_is_read_back_by_the_name_it_got(lake: Lake) -> None:
    states = States(lake.root)
    name = states.write("features", "group-3", "detect-00000007", b"\x00\xff" * 9)
    assert states.read(name) == b"\x00\xff" * 9


def test_a_lost_or_damaged_state_names_the_command_that_mends_it(lake: Lake) -> None:
    states = States(lake.root)
    name = states.write("features", "3", "detect-00000007", b"abc")
    path = lake.root / "_stillwatch" / "state" / name
    path.write_bytes(path.read_bytes()[:-1] + b"X")
    with pytest.raises(LakeError, match=r"checksum.*stillwatch rebuild"):
        states.read(name)
    path.unlink()
    with pytest.raises(LakeError, match=r"missing.*stillwatch rebuild"):
        states.read(name)


@pytest.mark.parametrize("part", ["../up", "a/b", "", ".hidden", "sp ace"])
def test_a_state_name_cannot_leave_its_folder(lake: Lake, part: str) -> None:
    with pytest.raises(LakeError, match="cannot be part of a name"):
        States(lake.root).write("features", part, "detect-00000001", b"")


def test_collecting_keeps_what_the_kept_runs_need(lake: Lake) -> None:
    states = States(lake.root)
    old = states.write("order", "0", "detect-00000001", b"1")
    still = states.write("order", "1", "detect-00000001", b"2")
    new = states.write("order", "0", "detect-00000002", b"3")
    first = write_snapshot(lake.root, "learn-00000001", Snapshot("day-2026-01-01", WHEN, Snapshot.empty().parts))
    second = write_snapshot(lake.root, "learn-00000002", Snapshot("day-2026-01-02", WHEN, Snapshot.empty().parts))
    states.write_manifest("detect-00000001", {"order/0": old, "order/1": still, "snapshot/current": first})
    states.write_manifest("detect-00000002", {"order/0": new, "order/1": still, "snapshot/current": second})
    assert states.collect(["detect-00000002"]) == 2
    assert states.read(still) == b"2"
    assert states.read(new) == b"3"
    with pytest.raises(LakeError, match="missing"):
        states.read(old)
    with pytest.raises(LakeError, match="missing"):
        states.read_manifest("detect-00000001")
    with pytest.raises(LakeError, match="missing"):
        read_snapshot(lake.root, first)
    assert read_snapshot(lake.root, second).snapshot_id == "day-2026-01-02"


def test_there_is_no_manifest_before_the_first_run(lake: Lake) -> None:
    assert States(lake.root).read_manifest(None) == {}


def test_a_snapshot_is_read_back_part_by_part(lake: Lake, make_rows: Callable[..., pl.DataFrame]) -> None:
    parts = {contract.name: make_rows(contract, 3) for contract in PARTS}
    name = write_snapshot(lake.root, "learn-00000001", Snapshot("day-2026-01-01", WHEN, parts))
    back = read_snapshot(lake.root, name)
    assert (back.snapshot_id, back.day) == ("day-2026-01-01", WHEN)
    for contract in PARTS:
        assert_frame_equal(back[contract.name], parts[contract.name])
    some = read_snapshot(lake.root, name, parts=("peers",))
    assert some["peers"].height == 3
    assert some["trees"].is_empty()


def test_a_changed_part_of_a_snapshot_is_refused(lake: Lake, make_rows: Callable[..., pl.DataFrame]) -> None:
    name = write_snapshot(lake.root, "learn-00000001", Snapshot("day-2026-01-01", WHEN, Snapshot.empty().parts))
    path = lake.root / "_stillwatch" / name / "peers.arrow"
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(LakeError, match=r"peers\.arrow: it was changed"):
        read_snapshot(lake.root, name)
    assert read_snapshot(lake.root, name, parts=("trees",)).snapshot_id == "day-2026-01-01"


def test_no_snapshot_is_the_empty_one(lake: Lake) -> None:
    assert read_snapshot(lake.root, None).snapshot_id is None
    with pytest.raises(LakeError, match="nothing was learned"):
        write_snapshot(lake.root, "learn-00000001", Snapshot.empty())


def test_the_same_day_learned_again_does_not_touch_what_was_published(lake: Lake) -> None:
    day = Snapshot("day-2026-01-01", WHEN, Snapshot.empty().parts)
    assert write_snapshot(lake.root, "learn-00000001", day) != write_snapshot(lake.root, "learn-00000009", day)
