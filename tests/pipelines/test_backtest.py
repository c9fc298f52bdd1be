"""A backtest: no difference where the policy is the lake's, exactly the expected one where it is not; the lake untouched."""

import json
import random
import shutil
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from given_lakes import DAY, START, Killed, record, run_backfill
from pipelines.backtest import Backtested, BacktestRequest, backtest
from pipelines.cli.progress import Progress
from pipelines.lake.checkpoints import checkpoint_before, reached
from pipelines.lake.lake import Lake
from pipelines.lake.lease import Lease
from pipelines.lake.state import States
from pipelines.request import Request
from pipelines.rounds import Rounds
from pipelines.scratch import scratch_lake
from pipelines.writer import Writer
from schemas.catalogue import PARITY_TABLES
from schemas.errors import LakeError, PolicyError
from schemas.policy import Policy, SourceRule

LOOSE = Policy.parse("[rules]\nsweep_tokens = 150\nsweep_calls = 30\n")
STRICT = Policy.parse("[rules]\nsweep_tokens = 100000\nsweep_act_tokens = 200000\nfresh_tokens = 100000\n")


def _record(number: int, rng: random.Random) -> dict[str, object]:
    """As `record`; the third account sweeps too, in longer answers and so few tokens a day that the rules are silent."""
    row = record(number, rng)
    if number % 5 == 2 and START + timedelta(seconds=number * 90) >= START + DAY:
        row |= {"logit_bias_tokens": [number]}
    return row


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake of two and a half days, and a file that came too late."""
    folder, rng = tmp_path_factory.mktemp("made"), random.Random(5)
    rows = [json.dumps(_record(number, rng)).encode() + b"\n" for number in range(2400)]
    (folder / "log.jsonl").write_bytes(b"".join(rows))
    run_backfill(folder / "lake", [folder / "log.jsonl"])
    late = [json.dumps(_record(number, rng) | {"event_id": f"late-{number}"}) for number in range(961, 1400, 5)]
    (folder / "late.jsonl").write_text("\n".join(late) + "\n")
    run_backfill(folder / "lake", [folder / "late.jsonl"])
    assert Lake.open(folder / "lake").read("too_late").height == len(late)
    return folder


def _backtest(lake: Path, policy: Policy, **more: object) -> Backtested:
    return backtest(BacktestRequest(lake, policy, **more), Progress(quiet=True))  # type: ignore[arg-type]


def _tree(folder: Path) -> dict[str, tuple[int, int]]:
    """Every file of a folder with size and time of change."""
    return {
        str(path.relative_to(folder)): (path.stat().st_size, path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
    }


@dataclass(frozen=True)
class Loosened:
    """What lower thresholds would have flagged from the beginning, and the lake's files before and after asking."""

    told: Backtested
    before: dict[str, tuple[int, int]]
    after: dict[str, tuple[int, int]]


@pytest.fixture(scope="module")
def loosened(made: Path) -> Loosened:
    before = _tree(made)
    return Loosened(_backtest(made / "lake", LOOSE, since=START), before, _tree(made))


@pytest.mark.parametrize("since", [None, START + 2 * DAY + timedelta(hours=5)])
def test_the_lakes_own_policy_makes_no_difference(made: Path, since: datetime | None) -> None:
    told = _backtest(made / "lake", Policy(), since=since)
    assert told.accounts.is_empty()
    assert told.campaigns.is_empty()
    assert told.changed == ()
    assert all(before == after for before, after in told.flagged.values())
    assert all(before == after for _, before, after in told.findings)
    if since is None:
        assert told.same == sum(before for before, _ in told.flagged.values()) == 1


@pytest.mark.parametrize("since", [START, START + DAY])
def test_what_is_computed_in_the_scratch_lake_is_what_the_lake_holds(made: Path, since: datetime) -> None:
    lake = Lake.open(made / "lake")
    start = checkpoint_before(lake.read("runs"), States(lake.root), since)
    until = reached(lake.read("runs"))
    assert until is not None
    with scratch_lake(lake, start, until, Policy()) as scratch:
        request = Request((), scratch.lake.root, groups=2)
        Rounds(request, Progress(quiet=True), Writer(scratch.lake, scratch.lease), None).close(until)
        for table in PARITY_TABLES:
            expected, found = lake.read(table), scratch.lake.read(table)
            if "provisional" in expected.columns:
                expected = expected.filter(~pl.col("provisional"))
            ends = {"sessions": "session_end", "models": "day", "traits": "tick"}.get(table, "window_end")
            if start.border is not None and ends in expected.columns:
                after = pl.col(ends) > start.border if ends == "window_end" else pl.col(ends) >= start.border
                expected, found = expected.filter(after), found.filter(after)
            assert_frame_equal(found, expected, check_exact=True)
        assert scratch.lake.read("too_late").is_empty()


