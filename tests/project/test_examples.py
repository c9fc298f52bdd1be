"""Every example of every help text runs, in the order in which a reader would try them."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from pipelines.cli.main import COMMANDS, cli

Shell = Callable[[str, Path], "subprocess.CompletedProcess[str]"]
FAILED, FINDINGS_EXIST = 1, 4
LONG = ("demo", "simulate", "evaluate")


def examples() -> list[object]:
    """Examples of all help texts; those of long commands are marked slow."""
    found: list[object] = []
    for name in (name for section in COMMANDS.values() for name in section):
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        lines = (command.help or "").partition("Examples:")[2].splitlines()
        shown = [line.strip() for line in lines if "stillwatch " in line]
        assert shown, f"{name} has no example"
        marks = [pytest.mark.slow] if name in LONG else []
        found += [pytest.param(line, marks=marks, id=line) for line in shown]
    return found


@pytest.fixture(scope="module")
def demo_place(tmp_path_factory: pytest.TempPathFactory, shell: Shell) -> Path:
    """A folder with a simulated `world` and the `lake` made of it."""
    folder = tmp_path_factory.mktemp("demo")
    done = shell("stillwatch demo --dir . && ls world lake", folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("line", examples())
def test_the_example_runs(line: str, request: pytest.FixtureRequest, shell: Shell) -> None:
    fixture = {"evaluate": "demo_place", "simulate": "tmp_path", "demo": "tmp_path"}.get(line.split()[1], "place")
    done = shell(line, request.getfixturevalue(fixture))
    allowed = (0, FINDINGS_EXIST) if "--fail-on" in line else (0,)
    if line.startswith("stillwatch backfill kafka://"):
        allowed = (FAILED,)  # there is no such broker, which is one sentence
    assert done.returncode in allowed, done.stderr
    assert "Traceback" not in done.stderr
