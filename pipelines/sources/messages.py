"""The records of a topic's messages, in blocks of bounded size: a record, lines, an array, a document or Arrow a message."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from types import TracebackType
from typing import Any, Self

import numpy as np
from confluent_kafka import Consumer, KafkaError, TopicPartition

from pipelines.sources.arrow_messages import FIRST_BYTES, Unreadable, is_arrow, read_table
from pipelines.sources.boxes import Span
from pipelines.sources.brokers import SCHEME, BrokerGone, KafkaConfig
from pipelines.sources.cutter import Broken, Cutter, End, digest_of
from pipelines.sources.ranges import Piece
from pipelines.sources.reading import Rows
from pipelines.sources.streams import CHUNK_BYTES
from schemas.errors import SourceMoved
from transforms.ingest.adapter import Block, Joints
from transforms.ingest.registry import framing_of

INSIDE_BITS = 24
"""Bits of a position that count bytes inside a message; those above are its offset."""

LARGEST_MESSAGE = (1 << INSIDE_BITS) - 1
LARGEST_OFFSET = (1 << (63 - INSIDE_BITS)) - 1

_AT_ONCE = 5_000  # messages a call hands over: more gain nothing
_SLICE_SECONDS = 0.5
_SAMPLE_BYTES, _SAMPLE_MESSAGES = 65_536, 500
_EMPTY = "message without a value"
_FIRST = itemgetter(0)
_ARROW_BYTES = frozenset(map(_FIRST, FIRST_BYTES))


@dataclass(frozen=True)
class Sample:
    """The first messages of a partition.

    Attributes:
        text: their text, a message a line, as far as it tells a format.
        mean_bytes: how long a message is, gaps included; 0 where there is none.
        has_tables: there are blocks of Arrow among them, which hold canonical records.
    """

    text: bytes = b""
    mean_bytes: int = 0
    has_tables: bool = False


@dataclass(frozen=True)
class LeftOut:
    """Messages without a record, by the rule that leaves them out.

    Attributes:
        rule: the rule.
        count: how many.
    """

    rule: str
    count: int


class Taker:
    """Takes messages of partitions, from exactly one offset to another; several partitions one after the other.

    Args:
        brokers: where to begin.
        config: how they are reached.
        seconds: how long to wait while nothing comes.
    """

    def __init__(self, brokers: str, config: KafkaConfig, seconds: float) -> None:
        self._brokers, self._seconds, self._last = brokers, seconds, ""
        self._consumer = Consumer(
            config.client(
                brokers,
                **{
                    "group.id": "stillwatch",  # asked for by the library; never joined, nothing is committed to it
                    "enable.auto.commit": False,
                    "enable.auto.offset.store": False,
                    "enable.partition.eof": True,
                    "auto.offset.reset": "error",
                    "fetch.wait.max.ms": 100,
                    "queued.max.messages.kbytes": 32_768,
                    "error_cb": self._heard,
                },
            )
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._consumer.close()

    def take(self, topic: str, partition: int, bounds: Span, at_once: int = _AT_ONCE) -> Iterator[list[Any]]:
        """The messages with offsets in [start, end), in order; offsets that hold none are passed over.

        Raises:
            BrokerGone: nothing came for as long as is waited.
            SourceMoved: the first offsets are gone, or the topic is.
        """
        start, end = bounds
        where = f"{SCHEME}{self._brokers}/{topic}/{partition}"
        if start >= end:
            return
        self._consumer.assign([TopicPartition(topic, partition, start)])
        heard = time.monotonic()
        while True:
            # The library waits for as many as it is asked for: asked for more than there are, it waits for nothing.
            messages: list[Any] = self._consumer.consume(max(1, min(at_once, end - start)), _SLICE_SECONDS)
            errors = [message for message in messages if message.error() is not None]
            good = [message for message in messages if message.error() is None] if errors else messages
            wanted = [message for message in good if message.offset() < end] if _is_past(good, end) else good
            if wanted:
                start = wanted[-1].offset() + 1
                yield wanted
                heard = time.monotonic()  # what is made of them takes its own time
            if _is_past(good, end) or (good and good[-1].offset() == end - 1):
                break
            if any(_reaches(message, end, where) for message in errors):
                break
            if time.monotonic() - heard > self._seconds:
                why = f" ({self._last})" if self._last else ""
                raise BrokerGone(
                    where,
                    f"nothing came for {self._seconds:,.0f} s, and offsets up to {end - 1:,} were there{why}",
                    "check the brokers, the network and --kafka-config, and run the command again",
                )
        self._consumer.unassign()

    def sample(self, topic: str, partition: int, bounds: Span) -> Sample:
        """The first messages, as many as tell their format and length."""
        texts: list[bytes] = []
        size, last, has_tables = 0, bounds[0], False
        for messages in self.take(topic, partition, bounds, _SAMPLE_MESSAGES):
            for message in messages:
                value = message.value() or b""
                size, last = size + len(value), message.offset() + 1
                has_tables = has_tables or is_arrow(value)
                texts.append(b"" if is_arrow(value) else value[:_SAMPLE_BYTES])
            if size >= _SAMPLE_BYTES or len(texts) >= _SAMPLE_MESSAGES:
                break
        self._consumer.unassign()
        text = b"\n".join(text for text in texts if text)[:_SAMPLE_BYTES]
        return Sample(text, -(-size // max(1, last - bounds[0])), has_tables)

    def _heard(self, error: KafkaError) -> None:
        self._last = str(error.str()).strip().rstrip(".")


def read_messages(
    piece: Piece, taker: Taker, record_bytes: int, chunk: int = CHUNK_BYTES
) -> Iterator[Block | Rows | Broken | LeftOut | End]:
    """The records of the messages [start, end) of a partition, in order; an End last.

    The position of a record is its message's offset times 2**24, plus where in the message it begins. Short messages come
    together in one block, so that they are decoded together.

    Args:
        piece: what to read.
        taker: connected to the piece's brokers.
        record_bytes: policy ingest.record_bytes.
        chunk: about how long a block is.
    """
    assert piece.end is not None  # noqa: S101 - offsets are known when they are planned
    held, offsets_held = list[bytes](), list[int]()
    size = empty = 0
    most = min(record_bytes, LARGEST_MESSAGE)
    at_once = max(1, min(_AT_ONCE, chunk * (piece.end - piece.start) // max(1, piece.size)))
    for messages in taker.take(piece.topic, piece.partition, (piece.start, piece.end), at_once):
        values = [message.value() or b"" for message in messages]
        offsets = [message.offset() for message in messages]
        if not _are_lines(values, most):
            lines = []
            for place, (value, offset) in enumerate(zip(values, offsets, strict=True)):
                if not value:
                    empty += 1
                elif len(value) > most:
                    yield from _long(value, offset, record_bytes)
                elif is_arrow(value):
                    yield _table(value, offset, record_bytes)
                elif b"\n" in value and framing_of(value) == "document":
                    yield Block(value, offset << INSIDE_BITS, 1, "document")
                else:
                    lines.append(place)
            values, offsets = [values[place] for place in lines], [offsets[place] for place in lines]
        held += values
        offsets_held += offsets
        size += sum(map(len, values)) + len(values)
        if size >= chunk:
            yield _joined(held, offsets_held)
            held, offsets_held, size = [], [], 0
    if held:
        yield _joined(held, offsets_held)
    if empty:
        yield LeftOut(_EMPTY, empty)
    yield End(piece.end, 0, 0, (0, ""), ())


def _are_lines(values: Sequence[bytes], most: int) -> bool:
    """Whether each message is a line; asked of all together, as topics have nothing else."""
    lengths = set(map(len, values))
    if 0 in lengths or max(lengths) > most or not _ARROW_BYTES.isdisjoint(map(_FIRST, values)):
        return False
    return b"\n" not in b"".join(values)  # putting them together costs less than asking one by one


def _table(value: bytes, offset: int, record_bytes: int) -> Rows | Broken:
    try:
        return Rows(read_table(value, record_bytes), offset << INSIDE_BITS)
    except Unreadable as error:
        why = f"a message: {error}"
        return Broken(offset << INSIDE_BITS, len(value), "damaged_stream", None, digest_of(value), why)


def _joined(values: Sequence[bytes], offsets: Sequence[int]) -> Block:
    lengths = np.fromiter(map(len, values), np.int64, len(values)) + 1
    starts = np.cumsum(lengths) - lengths
    positions = np.fromiter(offsets, np.int64, len(values)) << INSIDE_BITS
    return Block(b"\n".join([*values, b""]), 0, 1, "lines", Joints(starts, positions))


def _long(value: bytes, offset: int, record_bytes: int) -> Iterator[Block | Broken]:
    """A message that is longer than a record may be: its lines, if these are not."""
    base = offset << INSIDE_BITS
    if len(value) > LARGEST_MESSAGE or framing_of(value) == "document":
        yield Broken(base, len(value), "too_long", 1, digest_of(value), f"a message of {len(value):,} bytes")
        return
    cutter = Cutter(0, None, record_bytes, "take", 0)
    for part in (*cutter.feed(value), *cutter.finish()):
        if isinstance(part, Block):
            yield Block(part.data, base + part.offset, part.line, part.framing)
        else:
            yield Broken(base + part.position, part.length, part.reason, part.line, part.digest, part.why)


def _is_past(messages: Sequence[Any], end: int) -> bool:
    return bool(messages) and messages[-1].offset() >= end


def _reaches(message: Any, end: int, where: str) -> bool:
    """Whether a partition's end was met at or behind an offset; what else is wrong is raised, or passes by itself."""
    error = message.error()
    code = error.code()
    if code == KafkaError._PARTITION_EOF:
        return bool(message.offset() >= end)
    if code in (KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE):
        raise SourceMoved(
            where, f"the first of the offsets before {end:,} are no longer there", "run the command again"
        )
    if code in (KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.UNKNOWN_TOPIC_OR_PART):
        raise SourceMoved(
            where, f"it can no longer be read ({error.str()})", "restore the topic, or the right to read it"
        )
    return False
