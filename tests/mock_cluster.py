"""Brokers that librdkafka plays itself: the real protocol over loopback, without transactions, retention or a controller."""

from collections.abc import Iterable
from types import TracebackType
from typing import Any, Self

from confluent_kafka import Producer


class MockCluster:
    """One broker; topics have four partitions and appear when they are first written to.

    Attributes:
        address: HOST:PORT.
    """

    def __init__(self) -> None:
        self._producer = Producer(
            {"bootstrap.servers": "none", "test.mock.num.brokers": 1, "log_level": 2, "message.max.bytes": 50_000_000}
        )
        (broker,) = self._producer.list_topics(timeout=10).brokers.values()
        self.address = f"{broker.host}:{broker.port}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._producer.flush(10)

    def uri(self, *topics: str) -> str:
        """What a command line says."""
        return f"kafka://{self.address}/{','.join(topics)}"

    def write(self, topic: str, messages: Iterable[bytes | None], partition: int = 0, **more: Any) -> None:
        """Appends messages to a partition, and waits until they are there."""
        for message in messages:
            self._producer.produce(topic, message, partition=partition, **more)
            self._producer.poll(0)
        assert self._producer.flush(20) == 0
