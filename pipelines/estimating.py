"""What a backfill would do (`--dry-run`): nothing is written, no stream is read."""

import glob
from collections import Counter
from pathlib import Path

from pipelines.choosing import choose_formats
from pipelines.cli.progress import Progress
from pipelines.ingest import unread_topics
from pipelines.lake.lake import Lake
from pipelines.lake.sources import Register, register_of
from pipelines.request import Estimate, Request, SourceEstimate
from pipelines.sources.brokers import is_topic
from pipelines.sources.files import FileSource, expansion, head, list_sources
from pipelines.sources.ranges import Piece, plan_ranges
from schemas.errors import SourceRefused

_START_SECONDS, _SECONDS_PER_RECORD, _SECONDS_PER_BYTE = 5.0, 10e-6, 30e-9
"""Whole job, 2 cores, fitted by eye: 1,000,000 canonical records of 530 bytes in 25 s, 150,000 LiteLLM payloads of 2.8 KB in 15 s
(docs/performance.md), 638,440 canonical records of 1.5 KB in 48 s (docs/measured.md)."""

_LOOKED_AT = 1_000_000
"""Decompressed bytes of a source's beginning from which its records and its size are told."""

_LAKE_SHARE = {"litellm": 0.03}
_DEFAULT_LAKE_SHARE = 0.25
"""Bytes of lake a byte of decompressed log; a LiteLLM payload is mostly constants."""


def estimate(request: Request, progress: Progress) -> Estimate:
    """What a backfill would read of its sources that the lake does not have, how long it would take, and how much disk.

    Records are counted from the length of those at a source's beginning, in Parquet exactly.

    Raises:
        SourceRefused: a pattern matches nothing, or names a stream, which cannot be looked at without reading it.
        LakeError: the lake exists and cannot be read.
    """
    for pattern in request.sources:
        for name in [pattern, *glob.glob(pattern, recursive=True)]:  # noqa: PTH207 - as list_sources expands
            if name == "-" or _is_stream(Path(name)):
                raise SourceRefused(name, "a stream cannot be estimated", "name files, or leave --dry-run out")
    progress.begin("look at the sources")
    files = [pattern for pattern in request.sources if not is_topic(pattern)]
    chosen = choose_formats(list_sources(files, request.lake), request)
    register = _register(request.lake)
    planned = plan_ranges(
        chosen.sources,
        register,
        range_bytes=request.policy.ingest.range_megabytes * 1_000_000,
        since=request.since,
        until=request.until,
        topics=unread_topics(request, register),
    )
    records: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    disk, size = 0.0, 0
    listed = {source.name: source for source in chosen.sources}
    for piece in (piece for spec in planned.ranges for piece in spec.pieces):
        source = listed.get(piece.name)
        there = _bytes(source, piece)
        records[piece.name] += _records(source, piece, there)
        sizes[piece.name] += there
        size += there
        disk += there * _LAKE_SHARE.get(piece.format, _DEFAULT_LAKE_SHARE)
    refused = [*chosen.refused, *planned.refused]
    left_out = {name for name, _ in refused}
    remarks = chosen.why | dict(planned.notes)
    told = [
        SourceEstimate(s.name, s.format, s.size, records[s.name], remarks.get(s.name, ""))
        for s in chosen.sources
        if s.name not in left_out
    ]
    told += [
        SourceEstimate(s.name, s.format, sizes[s.name], records[s.name], remarks.get(s.name, ""))
        for s in planned.sightings
        if s.container == "topic"
    ]
    told += [SourceEstimate(name, None, 0, 0, reason) for name, reason in refused]
    seconds = records.total() * _SECONDS_PER_RECORD + size * _SECONDS_PER_BYTE
    return Estimate(tuple(told), _START_SECONDS + seconds if size else 0.0, int(disk))


def _register(root: Path) -> Register:
    """What the lake has read, nothing where there is no lake."""
    if not (root / "_stillwatch" / "lake.json").exists():
        return {}
    return register_of(Lake.open(root))


def _bytes(source: FileSource | None, piece: Piece) -> int:
    """Decompressed bytes of a piece; of a compressed file from its beginning on, as many as that expands to."""
    if source is None or source.compression == "none" or piece.start:
        return piece.size
    return round(source.size * expansion(source, _LOOKED_AT))


def _records(source: FileSource | None, piece: Piece, size: int) -> int:
    """About how many records a piece of so many bytes has; of a topic, how many messages."""
    if (piece.container == "parquet" or source is None) and piece.end is not None:
        return piece.end - piece.start
    assert source is not None  # noqa: S101 - only topics are not listed, and their pieces have ends
    start = head(source, _LOOKED_AT)
    return round(size * max(start.count(b"\n"), 1) / max(len(start), 1))


def _is_stream(path: Path) -> bool:
    return path.is_fifo() or path.is_char_device() or path.is_socket()
