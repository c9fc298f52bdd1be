"""A run's rows enter the lake: table by table, each once, the row in `runs` last."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
from deltalake import CommitProperties, DeltaTable, Transaction
from deltalake.exceptions import DeltaError
from deltalake.transaction import AddAction, RemoveAction

from pipelines.lake.events_index import entries
from pipelines.lake.files import FileEntry, damaged, delta_value, plain, scan, write_frame
from pipelines.lake.lake import APP, Lake, may_hold
from pipelines.lake.lease import Lease
from pipelines.lake.plan import Plan
from pipelines.lake.sealed import unwritable
from pipelines.lake.state import States
from pipelines.lake.times import to_micros
from schemas.catalogue import COMMIT_ORDER, TABLES
from schemas.contract import Contract
from schemas.errors import LakeError

PROVISIONAL = "provisional-"
"""How the names of files with provisional rows begin; such a file holds nothing else and is never compacted."""


@dataclass(frozen=True)
class Write:
    """What one run does to one table; in the order of the attributes.

    Attributes:
        overwrite: removes all rows.
        replace_from: (time column, since): removes the rows from that time on, as `rebuild` does.
        provisional: removes the provisional rows and puts these in their place; None leaves them, an empty frame
            only removes them.
        files: data files written by workers (`write_frame`), appended.
        rows: appended.
    """

    overwrite: bool = False
    replace_from: tuple[str, datetime] | None = None
    provisional: pl.DataFrame | None = None
    files: tuple[FileEntry, ...] = ()
    rows: pl.DataFrame | None = None


@dataclass(frozen=True)
class Outcome:
    """What the row in `runs` says beside number and versions; columns as schemas.run.RUN."""

    accounts: int
    windows: int
    findings: int
    policy_version: str
    sources: tuple[dict[str, Any], ...] = ()
    closed_from: datetime | None = None
    closed_until: datetime | None = None
    events_version: int | None = None
    snapshot_id: str | None = None
    registry_version: int | None = None


def commit_points(writes: Mapping[str, Write]) -> list[str]:
    """Every instant at which a commit of these writes can be interrupted with something new on disk, in order."""
    points = ["manifest"]
    for table in _in_order(writes):
        points += [f"{table}: files", f"{table}: commit"]
    return [*points, "runs: files", "runs: commit"]


class Committer:
    """Commits runs into one lake.

    Args:
        lake: the lake.
        lease: its lease, checked before every step.
        after: called after each of `commit_points`, with its name: the seam at which tests interrupt.
    """

    def __init__(self, lake: Lake, lease: Lease, after: Callable[[str], None] = lambda _: None) -> None:
        self._lake = lake
        self._lease = lease
        self._after = after

    def commit(
        self, plan: Plan, writes: Mapping[str, Write], outcome: Outcome, manifest: Mapping[str, str]
    ) -> dict[str, int]:
        """The version of every table after the run.

        May be interrupted anywhere and called again with the same arguments: what was committed is skipped.

        Args:
            plan: the run; its plan was written before.
            writes: by table; `runs` is written here and may not be among them.
            outcome: for the run's row.
            manifest: names of the states that hold after the run.

        Raises:
            LeaseHeld: another writer took over.
            LakeError: the lake cannot be written or is damaged.
            ContractViolation: rows are not what their contract says; nothing of their table was committed.
        """
        order = _in_order(writes)
        self._lease.check()
        States(self._lake.root).write_manifest(plan.run_id, manifest)
        self._after("manifest")
        versions = self._lake.versions()
        for table in order:
            versions[table] = self._commit_table(table, writes[table], plan)
        versions["runs"] = self._lake.table("runs").version() + 1
        if self._lake.last_sequence() >= plan.sequence:
            return self._lake.versions()
        self._commit_table("runs", Write(rows=_run_row(plan, outcome, versions)), plan)
        return versions

    def is_committed(self, table: str, plan: Plan) -> bool:
        """Whether an interrupted execution of this plan had committed this table: its files need not be made again."""
        number = self._lake.table(table).transaction_version(APP)
        return number is not None and number >= plan.sequence

    def _commit_table(self, name: str, write: Write, plan: Plan) -> int:
        self._lease.check()
        table = self._lake.table(name)
        done = table.transaction_version(APP)
        if done is not None and done >= plan.sequence:
            return table.version()
        contract, folder = TABLES[name], self._lake.folder(name)
        there = entries(table, contract)
        gone = [entry for entry in there if _is_removed(entry, write)]
        added = list(write.files) + _kept_rows(folder, contract, plan, write, gone)
        for prefix, rows in (("", write.rows), (PROVISIONAL, write.provisional)):
            if rows is not None:
                entry = write_frame(folder, contract, f"{prefix}{plan.run_id}.parquet", contract.conform(rows))
                added += [] if entry is None else [entry]
        self._after(f"{name}: files")
        if gone or added:
            self._lease.check()
            _write_log(table, contract, plan, added, gone, self._lease.holder.token)
        self._after(f"{name}: commit")
        return self._lake.table(name).version()


def _in_order(writes: Mapping[str, Write]) -> list[str]:
    unknown = [table for table in writes if table not in COMMIT_ORDER[:-1]]
    if unknown:
        raise LakeError(unknown[0], "a run cannot write this table", f"write only {', '.join(COMMIT_ORDER[:-1])}")
    return [table for table in COMMIT_ORDER if table in writes]


def _is_removed(entry: FileEntry, write: Write) -> bool:
    if write.overwrite:
        return True
    if write.provisional is not None and entry.path.startswith(PROVISIONAL):
        return True
    return write.replace_from is not None and may_hold(entry, write.replace_from[0], write.replace_from[1], None)


def _kept_rows(folder: Path, contract: Contract, plan: Plan, write: Write, gone: list[FileEntry]) -> list[FileEntry]:
    """Files with the rows that stay, of files of which only a part is replaced."""
    if write.overwrite or write.replace_from is None:
        return []
    column, since = write.replace_from
    kept: list[FileEntry | None] = []
    for entry in gone:
        is_provisional = entry.path.startswith(PROVISIONAL)
        if (is_provisional and write.provisional is not None) or entry.least.get(column, 0) >= to_micros(since):
            continue
        path = folder / entry.path
        try:
            rows = scan([path], contract).filter(pl.col(column) < since).collect()
        except (OSError, pl.exceptions.PolarsError) as error:
            raise damaged([path], error) from error
        prefix = PROVISIONAL if is_provisional else ""
        name = f"{prefix}{plan.run_id}-kept-{len(kept):05d}.parquet"
        kept.append(write_frame(folder, contract, name, rows))
    return [entry for entry in kept if entry is not None]


def _write_log(
    table: DeltaTable, contract: Contract, plan: Plan, added: list[FileEntry], gone: list[FileEntry], token: int
) -> None:
    now = int(plan.created.timestamp() * 1000)
    actions: list[AddAction | RemoveAction] = [
        AddAction(entry.path, entry.size, {}, now, True, _statistics(contract, entry)) for entry in added
    ]
    actions += [RemoveAction(entry.path, True, now, entry.size) for entry in gone]
    properties = CommitProperties(
        custom_metadata={"stillwatch.run": plan.run_id, "stillwatch.lease": str(token)},
        app_transactions=[Transaction(APP, plan.sequence)],
    )
    where = Path(contract.name)
    try:
        table.create_write_transaction(actions, "append", plain(contract), commit_properties=properties)
    except OSError as error:
        raise unwritable(where, error) from error
    except DeltaError as error:
        raise LakeError(
            str(where), f"the commit failed ({str(error).splitlines()[0]})", "free space, then run the command again"
        ) from error


def _statistics(contract: Contract, entry: FileEntry) -> str:
    return json.dumps(
        {
            "numRecords": entry.rows,
            "minValues": {c: delta_value(contract, c, value) for c, value in entry.least.items()},
            "maxValues": {c: delta_value(contract, c, value) for c, value in entry.most.items()},
            "nullCount": entry.nulls,
        }
    )


def _run_row(plan: Plan, outcome: Outcome, versions: Mapping[str, int]) -> pl.DataFrame:
    row = {
        **outcome.__dict__,
        "run_id": plan.run_id,
        "sequence": plan.sequence,
        "pipeline": plan.pipeline,
        "started_at": plan.created,
        "finished_at": datetime.now(UTC),
        "sources": list(outcome.sources),
        "tables": [{"table": table, "version": version} for table, version in sorted(versions.items())],
    }
    return pl.DataFrame([row], schema=TABLES["runs"].polars)
