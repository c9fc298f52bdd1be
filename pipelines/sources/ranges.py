"""What has to be read, in bites of bounded size: each record of each source once, for each event time once."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate, pairwise
from typing import Any

import msgspec
import pyarrow.parquet as pq

from pipelines.lake.times import to_micros
from pipelines.sources.boxes import EVER, Box, Span, Stretch, cut_at, missing, without_stretch
from pipelines.sources.cutter import LastLine, digest_of, is_whole
from pipelines.sources.files import Compression, Container, FileSource, Framing
from pipelines.sources.known import Known, Mark, Sighting, beginning, byte_at, ladder_of, measure
from pipelines.sources.recognise import Sight, recognise

_MOST_PIECES = 1000  # of one bite: each costs an open file and a call of the adapter
_EXPANSION = 6  # bytes of log in a byte of gzip or zstd, for estimates only
_STEP = 65_536
_FAR = EVER[1]


@dataclass(frozen=True)
class Piece:
    """A stretch of one source, to be read by one worker.

    Attributes:
        source: the source's id.
        name: its name as listed.
        path: where it is; of a topic, its brokers.
        compression: of a text source.
        container: text, Parquet or topic.
        format: adapter.
        framing: lines or document.
        start: offset (Parquet: row; topic: message); records that begin in [start, end) are read.
        end: offset (row) behind it; None for the end of a compressed stream, whose length only reading tells.
        stop: where the source ended at planning: what was written since is left to the next run; None as for `end`.
        times: event times wanted, microseconds since 1970, disjoint; a record outside is not counted at all.
        again: the stretch was read before for other times: its rejects and ignored records are counted already.
        last_line: see pipelines.sources.cutter.LastLine.
        size: decompressed bytes, estimated where they are not known.
        mark: length and digest of the file's first bytes as they were on disk at planning: another file that has taken
            the name since is not read; (0, "") where any file may lie there.
        topic: name of the topic; "" of files.
        partition: its number.
    """

    source: str
    name: str
    path: str
    compression: Compression
    container: Container
    format: str
    framing: Framing
    start: int
    end: int | None
    stop: int | None
    times: tuple[Span, ...]
    again: bool
    last_line: LastLine
    size: int
    mark: Mark = (0, "")
    topic: str = ""
    partition: int = 0

    @property
    def wants_all_times(self) -> bool:
        """Whether no record is left out for its time."""
        return self.times == (EVER,)


@dataclass(frozen=True)
class RangeSpec:
    """One worker's bite: a large stretch, or many small ones.

    Attributes:
        number: from 0; names the files it writes.
        pieces: in order.
    """

    number: int
    pieces: tuple[Piece, ...]

    @property
    def size(self) -> int:
        """Decompressed bytes, estimated."""
        return sum(piece.size for piece in self.pieces)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON for the plan."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return plain

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "RangeSpec":
        """The inverse of `to_json`."""
        return msgspec.convert(data, cls)


@dataclass(frozen=True)
class Planned:
    """What there is to read.

    Attributes:
        ranges: the bites.
        sightings: one a source that was seen, also where there is nothing new in it.
        refused: name and reason of the files that cannot be read.
        notes: name and remark: empty files, files that hold what another one holds.
        left: bytes that are there but not among the bites, estimated.
    """

    ranges: tuple[RangeSpec, ...]
    sightings: tuple[Sighting, ...]
    refused: tuple[tuple[str, str], ...]
    notes: tuple[tuple[str, str], ...]
    left: int = 0


@dataclass(frozen=True)
class Unread:
    """What is to be read, before it is divided among workers.

    Attributes:
        pieces: stretches, each at most a worker's bite.
        sightings: see Planned.
        refused: see Planned.
        notes: see Planned.
    """

    pieces: tuple[Piece, ...] = ()
    sightings: tuple[Sighting, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()
    notes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Growing:
    """How sources that are still being written are read.

    Attributes:
        most_bytes: decompressed bytes that are taken at most; what cannot be split may exceed it.
        ended: ids and names of sources that do not go on, whose unterminated last line is therefore a record; None
            for all.
    """

    most_bytes: int
    ended: frozenset[str] | None = frozenset()

    def has_ended(self, sight: Sight) -> bool:
        """Whether a source does not go on."""
        return self.ended is None or sight.source in self.ended or sight.listed.name in self.ended


def plan_ranges(
    sources: Sequence[FileSource],
    register: Mapping[str, Known],
    *,
    range_bytes: int,
    since: datetime | None = None,
    until: datetime | None = None,
    growing: Growing | None = None,
    topics: Unread | None = None,
) -> Planned:
    """The bites that read what the register does not have yet.

    Args:
        sources: as listed, with their format chosen.
        register: what was read, by source id.
        range_bytes: decompressed bytes a bite should have; one record or one row group may exceed it.
        since: first event time wanted.
        until: first event time not wanted any more.
        growing: how sources that are still being written are read; None where nothing more will come for now: all of
            them to their ends.
        topics: what is to be read of topics besides.
    """
    more = Unread() if topics is None else topics
    times = (EVER[0] if since is None else to_micros(since), EVER[1] if until is None else to_micros(until))
    found = recognise(sources, register)
    pieces: list[Piece] = []
    sightings = []
    for sight in found.sights:
        last_line: LastLine = "take" if growing is None or growing.has_ended(sight) else "leave"
        sighting = _sighting(sight, last_line)
        sightings.append(sighting)
        end = _FAR if sighting.length is None else sighting.length
        for stretch in missing(0, end, times, still_taken(sight.known, sighting)):
            pieces += _pieces(sight, sighting, stretch, last_line, range_bytes)
    pieces += more.pieces
    left: list[Piece] = []
    if growing is not None:
        pieces, left = _first_of_each(pieces, growing.most_bytes)
    bites = [RangeSpec(number, tuple(bundle)) for number, bundle in enumerate(bundled(pieces, range_bytes))]
    return Planned(
        tuple(bites),
        (*sightings, *more.sightings),
        (*found.refused, *more.refused),
        (*found.notes, *more.notes),
        sum(piece.size for piece in left),
    )


def _first_of_each(pieces: Sequence[Piece], most_bytes: int) -> tuple[list[Piece], list[Piece]]:
    """The pieces that a run takes, one at least, and those it leaves: every source's first ones come first."""
    seen: Counter[str] = Counter()
    ranked = []
    for piece in pieces:
        ranked.append((seen[piece.source], piece))
        seen[piece.source] += 1
    in_turn = [piece for _, piece in sorted(ranked, key=lambda entry: entry[0])]
    sizes = accumulate(piece.size for piece in in_turn)
    count = max(1, sum(1 for size in sizes if size <= most_bytes))
    return in_turn[:count], in_turn[count:]


