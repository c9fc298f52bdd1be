"""Every example of every help text runs, in the order in which a reader would try them."""

import gzip
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest

from mock_cluster import MockCluster
from pipelines.cli.main import COMMANDS, cli
from programs import Told

Shell = Callable[[str, Path], Told]
FINDINGS_EXIST = 4
LONG = ("demo", "simulate", "evaluate", "rebuild", "backtest")
DEMO = "stillwatch demo"
"""Runs in test_readme.py, where the README shows what it finds."""
OTHER_DEMO = "stillwatch demo --dir demo7 --seed 7"


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
        found += [pytest.param(line, marks=marks, id=line) for line in shown if line != DEMO]
    return found


@pytest.fixture(scope="module")
def demo_place(tmp_path_factory: pytest.TempPathFactory, shell: Shell) -> Path:
    """A folder with a simulated `world` and the `lake` made of it: what an example leaves."""
    folder = tmp_path_factory.mktemp("demo")
    done = shell(f"{OTHER_DEMO} && ls demo7/world demo7/lake", folder)
    assert done.code == 0, done.err
    return folder / "demo7"


@pytest.fixture(scope="module")
def here(place: Path) -> Iterator[Callable[[str], str]]:
    """Puts what there is in the place of what only a reader has: a gateway's folders, brokers."""
    with gzip.open(place / "calls.gz") as packed:
        calls = packed.read()
    (place / "calls.jsonl").write_bytes(calls)
    with MockCluster() as cluster:
        for topic in ("calls", "chats"):
            cluster.write(topic, calls.splitlines()[:20])

        def stand_in(line: str) -> str:
            line = line.replace("/var/log/nginx/access.log*", "logs/*").replace("/var/log/gateway/", "logs/")
            return re.sub(r"(?<=kafka://)[^/]+", cluster.address, line)

        yield stand_in


@pytest.mark.parametrize("line", examples())
def test_the_example_runs(line: str, request: pytest.FixtureRequest, shell: Shell, here: Callable[[str], str]) -> None:
    if line == OTHER_DEMO:
        assert request.getfixturevalue("demo_place").is_dir()
        return
    fixture = {"evaluate": "demo_place", "simulate": "tmp_path", "demo": "tmp_path"}.get(line.split()[1], "place")
    done = shell(here(line), request.getfixturevalue(fixture))
    allowed = (0, FINDINGS_EXIST) if "--fail-on" in line else (0,)
    assert done.code in allowed, done.err
    assert "Traceback" not in done.err
