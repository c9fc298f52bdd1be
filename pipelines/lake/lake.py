"""A lake: a folder of Delta tables, and beside them what only stillwatch needs."""

import contextlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
from deltalake import DeltaTable, Schema
from deltalake.exceptions import DeltaError

from pipelines.lake.delta_log import log_path
from pipelines.lake.events_index import entries
from pipelines.lake.files import FileEntry, damaged, plain, require_whole, scan
from pipelines.lake.lease import Lease
from pipelines.lake.sealed import unwritable, write_whole
from pipelines.lake.times import to_micros
from schemas.catalogue import TABLES
from schemas.errors import LakeError

FORMAT = 1
"""Version of the layout; a change that an older program cannot read raises it."""

APP = "stillwatch"
"""Name of the application transaction that every commit carries; its version is the run's sequence number."""

_CONFIGURATION = {
    "delta.checkpointInterval": "20",  # log entries read to open a table: a few milliseconds
    "delta.enableExpiredLogCleanup": "false",  # goes by the wall clock; `upkeep` goes by what is still needed
}
_LOG_FIX = "restore the table's _delta_log from a copy, or run `stillwatch doctor` on the lake"


@dataclass
class _Opened:
    """A table opened for reading, and what was asked of it.

    Attributes:
        table: the table.
        mark: inode and time of its newest log entry, which tell it from a table made in its place; null where there is no entry.
        files: its data files, once they were asked for.
        run: of `runs`, the row of the last run, once that was asked for.
        rows: of `runs`, all rows, once they were asked for: one a run, and asked for several times a run.
    """

    table: DeltaTable
    mark: tuple[int, int] | None
    files: list[FileEntry] | None = None
    run: dict[str, Any] | None = None
    rows: pl.DataFrame | None = None

    @cached_property
    def sequence(self) -> int:
        """Sequence number of the last run that committed to it, 0 where none did."""
        return self.table.transaction_version(APP) or 0


