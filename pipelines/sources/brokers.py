"""Which topics an address names, how their brokers are reached, and what lies there: nothing here reads a record."""

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from confluent_kafka import IsolationLevel, KafkaError, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._listoffsets import OffsetSpec

from schemas.errors import SourceRefused, StillwatchError

SCHEME = "kafka://"

_PORT = 9092
_ID_SECONDS = 5.0
_OURS = {
    "bootstrap.servers": "the address of the source names the brokers",
    "group.id": "the lake alone remembers what was read",
    "enable.auto.commit": "the lake alone remembers what was read",
    "enable.auto.offset.store": "the lake alone remembers what was read",
    "auto.offset.reset": "the plan of a run says where it begins",
    "enable.partition.eof": "the end of a partition has to be seen",
}
_SECRET = re.compile(r"password|secret|\.pem$|oauthbearer\.config|client\.assertion", re.IGNORECASE)
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")
_BROKER = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?")
_REFUSALS = (KafkaError._AUTHENTICATION, KafkaError._SSL, KafkaError.SASL_AUTHENTICATION_FAILED)
_NAMED = re.compile(r'property[: ]+"?([a-z0-9._]+)"?', re.IGNORECASE)

_log = logging.getLogger("stillwatch.kafka")
_log.addHandler(logging.NullHandler())
_log.propagate = False  # what matters is raised, in this project's words; librdkafka would write to stderr by itself


class BrokerGone(SourceRefused):
    """No broker answers; later one may."""


class OffsetsLost(SourceRefused):
    """Records that were to be read are no longer in their topic."""


@dataclass(frozen=True)
class Address:
    """What `kafka://BROKER[,BROKER]/TOPIC[,TOPIC]` says.

    Attributes:
        brokers: where to begin, as HOST:PORT[,HOST:PORT].
        topics: names, each once, in order.
    """

    brokers: str
    topics: tuple[str, ...]

    def name(self, topic: str, partition: int | None = None) -> str:
        """How a topic, or a partition of it, is called in messages, counts and `[source.NAME]` rules."""
        return f"{SCHEME}{self.brokers}/{topic}{'' if partition is None else f'/{partition}'}"


@dataclass(frozen=True)
class KafkaConfig:
    """Properties of librdkafka, with the secrets in them: travels in memory only, and shows nothing of itself."""

    properties: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    @property
    def isolation(self) -> IsolationLevel:
        """Whether records of open and aborted transactions are read: not unless the file says so."""
        is_all = dict(self.properties).get("isolation.level") == "read_uncommitted"
        return IsolationLevel.READ_UNCOMMITTED if is_all else IsolationLevel.READ_COMMITTED

    def client(self, brokers: str, **more: Any) -> dict[str, Any]:
        """The configuration of one client."""
        return {
            "client.id": "stillwatch",
            "allow.auto.create.topics": False,
            "logger": _log,
            **dict(self.properties),
            "bootstrap.servers": brokers,
            **more,
        }


def is_topic(pattern: str) -> bool:
    """Whether a source is an address of topics."""
    return pattern.startswith(SCHEME)


def address(uri: str) -> Address:
    """What an address of topics says; the port is 9092 where none is given.

    Raises:
        SourceRefused: it is not one; credentials in it are refused and not repeated.

    >>> address("kafka://b1,b2:9093/calls,chats")
    Address(brokers='b1:9092,b2:9093', topics=('calls', 'chats'))
    """
    fix = "write kafka://HOST:PORT/TOPIC, several hosts or topics with commas"
    if "@" in uri:
        raise SourceRefused(
            f"{SCHEME}...", "credentials do not belong into an address", "put them into the file of --kafka-config"
        )
    brokers, slash, topics = uri.removeprefix(SCHEME).partition("/")
    for broker in brokers.split(","):
        if _BROKER.fullmatch(broker) is None:
            raise SourceRefused(uri, f"{broker!r} is no address of a broker", fix)
    if not slash or not topics:
        raise SourceRefused(uri, "it names no topic", fix)
    for topic in topics.split(","):
        if _TOPIC.fullmatch(topic) is None or topic in (".", ".."):
            raise SourceRefused(uri, f"{topic!r} is no name of a topic", fix)
    whole = [broker if re.search(r":[0-9]+$", broker) else f"{broker}:{_PORT}" for broker in brokers.split(",")]
    return Address(",".join(whole), tuple(dict.fromkeys(topics.split(","))))


