"""Every data file that readers need is there, as long as the log says, and ends as Parquet does."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.doctor.case import Case
from pipelines.doctor.symptom import Symptom
from pipelines.lake.files import FileEntry
from schemas.catalogue import TABLES
from schemas.errors import LakeError

_COPY = "restore the file from a copy of the lake"
_REBUILT = ("sessions", "account_windows", "account_embeddings", "account_scores", "traits")


def check(case: Case) -> Iterator[Symptom]:
    """Missing, shortened and unreadable data files, by the log and the files' footers; rows are read elsewhere."""
    for name, contract in TABLES.items():
        try:
            listed = case.files(name)
        except LakeError:
            continue  # `tables` says so
        for entry in listed:
            problem = _problem(case.path(contract, entry), entry)
            if problem is not None:
                fix = _COPY
                if name in _REBUILT:
                    fix += "; without one, run `stillwatch rebuild` from the day of its first row"
                yield Symptom("error", str(case.path(contract, entry)), problem, fix)


def _problem(path: Path, entry: FileEntry) -> str | None:
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        return "the data file is missing"
    if size != entry.size:
        return f"it has {size:,} bytes where the log says {entry.size:,}"
    try:
        rows = pq.read_metadata(path).num_rows
    except (OSError, pa.ArrowException):
        return "the data file is damaged"
    return None if rows == entry.rows else f"it has {rows:,} rows where the log says {entry.rows:,}"
