"""What was read of every source, as of a run."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import polars as pl

from pipelines.lake.lake import Lake
from pipelines.lake.state import Manifest, States, manifest_of
from pipelines.sources.boxes import Box, Span, tidy
from pipelines.sources.cutter import End, digest_of
from pipelines.sources.known import NAMES_KEPT, Known, Sighting
from pipelines.sources.ranges import still_taken
from schemas.errors import LakeError

Register = dict[str, Known]
"""Sources by id. Only the register of the last committed run counts; it is stored in parts, by first digit of the id,
so that a run which touches few sources writes little."""

_STAGE = "sources"
_PARTS = "0123456789abcdef"
_LATEST_KEPT = 100
"""Latest event times remembered a source; more than policy time.progress_events asks for, so that it may be raised."""


@dataclass(frozen=True)
class Done:
    """What a worker reports of one piece.

    Attributes:
        source: the source's id.
        start: as planned.
        end: as planned; None for the end of the stream.
        times: event times taken.
        events: events appended.
        latest: what `latest_times` says of them.
        ending: the End that reading yielded, if it did.
        bytes: of a topic, how long the messages were together.
    """

    source: str
    start: int
    end: int | None
    times: tuple[Span, ...]
    events: int
    latest: tuple[tuple[int, str], ...]
    ending: End | None = None
    bytes: int = 0

    def to_json(self) -> dict[str, Any]:
        """Plain JSON, for the message from worker to driver."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return plain

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Done":
        """The inverse of `to_json`."""
        return msgspec.convert(data, cls)


def read_register(states: States, manifest: Mapping[str, str]) -> Register:
    """The register that a run's manifest names; empty before the first run.

    Raises:
        LakeError: a part is missing or damaged.
    """
    register: Register = {}
    for part in _PARTS:
        name = manifest.get(f"{_STAGE}/{part}")
        if name is None:
            continue
        try:
            entries = msgspec.json.decode(states.read(name), type=list[Known])
        except msgspec.DecodeError as error:
            raise LakeError(
                name, "the register of sources does not decode", "use the stillwatch that wrote it"
            ) from error
        register |= {known.source: known for known in entries}
    return register


def register_of(lake: Lake) -> Register:
    """What was read of every source as of the last run of a lake.

    Raises:
        LakeError: a part is missing or damaged.
    """
    return read_register(States(lake.root), manifest_of(lake))


