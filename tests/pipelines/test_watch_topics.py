"""Topics read while they are written: brokers that fall silent are waited for, and no time goes by meanwhile."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lake_proofs import assert_accounted, assert_equal_lakes
from mock_cluster import MockCluster
from pipelines import ingest
from pipelines.backfill import backfill
from pipelines.cli.progress import Progress
from pipelines.lake.lake import Lake
from pipelines.request import Request
from pipelines.sources import brokers
from pipelines.sources.brokers import BrokerGone, OffsetsLost
from pipelines.sources.idling import Idling
from pipelines.sources.known import Known
from pipelines.watch import watch
from schemas.policy import Policy, Watch

START = datetime(2026, 3, 2, 20, tzinfo=UTC)
QUICK = replace(Policy(), watch=Watch(latency_seconds=0.1))


class Told(Progress):
    """Remembers what was told."""

    def __init__(self) -> None:
        super().__init__(quiet=True)
        self.texts: list[str] = []

    def note(self, text: str) -> None:
        self.texts.append(text)

    warn = note


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[MockCluster]:
    monkeypatch.setattr(brokers, "_ID_SECONDS", 0.01)
    with MockCluster() as mock:
        yield mock


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "key"
    path.write_text("0f" * 32)
    path.chmod(0o600)
    return path


def record(number: int) -> bytes:
    moment = START + timedelta(seconds=number * 20)
    known = {"event_id": f"c{number}", "time": moment.isoformat(), "account_id": f"a{number % 3}", "operation": "chat"}
    return json.dumps(known).encode()


def spread(cluster: MockCluster, first: int, last: int) -> None:
    for partition in range(4):
        numbers = range(first + (partition - first) % 4, last, 4)
        cluster.write("calls", map(record, numbers), partition)


@contextmanager
def watching(request: Request, told: Progress) -> Iterator[list[BaseException]]:
    """A watch in a thread of this process; what it raised, once it did."""
    stop, errors = threading.Event(), list[BaseException]()

    def run() -> None:
        try:
            watch(request, told, stop)
        except BaseException as error:  # noqa: BLE001 - handed on
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield errors
    finally:
        stop.set()
        thread.join(60)
    assert not thread.is_alive()


def until(holds: Callable[[], bool], errors: list[BaseException], *, is_error: bool = False) -> None:
    limit = time.monotonic() + 120
    while not holds():
        assert is_error or not errors, errors
        assert time.monotonic() < limit
        time.sleep(0.05)


def events(lake: Path) -> int:
    return Lake.open(lake).read("events").height if (lake / "_stillwatch" / "lake.json").exists() else 0


def test_partitions_read_as_they_grow_give_what_one_file_gives(cluster: MockCluster, tmp_path: Path, key: Path) -> None:
    (tmp_path / "log").write_bytes(b"\n".join(map(record, range(300))) + b"\n")
    whole = Request((str(tmp_path / "log"),), tmp_path / "whole", groups=2, key_file=key, is_complete=True)
    backfill(whole, Progress(quiet=True))
    asked = Request((cluster.uri("calls"),), tmp_path / "lake", groups=2, key_file=key, policy=QUICK)
    spread(cluster, 0, 8)
    with watching(asked, Told()) as errors:
        until(lambda: events(tmp_path / "lake") == 8, errors)
        spread(cluster, 8, 300)
        until(lambda: events(tmp_path / "lake") == 300, errors)
    watch(replace(asked, is_complete=True), Progress(quiet=True), threading.Event(), is_once=True)
    assert_equal_lakes(tmp_path / "lake", tmp_path / "whole")
    assert_accounted(tmp_path / "lake", 300)


def test_brokers_that_fall_silent_are_waited_for_and_no_time_goes_by(
    cluster: MockCluster, tmp_path: Path, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spread(cluster, 0, 200)
    told, lake, marks = Told(), tmp_path / "lake", list[int]()
    asked = Request((cluster.uri("calls"),), lake, groups=2, key_file=key, policy=QUICK)
    real, is_gone = ingest.unread, threading.Event()

    def unread(*given: Any) -> Any:
        if is_gone.is_set():
            marks.append(1)
            raise BrokerGone("kafka://b", "no broker answers", "wait")
        return real(*given)

    monkeypatch.setattr(ingest, "unread", unread)
    looked = list[bool]()
    monkeypatch.setattr(
        "pipelines.watch._Supervisor._look_at_time", lambda _: looked.append(bool(marks) and is_gone.is_set())
    )
    with watching(asked, told) as errors:
        until(lambda: events(lake) == 200, errors)
        is_gone.set()
        until(lambda: len(marks) > 3, errors)
        spread(cluster, 200, 240)
        is_gone.clear()
        until(lambda: events(lake) == 240, errors)
    said = [text for text in told.texts if "answers" in text or "can be read again" in text]
    assert len(said) == 2  # once that it waits, once that it goes on
    assert looked
    assert not any(looked)


def test_records_lost_unread_end_the_watch(cluster: MockCluster, tmp_path: Path, key: Path) -> None:
    spread(cluster, 0, 40)
    lake = tmp_path / "lake"
    asked = Request((cluster.uri("calls"),), lake, groups=2, key_file=key, policy=QUICK)
    watch(asked, Progress(quiet=True), threading.Event(), is_once=True)
    for number in range(12):  # this broker keeps five megabytes of a partition
        cluster.write("calls", [record(number) + b" " * 1_000_000])
    with watching(asked, Told()) as errors:
        until(lambda: bool(errors), errors, is_error=True)
    assert isinstance(errors[0], OffsetsLost)
    assert "--accept-gap" in str(errors[0])
    with watching(replace(asked, accepts_gaps=True), Told()) as errors:
        until(lambda: events(lake) > 40, errors)


def test_after_silence_of_brokers_partitions_are_waited_for_anew() -> None:
    idling, now = Idling(timedelta(minutes=10)), START
    register = {
        "t": Known("t", ("kafka://b/t/0",), "topic", "", "lines", length=5),
        "f": Known("f", ("/none",), "text", "", "lines"),
    }
    idling.see(register, now)
    later = now + timedelta(minutes=20)
    assert set(idling.idle(register, later)) == {"t", "f"}
    idling.wake(later)
    assert set(idling.idle(register, later)) == {"f"}
