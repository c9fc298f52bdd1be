"""Sources tell the time as the others do: nothing far ahead, little too late, no long silence."""

import itertools
from collections.abc import Iterator
from datetime import datetime, timedelta

import polars as pl

from pipelines.doctor.case import Case
from pipelines.doctor.symptom import Symptom
from pipelines.lake.times import from_micros, to_micros

_HOUR = timedelta(hours=1)


def check(case: Case) -> Iterator[Symptom]:
    """Sources with too many late events, sources whose clock was ahead, and silent hours."""
    yield from _late(case)
    yield from _ahead(case)
    yield from _silent(case)


def _late(case: Case) -> Iterator[Symptom]:
    policy = case.policy.doctor
    counted = case.runs.select(pl.col("sources").explode(empty_as_null=False)).unnest("sources")
    totals = counted.group_by("source").agg(pl.col("name").last(), pl.col("appended", "too_late").sum()).sort("source")
    for row in totals.iter_rows(named=True):
        if row["appended"] >= policy.least_calls and row["too_late"] > policy.late_share * row["appended"]:
            problem = f"{row['too_late']:,} of its {row['appended']:,} events came after their tick had closed"
            fix = (
                "ship it sooner, mend the clock of whoever was ahead of it, or raise time.lateness_minutes in the policy; "
                "`stillwatch rebuild` takes the late events in"
            )
            yield Symptom("warning", f"source {row['name']}", problem, fix)


def _ahead(case: Case) -> Iterator[Symptom]:
    """Sources with events days after what enough events agree on: these wait, for as long as their clock was ahead."""
    policy = case.policy.doctor
    closed = case.runs.filter(pl.col("pipeline") == "detect")["closed_until"].drop_nulls()
    if closed.is_empty():
        return
    limit = to_micros(closed[-1]) + policy.ahead_days * 86_400_000_000
    for _, known in sorted(case.register.items()):
        ahead = [time for time, _ in known.latest if time > limit]
        if ahead and known.events >= policy.least_calls:
            at_least = "at least " if len(ahead) == len(known.latest) else ""
            problem = (
                f"{at_least}{len(ahead)} of its events lie more than {policy.ahead_days} days after {closed[-1]:%Y-%m-%d %H:%M}, "
                f"until which time has come, the last at {from_micros(max(ahead)):%Y-%m-%d %H:%M}"
            )
            name = known.names[-1] if known.names else known.source
            yield Symptom("warning", f"source {name}", problem, "set the clock of its writer; until then they wait")


def _silent(case: Case) -> Iterator[Symptom]:
    """Hours of the last days in which no account called, although the days were busy."""
    quality, days = case.policy.quality, case.policy.doctor.days
    hours = case.scan("account_windows").filter(~pl.col("provisional")).select(pl.col("window_end").unique()).collect()
    ends: list[datetime] = hours["window_end"].sort().to_list()
    if not ends:
        return
    recent = [end for end in ends if end > ends[-1] - timedelta(days=days)]
    since = recent[0] - _HOUR
    calls = (
        case.lake.scan("events", case.versions["events"], ("time", since, ends[-1])).select(pl.len()).collect().item()
    )
    span = (ends[-1] - since) / timedelta(days=1)
    if calls < quality.gap_least_events * max(span, 1):
        return
    for before, after in itertools.pairwise(recent):
        silence = after - before - _HOUR
        if silence >= timedelta(hours=quality.largest_gap_hours):
            where = f"{before:%Y-%m-%d %H:%M} to {after - _HOUR:%Y-%m-%d %H:%M}"
            problem = f"no account called for {silence / _HOUR:.0f} hours between busy days"
            fix = f"look whether a log of that time is missing, then `stillwatch backfill` it and `rebuild --since {before:%Y-%m-%d}`"
            yield Symptom("warning", where, problem, fix)
