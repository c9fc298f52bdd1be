"""`stillwatch reference`: what the distribution test compares with, carried along or pinned."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pipelines.cli.options import lake_option
from pipelines.cli.output import Output, format_option, iso

if TYPE_CHECKING:
    from pipelines.reference import Pinned

Decorated = TypeVar("Decorated", bound=Callable[..., Any])

_FILE = click.Path(path_type=Path, dir_okay=False)


def _decision_options(command: Decorated) -> Decorated:
    by = click.option("--by", "given_by", metavar="WHO", help="Who decides it; kept in the lake.")
    why = click.option("--why", metavar="TEXT", help="Why; kept in the lake.")
    return by(why(command))


@click.group()
def command() -> None:
    """Carries and pins what the distribution test compares accounts with.

    A reference is what honest accounts' calls look like together, group by group, how far honest accounts lie from
    that, and how often they lie as far. It is learned anew each day; a young lake has none for days. A pinned one learns
    nothing: slow poisoning cannot move it, and what honest accounts come to do later is strange to it. The table
    `reference_pins` keeps each decision; `stillwatch status` says what holds.

    \b
    Examples:
      stillwatch reference export --lake lake eu.reference
      stillwatch reference import --lake new-region eu.reference
      stillwatch reference freeze --lake lake --why "before the free trial"
    """


@command.command("export")
@lake_option
@click.argument("file", type=_FILE)
@format_option(formats=("table", "json"))
def export_command(lake_path: Path, file: Path, output_format: str) -> None:
    """Writes what the next day is compared with to FILE.

    The file names no account and holds no text, but names of peer groups (plans). It is of use to lakes with the same
    fingerprint key, version and policy of sampling.

    \b
    Examples:
      stillwatch reference export --lake lake eu.reference
    """
    from pipelines.reference import export_reference

    told = export_reference(lake_path, file)
    Output(output_format).record(dataclasses.asdict(told), f"{file}: {_what(told)}")


@command.command("import")
@lake_option
@click.argument("file", type=_FILE)
@_decision_options
@click.option("--key-file", metavar="FILE", type=click.Path(path_type=Path), help="Fingerprint key of a new lake.")
@format_option(formats=("table", "json"))
def import_command(
    lake_path: Path, file: Path, given_by: str | None, why: str | None, key_file: Path | None, output_format: str
) -> None:
    """Pins the reference in FILE from the next open border on; a lake without any log is judged with it from its first.

    Import only what a lake you trust has exported: whoever makes the file decides what looks strange.

    \b
    Examples:
      stillwatch reference import --lake new-region eu.reference --by "night shift" --why "no history here yet"
    """
    _pin(output_format, lake=lake_path, action="imported", file=file, given_by=given_by, why=why, key_file=key_file)


@command.command("freeze")
@lake_option
@_decision_options
@format_option(formats=("table", "json"))
def freeze_command(lake_path: Path, given_by: str | None, why: str | None, output_format: str) -> None:
    """Pins what the lake has learned so far, from the next open border on.

    \b
    Examples:
      stillwatch reference freeze --lake lake --why "before the free trial"
    """
    _pin(output_format, lake=lake_path, action="frozen", given_by=given_by, why=why)


@command.command("thaw")
@lake_option
@_decision_options
@format_option(formats=("table", "json"))
def thaw_command(lake_path: Path, given_by: str | None, why: str | None, output_format: str) -> None:
    """Compares with what the lake learns from day to day again, from the next open border on.

    It went on learning; only its rates begin anew, because those of the days before were made with the pinned one.

    \b
    Examples:
      stillwatch reference thaw --lake lake --why "the new plan is ordinary by now"
    """
    _pin(output_format, lake=lake_path, action="thawed", given_by=given_by, why=why)


def _pin(output_format: str, **asked: Any) -> None:
    from pipelines.reference import PinRequest, pin

    told = pin(PinRequest(**asked))
    since = "the first event" if told.holds_from is None else f"the border {iso(told.holds_from)[:10]}"
    lines = [f"{told.action}: {_what(told)}" if told.reference else "thawed: what the lake learns from day to day"]
    lines.append(f"it was pinned before, from {since} on" if told.was_so else f"holds from {since} on")
    Output(output_format).record(dataclasses.asdict(told), "\n".join(lines))


def _what(told: "Pinned") -> str:
    named = "" if told.reference is None else f"reference {told.reference}, "
    day = "" if told.learned_day is None else f"learned until {iso(told.learned_day)[:10]}"
    return f"{named}{day}, {told.groups:,} peer groups, {told.account_days:,} account-days behind the largest centre"
