"""The Parquet files of the lake's tables: written whole and once, read as slices."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.lake.sealed import writing_whole
from pipelines.lake.times import from_micros
from schemas.contract import Contract
from schemas.errors import LakeError
from schemas.event import EVENT

GROUP_ROWS = 16_384
"""Rows of a row group where the caller names none (policy ingest.row_group_rows has the reason)."""

SMALLEST_HASH, HASHES = -(2**63), 2**64
_COPY = "restore the file from a copy; where it was computed from events, `stillwatch rebuild` computes it again"
_EVENT_ORDER = ("account_hash", "time", "source", "position")
_LOOKED_UP = ("account_id",)  # besides the columns with bounds: what readers search for inside a file
_PLAIN_STRINGS = ("event_id",)  # nearly all different: a dictionary would only be thrown away again


@dataclass(frozen=True)
class FileEntry:
    """One data file as the Delta log knows it.

    Attributes:
        path: name inside the table's folder.
        size: bytes.
        rows: rows.
        least: smallest value by column, timestamps in microseconds since 1970; a column without values is left out.
        most: largest value, likewise.
        nulls: number of nulls by column.
    """

    path: str
    size: int
    rows: int
    least: dict[str, int]
    most: dict[str, int]
    nulls: dict[str, int]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON, for a message between worker and driver."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "FileEntry":
        """The inverse of `to_json`."""
        return cls(**data)


def write_frame(
    folder: Path,
    contract: Contract,
    name: str,
    frame: pl.DataFrame,
    row_group_rows: int = GROUP_ROWS,
    *,
    is_new: bool = True,
) -> FileEntry | None:
    """The entry of the file `name` in a table's folder, written if it was not there; null for a frame without rows.

    Equal frames give equal bytes. Columns without any value are left out. Events are sorted by (account_hash, time,
    source, position), other frames by key.
    A name is written once: names hold the run's id, and a run executed again finds its own files, which the table may
    refer to already.

    Args:
        folder: the table's folder.
        contract: what the frame must be.
        name: the file's name, ending in `.parquet`.
        frame: the rows, with the contract's columns.
        row_group_rows: rows a row group: the unit in which an account group is read back.
        is_new: whether the rows enter the lake now and are checked; rows that only move were checked when they came.

    Raises:
        ContractViolation: the frame is not what its contract says.
        LakeError: the disk is full or read-only, or the name holds other rows already.
    """
    if frame.is_empty():
        return None
    if is_new:
        contract.check(frame, unique_key=False)
    ordered = _filled(contract, frame).sort(order_of(contract), maintain_order=True)
    if is_new and not _is_log(contract):
        contract.check_sorted_key(ordered)
    path = folder / name
    if _holds(path, contract, ordered.height):
        ordered = scan([path], contract).select(_measured(contract)).collect()
    else:
        _write(path, contract, ordered, row_group_rows)
    return _entry(path, name, contract, ordered)


def _filled(contract: Contract, frame: pl.DataFrame) -> pl.DataFrame:
    """The columns that hold anything, and those whose bounds are told: of EVENT's, a log without texts fills a third.

    A file without a column says that it is null in all of its rows (`scan`), to every reader of Delta.
    """
    told = {*order_of(contract), *_measured(contract), *contract.required}
    nulls = frame.null_count().row(0, named=True)
    return frame.select(name for name in contract.columns if name in told or nulls[name] < frame.height)


def order_of(contract: Contract) -> tuple[str, ...]:
    """The columns by which the rows of each file of a table are sorted."""
    return _EVENT_ORDER if _is_log(contract) else contract.key


def _is_log(contract: Contract) -> bool:
    return contract.arrow.equals(EVENT.arrow)


def group_range(group: int, groups: int) -> tuple[int, int]:
    """The account hashes [lo, hi) of one of `groups` equal parts of the signed 64-bit numbers.

    >>> group_range(0, 2), group_range(1, 2)
    ((-9223372036854775808, 0), (0, 9223372036854775808))
    """
    return SMALLEST_HASH + group * HASHES // groups, SMALLEST_HASH + (group + 1) * HASHES // groups


def read_events(
    paths: Sequence[Path],
    hashes: tuple[int, int] | None = None,
    times: tuple[datetime | None, datetime | None] = (None, None),
    columns: Sequence[str] | None = None,
) -> pl.DataFrame:
    """The events of some files within an account group and a time range, as EVENT (or the columns asked for).

    Row groups outside the ranges are skipped by their statistics. Rows come file by file in the order of `paths`,
    inside a file by (account_hash, time, source, position).

    Args:
        paths: event files.
        hashes: account hashes [lo, hi), None for all.
        times: event times [since, until), None for no bound.
        columns: names wanted, None for all.

    Raises:
        LakeError: a file is missing or damaged.
    """
    wanted = EVENT.columns if columns is None else list(columns)
    try:
        return scan(paths, EVENT).filter(_within(hashes, times)).select(wanted).collect()
    except (OSError, pl.exceptions.PolarsError) as error:
        raise damaged(paths, error) from error


def scan(paths: Sequence[Path], contract: Contract) -> pl.LazyFrame:
    """The rows of some files of one table; columns added to the contract after a file was written are null in it."""
    if not paths:
        return contract.empty().lazy()
    return pl.scan_parquet(list(paths), schema=contract.polars, missing_columns="insert", extra_columns="ignore")


def require_whole(folder: Path, entries: Iterable[FileEntry]) -> None:
    """Nothing where every file is as long as the log says.

    Raises:
        LakeError: one is missing, or was cut short or lengthened.
    """
    for entry in entries:
        path = folder / entry.path
        try:
            size = path.stat().st_size
        except FileNotFoundError as error:
            raise LakeError(str(path), "the data file is missing", _COPY) from error
        if size != entry.size:
            what = f"the data file is damaged (it has {size:,} bytes, its table's log says {entry.size:,})"
            raise LakeError(str(path), what, _COPY)


def damaged(paths: Sequence[Path], error: Exception) -> LakeError:
    """One sentence that names the first of the files that cannot be read."""
    for path in paths:
        if not path.exists():
            return LakeError(str(path), "the data file is missing", _COPY)
        if not is_sound(path):
            return LakeError(str(path), "the data file is damaged", _COPY)
    return LakeError(str(paths[0].parent), f"it cannot be read ({error})", "run `stillwatch doctor` on the lake")


def is_sound(path: Path) -> bool:
    """Whether every page of a data file decodes and keeps its checksum; reads all of it."""
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            for _ in file.iter_batches():
                pass
    except (OSError, ValueError, pa.ArrowException):
        return False
    return True


def _within(hashes: tuple[int, int] | None, times: tuple[datetime | None, datetime | None]) -> pl.Expr:
    kept = pl.lit(value=True)
    if hashes is not None:
        lo, hi = hashes
        # The last group's upper end is 2^63, which no signed 64-bit number reaches.
        kept = kept & pl.col("account_hash").is_between(lo, hi - 1)
    since, until = times
    if since is not None:
        kept = kept & (pl.col("time") >= since)
    if until is not None:
        kept = kept & (pl.col("time") < until)
    return kept


def _write(path: Path, contract: Contract, frame: pl.DataFrame, row_group_rows: int) -> None:
    fields = plain(contract)
    schema = pa.schema([fields.field(name) for name in frame.columns])
    dictionary = [f.name for f in schema if pa.types.is_string(f.type) and f.name not in _PLAIN_STRINGS]
    with writing_whole(path) as file:
        pq.write_table(
            frame.rechunk().to_arrow().cast(schema),
            file,
            row_group_size=row_group_rows,
            compression="zstd",
            compression_level=1,
            use_dictionary=dictionary,
            write_statistics=[name for name in schema.names if name in (*_measured(contract), *_LOOKED_UP)],
            store_schema=False,
            write_page_checksum=True,  # a flipped bit may decode into another value: `is_sound` sees it
        )


@cache
def plain(contract: Contract) -> pa.Schema:
    """The contract's Arrow schema without its documentation."""
    return pa.schema([pa.field(f.name, f.type, f.nullable) for f in contract.arrow])


