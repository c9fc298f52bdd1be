"""Which offsets of which partitions have to be read: each one once, and never past what was lost unread.

The partition of a topic is one source, known by cluster, topic and number; a topic that was made anew is another one. The
lake alone remembers what was read: no offset is committed to a group of consumers.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby, pairwise

from pipelines.ingest_worker import rule_for
from pipelines.lake.times import to_micros
from pipelines.sources.boxes import EVER, Box, Span, Stretch, missing
from pipelines.sources.brokers import SCHEME, Address, Cluster, KafkaConfig, OffsetsLost, address
from pipelines.sources.known import Known, Sighting, new_id
from pipelines.sources.messages import LARGEST_OFFSET, Sample, Taker
from pipelines.sources.ranges import Piece, Unread
from schemas.errors import SourceMoved, SourceRefused
from schemas.policy import Policy
from transforms.ingest.registry import choose

_NAMED = 5
_LEAST_BYTES = 64  # of a message, for estimates: below, the broker's own overhead is more


@dataclass
class _Found:
    pieces: list[Piece] = field(default_factory=list)
    sightings: list[Sighting] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class TopicRequest:
    """How topics are to be read.

    Attributes:
        policy: the configuration.
        config: how brokers are reached.
        input_format: name of an adapter, or `auto`.
        since: first event time wanted.
        until: first event time not wanted any more.
        accepts_gaps: what is gone unread is recorded and passed over.
        is_live: a partition that cannot be read raises, because the command goes on and will look again.
    """

    policy: Policy
    config: KafkaConfig
    input_format: str = "auto"
    since: datetime | None = None
    until: datetime | None = None
    accepts_gaps: bool = False
    is_live: bool = False


def unread(uris: Sequence[str], register: Mapping[str, Known], asked: TopicRequest) -> Unread:
    """What topics hold that the register does not have yet.

    Args:
        uris: addresses of topics; a topic named twice is read once.
        register: what was read, by source id.
        asked: how.

    Raises:
        BrokerGone: nobody answers.
        OffsetsLost: offsets are gone that were not read, or a topic was made anew; nothing of any topic is planned then.
        SourceRefused: an address is none, there is no such topic, it may not be read.
    """
    found = _Found()
    wanted = sorted({(one.brokers, topic) for one in map(address, uris) for topic in one.topics})
    for brokers, topics in groupby(wanted, key=lambda entry: entry[0]):
        _look(Address(brokers, tuple(topic for _, topic in topics)), register, asked, found)
    if found.lost:
        rest = f", and {len(found.lost) - _NAMED} more" if len(found.lost) > _NAMED else ""
        raise OffsetsLost(
            found.lost[0].partition(": ")[0],
            f"records are lost unread ({'; '.join(found.lost[:_NAMED])}{rest})",
            "keep topics for longer than stillwatch may stand still, and give --accept-gap to record the loss and go on",
        )
    return Unread(tuple(found.pieces), tuple(found.sightings), tuple(found.refused), tuple(found.notes))


def require_same_topics(pieces: Iterable[Piece], sightings: Iterable[Sighting], config: KafkaConfig) -> None:
    """Nothing where every topic still is the one that was planned; of brokers that know no ids of topics, nothing is asked.

    Raises:
        SourceMoved: one was made anew meanwhile: what was read of it may be of either.
    """
    planned = {sighting.source: sighting.topic_id for sighting in sightings if sighting.topic_id}
    of_brokers: dict[str, dict[str, tuple[str, str]]] = {}
    for piece in pieces:
        if piece.source in planned:
            of_brokers.setdefault(piece.path, {})[piece.topic] = (piece.name, planned[piece.source])
    for brokers, topics in sorted(of_brokers.items()):
        with Cluster(brokers, config, 0) as cluster:
            ids = cluster.topic_ids(sorted(topics))
        for topic, (name, topic_id) in sorted(topics.items()):
            if ids[topic] not in ("", topic_id):
                raise SourceMoved(name, "the topic was made anew since it was looked at", "run the command again")


def _look(where: Address, register: Mapping[str, Known], asked: TopicRequest, found: _Found) -> None:
    seconds = asked.policy.kafka.wait_seconds
    with Cluster(where.brokers, asked.config, seconds) as cluster:
        cluster_id, partitions = cluster.partitions(where.topics)
        for topic, numbers in partitions.items():
            if not numbers:
                raise SourceRefused(where.name(topic), "there is no such topic", "correct the name, or create it")
        ids = cluster.topic_ids(where.topics)
        for topic, numbers in partitions.items():
            bounds = cluster.bounds(topic, numbers)
            of_topic = [_Partition(where, topic, number, ids[topic], bounds[number]) for number in numbers]
            _look_at_topic(of_topic, f"{SCHEME}{cluster_id}/{topic}", register, asked, found)


def _look_at_topic(
    partitions: "Sequence[_Partition]", identity: str, register: Mapping[str, Known], asked: TopicRequest, found: _Found
) -> None:
    """Looks at all partitions of a topic; where the messages of one tell no format, it is that of the others."""
    seen = []
    for partition in partitions:
        known = partition.recognised(f"{identity}/{partition.number}", register, asked, found)
        if known is not None:
            seen.append((partition, known))
    formats: dict[int, str] = {}
    unclear: dict[int, SourceRefused] = {}
    samples: dict[int, Sample] = {}
    for partition, known in seen:
        samples[partition.number] = Sample() if known.format else partition.sample(asked)
        try:
            formats[partition.number] = known.format or partition.format_of(samples[partition.number], asked, found)
        except SourceRefused as error:
            unclear[partition.number] = error
    usual = next((form for _, form in sorted(formats.items()) if form), None)
    for partition, known in seen:
        form = formats.get(partition.number, usual)
        if form is None:
            why = unclear[partition.number]
            if asked.is_live:
                raise why
            found.refused.append((partition.name, f"{why.problem}; {why.fix}"))
        else:
            partition.plan(known, form, samples[partition.number], asked, found)


@dataclass(frozen=True)
class _Partition:
    """A partition as it lies there."""

    where: Address
    topic: str
    number: int
    topic_id: str
    bounds: Span

    @property
    def name(self) -> str:
        """How it is called."""
        return self.where.name(self.topic, self.number)

    def recognised(
        self, identity: str, register: Mapping[str, Known], asked: TopicRequest, found: _Found
    ) -> Known | None:
        """What is known of it, of a new one nothing but id and beginning; None where something of it is lost."""
        name, (low, high) = self.name, self.bounds
        if high > LARGEST_OFFSET:
            raise SourceRefused(name, f"its offsets exceed {LARGEST_OFFSET:,}", "go on with a new topic")
        source, known, is_anew = self._source(identity, register)
        if is_anew and not asked.accepts_gaps:
            read_to = _read_to(register[source], high)
            found.lost.append(f"{name}: it was read up to offset {read_to:,}, and the topic was made anew since")
            return None
        if is_anew:
            source, known = new_id(identity.encode(), register), None
        if known is not None and _lost(known, low) and not asked.accepts_gaps:
            gone = ", ".join(f"{first:,} to {end - 1:,}" for first, end in _lost(known, low))
            found.lost.append(f"{name}: offsets {gone}")
            return None
        return known or Known(source, (), "topic", "", "lines", begin=low)

    def plan(self, known: Known, form: str, sample: Sample, asked: TopicRequest, found: _Found) -> None:
        """Adds what there is to read."""
        low, high = self.bounds
        lost = _lost(known, low)
        if lost:
            count = sum(end - first for first, end in lost)
            found.notes.append((self.name, f"{count:,} offsets from {lost[0][0]:,} on are lost unread"))
        sighting = Sighting(
            known.source, self.name, "topic", form, "lines", (), high, (0, ""), 0, (),
            begin=known.begin, topic_id=self.topic_id, mean_bytes=sample.mean_bytes, lost=lost,
        )  # fmt: skip
        found.sightings.append(sighting)
        taken = [*known.taken, *(Box(first, end) for first, end in lost)]
        mean = max(_LEAST_BYTES, sample.mean_bytes, known.mean_bytes)
        for stretch in missing(low, high, _times(asked), taken):
            found.pieces += self._pieces(sighting, stretch, mean, asked.policy)

    def sample(self, asked: TopicRequest) -> Sample:
        """Its first messages."""
        if self.bounds[0] >= self.bounds[1]:
            return Sample()
        with Taker(self.where.brokers, asked.config, asked.policy.kafka.wait_seconds) as taker:
            return taker.sample(self.topic, self.number, self.bounds)

    def format_of(self, sample: Sample, asked: TopicRequest, found: _Found) -> str:
        """The adapter for it; "" where there is no message yet.

        Raises:
            SourceRefused: its messages do not tell.
        """
        rule = rule_for(asked.policy, self.name)
        wanted = asked.input_format if asked.input_format != "auto" else rule.format
        if not sample.text.strip():
            return "canonical" if sample.has_tables else "" if wanted == "auto" else wanted
        adapter, _, reason = choose(sample.text, self.name, wanted)
        found.notes.append((self.name, f"{adapter.name} ({reason})"))
        return adapter.name

    def _source(self, identity: str, register: Mapping[str, Known]) -> tuple[str, Known | None, bool]:
        """The source's id, what is known of it, and whether that is of a topic that is there no more."""
        last, tried = "", set[str]()
        while (source := new_id(identity.encode(), tried)) in register:
            known = register[source]
            is_same = not known.topic_id or not self.topic_id or known.topic_id == self.topic_id
            if is_same and _read_to(known, 0) <= self.bounds[1]:
                return source, known, False
            last = source
            tried.add(source)
        return (last, register[last], True) if last else (source, None, False)

    def _pieces(self, sighting: Sighting, stretch: Stretch, mean: int, policy: Policy) -> Iterator[Piece]:
        step = max(1, policy.ingest.range_megabytes * 1_000_000 // mean)
        for low, high in pairwise([*range(stretch.start, stretch.end, step), stretch.end]):
            yield Piece(
                source=sighting.source,
                name=sighting.name,
                path=self.where.brokers,
                compression="none",
                container="topic",
                format=sighting.format or "canonical",
                framing="lines",
                start=low,
                end=high,
                stop=sighting.length,
                times=stretch.times,
                again=stretch.again,
                last_line="take",
                size=(high - low) * mean,
                topic=self.topic,
                partition=self.number,
            )


def _read_to(known: Known, default: int) -> int:
    """The offset behind the last one that was read."""
    return max((box.end for box in known.taken), default=default)


def _lost(known: Known, low: int) -> tuple[Span, ...]:
    """Offsets that were never read, for no event time, and are there no more."""
    if low <= known.begin:
        return ()
    ever = [Box(box.start, box.end) for box in known.taken]
    return tuple((stretch.start, stretch.end) for stretch in missing(known.begin, low, EVER, ever))


def _times(asked: TopicRequest) -> Span:
    return (
        EVER[0] if asked.since is None else to_micros(asked.since),
        EVER[1] if asked.until is None else to_micros(asked.until),
    )