@dataclass(frozen=True)
class Lake:
    """An opened lake; holds no connection and no lock, so that it can be passed around and opened many times.

    Attributes:
        root: its folder.
        key_id: id of the fingerprint key that its fingerprints were made with.
    """

    root: Path
    key_id: str
    _opened: dict[str, "_Opened"] = field(default_factory=dict, init=False, repr=False, compare=False)
    """By name the table that was last opened for reading: opening one takes 3 ms, and a run asks a hundred times."""

    @classmethod
    def create(cls, root: Path, key_id: str) -> "Lake":
        """A new lake with all tables, empty; an existing lake is opened instead.

        Repeated after a crash it completes what is there.

        Raises:
            LakeError: the folder holds other things, cannot be written, or is a lake of another key.
            LeaseHeld: another process is creating it.
        """
        if _about(root).exists():
            return cls.open(root, key_id)
        marker = creation_marker(root)
        try:
            if root.exists() and not marker.exists() and not _is_empty(root):
                raise LakeError(
                    str(root), "it is neither empty nor a lake", "name a new or an empty folder, or an existing lake"
                )
            marker.parent.mkdir(parents=True, exist_ok=True)
            marker.touch()
        except OSError as error:
            raise unwritable(root, error) from error
        lake = cls(root, key_id)
        with Lease.acquire(root, "create the lake"):
            for name in TABLES:
                made = _create_table(root, name)
                _require_entries(lake.folder(name), made.version())
                lake._opened[name] = _Opened(made, _mark_of(lake.folder(name), made.version()))
            about = {"format": FORMAT, "key_id": key_id, "created": datetime.now(UTC).isoformat(timespec="seconds")}
            write_whole(_about(root), json.dumps(about, indent=1).encode())
            marker.unlink(missing_ok=True)
        return lake

    @classmethod
    def open(cls, root: Path, key_id: str | None = None) -> "Lake":
        """An existing lake.

        Args:
            root: its folder.
            key_id: id of the key in use; None for readers, which need no key.

        Raises:
            LakeError: no such folder, no lake, a newer format, another key, or a table is gone.
        """
        about = _read_about(root)
        if key_id is not None and key_id != about["key_id"]:
            raise LakeError(
                str(root),
                f"its fingerprints were made with key {about['key_id']}, not with {key_id}",
                "use the key the lake was made with (STILLWATCH_KEY or --key-file), or name another lake",
            )
        for name in TABLES:
            if not (root / name / "_delta_log").is_dir() and not _is_added_later(root, name):
                raise LakeError(str(root / name), "the table is missing", "restore the folder from a copy of the lake")
        return cls(root, about["key_id"])

    def folder(self, table: str) -> Path:
        """The folder of a table."""
        return self.root / table

    def table(self, name: str, version: int | None = None) -> DeltaTable:
        """A Delta table at a version, None for the newest.

        Raises:
            LakeError: the table or that version is gone, or its log is damaged.
        """
        folder = self.folder(name)
        try:
            table = DeltaTable(folder, version=version)
        except (DeltaError, OSError, ValueError) as error:
            what = "its log cannot be read" if version is None else f"its version {version} cannot be read"
            raise LakeError(str(folder), f"{what} ({_first_line(error)})", _LOG_FIX) from error
        _require_entries(folder, table.version())
        return table

    def opened(self, name: str, version: int | None = None) -> DeltaTable:
        """As `table`, opened only where it was not open at that version, the newest for None.

        Raises:
            LakeError: the table or that version is gone, or its log is damaged.
        """
        return self._as_of(name, version).table

    def bring_up(self, name: str, table: DeltaTable) -> None:
        """Takes the table on to what was just committed to it, so that it need not be opened again."""
        table.update_incremental()
        self._opened[name] = _Opened(table, _mark_of(self.folder(name), table.version()))

    def files(self, table: str, version: int | None = None) -> list[FileEntry]:
        """The data files of a table at a version, sorted by name; none where an older program wrote the lake and did not know the table."""
        if not (self.folder(table) / "_delta_log").is_dir() and _is_added_later(self.root, table):
            return []
        opened = self._as_of(table, version)
        if opened.files is None:
            opened.files = entries(opened.table, TABLES[table])
        return list(opened.files)

    def _as_of(self, name: str, version: int | None = None) -> "_Opened":
        """As `table`, for reading only: opened again where its log has gone on or is another, or another version is asked for."""
        opened, folder = self._opened.get(name), self.folder(name)
        if opened is not None:
            at = opened.table.version()
            is_asked = version == at or (version is None and not log_path(folder, at + 1).exists())
            if is_asked and opened.mark is not None and opened.mark == _mark_of(folder, at):
                return opened
            del self._opened[name]
        table = self.table(name, version)
        self._opened[name] = _Opened(table, _mark_of(folder, table.version()))
        return self._opened[name]

    def last_sequence(self) -> int:
        """Sequence number of the last complete run, 0 before the first."""
        return self._as_of("runs").sequence

    def last_run(self) -> dict[str, Any] | None:
        """The row of `runs` with the highest sequence: what is true about this lake; None before the first run."""
        opened = self._as_of("runs")
        if not opened.sequence:
            return None
        if opened.run is None:
            opened.run = self._run(opened.sequence, entries(opened.table, TABLES["runs"]))
        return opened.run

    def _run(self, last: int, files: list[FileEntry]) -> dict[str, Any]:
        """The row of a run, out of the files of `runs`."""
        paths = [self.folder("runs") / e.path for e in files if e.most.get("sequence", last) >= last]
        rows = self._collect(paths, scan(paths, TABLES["runs"]).filter(pl.col("sequence") == last))
        if rows.is_empty():
            raise LakeError(str(self.folder("runs")), f"the row of run {last} is gone", _LOG_FIX)
        return rows.row(0, named=True)

    def versions(self) -> dict[str, int]:
        """The version of every table after the last complete run: what readers must read."""
        run = self.last_run()
        known = {} if run is None else {item["table"]: item["version"] for item in run["tables"]}
        return {name: known.get(name, 0) for name in TABLES}

    def scan(
        self,
        table: str,
        version: int | None = None,
        between: tuple[str, datetime | None, datetime | None] | None = None,
    ) -> pl.LazyFrame:
        """A table's rows as a query that reads only what it needs, for `collect`; in no particular order.

        Args:
            table: its name.
            version: None for the version of the last complete run.
            between: a required time column and its range [since, until): files outside are not opened.

        Raises:
            LakeError: a data file is missing or has another length than the log says.
        """
        return self._rows(table, self.files(table, self.versions()[table] if version is None else version), between)

    def _rows(
        self, table: str, files: list[FileEntry], between: tuple[str, datetime | None, datetime | None] | None
    ) -> pl.LazyFrame:
        """Rows of these files of a table as a query."""
        rows: pl.Expr = pl.lit(value=True)
        if between is not None:
            column, since, until = between
            files = [entry for entry in files if may_hold(entry, column, since, until)]
            if since is not None:
                rows = rows & (pl.col(column) >= since)
            if until is not None:
                rows = rows & (pl.col(column) < until)
        require_whole(self.folder(table), files)
        return scan([self.folder(table) / entry.path for entry in files], TABLES[table]).filter(rows)

    def collect(self, table: str, rows: pl.LazyFrame) -> pl.DataFrame:
        """The result of a query made from `scan`.

        Raises:
            LakeError: a data file is damaged.
        """
        try:
            return rows.collect()
        except (OSError, pl.exceptions.PolarsError) as error:
            files = self.files(table, self.versions()[table])
            raise damaged([self.folder(table) / entry.path for entry in files], error) from error

    def read(
        self,
        table: str,
        version: int | None = None,
        between: tuple[str, datetime | None, datetime | None] | None = None,
    ) -> pl.DataFrame:
        """A table's rows, sorted by its key; arguments as `scan`.

        Raises:
            LakeError: a data file is missing or damaged.
        """
        at = self.versions()[table] if version is None else version
        files = self.files(table, at)
        kept = self._as_of(table, at) if table == "runs" and between is None else None
        if kept is not None and kept.rows is not None:
            require_whole(self.folder(table), files)
            return kept.rows
        paths = [self.folder(table) / entry.path for entry in files]
        rows = self._collect(paths, self._rows(table, files, between)).sort(
            list(TABLES[table].key), maintain_order=True
        )
        if kept is not None:
            kept.rows = rows
        return rows

    def of_accounts(
        self,
        table: str,
        version: int,
        between: tuple[str, datetime | None, datetime | None],
        hashes: tuple[int, int],
        columns: Iterable[str] | None = None,
        only: pl.Expr | None = None,
    ) -> pl.DataFrame:
        """Rows of the accounts with a hash in [lo, hi), in no particular order.

        Args:
            table: as for `scan`, with `version` and `between`.
            version: see there.
            between: see there.
            hashes: lo and hi.
            columns: those wanted, None for all.
            only: what else holds for the rows wanted.

        Raises:
            LakeError: a data file is missing or damaged.
        """
        low, high = hashes
        held = [e for e in self.files(table, version) if e.most.get("account_hash", low) >= low]
        paths = [self.folder(table) / e.path for e in held if e.least.get("account_hash", low) < high]
        column, since, until = between
        rows = pl.col("account_hash").is_between(low, high - 1)
        if since is not None:
            rows = rows & (pl.col(column) >= since)
        if until is not None:
            rows = rows & (pl.col(column) < until)
        if only is not None:
            rows = rows & only
        wanted = scan(paths, TABLES[table]).filter(rows)
        return self._collect(paths, wanted if columns is None else wanted.select(*columns))

    def put_back(self, table: str, version: int) -> bool:
        """Makes an earlier version the newest one again; whether anything had to be done."""
        now = self.table(table)
        if [entry.path for entry in self.files(table)] == [entry.path for entry in self.files(table, version)]:
            return False
        now.restore(version)
        return True

    def adopt_contracts(self, lease: Lease) -> list[str]:
        """Brings tables made by an older program up to today's contracts: new tables, new nullable columns.

        Returns:
            `table` or `table.column` of everything added.

        Raises:
            LakeError: a table lacks a column that may not be null, so that its rows cannot be read as promised, or has one
                of a newer version, so that no row of this one could enter it.
        """
        lease.check()
        added = []
        for name, contract in TABLES.items():
            if not (self.folder(name) / "_delta_log").is_dir():
                _create_table(self.root, name)
                added.append(name)
                continue
            table = self.opened(name)
            fields = table.schema().fields
            there = {f.name for f in fields}
            new = [f for f in plain(contract) if f.name not in there]
            newer = [f.name for f in fields if f.name not in contract.columns and not f.nullable]
            if newer:
                raise LakeError(
                    str(self.folder(name)),
                    f"column {newer[0]} may not be null, and this version does not know it",
                    "use the stillwatch that wrote the lake, or a newer one",
                )
            if any(not f.nullable for f in new):
                raise LakeError(
                    str(self.folder(name)),
                    f"it lacks column {next(f.name for f in new if not f.nullable)}, which may not be null",
                    "make a new lake with this version and read the sources again",
                )
            if new:
                table.alter.add_columns(list(Schema.from_arrow(pa.schema(new)).fields))
                added += [f"{name}.{f.name}" for f in new]
        return added

    def _collect(self, paths: Sequence[Path], frame: pl.LazyFrame) -> pl.DataFrame:
        try:
            return frame.collect()
        except (OSError, pl.exceptions.PolarsError) as error:
            raise damaged(paths, error) from error