def read_config(path: Path | None, environ: Mapping[str, str]) -> KafkaConfig:
    """The properties in a file: `name=value` lines as librdkafka has them, `#` for remarks, `${NAME}` for the environment.

    Raises:
        StillwatchError: it cannot be read, a line is no property, a property is unknown, is decided elsewhere, or holds a
            secret that does not come from the environment. No value is ever repeated.
    """
    if path is None:
        return KafkaConfig()
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise StillwatchError(
            str(path), f"it cannot be read ({why})", "name a file of librdkafka properties"
        ) from error
    found: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, equals, value = (part.strip() for part in line.partition("="))
        where = f"{path}:{number}"
        if not equals or not re.fullmatch(r"[A-Za-z0-9._]+", name):
            raise StillwatchError(where, "it is no property", "write name=value")
        if name in _OURS or name.endswith("_cb"):
            raise StillwatchError(where, f"{name} is not configured here", _OURS.get(name, "leave it out"))
        if _SECRET.search(name) and _VARIABLE.fullmatch(value) is None:
            raise StillwatchError(where, f"{name} is a secret", "write ${NAME} and set NAME in the environment")
        for variable in _VARIABLE.findall(value):
            if variable not in environ:
                raise StillwatchError(where, f"{variable} is not in the environment", f"set it for {name}")
        found[name] = _VARIABLE.sub(lambda match: environ[match[1]], value)
    config = KafkaConfig(tuple(sorted(found.items())))
    try:
        AdminClient(config.client("127.0.0.1:1"))
    except KafkaException as error:
        named = _NAMED.search(str(error))
        what = "a property" if named is None else named[1]
        raise StillwatchError(
            str(path), f"{what} is unknown, or has an unusable value", "see librdkafka's CONFIGURATION.md"
        ) from None
    return config


class Cluster:
    """Asks brokers what they hold.

    Args:
        brokers: where to begin.
        config: how they are reached.
        seconds: how long an answer may take.
    """

    def __init__(self, brokers: str, config: KafkaConfig, seconds: float) -> None:
        self._brokers, self._config, self._seconds = brokers, config, seconds
        self._last = self._refused = ""
        self._admin = AdminClient(config.client(brokers, error_cb=self._heard))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._admin.poll(0)
        # It calls back to this object: without the collector, both and its threads would outlive the asking.
        del self._admin

    def partitions(self, topics: Sequence[str]) -> tuple[str, dict[str, list[int]]]:
        """The cluster's id (the brokers' address where it has none), and the partitions of topics; none of an absent one.

        Raises:
            BrokerGone: nobody answers.
            SourceRefused: a topic may not be read.
        """
        found = {}
        for topic in topics:
            try:
                about = self._admin.list_topics(topic, timeout=self._seconds)
            except KafkaException as error:
                raise self.gone(error) from error
            there = about.topics.get(topic)
            if there is not None and there.error is not None and "UNKNOWN_TOPIC" not in there.error.name():
                where = f"{SCHEME}{self._brokers}/{topic}"
                raise SourceRefused(where, f"it cannot be read ({there.error.name()})", "grant READ and DESCRIBE on it")
            found[topic] = sorted(there.partitions) if there is not None and there.error is None else []
        return about.cluster_id or self._brokers, found

    def topic_ids(self, topics: Sequence[str]) -> dict[str, str]:
        """What tells a topic from one of the same name before it; of brokers that do not know such ids, "" each."""
        ids = dict.fromkeys(topics, "")
        asked = self._admin.describe_topics(TopicCollection(list(topics)), request_timeout=_ID_SECONDS)
        for topic, answer in asked.items():
            try:
                ids[topic] = str(answer.result().topic_id)
            except KafkaException:
                continue  # offsets that went back still tell that a topic was made anew
        return {topic: "" if set(text) <= {"A", "=", "0", "-"} else text for topic, text in ids.items()}

    def bounds(self, topic: str, partitions: Sequence[int]) -> dict[int, tuple[int, int]]:
        """First offset of each partition, and the one behind its last record that may be read.

        Raises:
            BrokerGone: nobody answers, or a partition has no leader.
        """
        low = self._offsets(topic, partitions, OffsetSpec.earliest())  # type: ignore[no-untyped-call]
        high = self._offsets(topic, partitions, OffsetSpec.latest())  # type: ignore[no-untyped-call]
        return {partition: (low[partition], high[partition]) for partition in partitions}

    def gone(self, error: KafkaException | None = None) -> BrokerGone:
        """What to raise where nobody answers, or nobody who lets us in."""
        while self._admin.poll(0):
            pass  # what was heard meanwhile is told now
        where = f"{SCHEME}{self._brokers}"
        if self._refused:
            fix = "check the certificates, the user and the secret that --kafka-config names, and run the command again"
            return BrokerGone(where, f"it is not let in ({_sentence(self._refused)})", fix)
        why = self._last or ("no answer" if error is None else str(error.args[0].str()))
        fix = "check the address, the network and --kafka-config, and run the command again"
        return BrokerGone(where, f"no broker answers ({_sentence(why)})", fix)

    def _offsets(self, topic: str, partitions: Sequence[int], spec: OffsetSpec) -> dict[int, int]:
        asked = self._admin.list_offsets(
            {TopicPartition(topic, partition): spec for partition in partitions},
            isolation_level=self._config.isolation,
            request_timeout=self._seconds,
        )
        try:
            return {where.partition: int(answer.result().offset) for where, answer in asked.items()}
        except KafkaException as error:
            raise self.gone(error) from error

    def _heard(self, error: KafkaError) -> None:
        if error.code() in _REFUSALS:
            self._refused = error.str()
        elif error.code() != KafkaError._ALL_BROKERS_DOWN:  # says less than what went before
            self._last = error.str()


def _sentence(said: str) -> str:
    return said.strip().rstrip(".")
