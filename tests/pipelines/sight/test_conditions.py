"""Each condition holds where an operator would say so, and nowhere else."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from pipelines.lake.times import to_micros
from pipelines.sight import conditions
from pipelines.sources.idling import Growth, Idling
from pipelines.sources.known import Known
from schemas.catalogue import TABLES
from schemas.policy import Policy

NOW = datetime(2026, 3, 9, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
POLICY = Policy()


def _known(source: str, *names: str, every: timedelta = timedelta(seconds=1), last: datetime = NOW) -> Known:
    latest = tuple((to_micros(last - n * every), f"{n}") for n in range(100))
    return Known(source, names, "text", "canonical", "lines", latest=latest, events=100)


def _grown(ago: timedelta, *, was_seen: bool = True, met: timedelta = 5 * HOUR, was_there: bool = True) -> Growth:
    return Growth(NOW - ago, NOW - met, NOW - ago, was_there=was_there, was_seen=was_seen)


def _silent(sources: Mapping[str, tuple[Known, Growth]], alarmed: set[str] | None = None) -> list[str]:
    register = {source: known for source, (known, _) in sources.items()}
    growth = {source: grown for source, (_, grown) in sources.items()}
    found = conditions.silent(register, growth, alarmed or set(), NOW, POLICY)
    assert all(c.kind == "source_silent" and c.since == growth[c.subject].at for c in found)
    return [c.subject for c in found]


def test_a_source_that_was_being_written_and_is_no_more_is_silent() -> None:
    assert _silent({"a": (_known("a", "a.log"), _grown(2 * HOUR)), "b": (_known("b", "b.log"), _grown(HOUR / 2))}) == [
        "a"
    ]


def test_a_source_that_pauses_for_hours_by_itself_is_not_silent_after_two() -> None:
    slow = _known("a", "a.log", every=HOUR)
    assert _silent({"a": (slow, _grown(2 * HOUR))}) == []
    assert _silent({"a": (slow, _grown(4 * HOUR))}) == ["a"]


def test_history_is_not_missed_but_what_stopped_just_before_the_start_is() -> None:
    old, fresh = _grown(40 * DAY, was_seen=False), _grown(8 * HOUR, was_seen=False)
    assert _silent({"a": (_known("a", "a.log"), old), "b": (_known("b", "b.log"), fresh)}) == ["b"]


def test_a_silence_that_is_known_outlives_a_restart() -> None:
    assert _silent({"a": (_known("a", "a.log"), _grown(40 * DAY, was_seen=False))}, {"a"}) == ["a"]


def test_a_rotated_log_and_the_file_of_yesterday_are_not_missed() -> None:
    rotated = {
        "a": (_known("a", "app.log", "app.log.1"), _grown(3 * HOUR)),
        "b": (_known("b", "app.log"), _grown(HOUR / 9)),
    }
    assert _silent(rotated) == []
    began = _grown(HOUR / 9, met=2 * HOUR, was_there=False)
    daily = {"a": (_known("a", "d-2026-03-08.log"), _grown(3 * HOUR)), "b": (_known("b", "d-2026-03-09.log"), began)}
    assert _silent(daily) == []


def test_a_neighbour_that_goes_on_does_not_hide_a_silence() -> None:
    neighbours = {
        "a": (_known("a", "node-1.log"), _grown(3 * HOUR)),
        "b": (_known("b", "node-2.log"), _grown(HOUR / 9)),
    }
    assert _silent(neighbours) == ["a"]


def test_a_rotation_of_a_neighbour_does_not_hide_a_silence() -> None:
    began = _grown(HOUR / 9, met=2 * HOUR, was_there=False)
    sources = {
        "a": (_known("a", "node-1.log"), _grown(3 * HOUR)),
        "b": (_known("b", "node-2.log", "node-2.log.1"), _grown(2 * HOUR)),
        "c": (_known("c", "node-2.log"), began),
    }
    assert _silent(sources) == ["a"]


def test_reading_on_in_an_old_file_is_not_being_written() -> None:
    idling, known = Idling(HOUR), replace(_known("a", "kafka://b/t/0"), length=1000)
    idling.see({"a": known}, NOW - 9 * HOUR)
    idling.see({"a": replace(known, events=200)}, NOW - 8 * HOUR)
    assert not idling.growth()["a"].was_seen
    idling.see({"a": replace(known, events=300, length=1100)}, NOW - 7 * HOUR)
    assert idling.growth()["a"].was_seen


def test_ten_calls_ahead_of_the_clock_are_told_and_nine_are_not() -> None:
    ahead = [(to_micros(NOW + DAY), f"x{n}") for n in range(10)]
    there = _known("a", "a.log")
    assert conditions.clock_ahead({"a": replace(there, latest=(*ahead[:9], *there.latest))}, NOW, POLICY) == []
    (found,) = conditions.clock_ahead({"a": replace(there, latest=(*ahead, *there.latest))}, NOW, POLICY)
    assert found.message.startswith("10 of its calls")
    assert "24 hours" in found.message


def test_a_clock_that_is_minutes_ahead_is_not_told() -> None:
    assert conditions.clock_ahead({"a": _known("a", "a.log", last=NOW + timedelta(minutes=5))}, NOW, POLICY) == []


def _runs(*counts: tuple[timedelta, int, int]) -> pl.DataFrame:
    none = dict.fromkeys(("appended", "ignored", "accepted", "duplicates", "too_late"), 0)
    about = {"source": "a", "name": "a.log", "format": "canonical", "refused_because": None}
    rows = [
        {"started_at": NOW - ago, "sources": [about | none | {"records": records, "rejects": rejects}]}
        for ago, records, rejects in counts
    ]
    schema = TABLES["runs"].polars
    return pl.DataFrame(rows, schema={"started_at": schema["started_at"], "sources": schema["sources"]})


@pytest.mark.parametrize(
    ("counts", "is_told"),
    [
        (((2 * DAY, 10_000, 10), (HOUR / 2, 1_000, 200)), True),
        (((2 * DAY, 10_000, 10), (HOUR / 2, 10_000, 200)), False),  # two in a hundred
        (((2 * DAY, 10_000, 10), (HOUR / 2, 200, 90)), False),  # a handful
        (((2 * DAY, 10_000, 1_500), (HOUR / 2, 1_000, 200)), False),  # as bad as ever
        (((2 * HOUR, 1_000, 200), (HOUR / 2, 1_000, 0)), False),  # over
        (((HOUR / 2, 1_000, 200),), True),  # a new source
    ],
)
def test_rejects_are_told_where_they_are_many_and_many_more_than_before(
    counts: tuple[tuple[timedelta, int, int], ...], is_told: bool
) -> None:
    found = conditions.rejects_jumped(_runs(*counts), NOW, POLICY)
    assert [(c.kind, c.subject) for c in found] == [("rejects_jumped", "a")] * is_told


def test_each_source_of_a_run_is_judged_by_its_own_rejects() -> None:
    runs = _runs((HOUR / 2, 1_000, 200))
    (about,) = runs["sources"][0]
    others = [about | {"source": source, "rejects": rejects} for source, rejects in (("b", 0), ("c", 300))]
    runs = runs.with_columns(pl.Series("sources", [[about, *others]], runs.schema["sources"]))
    runs = pl.concat([runs, runs.with_columns(pl.Series("sources", [[]], runs.schema["sources"]))])  # and one of none
    assert [c.subject for c in conditions.rejects_jumped(runs, NOW, POLICY)] == ["a", "c"]


def _calls(of: Mapping[int, int], usual: int = 1_000) -> dict[datetime, int]:
    """Calls of the same hour: `of` gives those of days ago; of the whole week before, hours are there."""
    hours = {NOW - n * HOUR: usual for n in range(9 * 24)}
    return hours | {NOW - days * DAY: calls for days, calls in of.items()}


@pytest.mark.parametrize(
    ("of", "is_told"),
    [
        ({0: 490}, True),
        ({0: 510}, False),
        ({0: 490, 2: 400, 1: 420}, False),  # a weekend has been as quiet
        ({0: 490, 3: 0}, True),  # one outage in the week before hides nothing
    ],
)
def test_volume_has_collapsed_below_half_of_the_quietest_day_but_one(of: dict[int, int], is_told: bool) -> None:
    found = conditions.volume_collapsed(_calls(of), NOW, POLICY)
    assert [c.kind for c in found] == ["volume_collapsed"] * is_told


def test_an_hour_without_any_call_has_collapsed() -> None:
    calls = _calls({})
    del calls[NOW]
    assert len(conditions.volume_collapsed(calls, NOW, POLICY)) == 1


def test_volume_is_not_judged_in_the_first_week_nor_where_it_is_small() -> None:
    young = {hour: calls for hour, calls in _calls({0: 0}).items() if NOW - hour < 6 * DAY}
    assert conditions.volume_collapsed(young, NOW, POLICY) == []
    assert conditions.volume_collapsed(_calls({0: 10}, usual=150), NOW, POLICY) == []


def test_a_reason_to_abstain_is_told_where_a_quarter_more_accounts_have_it_than_ever_that_day() -> None:
    accounts = {NOW - n * HOUR: 100 for n in range(25)}
    shares = {hour: {"no prompts": 0.3, "few calls": 0.8} for hour in accounts}
    assert conditions.abstentions_jumped(shares, accounts, NOW, POLICY) == []
    now = shares | {NOW: {"no prompts": 0.6, "few calls": 0.85}}
    (found,) = conditions.abstentions_jumped(now, accounts, NOW, POLICY)
    assert found.subject == "no prompts"
    once = now | {NOW - 20 * HOUR: {"no prompts": 0.5}}
    assert conditions.abstentions_jumped(once, accounts, NOW, POLICY) == []
    assert conditions.abstentions_jumped(now, accounts | {NOW: 40}, NOW, POLICY) == []