def may_hold(entry: FileEntry, column: str, since: datetime | None, until: datetime | None) -> bool:
    """Whether a file can hold rows with `column` in [since, until), by its bounds; true where it has none."""
    if column not in entry.least or column not in entry.most:
        return True
    return (since is None or entry.most[column] >= to_micros(since)) and (
        until is None or entry.least[column] < to_micros(until)
    )


def _mark_of(folder: Path, version: int) -> tuple[int, int] | None:
    try:
        entry = log_path(folder, version).stat()
    except OSError:
        return None
    return entry.st_ino, entry.st_mtime_ns


def _require_entries(folder: Path, version: int) -> None:
    """Refuses a log with an emptied entry, which Delta takes for a commit of nothing: the rows of that run were gone.

    Entries that a checkpoint has taken over are no longer read by anybody.
    """
    for number in range(version, -1, -1):
        path = log_path(folder, number)
        if path.exists() and path.stat().st_size == 0:
            raise LakeError(str(path), "the log entry is empty", _LOG_FIX)
        if log_path(folder, number, "checkpoint.parquet").exists():
            return


def creation_marker(root: Path) -> Path:
    """What lies in a lake that is being created, so that a folder of something else is never taken for one."""
    return root / "_stillwatch" / "creating"


def _is_empty(root: Path) -> bool:
    """Whether nothing is in the folder but, at most, what a creation made before its marker."""
    return all(path.name == "_stillwatch" and not any(path.iterdir()) for path in root.iterdir())


