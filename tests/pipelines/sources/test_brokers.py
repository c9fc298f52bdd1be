"""Addresses of topics and the file that says how brokers are reached: read exactly, and never repeated where secret."""

import gc
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import IsolationLevel

from mock_cluster import MockCluster
from pipelines.sources import brokers
from pipelines.sources.brokers import Address, BrokerGone, Cluster, KafkaConfig, address, read_config
from schemas.errors import SourceRefused, StillwatchError


@pytest.fixture
def cluster() -> Iterator[MockCluster]:
    with MockCluster() as mock:
        yield mock


def _config(folder: Path, text: str, **environ: str) -> KafkaConfig:
    path = folder / "kafka.properties"
    path.write_text(text)
    return read_config(path, environ)


def test_an_address_names_brokers_and_topics_each_once() -> None:
    assert address("kafka://a,[::1]:9093/x,y,x") == Address("a:9092,[::1]:9093", ("x", "y"))


@pytest.mark.parametrize(
    "uri", ["kafka://", "kafka:///t", "kafka://b", "kafka://b/", "kafka://b/t,", "kafka://b:x/t", "kafka://b/.."]
)
def test_what_is_no_address_is_refused_with_the_right_form(uri: str) -> None:
    with pytest.raises(SourceRefused, match="kafka://HOST:PORT/TOPIC"):
        address(uri)


def test_credentials_in_an_address_are_refused_and_not_repeated() -> None:
    with pytest.raises(SourceRefused, match="--kafka-config") as refused:
        address("kafka://me:hunter2@b/t")
    assert "hunter2" not in str(refused.value)


def test_secrets_come_from_the_environment_and_show_in_no_representation(tmp_path: Path) -> None:
    text = (
        "# remark\n\nsecurity.protocol = sasl_plaintext\nsasl.mechanism=PLAIN\nsasl.username=u\nsasl.password=${PW}\n"
    )
    config = _config(tmp_path, text, PW="hunter2")
    assert config.client("b:1")["sasl.password"] == "hunter2"
    assert "hunter2" not in repr(config)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("sasl.password=hunter2", "is a secret"),
        ("ssl.key.pem=hunter2", "is a secret"),
        ("sasl.password=${NOWHERE}", "NOWHERE is not in the environment"),
        ("group.id=hunter2", "the lake alone remembers"),
        ("bootstrap.servers=hunter2", "the address of the source"),
        ("no property", "it is no property"),
        ("not.known=hunter2", "not.known is unknown"),
        ("security.protocol=hunter2", "security.protocol is unknown, or has an unusable value"),
    ],
)
def test_a_wrong_property_is_named_and_its_value_is_not(line: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(StillwatchError, match=says) as refused:
        _config(tmp_path, line)
    assert "hunter2" not in str(refused.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StillwatchError, match="nowhere"):
        read_config(tmp_path / "nowhere", {})


def test_open_transactions_are_read_only_where_the_file_says_so(tmp_path: Path) -> None:
    assert KafkaConfig().isolation == IsolationLevel.READ_COMMITTED
    assert _config(tmp_path, "isolation.level=read_uncommitted").isolation == IsolationLevel.READ_UNCOMMITTED


def test_a_broker_that_does_not_answer_is_named(tmp_path: Path) -> None:
    with (
        Cluster("127.0.0.1:1", KafkaConfig(), seconds=0.3) as nobody,
        pytest.raises(BrokerGone, match=r"127\.0\.0\.1:1"),
    ):
        nobody.partitions(["calls"])


def test_a_cluster_tells_partitions_and_their_bounds(cluster: MockCluster) -> None:
    cluster.write("calls", [b"1", b"2"], partition=2)
    with Cluster(cluster.address, KafkaConfig(), seconds=10) as asked:
        name, partitions = asked.partitions(["calls", "absent"])
        assert name.startswith("mockCluster")
        assert partitions == {"calls": [0, 1, 2, 3], "absent": []}
        assert asked.bounds("calls", [1, 2]) == {1: (0, 0), 2: (0, 2)}


@pytest.mark.skipif(sys.platform != "linux", reason="threads are counted in /proc")
def test_a_client_that_asked_is_gone_with_its_threads_without_the_collector(cluster: MockCluster) -> None:
    def threads() -> int:
        return len(list(Path("/proc/self/task").iterdir()))

    gc.collect()
    gc.disable()
    try:
        before = threads()
        for _ in range(3):
            with Cluster(cluster.address, KafkaConfig(), seconds=10) as asked:
                asked.partitions(["calls"])
        after = threads()
    finally:
        gc.enable()
    assert after < before + 3


def test_brokers_that_know_no_ids_of_topics_are_put_up_with(
    cluster: MockCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(brokers, "_ID_SECONDS", 0.01)
    with Cluster(cluster.address, KafkaConfig(), seconds=10) as asked:
        assert asked.topic_ids(["calls"]) == {"calls": ""}
