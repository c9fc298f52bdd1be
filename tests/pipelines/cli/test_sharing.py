"""What is read of the lake's traits to say with whom an account shares what."""

from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from pipelines.cli import sharing
from pipelines.cli.circles import circles
from pipelines.lake.commit import Committer, Outcome, Write
from pipelines.lake.lake import Lake
from pipelines.lake.lease import Lease
from pipelines.lake.plan import planned
from pipelines.lake.snapshots import write_snapshot
from schemas.policy import Policy
from schemas.snapshot import NIGHT, Snapshot
from schemas.trait import TRAIT
from tiny_lake import CUSTOMER, NOON, make_tiny_lake
from transforms.campaigns.evidence import NO_NIGHTS


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


HEADS = [f"head-{number}" for number in range(8)]
"""Accounts that all send one line of text."""


def lake_of_heads(root: Path, quiet: int) -> Lake:
    """A lake in which it is known of each head how many of its 48 calls fall into the hours in which it calls least."""
    day = datetime(NOON.year, NOON.month, NOON.day, tzinfo=NOON.tzinfo)
    nights = [
        {
            "account_id": head, "account_hash": place, "first_day": day - timedelta(days=7), "last_day": day - timedelta(days=1),
            "hours": [2] * 24, "calls": 48, "quiet": quiet,
        }
        for place, head in enumerate(HEADS)
    ]  # fmt: skip
    shown = [
        {
            "account_id": head, "account_hash": place, "tick": NOON + timedelta(minutes=5 * tick), "kind": kind, "key": 7, "count": 2,
            "refused": 0, "first_time": NOON + timedelta(minutes=5 * tick),
        }
        for place, head in enumerate(HEADS)
        for tick in range(6)
        for kind in ("operation", "line")
    ]  # fmt: skip
    lake = Lake.create(root, "0123456789abcdef")
    learned = Snapshot.empty().parts | {"nights": pl.DataFrame(nights, schema=NIGHT.polars)}
    name = write_snapshot(lake.root, "learn-00000001", Snapshot("day-2026-03-01", day - timedelta(days=1), learned))
    with Lease.acquire(root, "test") as lease:
        writes = {"traits": Write(rows=pl.DataFrame(shown, schema=TRAIT.polars))}
        outcome = Outcome(accounts=8, windows=0, findings=0, policy_version=Policy().version)
        Committer(lake, lease).commit(planned(lake, lease, "detect", {}, Policy()), writes, outcome, {"snapshot": name})
    return lake


@pytest.mark.parametrize(("quiet", "is_told"), [(16, True), (0, False)], ids=["calls day and night", "keeps nights"])
def test_what_is_known_of_nights_is_part_of_what_speaks_for_accounts_that_share_a_line(
    quiet: int, *, is_told: bool, tmp_path: Path
) -> None:
    shared = sharing.shared_by(lake_of_heads(tmp_path / "lake", quiet), HEADS[0], 0, Policy())
    assert shared is not None
    (one,) = circles(shared, Policy().campaigns)
    assert (NO_NIGHTS in one["because"]) == is_told, one["because"]
