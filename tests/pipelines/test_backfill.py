"""The whole road: the same lake whatever way the log came in, whoever was killed on the way, and no text in it."""

import gzip
import json
import random
import shutil
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from pipelines.backfill import backfill
from pipelines.cli.progress import Progress
from pipelines.lake.lake import Lake
from pipelines.lake.lease import Lease
from pipelines.lake.snapshots import read_snapshot
from pipelines.lake.state import States
from pipelines.request import Request, Summary
from schemas.catalogue import PARITY_TABLES, TABLES
from schemas.errors import LeaseHeld

START = datetime(2026, 3, 2, tzinfo=UTC)
DAY = timedelta(days=1)
SECRET = "xyzzy-plugh-secret-passphrase"


class Killed(BaseException):
    """Stands for SIGKILL: nothing may catch it."""


def _record(number: int, rng: random.Random, start: datetime) -> dict[str, object]:
    account = number % 4
    moment = start + timedelta(seconds=number * 90)
    harvests, sweeps = account == 0, account == 1
    prompt = f"Classify the following ticket for the billing team, please: {rng.randrange(10**9)} {SECRET}"
    return {
        "event_id": f"call-{number}",
        "time": moment.isoformat(),
        "end_time": (moment + timedelta(seconds=1)).isoformat(),
        "account_id": f"acct-{account}",
        "plan": "api",
        "operation": "chat",
        "model_requested": "m",
        "http_status": 200,
        "refused": rng.random() < 0.1,
        "input_tokens": 300,
        "output_tokens": 900 if harvests else 30,
        "latency_ms": 1000,
        "logit_bias_tokens": [number * 5 + k for k in range(5)] if sweeps else [],
        "max_tokens": 1 if sweeps else 500,
        "prompt": prompt if harvests else f"{rng.choice('abcdefgh')} {rng.randrange(50)} {SECRET}",
        "system": f"Be brief. {SECRET}",
        "response": f"{SECRET} is the answer.",
        "source_ip": f"10.{moment.day if account == 3 else 0}.{account}.{rng.randrange(200)}",
    }


@pytest.fixture(scope="module")
def lines() -> list[bytes]:
    rng = random.Random(5)
    return [json.dumps(_record(number, rng, START)).encode() + b"\n" for number in range(1800)]  # 1.9 days


def _backfill(lake: Path, sources: Sequence[Path], key: Path, *, complete: bool = True, **more: object) -> Summary:
    if not key.exists():
        key.write_text("0f" * 32)
        key.chmod(0o600)
    request = Request(tuple(map(str, sources)), lake, key_file=key, is_complete=complete, groups=more.get("groups", 2))  # type: ignore[arg-type]
    return backfill(request, Progress(quiet=True), more.get("after", lambda _: None))  # type: ignore[arg-type]


def _tables(lake: Path) -> dict[str, pl.DataFrame]:
    opened = Lake.open(lake)
    found = {}
    for table in PARITY_TABLES:
        rows = opened.read(table)
        found[table] = rows.filter(~pl.col("provisional")) if "provisional" in rows.columns else rows
    events = opened.read("events").drop("source", "position")
    found["events"] = events.sort("account_id", "time", "event_id")
    return found


def _assert_equal(one: Path, other: Path) -> None:
    left, right = _tables(one), _tables(other)
    for table, rows in left.items():
        assert_frame_equal(rows, right[table], check_exact=True)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, lines: list[bytes]) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    (folder / "log.jsonl").write_bytes(b"".join(lines))
    _backfill(folder / "lake", [folder / "log.jsonl"], folder / "key")
    return folder / "lake"


def test_a_harvester_and_a_sweeper_are_flagged_and_nobody_else(whole: Path) -> None:
    flagged = Lake.open(whole).read("flagged_accounts")
    assert dict(zip(flagged["account_id"], flagged["kind"], strict=True))["acct-1"] == "reverse_engineering"
    assert set(flagged["account_id"]) <= {"acct-0", "acct-1"}


def test_every_record_is_accounted_for(whole: Path, lines: list[bytes]) -> None:
    counts = Lake.open(whole).read("runs").select(pl.col("sources").explode()).unnest("sources")
    assert counts["records"].sum() == len(lines)
    assert counts["appended"].sum() + counts["ignored"].sum() + counts["rejects"].sum() == len(lines)
    assert counts["appended"].sum() == counts["accepted"].sum() + counts["duplicates"].sum() + counts["too_late"].sum()


