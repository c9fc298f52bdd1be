"""The edge of the command line: which command, which message, which exit code."""

import os
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import click
import pytest

from pipelines.cli import main as edge
from pipelines.cli.main import COMMANDS, cli, main
from schemas.errors import LakeError

EVERY_COMMAND = [name for section in COMMANDS.values() for name in section]


def outcome(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    written = capsys.readouterr()
    return int(left.value.code or 0), written.out, written.err


def test_the_table_lists_exactly_the_commands_there_are(checkout: Path) -> None:
    modules = {path.stem for path in (checkout / "pipelines" / "cli").glob("*.py")}
    commands = {
        name
        for name in modules
        if isinstance(vars(import_module(f"pipelines.cli.{name}")).get("command"), click.Command)
    }
    assert sorted(EVERY_COMMAND) == sorted(commands)


@pytest.mark.parametrize("name", EVERY_COMMAND)
def test_every_command_has_help_an_example_and_a_line_on_every_option(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    text = command.get_help(click.Context(command, info_name=f"stillwatch {name}"))
    assert f"\n    stillwatch {name}" in text.partition("Examples:")[2], "an example names the command itself"
    silent = [p.name for p in command.params if isinstance(p, click.Option) and not p.help]
    assert silent == []


@pytest.mark.parametrize("name", EVERY_COMMAND)
def test_the_short_help_of_a_command_fits_a_line(name: str) -> None:
    text = next(section[name] for section in COMMANDS.values() if name in section)
    assert text.endswith(".")
    assert len(text) <= 70


def test_without_a_command_the_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = outcome([], capsys)
    assert code == 2
    assert "stillwatch backfill logs/ --lake lake" in out + err


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    assert outcome(["--version"], capsys) == (0, "stillwatch 0.1.0\n", "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["polic"], "error: stillwatch: there is no command `polic`; perhaps `policy`. Fix: see `stillwatch --help`.\n"),
        (["policy", "--loud"], "error: stillwatch policy: No such option '--loud'. Fix: see `stillwatch policy --help`.\n"),
        (["query", "--lake", "x"], "error: stillwatch query: Missing argument 'SQL'. Fix: see `stillwatch query --help`.\n"),
        (["accounts", "--lake", "x", "--since", "May"], "error: stillwatch accounts: Invalid value for '--since': 'May' is no time; write 2026-03-01 or 2026-03-01T12:00:00Z. Fix: see `stillwatch accounts --help`.\n"),
    ],
)  # fmt: skip
def test_wrong_usage_is_one_line_and_code_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert outcome(arguments, capsys) == (2, "", message)


def test_an_error_of_ours_is_one_neutral_line_and_code_1(capsys: pytest.CaptureFixture[str]) -> None:
    code = edge.run(lambda: _raise(LakeError("la\x1bke", "it is locked", "wait")))
    assert (code, capsys.readouterr().err) == (1, "error: la\\x1bke: it is locked. Fix: wait.\n")


def test_an_error_that_crossed_the_engine_names_its_place_only(capsys: pytest.CaptureFixture[str]) -> None:
    edge.run(lambda: _raise(LakeError("lake/events [while running 'Step groups']", "it is gone", "restore it")))
    assert capsys.readouterr().err == "error: lake/events: it is gone. Fix: restore it.\n"


def test_an_error_of_the_system_names_the_file(capsys: pytest.CaptureFixture[str]) -> None:
    code = edge.run(lambda: Path("/nowhere/at/all").read_bytes())
    message = (
        "error: /nowhere/at/all: No such file or directory. Fix: check the path, its permissions and free space.\n"
    )
    assert (code, capsys.readouterr().err) == (1, message)


def test_a_defect_of_ours_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        edge.run(lambda: 1 // 0)


def test_an_interrupt_ends_with_130(capsys: pytest.CaptureFixture[str]) -> None:
    assert edge.run(lambda: _raise(click.Abort())) == 130
    assert capsys.readouterr().err == "stopped\n"


def test_a_command_may_choose_its_exit_code() -> None:
    assert (edge.run(lambda: edge.FINDINGS), edge.run(lambda: None)) == (4, 0)


def test_a_reader_that_goes_away_is_no_traceback(checkout: Path) -> None:
    program = Path(sys.executable).with_name("stillwatch")
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([program, "policy"], stdout=write, stderr=subprocess.PIPE, cwd=checkout, check=False)
    os.close(write)
    assert (done.returncode, done.stderr) == (1, b"")


def test_a_program_that_ends_does_what_was_asked_for_its_end_and_searches_for_no_cycles() -> None:
    program = """
import atexit
from pipelines.cli.main import prepare_process
prepare_process()
atexit.register(print, "what was asked for")
class Circle:
    def __init__(self):
        self.itself = self
    def __del__(self):
        print("taken apart")
Circle()
"""
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout == "what was asked for\n"


def _raise(error: BaseException) -> Callable[[], None]:
    raise error
