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

from pipelines.lake.files import GROUP_ROWS, FileEntry, damaged, delta_value, plain, scan, write_frame
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
class Rewrite:
    """The rows of some data files move into one file in their place, sorted as ever; old ones may be left out.

    Attributes:
        files: names of the files; none of them holds provisional rows.
        keep_from: (time column, since): rows before it are left out; None keeps all.
        row_group_rows: rows of a row group of the new file.
    """

    files: tuple[str, ...]
    keep_from: tuple[str, datetime] | None = None
    row_group_rows: int = GROUP_ROWS


@dataclass(frozen=True)
class Write:
    """What one run does to one table; in the order of the attributes.

    Attributes:
        rewrites: moves rows between files. The log says that none of them is new, so that DETECT does not take them
            for late events; therefore only files that it has looked at may be named.
        overwrite: removes all rows.
        replace_from: (time column, since): removes the rows from that time on, as `rebuild` does.
        provisional: removes the provisional rows and puts these in their place; None leaves them, an empty frame
            only removes them.
        files: data files written by workers (`write_frame`), appended.
        rows: appended.
    """

    rewrites: tuple[Rewrite, ...] = ()
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
    removed: tuple[dict[str, Any], ...] | None = None


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
            writes: by table; the rows of `runs` are written here, it may only be rewritten.
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
        versions["runs"] = self._lake.opened("runs").version() + 1
        if self._lake.last_sequence() >= plan.sequence:
            return self._lake.versions()
        rewrites = writes["runs"].rewrites if "runs" in writes else ()
        self._commit_table("runs", Write(rewrites, rows=_run_row(plan, outcome, versions)), plan)
        return versions

    def _commit_table(self, name: str, write: Write, plan: Plan) -> int:
        self._lease.check()
        table = self._lake.opened(name)
        done = table.transaction_version(APP)
        if done is not None and done >= plan.sequence:
            return table.version()
        contract, folder = TABLES[name], self._lake.folder(name)
        there = self._lake.files(name) if _touches_what_is_there(write) else []
        moved = _moved(folder, contract, plan, write.rewrites, there)
        rewritten = {name for rewrite in write.rewrites for name in rewrite.files}
        gone = [entry for entry in there if entry.path not in rewritten and _is_removed(entry, write)]
        added = list(write.files) + _kept_rows(folder, contract, plan, write, gone)
        for prefix, rows in (("", write.rows), (PROVISIONAL, write.provisional)):
            if rows is not None:
                entry = write_frame(folder, contract, f"{prefix}{plan.run_id}.parquet", contract.conform(rows))
                added += [] if entry is None else [entry]
        self._after(f"{name}: files")
        if gone or added or rewritten:
            self._lease.check()
            trimmed = {name for rewrite in write.rewrites if rewrite.keep_from for name in rewrite.files}
            actions = _added(contract, plan, added, is_new=True) + _added(contract, plan, moved, is_new=False)
            actions += _removed(plan, gone, is_change=True)
            for entry in there:
                if entry.path in rewritten:
                    actions += _removed(plan, [entry], is_change=entry.path in trimmed)
            _write_log(table, contract, plan, actions, self._lease.holder.token)
            self._lake.bring_up(name, table)
        self._after(f"{name}: commit")
        return table.version()


def _in_order(writes: Mapping[str, Write]) -> list[str]:
    tables = COMMIT_ORDER[:-1]
    for table, write in writes.items():
        if table not in tables and not (table == COMMIT_ORDER[-1] and _only_rewrites(write)):
            raise LakeError(table, "a run cannot write this table", f"write only {', '.join(tables)}")
    return [table for table in tables if table in writes]


def _only_rewrites(write: Write) -> bool:
    adds = bool(write.files) or write.rows is not None or write.provisional is not None
    return bool(write.rewrites) and not adds and not write.overwrite and write.replace_from is None


def _touches_what_is_there(write: Write) -> bool:
    return bool(write.rewrites) or write.overwrite or write.replace_from is not None or write.provisional is not None


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


def _moved(
    folder: Path, contract: Contract, plan: Plan, rewrites: tuple[Rewrite, ...], there: list[FileEntry]
) -> list[FileEntry]:
    """The files that take the place of those rewritten; one whose rows are all left out has none."""
    known, moved = {entry.path for entry in there}, []
    for number, rewrite in enumerate(rewrites):
        stray = [name for name in rewrite.files if name not in known or name.startswith(PROVISIONAL)]
        if stray:
            fix = "undo the run with `stillwatch doctor LAKE --abandon`; the next upkeep plans anew"
            raise LakeError(str(folder / stray[0]), "the table has no such file to move rows from", fix)
        paths = [folder / name for name in rewrite.files]
        rows = scan(paths, contract)
        if rewrite.keep_from is not None:
            rows = rows.filter(pl.col(rewrite.keep_from[0]) >= rewrite.keep_from[1])
        try:
            frame = rows.collect()
        except (OSError, pl.exceptions.PolarsError) as error:
            raise damaged(paths, error) from error
        name = f"{plan.run_id}-moved-{number:05d}.parquet"
        moved.append(write_frame(folder, contract, name, frame, rewrite.row_group_rows, is_new=False))
    return [entry for entry in moved if entry is not None]


def _added(contract: Contract, plan: Plan, files: list[FileEntry], *, is_new: bool) -> list[AddAction | RemoveAction]:
    now = _milliseconds(plan)
    return [AddAction(entry.path, entry.size, {}, now, is_new, _statistics(contract, entry)) for entry in files]


def _removed(plan: Plan, files: list[FileEntry], *, is_change: bool) -> list[AddAction | RemoveAction]:
    return [RemoveAction(entry.path, is_change, _milliseconds(plan), entry.size) for entry in files]


def _milliseconds(plan: Plan) -> int:
    return int(plan.created.timestamp() * 1000)


def _write_log(
    table: DeltaTable, contract: Contract, plan: Plan, actions: list[AddAction | RemoveAction], token: int
) -> None:
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
        "removed": None if outcome.removed is None else list(outcome.removed),
        "tables": [{"table": table, "version": version} for table, version in sorted(versions.items())],
    }
    return pl.DataFrame([row], schema=TABLES["runs"].polars)