def test_the_networks_of_a_day_are_learned_at_its_border(whole: Path) -> None:
    last = Lake.open(whole).last_run()
    assert last is not None
    moves = read_snapshot(whole, States(whole).read_manifest(last["run_id"])["snapshot"])["moves"].sort("account_id")
    shown = Lake.open(whole).read("traits").filter((pl.col("kind") == "prefix") & (pl.col("tick") >= START + DAY))
    keys = dict(shown.select("account_id", "key").unique().iter_rows())
    assert dict(moves.select("account_id", pl.col("networks").list.first()).iter_rows()) == keys
    assert moves.select("days", "moved").rows() == [(1, 0), (1, 0), (1, 0), (1, 1)]


def test_running_again_over_the_same_files_adds_nothing(tmp_path: Path, whole: Path) -> None:
    lake = shutil.copytree(whole, tmp_path / "lake")
    again = _backfill(lake, [whole.parent / "log.jsonl"], whole.parent / "key")
    assert again.sources == ()
    after = _tables(lake)
    assert all(rows.equals(after[table]) for table, rows in _tables(whole).items())


def test_appends_of_a_growing_file_give_what_one_run_gives(tmp_path: Path, lines: list[bytes], whole: Path) -> None:
    log = tmp_path / "log.jsonl"
    for count in (700, len(lines)):  # within the first day, at the end
        log.write_bytes(b"".join(lines[:count]))
        _backfill(tmp_path / "lake", [log], tmp_path / "key", complete=count == len(lines))
    _assert_equal(whole, tmp_path / "lake")


def test_split_shuffled_duplicated_and_gzipped_files_give_what_one_run_gives(
    tmp_path: Path, lines: list[bytes], whole: Path
) -> None:
    mixed = [*lines, *lines[100:200]]
    random.Random(1).shuffle(mixed)
    files = []
    for number in range(4):
        files.append(tmp_path / f"part-{number}.jsonl.gz")
        files[-1].write_bytes(gzip.compress(b"".join(mixed[number::4])))
    summary = _backfill(tmp_path / "lake", files, tmp_path / "key", groups=7)
    assert sum(source.duplicates for source in summary.sources) == 100
    opened, other = _tables(tmp_path / "lake"), _tables(whole)
    for table in PARITY_TABLES:
        assert_frame_equal(opened[table], other[table], check_exact=True)


def _points(folder: Path, log: Path) -> Iterator[str]:
    seen: list[str] = []
    _backfill(folder / "counted", [log], folder / "key", after=seen.append)
    yield from seen


@pytest.mark.slow
def test_a_run_killed_at_any_commit_point_and_repeated_equals_a_clean_one(tmp_path: Path, lines: list[bytes]) -> None:
    log = tmp_path / "log.jsonl"
    log.write_bytes(b"".join(lines[:980]))  # one day and a little
    points = list(_points(tmp_path, log))
    for number in range(0, len(points), 9):
        lake = tmp_path / f"killed-{number}"
        left = [number]

        def kill(_: str, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] < 0:
                raise Killed

        with pytest.raises(Killed):
            _backfill(lake, [log], tmp_path / "key", after=kill)
        _backfill(lake, [log], tmp_path / "key")
        _assert_equal(tmp_path / "counted", lake)


def test_a_second_backfill_refuses_while_the_first_one_runs(tmp_path: Path, lines: list[bytes]) -> None:
    log = tmp_path / "log.jsonl"
    log.write_bytes(b"".join(lines[:10]))
    _backfill(tmp_path / "lake", [log], tmp_path / "key")
    with Lease.acquire(tmp_path / "lake", "another backfill"), pytest.raises(LeaseHeld, match="another backfill"):
        _backfill(tmp_path / "lake", [log], tmp_path / "key")


def test_without_complete_what_is_open_is_shown_and_replaced_by_the_next_run(
    tmp_path: Path, lines: list[bytes]
) -> None:
    log = tmp_path / "log.jsonl"
    log.write_bytes(b"".join(lines[:300]))
    _backfill(tmp_path / "lake", [log], tmp_path / "key", complete=False)
    assert Lake.open(tmp_path / "lake").read("sessions")["provisional"].any()
    assert Lake.open(tmp_path / "lake").read("account_windows")["provisional"].any()
    _backfill(tmp_path / "lake", [log], tmp_path / "key", complete=True)
    assert not Lake.open(tmp_path / "lake").read("sessions")["provisional"].any()


def test_no_text_survives_anywhere_in_the_lake(whole: Path) -> None:
    needles = [SECRET.encode(), b"plugh", b"billing team"]
    for path in whole.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert not any(needle in data for needle in needles), path
    opened = Lake.open(whole)
    for table in TABLES:
        assert "plugh" not in str(opened.read(table).to_dicts()), table
