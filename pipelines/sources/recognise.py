"""Which listed files are sources the lake knows, which are new, and which hold what another one holds."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.sources.cutter import digest_of
from pipelines.sources.files import HEAD_BYTES, FileSource, head
from pipelines.sources.known import (
    Known,
    Mark,
    begins_like,
    measure,
    new_id,
    raw_mark,
    was_shortened,
)
from pipelines.sources.streams import is_sound


@dataclass
class Sight:
    """One listed file and what was found out about it.

    Attributes:
        listed: the file.
        raws: its size and digest on disk, then those of other files that hold exactly the same.
        first: its first decompressed bytes; b"" for Parquet.
        total: its decompressed length (Parquet: rows); None where that would have to be measured and need not be.
        known: the source it continues, None for a new one.
        source: that source's id.
        is_unchanged: a file of exactly these bytes was read before.
    """

    listed: FileSource
    raws: list[Mark]
    first: bytes = b""
    total: int | None = None
    known: Known | None = None
    source: str = ""
    is_unchanged: bool = False


@dataclass
class Recognised:
    """All listed files, sorted out.

    Attributes:
        sights: those in which there may be something to read, one a source, by name.
        refused: name and reason.
        notes: name and remark: empty, or the same as another.
    """

    sights: list[Sight] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)


class _Index:
    """The register, arranged so that a file is compared with few sources."""

    def __init__(self, register: Mapping[str, Known]) -> None:
        self.by_raw = {raw: known for known in register.values() for raw in known.raws}
        self._by_first: dict[str, list[Known]] = defaultdict(list)
        for known in sorted(register.values(), key=lambda known: (-known.length, known.source)):
            if known.ladder:
                self._by_first[known.ladder[0][1]].append(known)
        # The first step of the ladder is 64 bytes, or the whole of a shorter source.
        self._steps = sorted({known.ladder[0][0] for known in register.values() if known.ladder})

    def alike(self, first: bytes) -> Iterator[Known]:
        """Text sources that begin with the same few bytes, longest first."""
        for step in reversed(self._steps):
            if step <= len(first):
                yield from self._by_first.get(digest_of(first[:step]), ())


def recognise(sources: Sequence[FileSource], register: Mapping[str, Known]) -> Recognised:
    """Every listed file's source; the rule of sameness is in `known`.

    Reads the first and last 64 KiB of each file, and decompresses a file as a whole only where it changed, or begins
    like another one.
    """
    result = Recognised()
    index = _Index(register)
    sights = [sight for sight in (_look(listed, index, result) for listed in sources) if sight is not None]
    standing = [sight for alike in _alike(sights) for sight in _longest(alike, result)]
    used = set(register)
    claimed: set[str] = set()
    # Of two files that go on differently from what is known, the longer one is its continuation.
    for sight in sorted(standing, key=lambda s: (not s.is_unchanged, -(s.total or 0), s.listed.name)):
        if not sight.is_unchanged and sight.listed.container == "text":
            refused = _find_known(sight, index, claimed)
            if refused is not None:
                result.refused.append((sight.listed.name, refused))
                continue
        if sight.known is None:
            sight.source = new_id(sight.first or repr(sight.raws[0]).encode(), used)
        else:
            sight.source = sight.known.source
        used.add(sight.source)
        claimed.add(sight.source)
        result.sights.append(sight)
    result.sights.sort(key=lambda sight: sight.listed.name)
    return result


def _look(listed: FileSource, index: _Index, result: Recognised) -> Sight | None:
    """The file as it lies there; None after a refusal or a note."""
    if listed.refused is not None:
        result.refused.append((listed.name, listed.refused))
        return None
    if listed.size == 0:
        result.notes.append((listed.name, "it is empty"))
        return None
    try:
        sight = Sight(listed, [raw_mark(listed.path)])
        sight.known = index.by_raw.get(sight.raws[0])
        sight.is_unchanged = sight.known is not None
        if listed.container == "parquet":
            sight.total = pq.read_metadata(listed.path).num_rows
            return sight
        if listed.compression == "none":
            sight.total = listed.size
        elif sight.known is not None:
            sight.total = sight.known.length + sight.known.left
        sight.first = head(listed)
        is_empty = not sight.first and is_sound(listed.path, listed.compression)
    except (OSError, pa.ArrowException) as error:
        reason = str(error).splitlines()[0].rstrip(".")
        result.refused.append((listed.name, f"it cannot be read ({reason}); write it again"))
        return None
    if is_empty:
        result.notes.append((listed.name, "it is empty"))
        return None
    return sight


def _find_known(sight: Sight, index: _Index, claimed: Collection[str]) -> str | None:
    """Sets the source that a changed file continues, if there is one; the reason if it must be refused."""
    listed, refused = sight.listed, None
    for known in index.alike(sight.first):
        if known.source in claimed:
            continue
        if not begins_like(known, sight.first):
            is_short = len(sight.first) < HEAD_BYTES and was_shortened(known, sight.first)
            if is_short and listed.name in known.names:
                refused = _shortened(len(sight.first), known)
            continue
        total, marks, _ = measure(listed, [known.length])
        if total < known.length:
            refused = _shortened(total, known)
        # A document does not grow: its end is rewritten.
        elif marks[known.length] == known.check and (known.framing == "lines" or total == known.length):
            sight.known, sight.total = known, total
            return None
    return refused


def _shortened(total: int, known: Known) -> str:
    return (
        f"it holds {total:,} bytes, but {known.length:,} bytes that begin like it were read before (as "
        f"{known.names[-1]}), so it was cut off; restore it, or, if it is another log, give it another beginning"
    )


def _alike(sights: Sequence[Sight]) -> list[list[Sight]]:
    """Files in groups within which one may be the beginning of another, or the same."""
    groups: list[list[Sight]] = []
    for sight in sorted((s for s in sights if s.listed.container == "text"), key=lambda s: (s.first, s.listed.name)):
        # Sorted by their bytes, a beginning is directly followed by what goes on from it.
        if groups and sight.first.startswith(groups[-1][-1].first):
            groups[-1].append(sight)
        else:
            groups.append([sight])
    tables: dict[Mark, list[Sight]] = defaultdict(list)
    for sight in sights:
        if sight.listed.container == "parquet":
            tables[sight.raws[0]].append(sight)
    return groups + list(tables.values())


def _longest(alike: list[Sight], result: Recognised) -> list[Sight]:
    """The files of a group that no other one contains; the others are noted."""
    if len(alike) > 1:
        for sight in alike:
            if sight.total is None:
                sight.total = measure(sight.listed, ())[0]
        alike = sorted(alike, key=lambda s: (-(s.total or 0), not s.is_unchanged, s.listed.name))
    standing: list[Sight] = []
    for sight in alike:
        holder = next((other for other in standing if _contains(other, sight)), None)
        if holder is None:
            standing.append(sight)
            continue
        if holder.total == sight.total:
            holder.raws += sight.raws
        result.notes.append((sight.listed.name, f"it holds nothing that {holder.listed.name} does not hold"))
    return standing


def _contains(longer: Sight, shorter: Sight) -> bool:
    if longer.raws[0] == shorter.raws[0]:
        return True
    if longer.is_unchanged and shorter.is_unchanged:
        return longer.known == shorter.known
    if longer.listed.container == "parquet" or not longer.first.startswith(shorter.first) or shorter.total is None:
        return False
    return measure(longer.listed, [shorter.total])[1].get(shorter.total) == measure(shorter.listed, ())[2]
