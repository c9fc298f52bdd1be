"""What a watch tells monitors: over HTTP, in names that dashboards can rely on, from the counts of the lake."""

import json
import re
import threading
import urllib.error
import urllib.request
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from pipelines.cli.progress import Progress
from pipelines.lake.lake import Lake
from pipelines.request import Request
from pipelines.sight.metrics import METRICS
from pipelines.sight.serving import parse_address, serving
from pipelines.sight.status import status
from pipelines.sight.view import View
from pipelines.watch import watch
from schemas.errors import StillwatchError
from schemas.policy import Policy, Watch

START = datetime(2026, 3, 2, 20, tzinfo=UTC)
GOOD, BAD = 60, 3


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def _asked(port: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def _samples(text: str) -> dict[str, float]:
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = ",".join(f"{k}={v}" for k, v in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}"] = sample.value
    return found


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, View, str]:
    """A lake that a watch read a log into, what it knew of itself, and what it told monitors at its end."""
    folder = tmp_path_factory.mktemp("watched")
    (folder / "key").write_text("0f" * 32)
    (folder / "key").chmod(0o600)
    calls = [{"event_id": f"c{n}", "account_id": f"acct-{n % 3}", "time": (START + timedelta(minutes=n)).isoformat(), "operation": "chat"} for n in range(GOOD)]  # fmt: skip
    (folder / "app.log").write_text("".join(json.dumps(call) + "\n" for call in calls) + "{no json\n" * BAD)
    view, stop = View(on_turn=lambda _: None), threading.Event()
    request = Request((str(folder / "app.log"),), folder / "lake", groups=2, key_file=folder / "key", policy=replace(Policy(), watch=Watch(latency_seconds=0.05)))  # fmt: skip

    def enough(_: str) -> None:
        if status(folder / "lake", START).closed_until is not None:
            stop.set()

    view._on_turn = enough
    with serving(("127.0.0.1", 0), view) as port:
        assert _asked(port, "/readyz")[0] == 503
        watch(request, Progress(quiet=True), stop, view=view)
        assert _asked(port, "/readyz") == (200, "ok\n")
        code, text = _asked(port, "/metrics")
        assert code == 200
    return folder / "lake", view, text


def test_metrics_say_what_the_lake_says(watched: tuple[Path, View, str]) -> None:
    found = _samples(watched[2])
    assert found["stillwatch_ingested_records_total{outcome=appended}"] == GOOD
    assert found["stillwatch_ingested_records_total{outcome=rejects}"] == BAD
    assert found["stillwatch_rejected_records_total{reason=not_json}"] == BAD
    accepted = found["stillwatch_detected_events_total{outcome=accepted}"]
    assert accepted + found["stillwatch_waiting_events{}"] == GOOD
    told = status(watched[0], datetime.now(UTC))
    assert told.closed_until is not None
    assert found["stillwatch_closed_timestamp_seconds{}"] == told.closed_until.timestamp()
    assert found["stillwatch_state_bytes{}"] == told.state_bytes > 0
    assert found["stillwatch_ingested_bytes_total{}"] == (watched[0].parent / "app.log").stat().st_size
    assert found["stillwatch_run_duration_seconds_count{pipeline=detect}"] >= 1


def test_every_metric_of_the_table_is_shown_and_no_other(watched: tuple[Path, View, str]) -> None:
    shown = {family.name for family in text_string_to_metric_families(watched[2])}
    shown = {name for name in shown if not name.endswith("_created")}  # of each counter, by the library itself
    assert shown == {metric.full_name.removesuffix("_total") for metric in METRICS}


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_names_are_as_prometheus_wants_them(metric: object) -> None:
    name, kind = metric.name, metric.kind  # type: ignore[attr-defined]
    assert re.fullmatch(r"[a-z][a-z_]*[a-z]", name)
    assert name.endswith("_total") == (kind == "counter")
    assert metric.about.endswith(".")  # type: ignore[attr-defined]
    assert not re.search(r"minutes|_ms|megabytes|_kb", name)


