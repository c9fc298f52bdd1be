"""An upkeep is a run like any other: planned, committed table by table, finished by whoever opens the lake next."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.lake.borders import floor_to_day
from pipelines.lake.commit import Committer, Outcome, Rewrite, Write
from pipelines.lake.delta_log import paths_at
from pipelines.lake.files import damaged, scan
from pipelines.lake.lake import Lake
from pipelines.lake.lease import Lease
from pipelines.lake.leftovers import remove_leftovers
from pipelines.lake.plan import Plan, last_policy, planned, unfinished, waiting_plans
from pipelines.lake.state import manifest_of
from pipelines.upkeep.choosing import TIME_OF, Choice, choose, keep_from
from pipelines.upkeep.versions import CLOSING, forget_versions, kept_versions
from schemas.catalogue import COMMIT_ORDER, TABLES
from schemas.errors import LakeError
from schemas.policy import Policy


@dataclass(frozen=True)
class Kept:
    """What an upkeep did.

    Attributes:
        adopted: tables and columns added, because an older version had made the lake.
        tables: (table, files before, files after, rows removed) of every table that was rewritten.
        old_versions: data files and log entries removed that only forgotten versions needed.
        leftovers: files and folders removed that nothing referred to.
    """

    adopted: tuple[str, ...] = ()
    tables: tuple[tuple[str, int, int, int], ...] = ()
    old_versions: int = 0
    leftovers: int = 0


def upkeep(root: Path, policy: Policy | None = None, after: Callable[[str], None] = lambda _: None) -> Kept:
    """Does everything that is to be done for a lake; harmless when repeated.

    Args:
        root: the lake.
        policy: `policy.retention` and `policy.upkeep`; None for that of the last run.
        after: called after each point at which the commit can be interrupted; tests interrupt there.

    Raises:
        LeaseHeld: the lake is being written.
        LakeError: a run of another command is unfinished, or the lake is damaged or cannot be written.
    """
    lake = Lake.open(root)
    with Lease.acquire(root, "upkeep") as lease:
        _finish(lake, lease, after)
        adopted = tuple(lake.adopt_contracts(lease))
        policy = last_policy(lake) if policy is None else policy
        before = lake.last_sequence()
        plan = plan_upkeep(lake, lease, policy, least_small=2)
        tables = () if plan is None else _told(lake, plan, after, lease)
        old = forget_versions(lake, lease, kept_versions(lake.read("runs"), policy, before))
        return Kept(adopted, tables, old, remove_leftovers(lake, lease))


def tend(
    lake: Lake, lease: Lease, policy: Policy, since_sequence: int, after: Callable[[str], None] = lambda _: None
) -> bool:
    """What a command does for the lake at its end; whether files were rewritten.

    Small files are put together once there are many. Old rows and old versions go once a UTC day of event time.

    Args:
        lake: the lake; no run is unfinished.
        lease: its lease.
        policy: the configuration.
        since_sequence: the last run before the command began: its versions stay, others may be reading them.
        after: see `upkeep`.
    """
    plan = plan_upkeep(lake, lease, policy, least_small=policy.upkeep.small_files)
    if plan is not None:
        execute_upkeep(lake, lease, plan, after)
    runs = lake.read("runs")
    if _last_day(runs.filter(pl.col("sequence") <= since_sequence)) != _last_day(runs):
        forget_versions(lake, lease, kept_versions(runs, policy, since_sequence))
    return plan is not None


def plan_upkeep(lake: Lake, lease: Lease, policy: Policy, *, least_small: int) -> Plan | None:
    """The plan of an upkeep, written down; None where nothing is to be done.

    Args:
        lake: the lake; no run is unfinished.
        lease: its lease.
        policy: the configuration.
        least_small: small files of a table below which they are left as they are.
    """
    runs = lake.read("runs").sort("sequence")
    moved = runs.filter(pl.col("pipeline").is_in(CLOSING))
    if moved.is_empty() or moved["events_version"][-1] is None:
        return None
    closed, versions = moved["closed_until"][-1], lake.versions()
    seen = paths_at(lake.folder("events"), moved["events_version"][-1])
    chosen: dict[str, Choice] = {}
    for table in COMMIT_ORDER:
        files = lake.files(table, versions[table])
        allowed = {e.path for e in files} & seen if table == "events" else {e.path for e in files}
        # An upkeep writes one file of `runs` itself: two of them are as few as there can be.
        least = max(least_small, 3) if table == "runs" else least_small
        choice = choose(table, files, allowed, keep_from(table, closed, policy), policy.upkeep, least)
        if choice.together or choice.old:
            chosen[table] = choice
    if not chosen:
        return None
    work: dict[str, Any] = {
        "closed_until": None if closed is None else closed.isoformat(),
        "tables": {table: _plain(choice) for table, choice in chosen.items()},
        "removed": [row for table, choice in chosen.items() for row in _too_old(lake, table, choice)],
    }
    return planned(lake, lease, "upkeep", work, policy)


def execute_upkeep(lake: Lake, lease: Lease, plan: Plan, after: Callable[[str], None] = lambda _: None) -> None:
    """Executes an upkeep plan and commits it; repeated after a crash, it does the same."""
    policy, closed = Policy.from_json(plan.policy), plan.work["closed_until"]
    writes = {table: Write(_rewrites(table, work, policy)) for table, work in plan.work["tables"].items()}
    outcome = Outcome(
        accounts=0,
        windows=0,
        findings=0,
        policy_version=policy.version,
        closed_until=None if closed is None else datetime.fromisoformat(closed),
        removed=tuple(plan.work["removed"]),
    )
    Committer(lake, lease, after).commit(plan, writes, outcome, manifest_of(lake))


def _finish(lake: Lake, lease: Lease, after: Callable[[str], None]) -> None:
    """Ends an upkeep that was interrupted; of other commands a run is left to them, which have its sources."""
    waiting = waiting_plans(lake)
    plan = unfinished(lake) if waiting else None
    if plan is not None and plan.pipeline == "upkeep":
        execute_upkeep(lake, lease, plan, after)
    elif plan is not None:
        undo = f"`stillwatch doctor {lake.root} --abandon {plan.sequence}`"
        fix = f"repeat the command that was interrupted, or undo it with {undo}"
        raise LakeError(str(lake.root), f"run {plan.run_id} is unfinished", fix)


def _told(lake: Lake, plan: Plan, after: Callable[[str], None], lease: Lease) -> tuple[tuple[str, int, int, int], ...]:
    was = {table: len(lake.files(table, lake.versions()[table])) for table in plan.work["tables"]}
    execute_upkeep(lake, lease, plan, after)
    gone = {table: sum(row["rows"] for row in plan.work["removed"] if row["table"] == table) for table in was}
    versions = lake.versions()
    return tuple((table, was[table], len(lake.files(table, versions[table])), gone[table]) for table in was)


def _plain(choice: Choice) -> dict[str, Any]:
    return {
        "together": [list(group) for group in choice.together],
        "old": list(choice.old),
        "before": None if choice.before is None else choice.before.isoformat(),
    }


def _rewrites(table: str, work: Mapping[str, Any], policy: Policy) -> tuple[Rewrite, ...]:
    rows = policy.ingest.row_group_rows
    found = [Rewrite(tuple(group), None, rows) for group in work["together"]]
    if work["old"]:
        kept = (TIME_OF[table], datetime.fromisoformat(work["before"]))
        found += [Rewrite((name,), kept, rows) for name in work["old"]]
    return tuple(found)


def _too_old(lake: Lake, table: str, choice: Choice) -> list[dict[str, Any]]:
    """Rows that are left out, by source where the table has one, as RUN's `removed`."""
    if not choice.old:
        return []
    contract, by = TABLES[table], "source" if "source" in TABLES[table].columns else None
    paths = [lake.folder(table) / name for name in choice.old]
    rows = scan(paths, contract).filter(pl.col(TIME_OF[table]) < choice.before)
    sources = pl.lit(None, pl.String) if by is None else pl.col(by)
    try:
        counted = rows.group_by(source=sources).agg(rows=pl.len()).sort("source").collect()
    except (OSError, pl.exceptions.PolarsError) as error:
        raise damaged(paths, error) from error
    return [{"table": table, **row} for row in counted.iter_rows(named=True)]


def _last_day(runs: pl.DataFrame) -> datetime | None:
    """Start of the UTC day until which ticks are closed."""
    closed = runs.filter(pl.col("pipeline").is_in(CLOSING)).sort("sequence")["closed_until"]
    if closed.is_empty() or closed[-1] is None:
        return None
    return floor_to_day(closed[-1])
