"""Which data files hold what, from a table's Delta log alone: no data file is opened."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
from deltalake import DeltaTable

from pipelines.lake.delta_log import paths_at, read_entry
from pipelines.lake.files import FileEntry
from pipelines.lake.times import to_micros
from schemas.contract import Contract


@dataclass(frozen=True)
class EventsIndex:
    """The files of `events` (or `too_late`) at one version of the table.

    Attributes:
        folder: the table's folder.
        version: the version.
        files: one row a file, sorted by path: path, rows, size, time_least, time_most (microseconds since 1970),
            hash_least, hash_most.
    """

    folder: Path
    version: int
    files: pl.DataFrame

    @classmethod
    def of(cls, table: DeltaTable, folder: Path) -> "EventsIndex":
        """The index of an opened table."""
        actions = pl.DataFrame(table.get_add_actions(flatten=True))
        for column in ("min.time", "max.time", "min.account_hash", "max.account_hash"):
            if column not in actions.columns:
                actions = actions.with_columns(pl.lit(None, dtype=pl.Int64).alias(column))
        files = actions.select(
            "path",
            rows=pl.col("num_records"),
            size=pl.col("size_bytes"),
            time_least=pl.col("min.time").cast(pl.Int64),
            time_most=pl.col("max.time").cast(pl.Int64),
            hash_least=pl.col("min.account_hash"),
            hash_most=pl.col("max.account_hash"),
        ).sort("path")
        return cls(folder, table.version(), files)

    @property
    def rows(self) -> int:
        """Rows in all files."""
        return int(self.files["rows"].sum())

    def holding(
        self, since: datetime | None, until: datetime | None, hashes: tuple[int, int] | None = None
    ) -> "EventsIndex":
        """The files that can hold events with time in [since, until) and account hash in [lo, hi)."""
        kept = pl.lit(value=True)
        if since is not None:
            kept = kept & (pl.col("time_most").is_null() | (pl.col("time_most") >= to_micros(since)))
        if until is not None:
            kept = kept & (pl.col("time_least").is_null() | (pl.col("time_least") < to_micros(until)))
        if hashes is not None:
            lo, hi = hashes
            kept = kept & (pl.col("hash_most").is_null() | (pl.col("hash_most") >= lo))
            kept = kept & (pl.col("hash_least").is_null() | (pl.col("hash_least") <= hi - 1))
        return EventsIndex(self.folder, self.version, self.files.filter(kept))

    def new_since(self, version: int | None) -> "EventsIndex":
        """The files whose rows came after another version; all of them for None.

        Files that compaction wrote hold no new rows and are left out; therefore only files that DETECT has already
        read (older than its events_version) may be compacted.

        Raises:
            LakeError: a log entry between the two versions is gone.
        """
        if version is None:
            return self
        came: set[str] = set()
        for number in range(version + 1, self.version + 1):
            added = (action["add"] for action in read_entry(self.folder, number) if "add" in action)
            came |= {add["path"] for add in added if add["dataChange"]}
        # Undoing a run adds again what it had removed.
        came -= paths_at(self.folder, version)
        return EventsIndex(self.folder, self.version, self.files.filter(pl.col("path").is_in(sorted(came))))

    def seen_at(self, version: int | None) -> "EventsIndex":
        """The files without those whose rows came after another version; all of them for None.

        Raises:
            LakeError: a log entry between the two versions is gone.
        """
        if version is None:
            return self
        came = self.new_since(version).files["path"]
        return EventsIndex(self.folder, self.version, self.files.filter(~pl.col("path").is_in(came.implode())))

    def paths(self) -> list[Path]:
        """Where the files are, in order of their names."""
        return [self.folder / path for path in self.files["path"].to_list()]


def entries(table: DeltaTable, contract: Contract) -> list[FileEntry]:
    """The data files of an opened table with their bounds, sorted by name."""
    # Not pa.table(), which imports pandas to see that this is no frame of pandas: a third of a second.
    actions = pa.RecordBatchReader.from_stream(table.get_add_actions(flatten=True)).read_all()
    known = {name: _plain_values(actions[name], name, contract) for name in actions.column_names}
    least, most, nulls = (_bounds(known, prefix) for prefix in ("min.", "max.", "null_count."))
    files = map(FileEntry, known["path"], known["size_bytes"], known["num_records"], least, most, nulls)
    return sorted(files, key=lambda file: file.path)


def _plain_values(column: pa.ChunkedArray, name: str, contract: Contract) -> list[Any]:
    """The column's values; times of the contract's columns in microseconds."""
    is_bound = name.partition(".")[2] in contract.columns
    return (column.cast(pa.int64()) if is_bound and pa.types.is_timestamp(column.type) else column).to_pylist()


def _bounds(known: dict[str, list[Any]], prefix: str) -> list[dict[str, int]]:
    """Of each file what is told under the prefix, by column; whole numbers alone."""
    found: list[dict[str, int]] = [{} for _ in known["path"]]
    for name, values in known.items():
        if name.startswith(prefix):
            column = name.removeprefix(prefix)
            for bounds, value in zip(found, values, strict=True):
                if type(value) is int:  # not True
                    bounds[column] = value
    return found