def test_metrics_name_no_account_and_no_source(watched: tuple[Path, View, str]) -> None:
    assert "acct-" not in watched[2]
    assert "app.log" not in watched[2]


def test_a_supervisor_that_does_not_come_around_is_unhealthy() -> None:
    clock = Clock()
    view = View(timedelta(minutes=5), clock=clock)
    with serving(("127.0.0.1", 0), view) as port:
        clock.now = 299
        assert _asked(port, "/healthz") == (200, "ok\n")
        clock.now = 301
        code, text = _asked(port, "/healthz")
    assert code == 503
    assert "longest_turn_minutes" in text


def test_nothing_else_is_answered() -> None:
    with serving(("127.0.0.1", 0), View()) as port:
        assert _asked(port, "/")[0] == 404
        assert _asked(port, "/../etc/passwd")[0] == 404
        with pytest.raises(urllib.error.HTTPError, match="501"):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", data=b"x", timeout=10)


def test_a_port_that_is_taken_is_one_sentence() -> None:
    with serving(("127.0.0.1", 0), View()) as port:
        again = serving(("127.0.0.1", port), View())
        with pytest.raises(StillwatchError, match="cannot be listened on"):
            again.__enter__()


@pytest.mark.parametrize("text", ["", "9464", "host", "host:", "host:port", "host:70000", "host:٣"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(StillwatchError, match="it is no address"):
        parse_address(text)


def test_addresses_are_understood() -> None:
    assert parse_address("0.0.0.0:9464") == ("0.0.0.0", 9464)
    assert parse_address(":1") == ("127.0.0.1", 1)
    assert parse_address("[::1]:80") == ("::1", 80)


def test_status_tells_from_outside_what_was_read_and_what_waits(watched: tuple[Path, View, str]) -> None:
    told = status(watched[0], START + timedelta(hours=2))
    assert told.writer is None
    assert told.unfinished is None
    assert told.rejects == {"not_json": BAD}
    assert told.behind_seconds is not None
    assert told.behind_seconds > 0
    (source,) = told.sources
    assert (source.events, source.latest) == (GOOD, START + timedelta(minutes=GOOD - 1))
    assert source.progress == START + timedelta(minutes=GOOD - 10)
    accepted = Lake.open(watched[0]).read("runs")["sources"].explode().struct.field("accepted").sum()
    assert told.waiting == GOOD - accepted


def test_a_line_for_a_terminal_tells_records_time_and_sources(watched: tuple[Path, View, str]) -> None:
    line = watched[1].line()
    assert line.startswith(f"{GOOD + BAD} records")
    assert "closed until 2026-03-02" in line
    assert "1 sources" in line


def test_what_waits_to_be_read_is_told_in_records_too(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("0f" * 32)
    (tmp_path / "key").chmod(0o600)
    files, each = 4, 10
    for file in range(files):
        call = {"account_id": "a", "time": (START + timedelta(minutes=file)).isoformat(), "operation": "chat"}
        lines = [json.dumps({"event_id": f"{file}-{number}"} | call) + "\n" for number in range(each)]
        (tmp_path / f"{file}.log").write_text("".join(lines))
    policy = replace(Policy(), watch=Watch(latency_seconds=0.05, run_megabytes=1e-6))
    view, seen = View(), []

    def note(_: str) -> None:
        told = _samples(generate_latest(view.registry()).decode())
        read = sum(value for name, value in told.items() if name.startswith("stillwatch_ingested_records_total"))
        seen.append((read, told["stillwatch_backlog_records{}"]))

    view._on_turn = note
    request = Request((str(tmp_path / "*.log"),), tmp_path / "lake", groups=2, key_file=tmp_path / "key", policy=policy)
    watch(request, Progress(quiet=True), threading.Event(), is_once=True, view=view)
    assert seen[0] == (each, (files - 1) * each)
    assert {read + waiting for read, waiting in seen} == {files * each}
