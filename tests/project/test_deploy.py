"""What is in deploy/ fits the program and itself; containers are not started here."""

from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from pipelines.cli.main import cli


@pytest.fixture(scope="module")
def services(checkout: Path) -> dict[str, Any]:
    told = yaml.safe_load((checkout / "deploy" / "compose.yaml").read_text())
    assert set(told) == {"services", "networks", "volumes"}
    return dict(told["services"])


def test_every_service_is_on_the_closed_network_without_rights_or_ports(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert service["networks"] == ["cluster"], name
        assert service["cap_drop"] == ["ALL"], name
        assert "ports" not in service, name
        assert set(service.get("depends_on", ())) <= set(services), name


def test_the_commands_of_services_are_commands_of_the_program(services: dict[str, Any]) -> None:
    asked = [service["command"] for service in services.values() if service["command"][0] == "stillwatch"]
    assert asked
    for _, name, *arguments in asked:
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        command.make_context(name, [str(argument) for argument in arguments])


def test_the_image_runs_without_root_from_the_lock(checkout: Path) -> None:
    lines = (checkout / "deploy" / "Dockerfile").read_text().splitlines()
    assert "USER 10001" in lines
    assert any("--require-hashes -r requirements.lock" in line for line in lines)
    copied = [word for line in lines if line.startswith("COPY") for word in line.split()[1:-1]]
    assert all((checkout / word).exists() for word in copied)
