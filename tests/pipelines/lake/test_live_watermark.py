"""How far time has come while logs are being written, and which sources it does not wait for."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from pipelines.lake.times import to_micros
from pipelines.lake.watermark import live_watermark
from pipelines.sources.idling import Idling
from pipelines.sources.known import Known
from schemas.policy import Policy

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
NOW = NOON + timedelta(days=1)
MINUTE = timedelta(minutes=1)


def _source(name: str, last: datetime, events: int = 10, length: int = 0) -> Known:
    """A source whose last events are at one time."""
    latest = tuple((to_micros(last), f"{name}-{number}") for number in range(events))
    return Known(name, (name,), "text", "canonical", "lines", length=length, latest=latest, events=events)


def _mark(*sources: Known, idle: tuple[str, ...] = (), now: datetime = NOW) -> datetime | None:
    return live_watermark(sources, Policy(), idle, now)


def test_the_source_furthest_behind_counts() -> None:
    assert _mark(_source("a", NOON), _source("b", NOON - 60 * MINUTE)) == NOON - 65 * MINUTE


def test_an_idle_source_is_not_waited_for() -> None:
    assert _mark(_source("a", NOON), _source("b", NOON - 60 * MINUTE), idle=("b",)) == NOON - 5 * MINUTE


def test_where_all_sources_rest_time_stays_where_the_furthest_had_come() -> None:
    assert _mark(_source("a", NOON), _source("b", NOON - 60 * MINUTE), idle=("a", "b")) == NOON - 5 * MINUTE


def test_a_few_events_hold_back_time_but_do_not_move_it() -> None:
    early, ahead = (
        _source("few", NOON - 60 * MINUTE, events=3),
        _source("few", datetime(2099, 1, 1, tzinfo=UTC), events=3),
    )
    assert _mark(_source("a", NOON), early) == NOON - 65 * MINUTE
    assert _mark(_source("a", NOON), ahead) == NOON - 5 * MINUTE
    assert _mark(_source("a", NOON), ahead, idle=("a",)) == NOON - 5 * MINUTE


def test_a_writer_whose_clock_is_ahead_closes_no_tick_that_has_not_ended() -> None:
    assert _mark(_source("a", datetime(2099, 1, 1, tzinfo=UTC), events=100), now=NOON) == NOON - 5 * MINUTE


def test_nothing_is_closed_before_the_first_event() -> None:
    assert _mark() is None


def test_a_source_is_idle_once_it_has_not_grown_for_long_and_is_not_once_it_grows() -> None:
    idling = Idling(10 * MINUTE)
    small, large = _source("kafka://b/t/0", NOON, length=1), _source("kafka://b/t/0", NOON, length=2)
    idling.see({small.source: small}, NOW)
    assert idling.idle({small.source: small}, NOW + 9 * MINUTE) == {}
    assert idling.idle({small.source: small}, NOW + 10 * MINUTE) == {small.source: NOW}
    idling.see({large.source: large}, NOW + 11 * MINUTE)
    assert idling.idle({large.source: large}, NOW + 12 * MINUTE) == {}


def test_a_log_whose_name_another_one_took_is_idle_at_once(tmp_path: Path) -> None:
    name = str(tmp_path / "app.log")
    old = Known("old", (name, f"{name}.1"), "text", "canonical", "lines", length=5)
    new = Known("new", (name,), "text", "canonical", "lines", length=5)
    for path in (name, f"{name}.1"):
        Path(path).touch()
    now = datetime.now(UTC) + MINUTE
    idling = Idling(10 * MINUTE)
    idling.see({"old": old}, now)
    grown = Known("new", (name,), "text", "canonical", "lines", length=9)
    idling.see({"old": old, "new": new}, now)
    idling.see({"old": old, "new": grown}, now + MINUTE)
    assert set(idling.idle({"old": old, "new": grown}, now + MINUTE)) == {"old"}


def test_a_partition_without_an_event_holds_time_back_until_it_rests() -> None:
    empty = Known("empty", ("kafka://b/t/1",), "topic", "", "lines")
    assert _mark(_source("a", NOON), empty) is None
    assert _mark(_source("a", NOON), empty, idle=("empty",)) == NOON - 5 * MINUTE
