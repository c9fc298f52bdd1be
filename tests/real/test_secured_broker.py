"""A real broker that asks who is there: what `--kafka-config` says is what lets a watch in, and what it tells when it does not."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from dying import COMMAND
from pipelines.lake.lake import Lake
from programs import Told, run_to_end
from real.secured_broker import PASSWORD, USER, SecuredBroker

pytestmark = pytest.mark.slow
LOGGED = [
    {"event_id": f"c{number}", "time": f"2026-03-02T20:{number:02d}:00Z", "account_id": "a", "operation": "chat"}
    for number in range(30)
]


@pytest.fixture(scope="module")
def broker() -> Iterator[SecuredBroker]:
    with SecuredBroker() as started:
        started.create("calls", 2)
        for partition in range(2):
            started.write("calls", (json.dumps(record).encode() for record in LOGGED[partition::2]), partition)
        yield started


def by_password(broker: SecuredBroker, authority: Path | None = None) -> str:
    return (
        "security.protocol=sasl_ssl\nsasl.mechanism=SCRAM-SHA-512\n"
        f"sasl.username={USER}\nsasl.password=${{BROKER_PASSWORD}}\nssl.ca.location={authority or broker.authority}\n"
    )


def by_certificate(broker: SecuredBroker) -> str:
    return (
        f"security.protocol=ssl\nssl.ca.location={broker.authority}\n"
        f"ssl.keystore.location={broker.identity}\nssl.keystore.password=${{BROKER_PASSWORD}}\n"
    )


def watched(folder: Path, uri: str, properties: str, password: str) -> Told:
    """How `watch --once` ends."""
    key, config = folder / "key", folder / "kafka.properties"
    key.write_text("0f" * 32)
    key.chmod(0o600)
    config.write_text(properties)
    (folder / "policy.toml").write_text("[kafka]\nwait_seconds = 5.0\n")
    asked = [
        *COMMAND,
        "watch",
        uri,
        "--once",
        "--lake",
        folder / "lake",
        "--key-file",
        key,
        "--kafka-config",
        config,
        "--policy",
        folder / "policy.toml",
    ]
    return run_to_end(asked, {"BROKER_PASSWORD": password})


def events(folder: Path) -> list[str]:
    return sorted(Lake.open(folder / "lake").read("events")["event_id"])


def test_a_topic_behind_scram_and_tls_is_read_with_the_password_of_the_environment(
    broker: SecuredBroker, tmp_path: Path
) -> None:
    told = watched(tmp_path, broker.scram_uri("calls"), by_password(broker), PASSWORD)
    assert told.code == 0, told
    assert events(tmp_path) == sorted(record["event_id"] for record in LOGGED)
    assert not [
        file for file in (tmp_path / "lake").rglob("*") if file.is_file() and PASSWORD.encode() in file.read_bytes()
    ]


def test_a_topic_behind_certificates_of_both_sides_is_read(broker: SecuredBroker, tmp_path: Path) -> None:
    told = watched(tmp_path, broker.certified_uri("calls"), by_certificate(broker), broker.store_password)
    assert told.code == 0, told
    assert events(tmp_path) == sorted(record["event_id"] for record in LOGGED)


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ("password", "it is not let in (.*invalid credentials"),
        ("authority", "it is not let in (.*certificate verify failed"),
        ("certificate", "no broker answers (.*bad certificate"),
    ],
)
def test_whoever_is_not_let_in_is_told_why_in_one_sentence_without_the_secret(
    broker: SecuredBroker, tmp_path: Path, fault: str, why: str
) -> None:
    uri, properties = broker.scram_uri("calls"), by_password(broker)
    if fault == "authority":
        properties = by_password(broker, broker.authority.with_name("client.pem"))
    elif fault == "certificate":
        uri, properties = broker.certified_uri("calls"), f"security.protocol=ssl\nssl.ca.location={broker.authority}\n"
    told = watched(tmp_path, uri, properties, "wr0ng-word")
    assert told.code == 1
    assert re.fullmatch(rf"error: {uri.rpartition('/')[0]}: {why.replace('(', '[(]', 1)}.*[.]\n", told.err), told.err
    assert "wr0ng-word" not in told.out + told.err
