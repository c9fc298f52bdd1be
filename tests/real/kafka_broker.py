"""A real Kafka broker on loopback: one process in KRaft mode, from jars whose digests are locked."""

import hashlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest
from confluent_kafka import KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewPartitions, NewTopic

RECIPE = Path(__file__).parent / "broker"
JARS = Path(__file__).parents[2] / ".kafka-broker"
_INSTALL_SECONDS, _START_SECONDS = 600, 180


def installed() -> Path:
    """The folder of the broker's jars, fetched once from Maven's registry and held against their digests.

    Where there is no Java or Maven, or the registry does not answer, the test is skipped, and fails in CI.
    """
    lock = (RECIPE / "jars.lock").read_text()
    done = JARS / "installed"
    if done.exists() and done.read_text() == lock:
        return JARS
    missing = [program for program in ("java", "mvn") if shutil.which(program) is None]
    if missing:
        _cannot(f"{' and '.join(missing)} not found; install a JDK 17 and Maven")
    shutil.rmtree(JARS, ignore_errors=True)
    maven = ["mvn", "-q", "-B", "-f", RECIPE / "pom.xml", "dependency:copy-dependencies", "-DincludeScope=runtime"]
    fetched = subprocess.run(
        [*maven, f"-DoutputDirectory={JARS}"], capture_output=True, text=True, timeout=_INSTALL_SECONDS, check=False
    )
    if fetched.returncode:
        _cannot(f"Maven could not fetch the broker: {fetched.stdout[-400:]}")
    found = [f"{hashlib.sha256(jar.read_bytes()).hexdigest()}  {jar.name}\n" for jar in sorted(JARS.glob("*.jar"))]
    assert sorted(found) == sorted(lock.splitlines(keepends=True)), "the broker's jars are not those of jars.lock"
    done.write_text(lock)
    return JARS


def _cannot(why: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(why)
    pytest.skip(why)


class Broker:
    """One broker with its log in a temporary folder; may be killed and started again.

    Attributes:
        address: HOST:PORT.
    """

    def __init__(self) -> None:
        self._jars = installed()
        self._folder = Path(tempfile.mkdtemp(prefix="stillwatch-broker-"))
        port, controller = free_port(), free_port()
        self.address = f"127.0.0.1:{port}"
        self._properties = self._folder / "server.properties"
        open_to = [f"{name}://127.0.0.1:{at}" for name, at in {"PLAINTEXT": port, **self._listeners()}.items()]
        self._properties.write_text(
            "process.roles=broker,controller\nnode.id=1\n"
            f"controller.quorum.voters=1@127.0.0.1:{controller}\n"
            f"listeners={','.join(open_to)},CONTROLLER://127.0.0.1:{controller}\n"
            f"advertised.listeners={','.join(open_to)}\n"
            "controller.listener.names=CONTROLLER\n"
            f"log.dirs={self._folder / 'log'}\n"
            "offsets.topic.replication.factor=1\ntransaction.state.log.replication.factor=1\n"
            "transaction.state.log.min.isr=1\noffsets.topic.num.partitions=1\ntransaction.state.log.num.partitions=1\n"
            "auto.create.topics.enable=false\nmessage.max.bytes=40000000\nreplica.fetch.max.bytes=40000000\n"
            "group.initial.rebalance.delay.ms=0\nlog.cleaner.enable=false\n" + self._more_properties()
        )
        self._process: subprocess.Popen[bytes] | None = None
        self._producer: Producer | None = None
        # Held as long as the broker: what a client was asked for is not answered once it is collected.
        self._admin = AdminClient({"bootstrap.servers": self.address, "log_level": 0})
        self._java("kafka.tools.StorageTool", "format", "-t", "MkU3OEVBNTcwNTJENDM2Qk", "-c", self._properties).wait(60)
        self.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def start(self) -> None:
        """Starts it, and waits until it answers."""
        self._process = self._java("kafka.Kafka", self._properties)
        limit = time.monotonic() + _START_SECONDS
        while True:
            try:
                self._admin.list_topics(timeout=1)
            except KafkaException:
                assert self._process.poll() is None, (self._folder / "out").read_text()[-2000:]
                assert time.monotonic() < limit, (self._folder / "out").read_text()[-2000:]
            else:
                return

    def kill(self) -> None:
        """Ends it at once, as a machine that dies would."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(30)
            self._process = None

    def create(self, topic: str, partitions: int) -> None:
        """Makes a topic, and waits until it has all its leaders."""
        limit = time.monotonic() + 30
        while True:  # one of the same name may still be on its way out
            made = self._admin.create_topics([NewTopic(topic, partitions, 1)])[topic]
            try:
                made.result()
                break
            except KafkaException:
                assert time.monotonic() < limit
                time.sleep(0.2)
        self._until_led(topic, partitions)

    def delete(self, topic: str) -> None:
        """Removes a topic."""
        self._admin.delete_topics([topic])[topic].result()
        self._producer = None

    def widen(self, topic: str, partitions: int) -> None:
        """Gives a topic more partitions."""
        self._admin.create_partitions([NewPartitions(topic, partitions)])[topic].result()
        self._until_led(topic, partitions)

    def cut_off(self, topic: str, partition: int, before: int) -> None:
        """Removes the records before an offset, as retention does."""
        where = TopicPartition(topic, partition, before)
        self._admin.delete_records([where])[where].result()

    def producer(self, **more: Any) -> Producer:
        """A client that writes."""
        return Producer(
            {"bootstrap.servers": self.address, "message.max.bytes": 40_000_000, "linger.ms": 5, "log_level": 0, **more}
        )

    def write(self, topic: str, messages: Iterable[bytes | None], partition: int = 0) -> None:
        """Appends messages to a partition, and waits until they are there."""
        if self._producer is None:
            self._producer = self.producer()
        for message in messages:
            self._producer.produce(topic, message, partition=partition)
            self._producer.poll(0)
        assert self._producer.flush(60) == 0

    def uri(self, *topics: str) -> str:
        """What a command line says."""
        return f"kafka://{self.address}/{','.join(topics)}"

    def _listeners(self) -> dict[str, int]:
        """Ports of more listeners, by their protocol."""
        return {}

    def _more_properties(self) -> str:
        """Lines for its configuration."""
        return ""

    def _until_led(self, topic: str, partitions: int) -> None:
        limit = time.monotonic() + 30
        while True:
            known = self._admin.list_topics(topic, timeout=5).topics[topic].partitions
            if len(known) == partitions and all(one.leader >= 0 for one in known.values()):
                break
            assert time.monotonic() < limit
            time.sleep(0.1)
        self._producer = None  # it knows what was there before

    def _java(self, *arguments: object) -> "subprocess.Popen[bytes]":
        log = f"-Dlog4j2.level=ERROR -Dkafka.logs.dir={self._folder}".split()
        memory = ["-Xms128m", "-Xmx384m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]
        with (self._folder / "out").open("ab") as out:
            return subprocess.Popen(
                ["java", *memory, *log, "-cp", f"{self._jars}/*", *map(str, arguments)],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=self._folder,
            )  # fmt: skip


def free_port() -> int:
    """A port of loopback at which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
