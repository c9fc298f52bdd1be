"""What must hold of any lake: nothing lost, no text, and the same rows however they came."""

import io
import json
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import polars as pl

from pipelines.lake.lake import Lake
from schemas.catalogue import PARITY_TABLES, TABLES
from shown_difference import assert_same_rows
from transforms.sketches.packing import unpack

_IPC = b"ARROW1\x00\x00"
_STATE = b"stillwatch state\n"


def assert_equal_lakes(actual: Path, expected: Path) -> None:
    """Every parity table is the same to the last byte; a failure shows the first unequal row and its events."""
    one, other = Lake.open(actual), Lake.open(expected)
    events = other.read("events")
    for table in PARITY_TABLES:
        contract = TABLES[table]
        assert_same_rows(contract, _definite(one.read(table)), _definite(other.read(table)), events)


def _definite(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.filter(~pl.col("provisional")) if "provisional" in rows.columns else rows


def assert_accounted(path: Path, lines: int) -> None:
    """Invariant 2, for each source and from the tables themselves: every line that was ever listed is somewhere, once."""
    lake = Lake.open(path)
    counts = lake.read("runs").select(pl.col("sources").explode()).unnest("sources").drop_nulls("source")
    names = ("records", "appended", "ignored", "rejects", "accepted", "duplicates", "too_late")
    total = counts.group_by("source").agg(pl.col(names).sum())
    assert total["records"].sum() == lines
    held = {
        table: dict(lake.read(table).group_by("source").len().iter_rows())
        for table in ("events", "rejects", "too_late")
    }
    waiting = dict(_waiting(lake).group_by("source").len().iter_rows())
    for row in total.to_dicts():
        source = row["source"]
        assert row["records"] == row["appended"] + row["ignored"] + row["rejects"], row
        found = {table: rows.get(source, 0) for table, rows in held.items()}
        assert found == {"events": row["appended"], "rejects": row["rejects"], "too_late": row["too_late"]}, row
        decided = row["accepted"] + row["duplicates"] + row["too_late"]
        assert row["appended"] == decided + waiting.get(source, 0), (row, waiting)
    assert sum(held["events"].values()) == total["appended"].sum()


def _waiting(lake: Lake) -> pl.DataFrame:
    """Events on which no run has decided: of ticks that are still open, or taken in after the last run had looked."""
    events = lake.read("events")
    runs = lake.read("runs").drop_nulls("events_version").sort("sequence")
    if runs.is_empty():
        return events
    last = runs.row(-1, named=True)
    looked = lake.collect("events", lake.scan("events", last["events_version"]).select("source", "position"))
    unseen = events.join(looked, on=["source", "position"], how="anti")
    return pl.concat([unseen, events.filter(pl.col("time") >= last["closed_until"])]).unique(["source", "position"])


def assert_no_text(folders: Sequence[Path], planted: Sequence[str]) -> None:
    """None of the planted words is in any file, whatever it is packed in."""
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                for data in _unpacked(path):
                    assert not any(word.encode() in data for word in planted), path


def _unpacked(path: Path) -> Iterator[bytes]:
    """The file's bytes, and the values of the Parquet file, the Arrow files or the state that it is or holds."""
    data = path.read_bytes()
    yield data
    if path.suffix == ".parquet":
        yield repr(pl.read_parquet(path, hive_partitioning=False).to_dicts()).encode()
    if _STATE in data:
        state = data[data.index(_STATE) :]
        head = json.loads(state.split(b"\n", 2)[1])
        for frame in unpack(state, head["kind"], head["version"]).values():
            yield repr(frame.to_dicts()).encode()
    starts = [found.start() for found in re.finditer(_IPC, data)]
    for start, end in pairwise([*starts, len(data)]):
        yield repr(pl.read_ipc(io.BytesIO(data[start:end])).to_dicts()).encode()