def made_at(root: Path) -> int:
    """When this lake was made, in nanoseconds: tells it from another that was made in its place.

    For what a process remembers of a lake by its folder: a worker may live longer than the lake.

    Raises:
        LakeError: no lake can be seen there.
    """
    try:
        return _about(root).stat().st_mtime_ns
    except OSError as error:
        fix = "put the lake and its sources on storage that every worker reaches by the same path"
        raise LakeError(str(root), "a worker does not find the lake there", fix) from error


def _about(root: Path) -> Path:
    return root / "_stillwatch" / "lake.json"


def _is_added_later(root: Path, name: str) -> bool:
    """Whether a missing table is one that an older program did not know: then no run recorded a version of it."""
    with contextlib.suppress(DeltaError, OSError, ValueError):
        runs = DeltaTable(root / "runs")
        if runs.transaction_version(APP) is None:
            return False
        paths = [root / "runs" / entry.path for entry in entries(runs, TABLES["runs"])]
        tables = scan(paths, TABLES["runs"]).select(pl.col("tables").explode().struct.field("table")).collect()
        return name not in tables.to_series().to_list()
    return False


def _read_about(root: Path) -> dict[str, Any]:
    path = _about(root)
    try:
        about = json.loads(path.read_bytes())
        lake_format, key_id = int(about["format"]), str(about["key_id"])
    except FileNotFoundError as error:
        if not root.is_dir():
            raise LakeError(str(root), "there is no such folder", "name a lake that `backfill` has made") from error
        what = "its creation was interrupted" if creation_marker(root).exists() else "it is no lake"
        raise LakeError(str(root), what, "name a lake that `backfill` has made, or run `backfill` on it") from error
    except OSError as error:
        raise LakeError(str(path), f"it cannot be read ({error.strerror})", "correct the path or the rights") from error
    except (ValueError, KeyError, TypeError) as error:
        raise LakeError(str(path), "it is damaged", "restore it: format, key_id and created as JSON") from error
    if lake_format < FORMAT:
        raise LakeError(
            str(root),
            f"it has format {lake_format}, older than {FORMAT}",
            "use the stillwatch that wrote it, or read the sources into a new lake",
        )
    if lake_format > FORMAT:
        raise LakeError(
            str(root), f"it has format {lake_format}, newer than {FORMAT}", "use the stillwatch that wrote it, or newer"
        )
    return {"format": lake_format, "key_id": key_id}


def _create_table(root: Path, name: str) -> DeltaTable:
    """The table, as it is if it was there."""
    try:
        return DeltaTable.create(
            root / name,
            plain(TABLES[name]),
            mode="ignore",
            name=name,
            description=TABLES[name].doc,
            configuration=_CONFIGURATION,
        )
    except OSError as error:
        raise unwritable(root / name, error) from error
    except DeltaError as error:
        raise LakeError(str(root / name), f"it cannot be created ({_first_line(error)})", _LOG_FIX) from error


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
