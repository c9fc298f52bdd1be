"""Alerts are raised once, seen again, cleared, and kept for a while; they are rows of the lake like any other."""

import json
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from given_lakes import StopOnce
from pipelines.cli.progress import Progress
from pipelines.lake.lake import Lake
from pipelines.lake.plan import unfinished
from pipelines.lake.query import query
from pipelines.request import Request
from pipelines.sight.alerts import open_alerts, updated
from pipelines.sight.conditions import Condition
from pipelines.watch import watch
from schemas.alert import ALERT
from schemas.policy import Alerts, Policy, Watch

NOW = datetime(2026, 3, 9, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
KINDS = frozenset({"source_silent", "clock_ahead"})
POLICY = Policy()


def _condition(kind: str = "source_silent", subject: str = "a", message: str = "it is still") -> Condition:
    return Condition(kind, subject, f"{subject}.log", NOW - HOUR, message, "look at it")


def _after(
    rows: pl.DataFrame, *holding: Condition, at: datetime, judged: frozenset[str] = KINDS
) -> pl.DataFrame | None:
    return updated(rows, holding, judged, at, POLICY)


def test_an_alert_is_raised_seen_again_and_cleared() -> None:
    raised = _after(ALERT.empty(), _condition(), at=NOW)
    assert raised is not None
    assert raised.select("raised_at", "last_seen_at", "cleared_at").row(0) == (NOW, NOW, None)
    assert _after(raised, _condition(message="other words"), at=NOW + HOUR / 2) is None
    again = _after(raised, _condition(message="longer"), at=NOW + HOUR)
    assert again is not None
    assert again.select("raised_at", "last_seen_at", "message").row(0) == (NOW, NOW + HOUR, "longer")
    cleared = _after(again, at=NOW + 2 * HOUR)
    assert cleared is not None
    assert cleared["cleared_at"].to_list() == [NOW + 2 * HOUR]
    anew = _after(cleared, _condition(), at=NOW + 3 * HOUR)
    assert anew is not None
    assert anew["cleared_at"].null_count() == 1
    assert anew.height == 2


def test_what_is_raised_gone_and_raised_again_at_one_look_is_one_row_that_holds_since_its_beginning() -> None:
    raised = _after(ALERT.empty(), _condition(), at=NOW)
    assert raised is not None
    gone = _after(raised, at=NOW)
    assert gone is not None
    assert gone.select("raised_at", "cleared_at").rows() == [(NOW, NOW)]
    back = _after(gone, replace(_condition(message="once more"), since=NOW), at=NOW)
    assert back is not None
    assert back.select("since", "raised_at", "cleared_at", "message").rows() == [(NOW - HOUR, NOW, None, "once more")]


def test_what_was_not_looked_at_is_neither_cleared_nor_seen() -> None:
    raised = _after(ALERT.empty(), _condition(), _condition("clock_ahead", "b"), at=NOW)
    assert raised is not None
    after = _after(raised, at=NOW + 2 * HOUR, judged=frozenset({"clock_ahead"}))
    assert after is not None
    assert after.filter(pl.col("cleared_at").is_null())["kind"].to_list() == ["source_silent"]


def test_cleared_alerts_go_after_the_time_of_the_policy_and_open_ones_never() -> None:
    raised = _after(ALERT.empty(), _condition(), _condition("clock_ahead", "b"), at=NOW)
    assert raised is not None
    later = _after(raised, _condition("clock_ahead", "b"), at=NOW + HOUR)
    assert later is not None
    last = _after(later, _condition("clock_ahead", "b"), at=NOW + timedelta(days=POLICY.alerts.kept_days + 1))
    assert last is not None
    assert last["kind"].to_list() == ["clock_ahead"]


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "key"
    path.write_text("0f" * 32)
    path.chmod(0o600)
    return path


def _ahead(path: Path) -> None:
    ahead = datetime.now(UTC) + timedelta(days=3)
    calls = [
        {"event_id": f"call-{n}", "account_id": "a", "time": (ahead + timedelta(seconds=n)).isoformat()}
        for n in range(20)
    ]
    path.write_text("".join(json.dumps(call | {"operation": "chat"}) + "\n" for call in calls))


def test_a_watch_whose_source_s_clock_is_ahead_says_so_in_the_lake(tmp_path: Path, key: Path) -> None:
    log, lake = tmp_path / "app.log", tmp_path / "lake"
    _ahead(log)
    policy = replace(POLICY, watch=Watch(latency_seconds=0.02), alerts=Alerts(look_seconds=0.01))
    request = Request((str(log),), lake, groups=2, key_file=key, policy=policy)
    watch(request, Progress(quiet=True), StopOnce(lake, lambda lake: not open_alerts(lake).is_empty()))
    rows = query(Lake.open(lake), "SELECT kind, name, cleared_at IS NULL AS is_open FROM alerts")
    assert rows.rows() == [("clock_ahead", str(log), True)]


class Killed(BaseException):
    """What a kill is to the process it ends."""


def test_an_alert_interrupted_before_it_is_committed_is_there_once(tmp_path: Path, key: Path) -> None:
    log, lake = tmp_path / "app.log", tmp_path / "lake"
    _ahead(log)
    policy = replace(POLICY, watch=Watch(latency_seconds=0.02), alerts=Alerts(look_seconds=0.01))
    request = Request((str(log),), lake, groups=2, key_file=key, policy=policy)
    seen = threading.Event()

    def killing(at: str) -> None:
        plan = unfinished(Lake.open(lake))
        if at == "alerts: commit" and plan is not None and plan.pipeline == "alert":
            seen.set()
            raise Killed

    with pytest.raises(Killed):
        watch(request, Progress(quiet=True), threading.Event(), after=killing)
    assert seen.is_set()
    watch(request, Progress(quiet=True), threading.Event(), is_once=True)
    assert open_alerts(Lake.open(lake)).height == 1
