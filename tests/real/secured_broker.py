"""The listeners of a broker that asks who is there: SCRAM over TLS, and certificates of both sides."""

import subprocess
from pathlib import Path

from confluent_kafka.admin import ScramCredentialInfo, ScramMechanism, UserScramCredentialUpsertion

from real.kafka_broker import Broker, free_port

USER, PASSWORD = "stillwatch", "it's a ${secret} = with #signs"
_STORE_PASSWORD = "changeit"
_ITERATIONS = 4096


class SecuredBroker(Broker):
    """A broker with two more listeners; topics are made and filled through the open one.

    Attributes:
        authority: the certificate that the broker shows, PEM.
        identity: a key and certificate that it trusts, PKCS 12.
        store_password: opens the identity.
    """

    def __init__(self) -> None:
        self._scram, self._certified = free_port(), free_port()
        super().__init__()
        user = UserScramCredentialUpsertion(
            USER, ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, _ITERATIONS), PASSWORD.encode()
        )
        self._admin.alter_user_scram_credentials([user])[USER].result(30)

    @property
    def authority(self) -> Path:
        return self._folder / "broker.pem"

    @property
    def identity(self) -> Path:
        return self._folder / "client.p12"

    @property
    def store_password(self) -> str:
        return _STORE_PASSWORD

    def scram_uri(self, topic: str) -> str:
        """Where users and passwords are asked for."""
        return f"kafka://127.0.0.1:{self._scram}/{topic}"

    def certified_uri(self, topic: str) -> str:
        """Where a certificate is asked for."""
        return f"kafka://127.0.0.1:{self._certified}/{topic}"

    def _listeners(self) -> dict[str, int]:
        return {"SASL_SSL": self._scram, "SSL": self._certified}

    def _more_properties(self) -> str:
        for name in ("broker", "client"):
            self._keytool("-genkeypair", name, "-dname", f"CN={name}", "-keyalg", "EC", "-ext", "SAN=IP:127.0.0.1")
            self._keytool("-exportcert", name, "-rfc", "-file", self._folder / f"{name}.pem")
        self._keytool("-importcert", "trusted", "-noprompt", "-file", self._folder / "client.pem")
        return (
            "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL,SSL:SSL\n"
            "sasl.enabled.mechanisms=SCRAM-SHA-512\n"
            "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config="
            "org.apache.kafka.common.security.scram.ScramLoginModule required;\n"
            "listener.name.ssl.ssl.client.auth=required\nssl.keystore.type=PKCS12\nssl.truststore.type=PKCS12\n"
            f"ssl.keystore.location={self._folder / 'broker.p12'}\nssl.keystore.password={_STORE_PASSWORD}\n"
            f"ssl.truststore.location={self._folder / 'trusted.p12'}\nssl.truststore.password={_STORE_PASSWORD}\n"
        )

    def _keytool(self, task: str, name: str, *more: object) -> None:
        store = ["-keystore", self._folder / f"{name}.p12", "-storetype", "PKCS12", "-storepass", _STORE_PASSWORD]
        asked = ["keytool", task, "-alias", name, *store, *more]
        subprocess.run([*map(str, asked)], check=True, capture_output=True, timeout=60)
