"""Logs that are rotated between being looked at and being read: no byte is read under another file's name, none is lost."""

import gzip
import json
import shutil
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lake_proofs import assert_accounted, assert_equal_lakes
from pipelines.backfill import backfill
from pipelines.cli.progress import Progress
from pipelines.lake.lake import Lake
from pipelines.lake.plan import Plan, unfinished
from pipelines.request import Request
from pipelines.watch import watch
from schemas.errors import SourceGone
from schemas.policy import Policy, Watch

START = datetime(2026, 3, 2, 20, tzinfo=UTC)
QUICK = replace(Policy(), watch=Watch(latency_seconds=0.05))
HALF = 150

Rotate = Callable[[Path, bytes], None]


def _line(number: int) -> bytes:
    record = {
        "event_id": f"call-{number}",
        "time": (START + timedelta(seconds=number * 40)).isoformat(),
        "account_id": f"acct-{number % 3}",
        "operation": "chat",
        "input_tokens": 300,
        "output_tokens": 30 + number,
    }
    return json.dumps(record).encode() + b"\n"


LINES = [_line(number) for number in range(2 * HALF + 20)]
FORMER, LATTER = b"".join(LINES[:HALF]), b"".join(LINES[HALF:])
"""The second file is longer than the first, so that whatever was planned of the first can be read of it."""


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("key") / "key"
    path.write_text("0f" * 32)
    path.chmod(0o600)
    return path


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, key: Path) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    (folder / "app.log").write_bytes(FORMER + LATTER)
    backfill(Request((str(folder / "app.log"),), folder / "lake", groups=2, key_file=key), Progress(quiet=True))
    return folder / "lake"


def _renamed(log: Path, latter: bytes) -> None:
    log.rename(log.with_name("app.log.1"))
    log.write_bytes(latter)


def _copied_and_truncated(log: Path, latter: bytes) -> None:
    shutil.copyfile(log, log.with_name("app.log.1"))
    with log.open("r+b") as file:
        file.truncate(0)
        file.write(latter)


def _once_after(monkeypatch: pytest.MonkeyPatch, name: str, act: Callable[[], None]) -> None:
    """Has something happen after the first call of a function that returns anything."""
    module, _, function = name.rpartition(".")
    original = getattr(__import__(module, fromlist=[function]), function)
    done = threading.Event()

    def wrapped(*args: object, **kwargs: object) -> object:
        result = original(*args, **kwargs)
        if result is not None and not done.is_set():
            done.set()
            act()
        return result

    monkeypatch.setattr(name, wrapped)


def _watch(log: Path, lake: Path, key: Path) -> None:
    request = Request((f"{log}*",), lake, groups=2, key_file=key, policy=QUICK)
    watch(request, Progress(quiet=True), threading.Event(), is_once=True)


@pytest.mark.parametrize(
    ("when", "rotate"),
    [
        ("pipelines.rounds.plan_ingest", _renamed),
        ("pipelines.rounds.plan_ingest", _copied_and_truncated),
        ("pipelines.ingest.plan_ranges", _renamed),
    ],
)
def test_a_log_rotated_before_it_is_read_is_read_where_it_went(
    tmp_path: Path, key: Path, whole: Path, when: str, rotate: Rotate, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, lake = tmp_path / "app.log", tmp_path / "lake"
    log.write_bytes(FORMER)
    _once_after(monkeypatch, when, lambda: rotate(log, LATTER))
    _watch(log, lake, key)
    assert_equal_lakes(lake, whole)
    assert_accounted(lake, len(LINES))


def test_a_log_emptied_and_written_anew_while_it_is_read_is_taken_in_once(
    tmp_path: Path, key: Path, whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, lake = tmp_path / "app.log", tmp_path / "lake"
    log.write_bytes(FORMER)
    _once_after(monkeypatch, "pipelines.ingest_worker.latest_times", lambda: _copied_and_truncated(log, LATTER))
    _watch(log, lake, key)
    assert_equal_lakes(lake, whole)
    assert_accounted(lake, len(LINES))


def test_a_compressed_log_whose_name_another_takes_is_read_where_it_went(
    tmp_path: Path, key: Path, whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake, first, second = tmp_path / "lake", tmp_path / "app.log.1.gz", tmp_path / "app.log.2.gz"
    first.write_bytes(gzip.compress(FORMER, mtime=0))

    def shift() -> None:
        first.rename(second)
        first.write_bytes(gzip.compress(LATTER, mtime=0))

    _once_after(monkeypatch, "pipelines.rounds.plan_ingest", shift)
    _watch(tmp_path / "app.log", lake, key)
    assert_equal_lakes(lake, whole)
    assert_accounted(lake, len(LINES))


def test_a_backfill_plans_anew_what_was_rotated(
    tmp_path: Path, key: Path, whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, lake = tmp_path / "app.log", tmp_path / "lake"
    log.write_bytes(FORMER)
    _once_after(monkeypatch, "pipelines.rounds.plan_ingest", lambda: _renamed(log, LATTER))
    backfill(Request((f"{log}*",), lake, groups=2, key_file=key), Progress(quiet=True))
    assert_equal_lakes(lake, whole)


class Killed(BaseException):
    """What a kill is to the process it ends."""


def _killed(*_: object, **__: object) -> None:
    raise Killed


def _interrupted(log: Path, lake: Path, key: Path, at: str) -> Plan:
    """The plan of a watch that was killed while it read."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(at, _killed)
        with pytest.raises(Killed):
            _watch(log, lake, key)
    plan = unfinished(Lake.open(lake))
    assert plan is not None
    return plan


def test_a_log_rotated_between_a_kill_and_the_repeat_is_read_where_it_went(
    tmp_path: Path, key: Path, whole: Path
) -> None:
    log, lake = tmp_path / "app.log", tmp_path / "lake"
    log.write_bytes(FORMER)
    _interrupted(log, lake, key, "pipelines.runners.run")
    _renamed(log, LATTER)
    _watch(log, lake, key)
    assert_equal_lakes(lake, whole)
    assert_accounted(lake, len(LINES))


def test_a_log_deleted_after_it_was_read_is_committed_by_the_repeat(tmp_path: Path, key: Path, whole: Path) -> None:
    log, lake = tmp_path / "app.log", tmp_path / "lake"
    log.write_bytes(FORMER)
    _interrupted(log, lake, key, "pipelines.writer.Committer")
    log.write_bytes(LATTER)
    _watch(log, lake, key)
    assert_equal_lakes(lake, whole)
    assert_accounted(lake, len(LINES))


def test_a_watch_goes_on_without_a_log_that_is_gone_and_a_backfill_asks_for_it(tmp_path: Path, key: Path) -> None:
    log, lake = tmp_path / "app.log", tmp_path / "lake"
    log.write_bytes(FORMER)
    plan = _interrupted(log, lake, key, "pipelines.runners.run")
    log.unlink()
    other = tmp_path / "other.log"
    other.write_bytes(LATTER)
    with pytest.raises(SourceGone, match="put it back"):
        backfill(Request((str(other),), lake, groups=2, key_file=key), Progress(quiet=True))
    assert unfinished(Lake.open(lake)) == plan
    _watch(other, lake, key)
    assert_accounted(lake, len(LINES) - HALF)
