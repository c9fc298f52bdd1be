"""One ingest run over some files, without adapters: plan, read, and what the register says afterwards."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from pipelines.lake.sources import Done, Register, after_run
from pipelines.sources.cutter import Broken, End
from pipelines.sources.files import FileSource, Framing, list_sources
from pipelines.sources.known import Sighting
from pipelines.sources.ranges import Piece, Planned, RangeSpec, plan_ranges
from pipelines.sources.reading import read_rows, read_text


@dataclass
class Taken:
    """What one run read.

    Attributes:
        register: the register after it.
        records: (source, position, line) of every record.
        broken: what could not be read.
        planned: the plan.
    """

    register: Register
    planned: Planned
    records: list[tuple[str, int, bytes]] = field(default_factory=list)
    broken: list[Broken] = field(default_factory=list)

    @property
    def lines(self) -> list[bytes]:
        return [line for _, _, line in self.records]

    @property
    def pieces(self) -> list[Piece]:
        return [piece for bite in self.planned.ranges for piece in bite.pieces]


Take = Callable[..., Taken]


@pytest.fixture(scope="session")
def take(tmp_path_factory: pytest.TempPathFactory) -> Take:
    """Reads what the register does not have yet. Everything that crosses to a worker or into the plan goes as JSON."""
    spool = tmp_path_factory.mktemp("spool")

    def run(
        register: Register,
        *paths: Path,
        range_bytes: int = 1 << 20,
        record_bytes: int = 1 << 16,
        chunk: int = 1 << 16,
        framing: Framing = "lines",
        sources: Sequence[FileSource] | None = None,
        **options: Any,
    ) -> Taken:
        listed = list_sources([str(path) for path in paths], spool) if sources is None else sources
        listed = [replace(source, format="canonical", framing=framing) for source in listed]
        taken = Taken({}, plan_ranges(listed, register, range_bytes=range_bytes, **options))
        done = []
        for bite in taken.planned.ranges:
            for piece in RangeSpec.from_json(json.loads(json.dumps(bite.to_json()))).pieces:
                ending = _read(piece, taken, record_bytes, chunk)
                report = Done(piece.source, piece.start, piece.end, piece.times, 0, (), ending)
                done.append(Done.from_json(json.loads(json.dumps(report.to_json()))))
        sightings = [Sighting.from_json(json.loads(json.dumps(s.to_json()))) for s in taken.planned.sightings]
        taken.register, _ = after_run(register, sightings, done)
        return taken

    return run


def _read(piece: Piece, taken: Taken, record_bytes: int, chunk: int) -> End | None:
    ending = None
    if piece.container == "parquet":
        for item in read_rows(piece, 100):
            if isinstance(item, End):
                ending = item
            elif isinstance(item, Broken):
                taken.broken.append(item)
            else:
                rows = [repr(row).encode() for row in item.table.to_pylist()]
                taken.records += [(piece.source, item.first_row + n, row) for n, row in enumerate(rows)]
        return ending
    for item in read_text(piece, record_bytes, chunk):
        if isinstance(item, End):
            ending = item
        elif isinstance(item, Broken):
            taken.broken.append(item)
        elif item.framing == "document":
            taken.records.append((piece.source, item.offset, item.data))
        else:
            offset = item.offset
            for line in item.data.split(b"\n"):
                if line:
                    taken.records.append((piece.source, offset, line))
                offset += len(line) + 1
    return ending
