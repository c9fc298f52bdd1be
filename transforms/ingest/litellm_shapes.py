"""LiteLLM payloads of a shape that comes again and again: only what differs between them is read."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from transforms.ingest.chat import REDACTED
from transforms.ingest.columns import frame_of, number, whole
from transforms.ingest.framing import Lines, Pieces, is_utf8
from transforms.ingest.json_reader import JsonReader
from transforms.ingest.litellm_paths import CALL_IDS, NAMES, NUMBERS, SESSIONS, is_read, source_of, texts_of, value_at
from transforms.ingest.litellm_payload import Call, Moment, Whole
from transforms.ingest.litellm_values import COLUMNS, name_of, values_of
from transforms.ingest.moments import microseconds
from transforms.ingest.shape import Bools, Fitting, Ints, Path, Plan, Use, commonest, fit, learn
from transforms.ingest.shape_values import kinds, numbers, strings, texts

LEAST_RECORDS = 128
"""Fewer records of a shape are read one by one: to learn and to apply a shape costs as much as a hundred records."""

_SAMPLES = 4
_LOOK = 32  # lines among which the samples are chosen
_NAME_END = b'":'
_GOLDEN = (5**0.5 - 1) / 2  # multiples of it fall everywhere between whole numbers
_TURNS = 3  # a shape learns from lines that do not fit it, so often
_MOST_SHAPES = 8  # looked for in a block
_MOST_FAILURES = 2  # of looking for one
_MOST_KINDS = 16  # records there must be for each kind told apart: a kind costs as much as a record read one by one

_READER = JsonReader(Call)
_KIND_OF = {path: kind for paths, kind in NUMBERS.values() for path in paths}
_VALUES: dict[Path, Use | None] = dict.fromkeys(
    [*(path for paths in (*NAMES.values(), SESSIONS) for path in paths), *_KIND_OF], "value"
)
_AS_COLUMN: dict[Any, Any] = {Moment: microseconds, Whole: whole, float: number}


@dataclass(frozen=True)
class Shaped:
    """Payloads read by their shape.

    Attributes:
        draft: the columns of litellm_values.COLUMNS.
        rows: for each of them, which piece it was.
        others: the other pieces.
        unknown: records by the name of an unknown field.
    """

    draft: pl.DataFrame
    rows: Ints
    others: Ints
    unknown: Counter[str]


def read_shapes(pieces: Pieces, header: str) -> Shaped | None:
    """The payloads of common shapes, read as `values_of` reads them one by one; None where there are none.

    Args:
        pieces: the records.
        header: the request header with the client fingerprint.
    """
    lines = pieces.texts
    if len(lines) < LEAST_RECORDS or not isinstance(lines, Lines):
        return None
    first = np.frombuffer(lines.data, np.uint8)[lines.starts]
    if (first != ord("{")).any():  # arrays, perhaps
        return None
    left = np.arange(len(lines))
    if not is_utf8(lines.data):
        beyond_ascii = np.flatnonzero(np.frombuffer(lines.data, np.uint8) >= 0x80)
        suspects = np.unique(np.searchsorted(lines.ends, beyond_ascii)).tolist()
        left = np.delete(left, [row for row in suspects if row < len(lines) and not is_utf8(lines[row])])
    parts: list[_Part] = []
    failures = 0
    is_left, is_open = np.ones(len(lines), dtype=np.bool_), np.ones(len(lines), dtype=np.bool_)
    for turn in range(_MOST_SHAPES):
        if len(left) < LEAST_RECORDS or failures == _MOST_FAILURES:
            break
        part, alike = _one_shape(pieces, lines, left, turn, header)
        if part is None:
            failures += 1
        else:
            parts.append(part)
            is_left[part.rows] = False
        is_open[alike] = False  # what looked so and is not of the part is not looked at again
        left = left[is_open[left]]
    if not parts:
        return None
    unknown: Counter[str] = Counter()
    for part in parts:
        unknown.update(dict.fromkeys(part.unknown, len(part.rows)))
    drafts, rows = pl.concat([part.draft for part in parts]), np.concatenate([part.rows for part in parts])
    return Shaped(drafts, rows, np.flatnonzero(is_left), unknown)


@dataclass(frozen=True)
class _Part:
    """Payloads of one shape: their draft, which pieces they were, and the unknown fields each of them has."""

    draft: pl.DataFrame
    rows: Ints
    unknown: tuple[str, ...]


def _one_shape(pieces: Pieces, lines: Lines, left: Ints, turn: int, header: str) -> tuple[_Part | None, Ints]:
    """What was read of the records that share a shape with most of some samples, and all records that look so."""
    samples = commonest(_spread(lines, left, turn))
    read = _READER.read(Pieces(samples[:1], pieces.positions[:1], None))
    if not read.records:
        return None, left[:0]
    call = read.records[0]
    if call.request_id is not None or isinstance(call.metadata, str):  # spend logs keep JSON inside texts
        return None, left[:0]
    given: dict[Path, Use | None] = {
        path: "text" if column is not None else None for path, column in texts_of(call).items()
    }
    plan = Plan(_VALUES | given, lambda path: is_read(path, header))
    shape = learn(samples, plan)
    fitting = None if shape is None else fit(shape, lines, left)
    for _ in range(_TURNS):
        if shape is None or fitting is None or len(left) - len(fitting.rows) < LEAST_RECORDS:
            break
        samples += _spread(lines, np.setdiff1d(left, fitting.rows, assume_unique=True), turn, samples[0])
        wider = learn(samples, plan)
        if wider is None or len(wider.holes) == len(shape.holes):  # the others are of other shapes
            break
        shape, fitting = wider, fit(wider, lines, left)
    if fitting is None:
        return None, left[:0]
    alike = fitting.rows
    draft = _draft(fitting, pieces, call, header) if len(alike) >= LEAST_RECORDS else None
    return None if draft is None else _Part(draft, fitting.rows, tuple(read.unknown)), alike


def _spread(lines: Lines, rows: Ints, turn: int, like: bytes | None = None) -> list[bytes]:
    """Some lines with the same number of names, be it that of a given one or the commonest, in each turn others."""
    places = np.arange(turn * _LOOK + 1, (turn + 1) * _LOOK + 1) * _GOLDEN % 1 * len(rows)
    found = [lines[row] for row in rows[places.astype(np.int64)].tolist()]
    names = [line.count(_NAME_END) for line in found]
    wanted = Counter(names).most_common(1)[0][0] if like is None else like.count(_NAME_END)
    return [line for line, count in zip(found, names, strict=True) if count == wanted][:_SAMPLES]


@dataclass(frozen=True)
class _Sources:
    """Where the columns that differ from record to record come from.

    Attributes:
        columns: for each column the path of the hole it is read from.
        texts: as of `texts_of`.
        session: the path of the session, in a hole or not; None where there is none.
    """

    columns: dict[str, Path]
    texts: dict[Path, str | None]
    session: Path | None

    @property
    def used(self) -> set[Path]:
        """The paths whose values are needed."""
        return {*self.columns.values(), CALL_IDS, *(() if self.session is None else (self.session,))}


def _sources(call: Call, fitting: Fitting) -> _Sources:
    holes = {hole.path for hole in fitting.shape.holes}
    chains = NAMES | {column: paths for column, (paths, _) in NUMBERS.items()}
    given = None if call.model_parameters is None else call.model_parameters.stream
    if True not in (call.stream, given):
        del chains["first_token"]
    columns = {column: path for column, paths in chains.items() if (path := source_of(call, paths, holes)) in holes}
    return _Sources(columns, texts_of(call), source_of(call, SESSIONS, holes))


def _draft(fitting: Fitting, pieces: Pieces, call: Call, header: str) -> pl.DataFrame | None:
    """The columns of the records that fit; drops from them what holds no string or number where its shape does."""
    sources = _sources(call, fitting)
    found, good = _found(fitting, sources)
    if not good.all():
        fitting.keep(good)
        found = {path: series.filter(pl.Series(good)) for path, series in found.items()}
    told_apart = [place for place, hole in enumerate(fitting.shape.holes) if hole.use == "kind"]
    firsts, kind_of = kinds(fitting, told_apart)
    if len(firsts) * _MOST_KINDS > len(kind_of):
        return None
    calls = [call]
    if told_apart:
        read = _READER.read(pieces.chosen(fitting.rows[firsts]))
        # Of some kinds the columns may come from elsewhere: roles decide which message is the prompt.
        is_same = np.zeros(len(firsts), dtype=np.bool_)
        is_same[
            [row for row, one in zip(read.rows, read.records, strict=True) if _sources(one, fitting) == sources]
        ] = True
        calls = [one for row, one in zip(read.rows, read.records, strict=True) if is_same[row]]
        good = is_same[kind_of]
        fitting.keep(good)
        found = {path: series.filter(pl.Series(good)) for path, series in found.items()}
        kind_of = (np.cumsum(is_same) - 1)[kind_of[good]]
    size = len(fitting.rows)
    if size < LEAST_RECORDS:
        return None
    draft = frame_of(values_of(calls, header), COLUMNS)
    draft = pl.DataFrame([series.new_from_index(0, size) for series in draft]) if len(calls) == 1 else draft[kind_of]
    made = {column: found[path] for column, path in sources.columns.items()}
    made |= {column: found[path] for path, column in sources.texts.items() if column and path in found}
    if sources.session is not None:
        made["conversation_id"] = _conversation(found, sources.session, call, size)
    return draft.with_columns(series.alias(column) for column, series in made.items())


def _found(fitting: Fitting, sources: _Sources) -> tuple[dict[Path, pl.Series], Bools]:
    """What is needed of the holes, and which records hold a string or number in each hole indeed, a name not empty."""
    found: dict[Path, pl.Series] = {}
    good = np.ones(len(fitting.rows), dtype=np.bool_)
    for place, hole in enumerate(fitting.shape.holes):
        path = hole.path
        if hole.use == "text":
            found[path], is_good = texts(fitting, place)
            good &= is_good
            if sources.texts[path]:
                good &= (found[path] != REDACTED).to_numpy()
        elif hole.use == "value" and hole.is_string:
            good &= fitting.ends[place] > fitting.begins[place]
            if path in sources.used:
                found[path] = strings(fitting, place)
        elif not hole.is_string and hole.use != "kind":
            kind = _KIND_OF[path] if hole.use == "value" else float
            values, is_good = numbers(fitting, place, kind)
            good &= is_good
            if path in sources.used:
                found[path] = _AS_COLUMN[kind](tuple(values))
    return found, good


def _conversation(found: dict[Path, pl.Series], session: Path, call: Call, size: int) -> pl.Series:
    """The sessions, but for those that are the call's own id: made up for this call."""

    def of(path: Path) -> pl.Series:
        value = name_of(value_at(call, path))
        return found[path] if path in found else pl.Series([value], dtype=pl.String).new_from_index(0, size)

    sessions = of(session)
    return sessions.set((sessions == of(CALL_IDS)).fill_null(value=False), None)