def _holds(path: Path, contract: Contract, rows: int) -> bool:
    if not path.exists():
        return False
    try:
        there = pq.read_metadata(path)
    except (OSError, pa.ArrowException):
        return False
    if there.num_rows == rows and set(there.schema.to_arrow_schema().names) <= set(contract.columns):
        return True
    raise LakeError(
        str(path),
        f"it holds {there.num_rows} rows of the same run where {rows} are to be written",
        "the program or its input changed between a crash and this repetition: use the former ones",
    )


@cache
def _measured(contract: Contract) -> tuple[str, ...]:
    """Columns whose bounds go to the Delta log: required times, the account hash, and the integers of the key."""
    names = []
    for column in contract.arrow:
        is_time = pa.types.is_timestamp(column.type) and not column.nullable
        is_number = pa.types.is_integer(column.type) and (column.name in contract.key or column.name == "account_hash")
        if is_time or is_number or column.name == "sequence":
            names.append(column.name)
    return tuple(names)


def _entry(path: Path, name: str, contract: Contract, frame: pl.DataFrame) -> FileEntry:
    columns = _measured(contract)
    told = frame.select(
        pl.col(columns).min().cast(pl.Int64).name.prefix("least "),
        pl.col(columns).max().cast(pl.Int64).name.prefix("most "),
        pl.col(columns).null_count().cast(pl.Int64).name.prefix("nulls "),
    ).row(0, named=True)
    least, most, nulls = ({c: told[f"{what} {c}"] for c in columns} for what in ("least", "most", "nulls"))
    return FileEntry(
        path=name,
        size=path.stat().st_size,
        rows=frame.height,
        least={column: value for column, value in least.items() if value is not None},
        most={column: value for column, value in most.items() if value is not None},
        nulls=nulls,
    )


def delta_value(contract: Contract, column: str, value: int) -> int | str:
    """A bound as the Delta log writes it: times as ISO 8601 in UTC."""
    if pa.types.is_timestamp(contract.arrow.field(column).type):
        return from_micros(value).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return value
