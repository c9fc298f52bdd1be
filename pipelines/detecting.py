"""The run that closes ticks: planned, executed, committed; its work may have been done ahead."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import polars as pl

from pipelines import detect
from pipelines.ahead import Ahead
from pipelines.detect_job import DetectJob, events_at, job_of, work_until
from pipelines.lake.accounts_held import accounts_held
from pipelines.lake.checkpoints import reached
from pipelines.lake.closed import closed_until, last_closing
from pipelines.lake.commit import Outcome, Write
from pipelines.lake.files import scan
from pipelines.lake.lake import Lake
from pipelines.lake.plan import Plan
from pipelines.lake.snapshots import snapshot_id
from pipelines.lake.sources import named, register_of
from pipelines.lake.state import States, manifest_of
from pipelines.manifests import is_reported, read_messages
from pipelines.runners import Engine
from pipelines.writer import Writer
from schemas.catalogue import TABLES
from schemas.policy import Policy
from transforms.findings import review_list

OVERLAID = ("sessions", "account_windows", "account_scores")
"""Tables with provisional rows, beside the review list, which is written anew whenever something is closed."""


@dataclass(frozen=True)
class Detected:
    """What a DETECT run did.

    Attributes:
        closed_until: end of the last tick that it closed.
        counts: what became of the events of each source, as the table `runs` has it.
        account_days: pairs of account and UTC day with a call in its ticks.
    """

    closed_until: datetime
    counts: tuple[dict[str, Any], ...]
    account_days: int


def plan_detect(
    writer: Writer,
    ahead: Ahead,
    until: datetime,
    groups: int | None,
    policy: Policy,
    idle: Mapping[str, datetime] | None = None,
) -> Plan:
    """The plan of the DETECT run that closes the ticks up to `until`, written down with the sources not waited for."""
    lake, work = writer.lake, _work(writer.lake, until, groups, policy)
    work["idle"] = [[source, since.isoformat()] for source, since in sorted((idle or {}).items())]
    done = None
    if ahead.has_work:
        job = job_of(lake, "", policy.to_json(), work, provisional=False)
        done = ahead.fitting(job, events_at(lake, work["events_version"]))
    if done is not None:
        work["ahead"] = done.job.label
    plan = writer.plan("detect", work, policy)
    if done is not None:
        ahead.hand_over(done, plan.run_id)
    return plan


def work_ahead(
    writer: Writer, engine: Engine, ahead: Ahead, soon: datetime, groups: int | None, policy: Policy
) -> bool:
    """Does the work of the tick that is next to be closed, and commits nothing; the run that closes it takes it if it still fits.

    Args:
        writer: of the lake.
        engine: what executes pipelines.
        ahead: remembers what was done.
        soon: what all sources have passed, and the watermark has not.
        groups: account groups.
        policy: the configuration.

    Returns:
        Whether work was done.
    """
    lake = writer.lake
    closed = closed_until(lake)
    if closed is None or closed + policy.time.tick > soon or closed != reached(lake.read("runs")):
        return False
    until = closed + policy.time.tick
    if not ahead.is_worth(until):
        return False
    writer.lease.check()
    work = _work(lake, until, groups, policy)
    name = f"ahead-{lake.last_sequence():08d}"
    job = replace(job_of(lake, name, policy.to_json(), work, provisional=False), late_files=())
    ahead.do(job, work["events_version"], lambda job: _execute(engine, job))
    return True


def execute_detect(writer: Writer, engine: Engine, plan: Plan) -> Detected:
    """Executes a DETECT plan and commits it; repeated after a crash, it does the same."""
    lake, policy = writer.lake, Policy.from_json(plan.policy)
    job = job_of(lake, plan.run_id, plan.policy, plan.work, provisional=False)
    messages = _done(lake, engine, job, plan.work.get("ahead"))
    counts = named(register_of(lake), _summed(messages))
    outcome = Outcome(
        accounts=_total(messages, "accounts"),
        windows=_total(messages, "windows"),
        findings=_total(messages, "findings"),
        policy_version=policy.version,
        sources=tuple(counts),
        closed_from=job.closed_from,
        closed_until=job.closed_until,
        events_version=plan.work["events_version"],
        snapshot_id=snapshot_id(job.snapshot),
        registry_version=job.registry_version,
    )
    states = {key: name for message in messages for key, name in message.get("states", {}).items()}
    gone = {key for message in messages for key in message.get("gone", ())}
    before = manifest_of(lake)
    kept = {key: name for key, name in before.items() if key not in gone}
    writer.commit(plan, _writes(lake, messages, job.closed_until, policy), outcome, kept | states)
    for key in gone & before.keys():
        States(lake.root).let_go(before[key])
    return Detected(job.closed_until, tuple(counts), _total(messages, "account_days"))


def reviewed(lake: Lake, findings: pl.DataFrame, until: datetime, policy: Policy) -> pl.DataFrame:
    """The review list that these findings give, with the accounts file as it holds before a time."""
    return review_list(findings, lake.read("verdicts"), accounts_held(lake, until), policy)


def _work(lake: Lake, until: datetime, groups: int | None, policy: Policy) -> dict[str, Any]:
    """What the ticks up to `until` are closed from."""
    closed, last, ever = closed_until(lake), last_closing(lake), reached(lake.read("runs"))
    is_again = ever is not None and (closed is None or closed < ever)
    return work_until(lake, until, groups, policy) | {
        "seen_version": None if last is None else last["events_version"],
        "reconsiders": lake.versions()["findings"] if is_again else None,
    }


def _execute(engine: Engine, job: DetectJob) -> None:
    engine.execute(lambda pipeline: detect.build(job, pipeline, is_spread=engine.is_spread))


def _done(lake: Lake, engine: Engine, job: DetectJob, ahead: str | None) -> list[dict[str, Any]]:
    """What the workers of a DETECT run report, after they have done what is not done yet."""
    if ahead is None:
        _execute(engine, job)
        return read_messages(lake.root, job.run_id)
    if not is_reported(lake.root, job.run_id):
        _execute(engine, replace(job, ahead=ahead, late_files=()))
    return [*read_messages(lake.root, job.run_id), *detect.late_messages(job)]


def _writes(lake: Lake, messages: list[dict[str, Any]], until: datetime, policy: Policy) -> dict[str, Write]:
    """What the run does to each table: rows that workers wrote, and the review list as the findings are then."""
    files = detect.entries(messages)
    found = [lake.folder("findings") / entry.path for entry in files.get("findings", ())]
    findings = pl.concat([lake.read("findings"), scan(found, TABLES["findings"]).collect()])
    writes = {table: Write(files=entries) for table, entries in files.items()}
    for table in OVERLAID:
        writes[table] = replace(writes.get(table, Write()), provisional=TABLES[table].empty())
    writes["campaigns"] = replace(writes.get("campaigns", Write()), overwrite=True)
    writes["flagged_accounts"] = Write(overwrite=True, rows=reviewed(lake, findings, until, policy))
    return writes


def _total(messages: list[dict[str, Any]], what: str) -> int:
    return sum(message.get(what, 0) for message in messages)


def _summed(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Counts of events by source."""
    totals: dict[str, dict[str, int]] = {}
    for message in messages:
        for count in message.get("counts", []):
            total = totals.setdefault(count["source"], {"accepted": 0, "duplicates": 0, "too_late": 0})
            for name in total:
                total[name] += count[name]
    return [{"source": source, **total} for source, total in sorted(totals.items())]