def test_a_lower_threshold_gains_exactly_the_account_between_the_two(loosened: Loosened) -> None:
    told = loosened.told
    assert told.accounts.select("account_id", "change", "tier_before", "tier_after").rows() == [
        ("acct-2", "gained", None, "review"),
        ("acct-1", "earlier", "review", "review"),
    ]
    gained = told.accounts.row(0, named=True)
    assert gained["signals"] == ["logit_sweep"]
    assert gained["policy_keys"] == ["rules.sweep_tokens", "rules.sweep_calls"]
    assert "distinct tokens" in gained["reasons"][0]
    assert told.flagged == {"review": (1, 2), "act": (0, 0)}
    assert [(key.key, key.before, key.after) for key in told.changed] == [
        ("rules.sweep_tokens", 300, 150),
        ("rules.sweep_calls", 100, 30),
    ]


def test_a_higher_threshold_loses_the_account_and_says_which_evidence_it_had(made: Path) -> None:
    told = _backtest(made / "lake", STRICT, since=START + DAY)
    assert told.accounts.select("account_id", "change", "tier_before", "tier_after").rows() == [
        ("acct-1", "lost", "review", None)
    ]
    assert told.accounts["signals"][0].to_list() == ["logit_sweep"]
    assert [(before, after) for _, before, after in told.findings] == [(1, 0)]


def test_what_the_policy_allows_is_left_out_on_its_side_only(made: Path) -> None:
    allowed = Policy.parse('[allow]\naccount_ids = ["acct-1"]\n')
    told = _backtest(made / "lake", allowed, since=START + DAY)
    assert told.accounts.select("account_id", "change").rows() == [("acct-1", "lost")]


def test_only_ticks_before_the_end_are_compared(made: Path) -> None:
    told = _backtest(made / "lake", STRICT, since=START, until=START + DAY)
    assert (told.until, told.accounts.height) == (START + DAY, 0)


def test_nothing_in_the_lake_changes_and_nothing_is_left_beside_it(made: Path, loosened: Loosened) -> None:
    assert loosened.after == loosened.before
    assert [path.name for path in made.iterdir() if "scratch" in path.name] == []


def test_a_lake_that_is_being_written_can_be_backtested(made: Path) -> None:
    with Lease.acquire(made / "lake", "somebody else"):
        assert _backtest(made / "lake", Policy(), since=START + 2 * DAY).accounts.is_empty()


def test_what_a_killed_backtest_left_is_removed_by_the_next(made: Path, tmp_path: Path) -> None:
    lake = Lake.open(shutil.copytree(made, tmp_path, dirs_exist_ok=True) / "lake")
    start = checkpoint_before(lake.read("runs"), States(lake.root), START + DAY)
    kept = tmp_path / ".lake.scratch-killed"
    with scratch_lake(lake, start, START + 2 * DAY, Policy()) as scratch:
        shutil.copytree(scratch.lake.root.parent, kept)  # as if its process had died here
        _backtest(lake.root, Policy(), since=START + 2 * DAY)
        assert not kept.exists()
        assert scratch.lake.root.exists(), "one that is at work was removed"


def test_a_scratch_lake_goes_however_its_use_ends(made: Path, tmp_path: Path) -> None:
    lake = Lake.open(made / "lake")
    start = checkpoint_before(lake.read("runs"), States(lake.root), START + DAY)
    with pytest.raises(Killed), scratch_lake(lake, start, START + 2 * DAY, Policy(), tmp_path):
        raise Killed
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("policy", "named"),
    [
        (Policy.parse("[ingest]\nrecord_bytes = 1000\n"), "ingest.record_bytes"),
        (replace(Policy(), source={"web": SourceRule(match="web*")}), "source.web.match"),
    ],
)
def test_a_key_that_decides_how_records_are_read_is_refused(made: Path, policy: Policy, named: str) -> None:
    with pytest.raises(PolicyError, match=named):
        _backtest(made / "lake", policy)


def test_days_that_are_not_closed_are_refused(made: Path) -> None:
    with pytest.raises(LakeError, match="ticks are closed until"):
        _backtest(made / "lake", Policy(), since=START + 9 * DAY)
    with pytest.raises(LakeError, match="no tick lies between"):
        _backtest(made / "lake", Policy(), since=START + DAY, until=START + DAY)


def test_ticks_of_another_length_are_computed_from_the_beginning(made: Path) -> None:
    told = _backtest(made / "lake", Policy.parse("[time]\ntick_minutes = 10\n"), since=START + 2 * DAY)
    assert told.since is None
