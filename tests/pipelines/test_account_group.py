"""What is stored of an account group: a run writes what it changed, and the group goes on from what was written when."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from given_events import DAY, crowded
from pipelines.account_group import GroupRows, GroupState, step
from pipelines.lake.state import Manifest, States
from schemas.errors import LakeError
from schemas.policy import Policy
from schemas.registry import REGISTRY
from schemas.snapshot import Snapshot

KEY, LOG = "group-000", crowded(1, 400, 3, 5)
OF_CLOSED_HOURS = {f"features/{KEY}", f"distribution/{KEY}"}


def stepped(
    states: States, manifest: Manifest, since: timedelta, until: timedelta
) -> tuple[GroupState, GroupState, GroupRows]:
    """The group before and after a run over some of the log, and its rows."""
    mine = LOG.filter((LOG["time"] >= DAY + since) & (LOG["time"] < DAY + until))
    before = GroupState.read(states, manifest, KEY)
    return before, *step(before, mine, Snapshot.empty(), REGISTRY.empty(), DAY + until, Policy())


def run(states: States, manifest: Manifest, since: timedelta, until: timedelta) -> Manifest:
    """What a run over some of the log writes."""
    before, after, _ = stepped(states, manifest, since, until)
    return after.write(before, states, KEY, f"detect-{until.seconds:08d}")


def windows(states: States, manifest: Manifest, since: timedelta, until: timedelta) -> pl.DataFrame:
    """What a further run makes of the rest of the log."""
    rows = stepped(states, manifest, since, until)[2].windows
    assert not rows.is_empty()
    return rows


def test_what_is_known_of_closed_hours_is_written_where_an_hour_closes_alone(tmp_path: Path) -> None:
    states, manifest = States(tmp_path), Manifest()
    borders = [timedelta(minutes=minutes) for minutes in (60, 75, 90, 125)]
    written = []
    for since, until in zip([timedelta(0), *borders], borders, strict=False):
        written.append(run(states, manifest, since, until))
        manifest |= written[-1]
    assert [set(one) >= OF_CLOSED_HOURS for one in written] == [True, False, False, True]
    assert [set(one) & OF_CLOSED_HOURS for one in written[1:3]] == [set(), set()]
    states_of_one_run = States(tmp_path / "one")
    whole = run(states_of_one_run, {}, timedelta(0), borders[-1])
    end = timedelta(hours=5)
    assert_frame_equal(windows(states, manifest, borders[-1], end), windows(states_of_one_run, whole, borders[-1], end))


@pytest.mark.parametrize("later", [5, 60, 61, 23 * 60, 24 * 60, 9 * 24 * 60])
def test_what_is_known_once_time_has_passed_without_calls_is_what_one_run_up_to_then_knows(
    later: int, tmp_path: Path
) -> None:
    states, last = States(tmp_path), timedelta(minutes=125)
    until = last + timedelta(minutes=later)
    mine, none = LOG.filter(LOG["time"] < DAY + last), LOG.clear()
    empty, around = GroupState.read(states, {}, KEY), (Snapshot.empty(), REGISTRY.empty())
    at_once, whole = step(empty, mine, *around, DAY + until, Policy())
    before, first = step(empty, mine, *around, DAY + last, Policy())
    after, rest = step(before, none, *around, DAY + until, Policy())
    known, expected = (
        {
            stage: piece.to_bytes() for stage, piece in state.pieces().items() if stage != "features"
        }  # another order of rows
        for state in (after, at_once)
    )
    assert known == expected
    for name in GroupRows.__dataclass_fields__:
        together = pl.concat([getattr(first, name), getattr(rest, name)])
        assert_frame_equal(together, getattr(whole, name), check_row_order=False, check_exact=True)


def test_a_run_without_calls_within_an_hour_writes_hardly_anything(tmp_path: Path) -> None:
    states, manifest = States(tmp_path), Manifest()
    for since, until in ((0, 65), (65, 70)):
        manifest |= run(states, manifest, timedelta(minutes=since), timedelta(minutes=until))
    before = GroupState.read(states, manifest, KEY)
    after, rows = step(before, LOG.clear(), Snapshot.empty(), REGISTRY.empty(), DAY + timedelta(minutes=75), Policy())
    assert set(after.write(before, states, KEY, "detect-99999999")) == {f"order/{KEY}"}
    assert all(getattr(rows, name).is_empty() for name in GroupRows.__dataclass_fields__)


def test_what_is_known_of_closed_hours_is_read_where_an_hour_closes_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    states, manifest = States(tmp_path), Manifest()
    for since, until in ((0, 65), (65, 70)):
        manifest |= run(states, manifest, timedelta(minutes=since), timedelta(minutes=until))
    read, names = States.read, list[str]()

    def noted(self: States, name: str) -> bytes:
        names.append(name.rpartition("/")[0])
        return read(self, name)

    monkeypatch.setattr(States, "read", noted)
    last, around = DAY + timedelta(minutes=70), (Snapshot.empty(), REGISTRY.empty())
    for minutes, expected in ((75, set[str]()), (125, OF_CLOSED_HOURS)):
        names.clear()
        until = DAY + timedelta(minutes=minutes)
        mine = LOG.filter(LOG["time"].is_between(last, until, closed="left"))
        late = step(GroupState.read(states, manifest, KEY, last), mine, *around, until, Policy())
        assert OF_CLOSED_HOURS & set(names) == expected
        at_once = step(GroupState.read(states, manifest, KEY), mine, *around, until, Policy())
        assert_frame_equal(late[1].windows, at_once[1].windows)
        pieces, expected_pieces = late[0].pieces(), at_once[0].pieces()
        assert {stage: p.to_bytes() for stage, p in pieces.items()} == {
            s: p.to_bytes() for s, p in expected_pieces.items()
        }


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda data: None, "is missing"),
        (lambda data: data[:-1], "is cut short"),
        (lambda data: b"nothing", "it is not a state of stillwatch"),
        (lambda data: data.replace(b'"kind": "features"', b'"kind": "feathers"', 1), "does not decode"),
        (lambda data: data.replace(b'"version": 3', b'"version": 9', 1), "use a newer stillwatch"),
    ],
    ids=["missing", "cut", "other", "kind", "version"],
)
def test_closed_hours_that_cannot_be_those_are_refused_before_they_are_asked_for(
    tmp_path: Path, damage: Callable[[bytes], bytes | None], says: str
) -> None:
    states = States(tmp_path)
    manifest = run(states, {}, timedelta(0), timedelta(minutes=65))
    path = tmp_path / "_stillwatch" / "state" / manifest[f"features/{KEY}"]
    damaged = damage(path.read_bytes())
    path.unlink()
    if damaged is not None:
        path.write_bytes(damaged)
    with pytest.raises(LakeError, match=says) as refused:
        GroupState.read(states, manifest, KEY, DAY + timedelta(minutes=65))
    assert str(path) in str(refused.value)


def test_closed_hours_that_were_changed_are_refused_when_an_hour_closes(tmp_path: Path) -> None:
    states = States(tmp_path)
    manifest = run(states, {}, timedelta(0), timedelta(minutes=65))
    path = tmp_path / "_stillwatch" / "state" / manifest[f"features/{KEY}"]
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    around = (Snapshot.empty(), REGISTRY.empty())
    before = GroupState.read(states, manifest, KEY, DAY + timedelta(minutes=65))
    mine = LOG.filter(LOG["time"].is_between(DAY + timedelta(minutes=65), DAY + timedelta(minutes=125), closed="left"))
    with pytest.raises(LakeError, match="checksum"):
        step(before, mine, *around, DAY + timedelta(minutes=125), Policy())


def test_closed_hours_of_another_time_than_the_run_are_refused(tmp_path: Path) -> None:
    states = States(tmp_path)
    manifest = run(states, {}, timedelta(0), timedelta(minutes=65))
    before = GroupState.read(states, manifest, KEY, DAY + timedelta(minutes=125))
    with pytest.raises(LakeError, match="its until is not that of the run"):
        _ = before.features.closed.hours
