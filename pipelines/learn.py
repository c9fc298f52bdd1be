"""LEARN: at a feedback border, the day's audit, and what the next day is scored with.

Create day | learn | messages
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import apache_beam as beam
import polars as pl

from pipelines.lake.accounts_held import accounts_held
from pipelines.lake.files import group_range, read_events, write_frame
from pipelines.lake.lake import Lake
from pipelines.lake.references import kept_reference
from pipelines.lake.snapshots import read_snapshot, write_snapshot
from pipelines.manifests import WriteMessages
from schemas.catalogue import TABLES
from schemas.policy import Policy
from schemas.snapshot import Snapshot
from transforms.distribution import campaigns_tested, pinned
from transforms.learning import CALLED, NETWORK, SHOWN, Hours, Marks, Seen, learn_late, learn_parts, republish
from transforms.quality import DayFacts, audit_facts, facts_of, is_fit_for_learning

_DAY = timedelta(days=1)
_SCORED = ("account_windows", "account_scores")


@dataclass(frozen=True)
class LearnJob:
    """Everything a worker needs to know of a run.

    Attributes:
        root: the lake.
        run_id: the run.
        policy: as JSON.
        day: start of the closed UTC day.
        versions: version to read of every table.
        snapshot: name of the snapshot the day was scored with, None before the first.
        event_files: files that can hold the day's events.
        groups: account groups: so many parts the day is read in.
        released: starts of quarantined days to be learned before it, whatever their audit says.
        reference: name of the pinned reference that the day's campaigns are compared with; None for what is learned.
    """

    root: str
    run_id: str
    policy: str
    day: datetime
    versions: dict[str, int]
    snapshot: str | None
    event_files: tuple[str, ...]
    groups: int
    released: tuple[datetime, ...] = ()
    reference: str | None = None


def build(job: LearnJob, pipeline: beam.Pipeline) -> object:
    """Applies the pipeline."""
    return (
        pipeline
        | "Closed day" >> beam.Create([job.day.isoformat()], reshuffle=False)
        | "Learn the day" >> beam.ParDo(LearnDay(job)).with_output_types(tuple[int, bytes])
        | "Gather messages" >> beam.GroupByKey()
        | "Write messages" >> beam.ParDo(WriteMessages(job.root, job.run_id))
    )


class LearnDay(beam.DoFn):
    """Audits a closed day and learns from it, or publishes what was known before if it fails the audit.

    Days that were released since the border before are learned first.
    """

    def __init__(self, job: LearnJob) -> None:
        self._job = job

    def process(self, day: str) -> Iterator[tuple[int, bytes]]:
        """The start of the day, ISO 8601."""
        job, policy = self._job, Policy.from_json(self._job.policy)
        lake, start = Lake.open(Path(job.root)), datetime.fromisoformat(day)
        previous, marks = read_snapshot(lake.root, job.snapshot), _marks(lake, job)
        for before in job.released:
            held = accounts_held(lake, before + _DAY, job.versions["registry"])
            rows = _Day(lake, job, before)
            previous = learn_late(previous, before, rows.seen(), rows.hours(), held, marks, policy)
        rows = _Day(lake, job, start)
        seen, facts = rows.seen_and_facts(policy)
        quality = audit_facts(start, facts, _history(lake, job, start), policy.quality)
        is_fit = is_fit_for_learning(quality)
        if is_fit:
            registry = accounts_held(lake, start + _DAY, job.versions["registry"])
            snapshot, models = learn_parts(previous, start, seen, rows.hours(), registry, marks, policy)
        else:
            snapshot, models = republish(previous, start)
        name = write_snapshot(lake.root, job.run_id, snapshot)
        tables = _write(job, "quality", quality) | _write(job, "models", models)
        campaigns = _seen_on(lake, job, start)
        if not campaigns.is_empty():
            embeddings = rows.embeddings_of(campaigns["account_ids"].explode().unique())
            tests = campaigns_tested(campaigns, embeddings, _compared_with(lake, job, snapshot), start, policy)
            tables |= _write(job, "campaign_tests", tests)
        message = {
            "tables": tables,
            "states": {"snapshot": name},
            "snapshot_id": snapshot.snapshot_id,
            "quarantined": not is_fit,
        }
        yield 0, json.dumps(message, sort_keys=True).encode()


class _Day:
    """The rows of a closed day, one part of the accounts at a time: memory is that of one part."""

    def __init__(self, lake: Lake, job: LearnJob, day: datetime) -> None:
        self._lake, self._job, self._day = lake, job, day
        self._parts = [group_range(number, job.groups) for number in range(job.groups)]
        after = timedelta(microseconds=1)
        self._ended = ("window_end", day + after, day + _DAY + after)

    def hours(self) -> Iterator[Hours]:
        """Definite WINDOW rows, EMBEDDING rows, networks and hours, part by part."""
        for part in self._parts:
            yield Hours(
                self._of_part("account_windows", part), self._of_part("account_embeddings", part), self._shown(part)
            )

    def seen(self) -> Seen:
        """What the accounts of the day come to."""
        return Seen.together([self._seen(*(self._of_part(table, part) for table in _SCORED)) for part in self._parts])

    def seen_and_facts(self, policy: Policy) -> tuple[Seen, dict[str, DayFacts]]:
        """The same, and what the audit asks of the day, of one reading."""
        limit, day = policy.quality.audit_rows, (self._day, self._day + _DAY)
        sessions = self._lake.read("sessions", self._job.versions["sessions"], ("session_end", *day))
        facts = {"sessions": facts_of(TABLES["sessions"], sessions.filter(~pl.col("provisional")), limit)}
        facts |= {table: facts_of(TABLES[table], TABLES[table].empty(), limit) for table in (*_SCORED, "events")}
        seen = []
        for part in self._parts:
            frames = {table: self._of_part(table, part) for table in _SCORED}
            facts |= {table: facts[table].with_rows(frame) for table, frame in frames.items()}
            seen.append(self._seen(*frames.values()))
        for path in self._job.event_files:
            events = read_events([Path(path)], times=day)
            facts["events"] = facts["events"].with_rows(events)
        return Seen.together(seen), facts

    def embeddings_of(self, accounts: pl.Series) -> pl.DataFrame:
        """EMBEDDING rows of these accounts."""
        table = "account_embeddings"
        rows = self._lake.scan(table, self._job.versions[table], self._ended)
        return self._lake.collect(table, rows.filter(pl.col("account_id").is_in(accounts.implode())))

    def _shown(self, part: tuple[int, int]) -> pl.DataFrame:
        """Of some accounts the networks and the hours that they called from and at on the day; of the traits nothing else is read."""
        between = ("tick", self._day, self._day + _DAY)
        return self._lake.of_accounts(
            "traits", self._job.versions["traits"], between, part, SHOWN, pl.col("kind").is_in([NETWORK, CALLED])
        )

    def _seen(self, windows: pl.DataFrame, scores: pl.DataFrame) -> Seen:
        return Seen.of(windows, scores, self._day)

    def _of_part(self, table: str, part: tuple[int, int]) -> pl.DataFrame:
        """Of some accounts what ended after the day's start and not after its end."""
        rows = self._lake.of_accounts(table, self._job.versions[table], self._ended, part)
        return rows.filter(~pl.col("provisional")) if "provisional" in rows.columns else rows