def still_taken(known: Known | None, sighting: Sighting) -> tuple[Box, ...]:
    """What of earlier readings still counts after a sighting."""
    if known is None:
        return ()
    taken = known.taken
    if sighting.reread_from is not None:
        taken = cut_at(taken, sighting.reread_from)
    if sighting.reread_gaps:
        for low, high in known.gaps:
            taken = without_stretch(taken, low, high)
    return taken


def _sighting(sight: Sight, last_line: LastLine) -> Sighting:
    listed, known = sight.listed, sight.known
    length, check, open_line = _extent(sight, last_line)
    has_changed = known is not None and not sight.is_unchanged
    reread_from = None
    if known is not None and known.open_line and has_changed and byte_at(listed, known.length) not in (b"", b"\n"):
        reread_from = known.length - known.open_line
    return Sighting(
        source=sight.source,
        name=listed.name,
        container=listed.container,
        format=listed.format if known is None else known.format,
        framing=listed.framing if known is None else known.framing,
        ladder=ladder_of(sight.first),
        length=length,
        check=check,
        open_line=open_line,
        raws=tuple(sight.raws),
        reread_from=reread_from,
        reread_gaps=known is not None and has_changed and bool(known.gaps),
    )


def _extent(sight: Sight, last_line: LastLine) -> tuple[int | None, Mark | None, int]:
    """Length, mark before it and open last line of a source; None where only reading can tell."""
    listed, known = sight.listed, sight.known
    if listed.container == "parquet":
        return sight.total, (0, ""), 0
    if listed.compression != "none":
        waits = known is not None and known.left > 0 and last_line == "take"
        if known is not None and sight.total == known.length + known.left and not waits:
            return known.length, known.check, known.open_line
        return None, None, 0
    framing = listed.framing if known is None else known.framing
    length, open_line = _lines_end(listed, last_line) if framing == "lines" else (listed.size, 0)
    return length, measure(listed, [length])[1][length], open_line


