"""States that a process keeps: the ones of the files that are there, no more bytes than allowed, and only where asked for."""

from pathlib import Path

import polars as pl
import pytest

from pipelines.lake.recent import RECENT, kept_recent
from pipelines.lake.state import States
from schemas.errors import LakeError
from transforms.sessions import SessionState


def state(accounts: int) -> SessionState:
    empty = SessionState.empty().sessions
    rows = pl.DataFrame({"account_id": [f"acct-{n}" for n in range(accounts)]}, schema={"account_id": pl.String})
    return SessionState(pl.concat([empty, rows], how="diagonal"))


def stored(states: States, run_id: str, accounts: int) -> str:
    return states.store("sessions", "group-000", run_id, state(accounts))


def accounts_of(states: States, name: str) -> int:
    return states.restore(name, SessionState).sessions.height


def test_what_was_written_last_is_not_read_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    states = States(tmp_path)
    with kept_recent():
        name = stored(states, "detect-00000001", 3)
        monkeypatch.setattr(States, "read", lambda *_: pytest.fail("it was read"))
        assert accounts_of(states, name) == 3


def test_without_being_asked_nothing_is_kept(tmp_path: Path) -> None:
    stored(States(tmp_path), "detect-00000001", 3)
    assert RECENT.states() == {}


def test_when_the_last_who_asked_has_ended_nothing_is_kept(tmp_path: Path) -> None:
    with kept_recent():
        with kept_recent():
            stored(States(tmp_path), "detect-00000001", 3)
        assert len(RECENT.states()) == 1
    assert RECENT.states() == {}


def test_a_name_that_is_written_again_gives_what_was_written_last(tmp_path: Path) -> None:
    states = States(tmp_path)
    with kept_recent():
        stored(states, "detect-00000001", 3)
        states.write("sessions", "group-000", "detect-00000001", state(5).to_bytes())
        assert accounts_of(states, "sessions/group-000/detect-00000001") == 5


def test_a_file_that_was_changed_is_read_and_refused(tmp_path: Path) -> None:
    states = States(tmp_path)
    with kept_recent():
        name = stored(states, "detect-00000001", 3)
        path = next(iter(RECENT.states()))
        path.write_bytes(path.read_bytes()[:-1] + b"?")
        with pytest.raises(LakeError):
            accounts_of(states, name)


def test_a_file_that_is_gone_is_missed(tmp_path: Path) -> None:
    states = States(tmp_path)
    with kept_recent():
        name = stored(states, "detect-00000001", 3)
        next(iter(RECENT.states())).unlink()
        with pytest.raises(LakeError):
            accounts_of(states, name)


def test_of_a_stage_and_key_the_latest_is_kept(tmp_path: Path) -> None:
    with kept_recent():
        stored(States(tmp_path), "detect-00000001", 3)
        stored(States(tmp_path), "detect-00000002", 4)
        assert [path.name for path in RECENT.states()] == ["detect-00000002"]


def test_what_is_beyond_the_bytes_allowed_is_read(tmp_path: Path) -> None:
    states = States(tmp_path)
    with kept_recent(1000):
        name = stored(states, "detect-00000001", 3)
        assert RECENT.states() == {}
        assert accounts_of(states, name) == 3


def test_what_is_removed_makes_room(tmp_path: Path) -> None:
    states = States(tmp_path)
    with kept_recent():
        stored(states, "detect-00000001", 3)
        states.collect([])
        assert RECENT.states() == {}


def test_what_is_let_go_is_read_where_somebody_goes_back_to_it(tmp_path: Path) -> None:
    states = States(tmp_path)
    with kept_recent():
        name = stored(states, "detect-00000001", 3)
        states.let_go(name)
        assert RECENT.states() == {}
        assert accounts_of(states, name) == 3
