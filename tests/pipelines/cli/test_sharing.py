"""What is read of the lake's traits to say with whom an account shares what."""

from pathlib import Path

import pytest

from pipelines.cli import sharing
from pipelines.lake.lake import Lake
from schemas.policy import Policy
from tiny_lake import CUSTOMER, make_tiny_lake


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return make_tiny_lake(tmp_path_factory.mktemp("sharing") / "lake")


def holders(lake: Lake) -> list[str]:
    shared = sharing.shared_by(lake, CUSTOMER, 1, Policy())
    return [] if shared is None else shared.held["account_id"].to_list()


def test_keys_that_nobody_else_holds_are_not_read(lake: Lake) -> None:
    shared = sharing.shared_by(lake, CUSTOMER, 1, Policy())
    assert shared is not None
    assert (shared.calls, set(shared.held["kind"])) == (240, {"client"})


def test_keys_that_many_hold_are_not_told(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    assert holders(lake) == ["acct-a", "acct-b", CUSTOMER]
    monkeypatch.setattr(sharing, "FEW", 2)
    assert holders(lake) == []


def test_no_more_rows_are_read_than_a_person_waits_for(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "MOST_READ", 2)
    assert holders(lake) == []


def test_fewer_days_are_looked_at_where_a_month_holds_too_many_rows(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    month = sharing.shared_by(lake, CUSTOMER, 1, Policy())
    monkeypatch.setattr(sharing, "MOST_ROWS", 3)
    day = sharing.shared_by(lake, CUSTOMER, 1, Policy())
    assert month is not None
    assert day is not None
    assert (day.since - month.since).days == Policy().links.memory_days - 1


def test_an_account_that_showed_nothing_shares_nothing(lake: Lake) -> None:
    assert sharing.shared_by(lake, "acct-nobody", 5, Policy()) is None


def test_a_lake_without_traits_has_nothing_to_say(tmp_path: Path) -> None:
    assert sharing.shared_by(Lake.create(tmp_path / "lake", "0123456789abcdef"), CUSTOMER, 1, Policy()) is None
