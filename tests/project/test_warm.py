"""A program forked from a process that has imported everything is to its caller what the installed one is."""

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dying import COMMAND
from pipelines.lake.lake import Lake
from pipelines.lake.lease import who_holds
from programs import Program
from warm import warm


@pytest.mark.parametrize("arguments", [["policy", "POLICY"], ["accounts", "--lake", "nothing"], ["acounts"]])
def test_it_tells_and_ends_as_one_that_starts_cold(arguments: list[str], tmp_path: Path) -> None:
    (tmp_path / "POLICY").write_text("[rates]\nreview = 0.002\n")
    told = []
    for program in ([warm()], COMMAND):
        with Program([*program, *arguments], {"XDG_CONFIG_HOME": str(tmp_path)}, tmp_path) as running:
            told.append(running.wait())
    assert told[0] == told[1]


def test_it_reads_the_standard_input_of_whoever_calls_it(tmp_path: Path) -> None:
    call = {"event_id": "1", "account_id": "a", "time": "2026-03-02T00:00:00Z", "operation": "chat"}
    asked = [warm(), "backfill", "-", "--lake", "lake", "--complete"]
    done = subprocess.run(asked, cwd=tmp_path, input=json.dumps(call), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert Lake.open(tmp_path / "lake").read("events")["event_id"].to_list() == ["1"]


@pytest.fixture
def watching(tmp_path: Path) -> Iterator[Program]:
    (tmp_path / "logs").mkdir()
    with Program([warm(), "watch", "logs", "--lake", "lake"], folder=tmp_path) as program:
        program.until(lambda: who_holds(tmp_path / "lake") is not None)
        yield program


def test_asked_to_stop_it_ends_as_its_child_ends(watching: Program) -> None:
    told = watching.stop()
    assert told.code == 0
    assert "stopping after the run under way" in told.err


def test_killed_it_takes_its_child_along(watching: Program, tmp_path: Path) -> None:
    watching.kill()
    limit = time.monotonic() + 30
    while who_holds(tmp_path / "lake") is not None:
        assert time.monotonic() < limit
        time.sleep(0.02)
