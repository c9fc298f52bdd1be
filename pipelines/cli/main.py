"""Entry point of `stillwatch`: finds the command, and turns errors into one line and an exit code."""

import atexit
import ctypes
import difflib
import gc
import io
import os
import re
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

import click

from pipelines.cli.lazily import load_lazily
from pipelines.cli.output import neutral
from schemas.errors import StillwatchError

DONE, FAILED, USAGE, QUALITY, FINDINGS = range(5)
"""Exit codes: done; failed; wrong usage; a quality gate refused data; findings exist (only with --fail-on)."""

COMMANDS: dict[str, dict[str, str]] = {
    "Start": {
        "demo": "Simulate a small world, backfill it, and show what was found.",
    },
    "Find": {
        "backfill": "Read logs into a lake and flag the accounts that steal.",
        "watch": "The same, while the logs are being written.",
    },
    "Ask": {
        "accounts": "The review list: flagged accounts, worst first.",
        "campaigns": "Accounts that are driven as one, and how fast they take what.",
        "explain": "Why an account is flagged, or why it is not.",
        "status": "How far a lake is, what it waits for, where it may be blind.",
        "query": "Run one SQL query over the lake.",
        "hunt": "Thieves of past days, with what is known now.",
    },
    "Mend": {
        "rebuild": "Compute everything since a day again, late events included.",
        "release": "Let models learn from a day that failed its audit.",
        "replay": "Read refused records again.",
    },
    "Judge stillwatch": {
        "backtest": "What a changed policy would have flagged, against what was flagged.",
        "simulate": "Write the logs of a seeded world whose truth is known.",
        "evaluate": "Hold a lake against the truth of its simulated world.",
    },
    "Keep": {
        "doctor": "What is wrong with a lake, where, and which command mends it.",
        "upkeep": "Keep a lake small: remove what nothing needs.",
        "reference": "Carry what honest calls look like to another lake, or pin it.",
    },
    "Configure": {
        "policy": "Print the default policy with its reasons, or check a policy file.",
    },
}
"""Section -> command -> what it does; a command lives in pipelines/cli/<command>.py as `command`."""

_BEAM_STAGE = re.compile(r" \[while running '[^']*'\]")
"""What Beam adds to the first argument of an exception that crosses it."""

_MALLOC_OPTIONS = ((-3, 2**30), (-1, 2**31 - 1), (-8, 2))
"""glibc's M_MMAP_THRESHOLD, M_TRIM_THRESHOLD, M_ARENA_MAX: arrays come from two heaps that do not shrink within a run."""

_EPILOG = """\b
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 data refused by a quality gate,
4 findings exist (only with --fail-on).
The result goes to stdout, the story (progress, warnings, errors) to stderr."""


class LazyGroup(click.Group):
    """A group that lists its commands from a table and imports a command's module when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Names of all commands, in the order of the table."""
        return [name for section in COMMANDS.values() for name in section]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, freshly imported; None if the table has none."""
        if cmd_name not in self.list_commands(ctx):
            return None
        command: click.Command = import_module(f"pipelines.cli.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the arguments name; an unknown one is answered with the nearest known one."""
        known = self.list_commands(ctx)
        if args[0] not in known and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], known, n=1)
            hint = f"perhaps `{near[0]}`" if near else "known are " + ", ".join(known)
            ctx.fail(f"there is no command `{args[0]}`; {hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the table, section by section, without importing any command."""
        width = max(len(name) for name in self.list_commands(ctx))
        for section, commands in COMMANDS.items():
            with formatter.section(section):
                formatter.write_dl([(name.ljust(width), text) for name, text in commands.items()])


def _show_version(ctx: click.Context, _parameter: click.Parameter, wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        click.echo(f"stillwatch {version('stillwatch')}")
        ctx.exit()


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=_EPILOG,
)
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_show_version, help="Show it.")
def cli() -> None:
    """Finds who is stealing an AI model through its API, from the access logs.

    \b
    Examples:
      stillwatch demo
      stillwatch backfill logs/ --lake lake
      stillwatch accounts --lake lake
      stillwatch explain ACCOUNT --lake lake
    """


def run(call: Callable[[], Any]) -> int:
    """The exit code of a call; what went wrong in it is told on stderr in one line."""
    try:
        result = call()
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx is not None else "stillwatch"
        _tell(StillwatchError(path, error.format_message().rstrip("."), f"see `{path} --help`"))
        return USAGE
    except click.Abort:
        click.echo("stopped", err=True)
        return 130
    except StillwatchError as error:
        _tell(error)
        return FAILED
    except BrokenPipeError:
        # Whoever read stdout has gone (`| head`); Python would complain again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except OSError as error:
        problem = error.strerror or str(error)
        _tell(
            StillwatchError(str(error.filename or "system"), problem, "check the path, its permissions and free space")
        )
        return FAILED
    return result if isinstance(result, int) else DONE


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command line and exits with its code."""
    for stream in (sys.stdout, sys.stderr):
        # A path or id may hold what the terminal's encoding cannot show; the output must not fail because of it.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    _hush_libraries()
    prepare_process()
    sys.exit(run(lambda: cli.main(args=arguments, prog_name="stillwatch", standalone_mode=False)))


def prepare_process() -> None:
    """Sets what must be set before the first library is imported: how memory is kept, cycles looked for, packages loaded."""
    _keep_memory()
    _look_for_cycles_seldom()
    load_lazily()


def _keep_memory() -> None:
    """Lets Polars' allocator, and the C library's for NumPy, keep the pages they freed for the rest of a run, which asks for as much again.

    Giving them back at once and taking them anew cost about a tenth of a backfill's processor time (measured). Polars' gives back what
    nobody asked for in ten seconds, the C library's what is free when a run has ended (runners.py): kept for good, pieces of all sizes
    added up, to twice the memory after four runs of a million records. Polars' is read when it is first imported; a value from outside
    stays. The C library's is glibc's, where there is one.
    """
    os.environ.setdefault("_RJEM_MALLOC_CONF", "narenas:2,dirty_decay_ms:10000,muzzy_decay_ms:10000")
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)
    if set_option is not None:
        for option, value in _MALLOC_OPTIONS:
            set_option(option, value)


def _look_for_cycles_seldom() -> None:
    """Makes Python search for unreachable cycles once in a million objects more, instead of 700.

    What a run holds is frames, freed by counting references. The searches, most of them while libraries load, took a
    fifteenth of a backfill's processor time; a million objects in cycles would hold some hundred megabytes. At the end nobody
    searches either: two searches among half a million objects that are about to go with the process, and taking apart what
    they find, took a second of the processor (measured). What has to be done at the end is done by `atexit`, before.
    """
    gc.set_threshold(1_000_000, 20, 20)
    atexit.register(gc.freeze)  # registered first, called last


def _hush_libraries() -> None:
    """Leaves stderr to our own story: of what libraries log, only errors are shown, and ours only once."""
    import logging

    handler = logging.StreamHandler()
    handler.setLevel(logging.ERROR)
    handler.addFilter(lambda record: not (record.exc_info and isinstance(record.exc_info[1], StillwatchError)))
    handler.setFormatter(logging.Formatter("%(name)s: %(message)s"))
    logging.getLogger().addHandler(handler)


def _tell(error: StillwatchError) -> None:
    click.echo(f"error: {neutral(_BEAM_STAGE.sub('', str(error)))}", err=True)
