"""Options that several commands share, and the types of their values."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click

Decorated = TypeVar("Decorated", bound=Callable[..., Any])

TIERS = ("review", "act")


class Moment(click.ParamType[datetime]):
    """A day or a moment; UTC where no offset is given."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """The moment in UTC."""
        if isinstance(value, datetime):
            return value
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no time; write 2026-03-01 or 2026-03-01T12:00:00Z", param, ctx)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def lake_option(command: Decorated) -> Decorated:
    """The lake to work on; the command receives its folder as `lake_path`."""
    return click.option(
        "--lake",
        "lake_path",
        metavar="DIR",
        type=click.Path(path_type=Path),
        required=True,
        envvar="STILLWATCH_LAKE",
        show_envvar=True,
        help="The lake.",
    )(command)


def period_options(what: str) -> Callable[[Decorated], Decorated]:
    """--since and --until, as UTC datetimes; `what` says what lies in [since, until)."""

    def add(command: Decorated) -> Decorated:
        until = click.option("--until", type=Moment(), help=f"Only {what} before this time.")
        since = click.option("--since", type=Moment(), help=f"Only {what} from this time on.")
        return since(until(command))

    return add


def engine_options(command: Decorated) -> Decorated:
    """--runner and --scheduler; the command receives both as they are, for `engine`."""
    scheduler = click.option(
        "--scheduler",
        metavar="ADDRESS",
        help="With --runner dask: its scheduler, as tcp://HOST:8786 or tls://HOST:8786.",
    )
    runner = click.option(
        "--runner",
        type=click.Choice(("embedded", "dask")),
        default="embedded",
        show_default=True,
        help="Engine: this process, or the workers of a Dask scheduler; results do not depend on it.",
    )
    return runner(scheduler(command))


def engine(runner: str, scheduler: str | None, beam_options: tuple[str, ...] = ()) -> dict[str, Any]:
    """`runner` and `beam_options` of a request.

    Raises:
        click.UsageError: a scheduler is missing, or there is one that nobody asks.

    >>> engine("dask", "tcp://10.0.0.7:8786")
    {'runner': 'dask', 'beam_options': ('--dask_client_address=tcp://10.0.0.7:8786',)}
    """
    if runner == "dask" and scheduler is None:
        raise click.UsageError("--runner dask needs a scheduler; add --scheduler tcp://HOST:8786")
    if runner != "dask" and scheduler is not None:
        raise click.UsageError(f"--scheduler {scheduler} is for --runner dask; add that, or leave it out")
    named = () if scheduler is None else (f"--dask_client_address={scheduler}",)
    return {"runner": runner, "beam_options": (*named, *beam_options)}


def fail_on_option(command: Decorated) -> Decorated:
    """--fail-on: exit code 4 if an account of this tier or a surer one is in the result."""
    return click.option(
        "--fail-on",
        type=click.Choice(TIERS),
        help="Exit with code 4 if an account of this tier (or a surer one) is found.",
    )(command)


def reaches(tier: str, fail_on: str | None) -> bool:
    """Whether a tier is at least as sure as the one that --fail-on names.

    >>> reaches("act", "review"), reaches("review", "act"), reaches("act", None)
    (True, False, False)
    """
    return fail_on is not None and TIERS.index(tier) >= TIERS.index(fail_on)


def reading_options(command: Decorated) -> Decorated:
    """How sources are read and with what: the same for every command that does."""
    options = (
        click.option(
            "--format",
            "input_format",
            default="auto",
            show_default=True,
            help="Format of the sources; auto looks at the first lines, says what it chose, and refuses when unsure.",
        ),
        click.option(
            "--accounts",
            "accounts_file",
            metavar="FILE",
            type=click.Path(path_type=Path),
            help="What you know of your accounts (Parquet or CSV: account_id, plan, created_at, signup_path, payment_id, country, contract).",
        ),
        click.option(
            "--policy",
            "policy_file",
            metavar="FILE",
            type=click.Path(path_type=Path),
            help="TOML; see `stillwatch policy`.",
        ),
        click.option(
            "--kafka-config",
            "kafka_file",
            metavar="FILE",
            type=click.Path(path_type=Path),
            help="How the brokers of topics are reached: librdkafka properties (TLS, SASL), secrets as ${NAME} from the environment.",
        ),
        click.option(
            "--accept-gap",
            "accepts_gaps",
            is_flag=True,
            help="Record that a topic no longer holds records that were not read, and go on behind them.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def working_options(command: Decorated) -> Decorated:
    """Account groups, the key of fingerprints, and how much is told."""
    options = (
        click.option("--groups", type=click.IntRange(min=1), help="Account groups; results do not depend on it."),
        click.option(
            "--key-file", metavar="FILE", type=click.Path(path_type=Path), help="Fingerprint key; outside the lake."
        ),
        click.option("--quiet", is_flag=True, help="Tell warnings and errors only."),
    )
    for option in reversed(options):
        command = option(command)
    return command
