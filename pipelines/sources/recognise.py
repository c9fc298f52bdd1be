"""Which listed files are sources the lake knows, which are new, and which hold what another one holds."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
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
    claims: dict[str, list[Sight]] = defaultdict(list)
    fresh: list[Sight] = []
    for listed in sources:
        sight = _look(listed, result)
        if sight is None:
            continue
        sight.known = index.by_raw.get(sight.raws[0])
        if sight.known is not None:
            is_plain = listed.container == "text" and listed.compression == "none"
            sight.total = listed.size if is_plain else sight.known.length + sight.known.left
            sight.is_unchanged = True
        elif listed.container == "text":
            refused = _find_known(sight, index)
            if refused is not None:
                result.refused.append((listed.name, refused))
                continue
        if sight.known is None:
            fresh.append(sight)
        else:
            claims[sight.known.source].append(sight)
    used = set(register)
    for source, same in sorted(claims.items()):
        _settle(same, source, used, result)
    for alike in _alike(fresh):
        _settle(alike, None, used, result)
    result.sights.sort(key=lambda sight: sight.listed.name)
    return result


def _look(listed: FileSource, result: Recognised) -> Sight | None:
    """The file as it lies there; None after a refusal or a note."""
    if listed.refused is not None:
        result.refused.append((listed.name, listed.refused))
        return None
    if listed.size == 0:
        result.notes.append((listed.name, "it is empty"))
        return None
    try:
        sight = Sight(listed, [raw_mark(listed.path)])
        if listed.container == "parquet":
            sight.total = pq.read_metadata(listed.path).num_rows
            return sight
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


def _find_known(sight: Sight, index: _Index) -> str | None:
    """Sets the source that a changed file continues, if there is one; the reason if it must be refused."""
    listed = sight.listed
    for known in index.alike(sight.first):
        has_same_name = listed.name in known.names
        if not begins_like(known, sight.first):
            if has_same_name and len(sight.first) < HEAD_BYTES and was_shortened(known, sight.first):
                return _shortened(len(sight.first), known)
            continue
        total, marks, _ = measure(listed, [known.length])
        if total < known.length:
            return _shortened(total, known)
        # A document does not grow: its end is rewritten.
        if marks[known.length] == known.check and (known.framing == "lines" or total == known.length):
            sight.known, sight.total = known, total
            return None
    return None


def _shortened(total: int, known: Known) -> str:
    return (
        f"it holds {total:,} bytes, but {known.length:,} bytes that begin like it were read before (as "
        f"{known.names[-1]}), so it was cut off; restore it, or, if it is another log, give it another beginning"
    )


def _alike(fresh: Sequence[Sight]) -> list[list[Sight]]:
    """New files in groups within which one may be the beginning of another."""
    groups: list[list[Sight]] = []
    for sight in sorted((s for s in fresh if s.listed.container == "text"), key=lambda s: (s.first, s.listed.name)):
        # Sorted by their bytes, a beginning is directly followed by what goes on from it.
        if groups and sight.first.startswith(groups[-1][-1].first):
            groups[-1].append(sight)
        else:
            groups.append([sight])
    tables: dict[Mark, list[Sight]] = defaultdict(list)
    for sight in fresh:
        if sight.listed.container == "parquet":
            tables[sight.raws[0]].append(sight)
    return groups + list(tables.values())


def _settle(alike: list[Sight], source: str | None, used: set[str], result: Recognised) -> None:
    """Among files that may be the same source, the longest stands for it; shorter ones that it contains are noted."""
    if len(alike) > 1:
        for sight in alike:
            if sight.total is None:
                sight.total = measure(sight.listed, ())[0]
        alike.sort(key=lambda s: (-(s.total or 0), not s.is_unchanged, s.listed.name))
    standing: list[Sight] = []
    for sight in alike:
        holder = next((other for other in standing if _contains(other, sight)), None)
        if holder is not None:
            if holder.total == sight.total:
                holder.raws += sight.raws
            result.notes.append((sight.listed.name, f"it holds nothing that {holder.listed.name} does not hold"))
            continue
        if source is None or standing:
            sight.known, sight.is_unchanged = None, False
            sight.source = new_id(sight.first or repr(sight.raws[0]).encode(), used)
        else:
            sight.source = source
        used.add(sight.source)
        standing.append(sight)
    result.sights += standing


def _contains(longer: Sight, shorter: Sight) -> bool:
    if longer.raws[0] == shorter.raws[0]:
        return True
    if longer.listed.container == "parquet" or not longer.first.startswith(shorter.first) or shorter.total is None:
        return False
    return measure(longer.listed, [shorter.total])[1].get(shorter.total) == measure(shorter.listed, ())[2]