def _compared_with(lake: Lake, job: LearnJob, learned: Snapshot) -> Snapshot:
    """What campaigns are compared with: what was just learned, unless a reference is pinned."""
    if job.reference is None:
        return learned
    reference = kept_reference(lake.root, job.reference).reference
    return replace(pinned(learned, reference, job.reference), snapshot_id=f"reference-{job.reference}")


def _history(lake: Lake, job: LearnJob, day: datetime) -> pl.DataFrame:
    return lake.read("quality", job.versions["quality"], ("day", None, day))


def _seen_on(lake: Lake, job: LearnJob, day: datetime) -> pl.DataFrame:
    """CAMPAIGN rows of those that were seen on the day and are not part of others."""
    rows = lake.read("campaigns", job.versions["campaigns"])
    return rows.filter(pl.col("merged_into").is_null() & (pl.col("last_seen") >= day))


def _marks(lake: Lake, job: LearnJob) -> Marks:
    findings = lake.read("findings", job.versions["findings"])
    return Marks(findings=findings, verdicts=lake.read("verdicts", job.versions["verdicts"]))


def _write(job: LearnJob, table: str, frame: pl.DataFrame) -> dict[str, list[Any]]:
    contract = TABLES[table]
    entry = write_frame(Path(job.root) / table, contract, f"{job.run_id}.parquet", contract.shape(frame))
    return {} if entry is None else {table: [entry.to_json()]}