def named(register: Register, counts: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Counts of events by source (accepted, duplicates, too_late) as the table `runs` has them."""
    rows = []
    for count in counts:
        known = register.get(count["source"])
        name = known.names[-1] if known is not None and known.names else count["source"]
        zeros = dict.fromkeys(("records", "appended", "ignored", "rejects"), 0)
        told = None if known is None else known.format
        rows.append(zeros | dict(count) | {"name": name, "format": told, "refused_because": None})
    return rows


def write_register(states: States, run_id: str, register: Register, changed: Collection[str]) -> Manifest:
    """Stores the parts in which something changed; returns their entries for the run's manifest."""
    parts: dict[str, list[Known]] = defaultdict(list)
    for _, known in sorted(register.items()):
        parts[known.source[0]].append(known)
    written = {}
    for part in sorted({source[0] for source in changed}):
        written[f"{_STAGE}/{part}"] = states.write(_STAGE, part, run_id, msgspec.json.encode(parts[part]))
    return written


def after_run(register: Register, sightings: Iterable[Sighting], done: Iterable[Done]) -> tuple[Register, set[str]]:
    """The register after a run, and the ids that changed; independent of the order of its arguments."""
    result = dict(register)
    by_source: dict[str, list[Done]] = defaultdict(list)
    for piece in done:
        by_source[piece.source].append(piece)
    for sighting in sightings:
        known = _after_sighting(result.get(sighting.source), sighting, by_source.get(sighting.source, []))
        if known is not None:
            result[sighting.source] = known
    return result, {source for source, known in result.items() if register.get(source) != known}


def with_events(register: Register, came: Iterable[tuple[str, int, Iterable[tuple[int, str]]]]) -> Register:
    """The register after events were taken from bytes that were read before: source, how many, their latest times."""
    result = dict(register)
    for source, events, latest in came:
        known = result[source]
        result[source] = replace(known, events=known.events + events, latest=_latest([*known.latest, *latest]))
    return result


def latest_times(events: pl.DataFrame) -> tuple[tuple[int, str], ...]:
    """The latest event times among rows with `time` and `event_id`, latest first, repeated events counted once."""
    rows = events.select(pl.col("time").cast(pl.Int64), "event_id")
    few = rows.top_k(8 * _LATEST_KEPT, by=["time", "event_id"]).unique()
    if few.height < _LATEST_KEPT < rows.height:
        few = rows.unique()
    return _latest((time, digest_of(event_id.encode())) for time, event_id in few.iter_rows())


def _after_sighting(known: Known | None, sighting: Sighting, done: list[Done]) -> Known | None:
    if sighting.container == "topic":
        return _after_topic(known, sighting, done)
    former = known or Known(sighting.source, (), sighting.container, sighting.format, sighting.framing)
    ending = next((piece.ending for piece in done if piece.ending is not None), None)
    if sighting.length is None and ending is None:
        # The end of a compressed stream was not met: at most parts that were known before were read for other times.
        return None if known is None else _with_done(former, known.taken, done)
    if sighting.length is not None and sighting.check is not None:
        seen = replace(former, length=sighting.length, check=sighting.check, open_line=sighting.open_line)
    else:
        assert ending is not None  # noqa: S101 - checked above
        seen = replace(
            former, length=ending.read_until, check=ending.check, open_line=ending.open_line, left=ending.left
        )
    gaps = {gap for piece in done if piece.ending is not None for gap in piece.ending.gaps}
    same = former.raws if (seen.length, seen.left) == (former.length, former.left) else ()
    raws = (*(raw for raw in same if raw not in sighting.raws), *sighting.raws)
    seen = replace(
        seen,
        names=(*(name for name in former.names if name != sighting.name), sighting.name)[-NAMES_KEPT:],
        ladder=max(former.ladder, sighting.ladder, key=lambda ladder: ladder[-1][0] if ladder else 0),
        raws=raws[-NAMES_KEPT:],
        gaps=tuple(sorted(gaps if sighting.reread_gaps else gaps.union(former.gaps))),
    )
    return _with_done(seen, still_taken(known, sighting), done)


def _after_topic(known: Known | None, sighting: Sighting, done: list[Done]) -> Known:
    """A partition of a topic: what of it was there, was read, and was gone before it was read."""
    former = known or Known(sighting.source, (), "topic", sighting.format, "lines", begin=sighting.begin)
    read = sum(piece.end - piece.start for piece in done if piece.end is not None)
    lost = {gap for piece in done if piece.ending is not None for gap in piece.ending.gaps}
    seen = replace(
        former,
        names=(*(name for name in former.names if name != sighting.name), sighting.name)[-NAMES_KEPT:],
        format=sighting.format,
        length=sighting.length or 0,
        gaps=tuple(sorted(lost.union(former.gaps, sighting.lost))),
        topic_id=sighting.topic_id or former.topic_id,
        mean_bytes=sum(piece.bytes for piece in done) // read if read else former.mean_bytes or sighting.mean_bytes,
    )
    return _with_done(seen, (*former.taken, *(Box(low, high) for low, high in sighting.lost)), done)


def _with_done(known: Known, taken: tuple[Box, ...], done: list[Done]) -> Known:
    boxes = [
        Box(piece.start, known.length if piece.end is None else piece.end, since, until)
        for piece in done
        for since, until in piece.times
    ]
    return replace(
        known,
        taken=tidy([*taken, *boxes]),
        latest=_latest(entry for entries in [known.latest, *(piece.latest for piece in done)] for entry in entries),
        events=known.events + sum(piece.events for piece in done),
    )


def _latest(entries: Iterable[tuple[int, str]]) -> tuple[tuple[int, str], ...]:
    return tuple(sorted(set(entries), reverse=True)[:_LATEST_KEPT])
