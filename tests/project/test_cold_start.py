"""The command line answers at once: nothing heavy is loaded before a command runs."""

import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.cli.main import COMMANDS

ALLOWED_SECONDS = 0.3
HEAVY = ("apache_beam", "great_expectations", "river", "polars", "pyarrow", "pandas", "numpy", "deltalake", "rich")
EVERY_COMMAND = [name for section in COMMANDS.values() for name in section]

_WHAT_IS_LOADED = """
import json, sys
from pipelines.cli.main import main
try:
    main(json.loads(sys.argv[1]))
except SystemExit:
    print(json.dumps(sorted({name.split(".")[0] for name in sys.modules})), file=sys.stderr)
"""


def processor_seconds(command: list[str]) -> float:
    """User and system time of the quickest of five runs: the least disturbed one."""
    took = []
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        took.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(took)


def test_help_costs_little_more_than_a_bare_interpreter() -> None:
    program = Path(sys.executable).with_name("stillwatch")
    bare = processor_seconds([sys.executable, "-c", "pass"])
    assert processor_seconds([str(program), "--help"]) - bare < ALLOWED_SECONDS


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], *[[name, "--help"] for name in EVERY_COMMAND]], ids=" ".join
)
def test_nothing_heavy_is_loaded_to_show_help(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _WHAT_IS_LOADED, json.dumps(arguments)], check=True, capture_output=True, text=True
    )
    loaded = json.loads(done.stderr)
    assert "click" in loaded
    assert sorted(set(loaded) & set(HEAVY)) == []
