"""LEARN: at a feedback border, the day's audit, and what the next day is scored with.

Create day | learn | messages
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import apache_beam as beam
import polars as pl

from pipelines.lake.accounts_held import accounts_held
from pipelines.lake.files import read_events, write_frame
from pipelines.lake.lake import Lake
from pipelines.lake.snapshots import read_snapshot, write_snapshot
from pipelines.manifests import WriteMessages
from schemas.catalogue import TABLES
from schemas.event import EVENT
from schemas.policy import Policy
from transforms.learning import Marks, learn, learn_late, republish
from transforms.quality import DayFacts, audit_facts, facts_of, is_fit_for_learning

_DAY = timedelta(days=1)
_AUDITED = ("sessions", "account_windows", "account_scores")
_TIME_OF = {"sessions": "session_end", "account_windows": "window_end", "account_scores": "window_end"}


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
        released: starts of quarantined days to be learned before it, whatever their audit says.
    """

    root: str
    run_id: str
    policy: str
    day: datetime
    versions: dict[str, int]
    snapshot: str | None
    event_files: tuple[str, ...]
    released: tuple[datetime, ...] = ()


def build(job: LearnJob, pipeline: beam.Pipeline) -> object:
    """Applies the pipeline."""
    return (
        pipeline
        | "Closed day" >> beam.Create([job.day.isoformat()])
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
        frames = {table: _of_day(lake, table, job.versions[table], start) for table in _AUDITED}
        previous, marks = read_snapshot(lake.root, job.snapshot), _marks(lake, job)
        for before in job.released:
            windows, scores = (_of_day(lake, t, job.versions[t], before) for t in ("account_windows", "account_scores"))
            held = accounts_held(lake, before + _DAY, job.versions["registry"])
            previous = learn_late(previous, before, windows, scores, held, marks, policy)
        quality = audit_facts(start, _facts(job, start, frames, policy), _history(lake, job, start), policy.quality)
        is_fit = is_fit_for_learning(quality)
        if is_fit:
            registry = accounts_held(lake, start + _DAY, job.versions["registry"])
            windows, scores = frames["account_windows"], frames["account_scores"]
            snapshot, models = learn(previous, start, windows, scores, registry, marks, policy)
        else:
            snapshot, models = republish(previous, start)
        name = write_snapshot(lake.root, job.run_id, snapshot)
        tables = _write(job, "quality", quality) | _write(job, "models", models)
        message = {
            "tables": tables,
            "states": {"snapshot": name},
            "snapshot_id": snapshot.snapshot_id,
            "quarantined": not is_fit,
        }
        yield 0, json.dumps(message, sort_keys=True).encode()


def _of_day(lake: Lake, table: str, version: int, day: datetime) -> pl.DataFrame:
    """Definite rows of the day: what ended after its start and not after its end."""
    column, moment = _TIME_OF[table], timedelta(microseconds=1)
    if table == "sessions":
        rows = lake.read(table, version, (column, day, day + _DAY))
    else:
        rows = lake.read(table, version, (column, day + moment, day + _DAY + moment))
    return rows.filter(~pl.col("provisional"))


def _facts(job: LearnJob, day: datetime, frames: dict[str, pl.DataFrame], policy: Policy) -> dict[str, DayFacts]:
    limit = policy.quality.audit_rows
    facts = {table: facts_of(TABLES[table], frame, limit) for table, frame in frames.items()}
    events = facts_of(EVENT, EVENT.empty(), limit)
    for path in job.event_files:
        events = events.merge(facts_of(EVENT, read_events([Path(path)], times=(day, day + _DAY)), limit))
    return facts | {"events": events}


def _history(lake: Lake, job: LearnJob, day: datetime) -> pl.DataFrame:
    return lake.read("quality", job.versions["quality"], ("day", None, day))


def _marks(lake: Lake, job: LearnJob) -> Marks:
    findings = lake.read("findings", job.versions["findings"])
    return Marks(findings=findings, verdicts=lake.read("verdicts", job.versions["verdicts"]))


def _write(job: LearnJob, table: str, frame: pl.DataFrame) -> dict[str, list[Any]]:
    contract = TABLES[table]
    entry = write_frame(Path(job.root) / table, contract, f"{job.run_id}.parquet", contract.conform(frame))
    return {} if entry is None else {table: [entry.to_json()]}
