"""`stillwatch release`: lets models learn from a day that failed its audit."""

import dataclasses
from datetime import datetime
from pathlib import Path

import click

from pipelines.cli.options import Moment, lake_option
from pipelines.cli.output import Output, format_option, iso, neutral


@click.command()
@click.argument("day", metavar="DAY", type=Moment())
@lake_option
@click.option("--by", "given_by", metavar="WHO", required=True, help="Who decides it; kept in the lake.")
@click.option("--why", metavar="TEXT", required=True, help="Why; kept in the lake.")
@click.option("--dry-run", is_flag=True, help="Only tell what would be recorded.")
@format_option()
def command(day: datetime, lake_path: Path, given_by: str, why: str, dry_run: bool, output_format: str) -> None:
    """Releases DAY, which failed its audit and was not learned from.

    `backfill` names such days and ends with exit code 3; the table `quality` says what failed, `doctor` lists them. The
    release is recorded in the table `releases`. The next border that opens learns DAY first, then its own day; days scored
    in between stay as they are. With `stillwatch doctor` naming 2026-03-03, for instance:

    \b
      stillwatch release 2026-03-03 --lake lake --by "night shift" --why "the gateway was down"

    \b
    Examples:
      stillwatch release --help
    """
    from pipelines.release import ReleaseRequest, preview, release

    for option, text in (("--by", given_by), ("--why", why)):
        if not text.strip():
            raise click.BadParameter("it is empty", param_hint=option)
    request = ReleaseRequest(lake_path, day, given_by, why)
    done = preview(request) if dry_run else release(request)
    lines = [f"{iso(done.day)[:10]} failed: {'; '.join(map(neutral, done.failed)) or 'its audit is gone'}"]
    lines.append(f"it {'would be' if dry_run else 'is'} learned first at the border {iso(done.holds_from)[:10]}")
    Output(output_format).record(dataclasses.asdict(done), "\n".join(lines))
