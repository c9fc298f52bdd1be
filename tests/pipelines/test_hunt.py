"""A hunt over a lake of hand-written rows: what it finds, that it repeats, and that a kill leaves nothing half."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from click.testing import CliRunner
from polars.testing import assert_frame_equal

from given_accounts import account_hash
from given_lakes import Killed
from pipelines.cli.main import cli
from pipelines.cli.progress import Progress
from pipelines.hunt import Hunted, HuntRequest, hunt
from pipelines.lake.commit import Committer, Outcome, Write
from pipelines.lake.lake import Lake
from pipelines.lake.lease import Lease
from pipelines.lake.plan import Plan, unfinished, write_plan
from schemas.catalogue import TABLES
from schemas.errors import LakeError, LeaseHeld
from schemas.policy import Policy

START = datetime(2026, 3, 2, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
POOL = [f"head-{n}" for n in range(6)]
ENDS = START + 20 * DAY


def _trait(account: str, kind: str, key: int, tick: datetime, count: int) -> dict[str, Any]:
    return {
        "account_id": account, "account_hash": account_hash(account), "tick": tick, "kind": kind, "key": key,
        "count": count, "refused": 0, "first_time": tick + timedelta(seconds=7), "output_tokens": count * 100,
    }  # fmt: skip


def _window(account: str, end: datetime, calls: int) -> dict[str, Any]:
    return {
        "account_id": account, "account_hash": account_hash(account), "window_end": end, "peer_group": "new",
        "presence": 7, "lifetime_calls": calls, "lifetime_output_tokens": calls, "first_seen": START,
        "is_weak_account": False, "sample_event_ids": [], "provisional": False,
    }  # fmt: skip


def _campaign() -> dict[str, Any]:
    return {
        "campaign_id": "c-1", "kind": "distillation", "tier": "act", "score": 8.0, "signals": [], "link_kinds": ["head"],
        "account_ids": POOL, "accounts": len(POOL), "first_seen": START + 18 * DAY, "last_seen": ENDS - HOUR,
        "flagged_at": START + 19 * DAY, "exchanges": 600, "exchanges_before": 60, "exchanges_per_day": 300.0,
        "merged_ids": [], "evidence": [],
    }  # fmt: skip


def _lake(folder: Path) -> Path:
    """Twenty days: a pool found on the last but one, and an account that used its wording and client on the first."""
    traits = [
        _trait(account, kind, key, START + 18 * DAY, 100)
        for account in POOL
        for kind, key in (("head", 1), ("client", 2))
    ]
    traits += [
        _trait("early", kind, key, START + hour * HOUR, 700)
        for kind, key in (("head", 1), ("client", 2))
        for hour in (3, 4)
    ]
    traits += [_trait(f"customer-{n}", "head", 1000 + n, START + HOUR, 50) for n in range(400)]
    windows = [_window(f"customer-{n}", START + 2 * HOUR, 50) for n in range(400)]
    windows += [_window("early", START + 5 * HOUR, 1400)] + [_window(head, ENDS - HOUR, 100) for head in POOL]
    rows = {"traits": traits, "account_windows": windows, "campaigns": [_campaign()]}
    lake = Lake.create(folder / "lake", "0123456789abcdef")
    with Lease.acquire(lake.root, "test") as lease:
        plan = Plan(1, "detect", START, Policy().to_json(), {})
        write_plan(lake, lease, plan)
        writes = {
            name: Write(rows=TABLES[name].conform(pl.DataFrame(some, schema=TABLES[name].polars)))
            for name, some in rows.items()
        }
        outcome = Outcome(accounts=407, windows=407, findings=0, policy_version=Policy().version, closed_until=ENDS)
        Committer(lake, lease).commit(plan, writes, outcome, {})
    return lake.root


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    return _lake(tmp_path)


def _hunt(lake: Path, since: datetime = START, **more: Any) -> Hunted:
    after = more.pop("after", lambda _: None)
    return hunt(HuntRequest(lake, since, **more), Progress(quiet=True), after)


def _kept(lake: Path) -> pl.DataFrame:
    return Lake.open(lake).read("hunts")


def test_whoever_used_the_keys_of_a_campaign_before_it_was_known_is_found(lake: Path) -> None:
    done = _hunt(lake)
    (row,) = done.rows.to_dicts()
    assert (row["account_id"], row["change"], row["kind"]) == ("early", "new", "distillation")
    assert (row["exchanges"], row["output_tokens"], row["damage_tier"]) == (1_400, 140_000, 1_000)
    assert row["first_seen"] == START + 3 * HOUR + timedelta(seconds=7)
    assert row["campaign_ids"] == ["c-1"]
    (rest,) = row["rests_on"]
    assert (rest["basis"], rest["id"], rest["known_since"]) == ("campaign", "c-1", START + 19 * DAY)
    assert row["score"] == pytest.approx(sum(signal["points"] for signal in row["signals"]))
    assert_frame_equal(_kept(lake), done.rows)


def test_what_was_not_done_in_the_days_asked_for_is_not_found(lake: Path) -> None:
    done = _hunt(lake, since=START + DAY)
    assert done.rows.is_empty()
    assert done.recorded is None
    assert _kept(lake).is_empty()


def test_the_same_lake_gives_the_same_rows_under_the_same_id_and_keeps_them_once(lake: Path) -> None:
    first, second = _hunt(lake), _hunt(lake)
    assert (first.recorded, second.recorded) == ("now", "before")
    assert first.hunt_id == second.hunt_id
    assert_frame_equal(first.rows, second.rows)
    assert_frame_equal(_kept(lake), first.rows)
    assert _hunt(lake, until=START + DAY).hunt_id != first.hunt_id


@pytest.mark.parametrize("point", ["staged", "manifest", "hunts: files", "hunts: commit", "runs: files"])
def test_a_kill_leaves_nothing_half_and_a_repeat_keeps_the_rows_once(lake: Path, point: str) -> None:
    def die(where: str) -> None:
        if where == point:
            raise Killed

    with pytest.raises(Killed):
        _hunt(lake, after=die)
    assert _kept(lake).is_empty(), "readers must not see a run that is not in `runs`"
    done = _hunt(lake)
    assert_frame_equal(_kept(lake), done.rows)
    assert unfinished(Lake.open(lake)) is None
    assert not list((lake / "_stillwatch" / "staging").glob("*"))


def test_a_dry_run_keeps_nothing_and_needs_no_lease(lake: Path) -> None:
    with Lease.acquire(lake, "watch"):
        done = _hunt(lake, is_recorded=False)
        with pytest.raises(LeaseHeld):
            _hunt(lake)
    assert done.rows.height == 1
    assert _kept(lake).is_empty()


def test_live_tables_stay_as_they_are(lake: Path) -> None:
    opened = Lake.open(lake)
    before = {name: opened.versions()[name] for name in TABLES if name not in ("hunts", "runs")}
    _hunt(lake)
    after = Lake.open(lake).versions()
    assert {name: after[name] for name in before} == before


def test_days_of_which_nothing_is_closed_are_an_error_that_names_the_end(lake: Path) -> None:
    with pytest.raises(LakeError, match=r"nothing is closed between 2026-04-01 .* up to 2026-03-22"):
        _hunt(lake, since=START + 30 * DAY)


def test_the_command_tells_what_a_hit_rests_on_and_since_when(lake: Path) -> None:
    asked = ["hunt", "--lake", str(lake), "--since", "2026-03-02"]
    text = CliRunner().invoke(cli, asked).stdout
    assert "not flagged: 1 accounts, at least 1,400 exchanges" in text
    assert "rests on campaign c-1, known since 2026-03-21T00:00:00Z: keys of a campaign: client, head" in text
    told = json.loads(CliRunner().invoke(cli, [*asked, "--format", "json"]).stdout)
    assert told["accounts"][0]["account_id"] == "early"
    assert told["recorded"] == "before"
    lines = CliRunner().invoke(cli, [*asked, "--format", "csv"]).stdout.splitlines()
    assert len(lines) == 2
