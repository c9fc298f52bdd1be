"""What is stored of an account group: a run writes what it changed, and the group goes on from what was written when."""

from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from given_events import DAY, crowded
from pipelines.account_group import GroupRows, GroupState, step
from pipelines.lake.state import Manifest, States
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
