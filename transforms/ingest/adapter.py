"""The one signature of every log format: bytes of whole records in, events and rejects out."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt
import polars as pl

from schemas.event import EVENT, Presence
from schemas.policy import Policy, SourceRule
from schemas.reject import REJECT
from transforms.ingest.key import FingerprintKey

Framing = Literal["lines", "document"]
"""How records lie in a text: one JSON value (or array of them) a line, or one JSON value over all lines."""


@dataclass(frozen=True)
class Context:
    """What a decoder knows besides the bytes.

    Attributes:
        source: identity of the file or topic-partition.
        source_name: its name as listed.
        rule: who is the account in this source.
        policy: bounds of times and lengths, API paths.
        key: what fingerprints are keyed with.
    """

    source: str
    source_name: str
    rule: SourceRule
    policy: Policy
    key: FingerprintKey


@dataclass(frozen=True)
class Joints:
    """Where a block is put together from texts that lie apart in their source, such as messages; each ends a line.

    Attributes:
        starts: first byte of each text in the block, ascending from 0.
        positions: position of each text's first byte in the source.
    """

    starts: npt.NDArray[np.int64]
    positions: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Block:
    """Some whole records of a source.

    Attributes:
        data: their bytes, decompressed.
        offset: offset of the first byte in the decompressed source.
        line: number of the first line, from 1.
        framing: how records lie in it.
        joints: of which texts it was put together; None where it is one stretch of its source. Lines count in each text
            from 1, and `offset` and `line` mean nothing.
    """

    data: bytes
    offset: int
    line: int
    framing: Framing = "lines"
    joints: Joints | None = None


@dataclass(frozen=True)
class Decoded:
    """What became of a block's records: `records` = events + rejects + ignored.

    Attributes:
        events: EVENT rows, in no particular order.
        rejects: REJECT rows.
        ignored: records left out by a stated rule, by that rule.
        unknown_fields: records by the name of a top-level field the format does not know; the field is not read.
    """

    events: pl.DataFrame
    rejects: pl.DataFrame
    ignored: dict[str, int] = field(default_factory=dict)
    unknown_fields: dict[str, int] = field(default_factory=dict)

    @property
    def records(self) -> int:
        """How many records there were."""
        return self.events.height + self.rejects.height + sum(self.ignored.values())


@dataclass(frozen=True)
class Guess:
    """How much the head of a source looks like a format.

    Attributes:
        confidence: 0 (no) to 1 (certainly).
        why: what was seen, one clause without any text of the records.
    """

    confidence: float
    why: str


class Adapter(Protocol):
    """One log format.

    A module of this room that defines `ADAPTER` adds a format; nothing else has to be told (transforms.ingest.registry).
    Every adapter keeps these rules, and the conformance suite proves them for each: damage is a reject and never an
    exception; whether a record is accepted depends on the record alone, not on its block; no text survives.

    Attributes:
        name: what `--format` calls it.
        presence: the most a record of the format can carry; single records may carry less.
        documentation: what is read from where, and the stated rules, as Markdown.
    """

    name: str
    presence: Presence
    documentation: str

    def sniff(self, head: bytes) -> Guess:
        """How much the first bytes of a source look like this format."""

    def decode(self, block: Block, context: Context) -> Decoded:
        """The block's records as events and rejects."""


def merged(parts: Iterable[Decoded]) -> Decoded:
    """Several results of one source as one, in the order of their contracts' keys."""
    events, rejects = [EVENT.empty()], [REJECT.empty()]
    ignored: Counter[str] = Counter()
    unknown: Counter[str] = Counter()
    for part in parts:
        events.append(part.events)
        rejects.append(part.rejects)
        ignored.update(part.ignored)
        unknown.update(part.unknown_fields)
    return Decoded(EVENT.conform(pl.concat(events)), REJECT.conform(pl.concat(rejects)), dict(ignored), dict(unknown))