def _lines_end(listed: FileSource, last_line: LastLine) -> tuple[int, int]:
    """Where the records of a plain file end, and how many bytes of an unterminated last line are among them."""
    pieces: list[bytes] = []
    position = listed.size
    with listed.path.open("rb") as file:
        while position > 0:
            low = max(0, position - _STEP)
            file.seek(low)
            data = file.read(position - low)
            newline = data.rfind(b"\n")
            pieces.append(data[newline + 1 :])
            position = low + newline + 1
            if newline >= 0:
                break
    line = b"".join(reversed(pieces))
    is_taken = last_line == "take" or is_whole(line)
    return (listed.size, len(line)) if is_taken else (position, 0)


def _pieces(
    sight: Sight, sighting: Sighting, stretch: Stretch, last_line: LastLine, range_bytes: int
) -> Iterator[Piece]:
    listed = sight.listed
    is_plain = listed.container == "text" and listed.compression == "none"
    mark = (len(sight.first), digest_of(sight.first)) if is_plain else beginning(listed.path)
    for start, end, size in _bites(listed, sighting, stretch, range_bytes):
        yield Piece(
            source=sighting.source,
            name=listed.name,
            path=str(listed.path),
            compression=listed.compression,
            container=listed.container,
            format=sighting.format,
            framing=sighting.framing,
            start=start,
            end=None if end == _FAR else end,
            stop=sighting.length,
            times=stretch.times,
            again=stretch.again,
            last_line=last_line,
            size=size,
            mark=mark,
        )


def _bites(
    listed: FileSource, sighting: Sighting, stretch: Stretch, range_bytes: int
) -> Iterable[tuple[int, int, int]]:
    """Start, end and estimated bytes of the parts in which a stretch is read."""
    if listed.container == "parquet":
        return _row_group_bites(listed, stretch, range_bytes)
    if listed.compression != "none":
        known_end = min(stretch.end, listed.size * _EXPANSION)
        return [(stretch.start, stretch.end, max(listed.size, known_end - stretch.start))]
    if sighting.framing == "document":
        return [(0, stretch.end, listed.size)]
    borders = [*range(stretch.start, stretch.end, range_bytes), stretch.end]
    return [(low, high, high - low) for low, high in pairwise(borders)]


def _row_group_bites(listed: FileSource, stretch: Stretch, range_bytes: int) -> Iterator[tuple[int, int, int]]:
    groups = pq.read_metadata(listed.path)
    start = row = size = 0
    for number in range(groups.num_row_groups):
        group = groups.row_group(number)
        if size and size + group.total_byte_size > range_bytes:
            yield from _clipped(start, row, size, stretch)
            start, size = row, 0
        row, size = row + group.num_rows, size + group.total_byte_size
    yield from _clipped(start, row, size, stretch)


def _clipped(start: int, end: int, size: int, stretch: Stretch) -> Iterator[tuple[int, int, int]]:
    low, high = max(start, stretch.start), min(end, stretch.end)
    if low < high:
        yield low, high, size


def bundled(pieces: Iterable[Piece], range_bytes: int) -> Iterator[list[Piece]]:
    """Small pieces together, in order, up to the size of a bite."""
    bundle: list[Piece] = []
    size = 0
    for piece in pieces:
        if bundle and (size + piece.size > range_bytes or len(bundle) == _MOST_PIECES):
            yield bundle
            bundle, size = [], 0
        bundle.append(piece)
        size += piece.size
    if bundle:
        yield bundle
