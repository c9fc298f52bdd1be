"""`stillwatch doctor`: what is wrong with a lake, and which command mends it."""

from pathlib import Path

import click

from pipelines.cli.main import DONE, FAILED
from pipelines.cli.output import Output, format_option

_COLUMNS = ("severity", "check", "where", "problem", "mend")


@click.command()
@click.argument("lake_path", metavar="LAKE", type=click.Path(path_type=Path), envvar="STILLWATCH_LAKE")
@click.option("--key-file", metavar="FILE", type=click.Path(path_type=Path), help="Also examine this fingerprint key.")
@click.option(
    "--abandon",
    metavar="N",
    type=click.IntRange(min=1),
    help="Undo the unfinished run number N instead: every table goes back to the last complete run.",
)
@click.option("--yes", is_flag=True, help="With --abandon: do not ask.")
@format_option(formats=("table", "json"))
def command(lake_path: Path, key_file: Path | None, abandon: int | None, yes: bool, output_format: str) -> int:
    """Examines LAKE without changing it, and tells for everything that is wrong which command mends it.

    Opens a lake that nothing else opens any more. Looks at tables and their contracts, counts that must add up, data
    files, unfinished runs, plans, states and snapshots, days that failed their audit, refused sources, clocks, and
    traffic that a proxy or a relay hides. Exit code 0: healthy; 1: there is something to mend.

    \b
    Examples:
      stillwatch doctor lake
      stillwatch doctor lake --format json
    """
    if not lake_path.is_dir():
        raise click.BadParameter(f"there is no folder {lake_path}", param_hint="LAKE")
    if abandon is not None:
        _abandon(lake_path, abandon, is_sure=yes)
        return DONE

    from pipelines.doctor import Case, examine

    found = examine(Case(lake_path, key_file))
    rows = [(s.severity, check, s.where, s.problem, s.mend) for check, s in found.symptoms]
    if output_format == "json" or rows:
        Output(output_format).rows(_COLUMNS, rows)
    for note in found.notes:
        click.echo(note, err=True)
    click.echo(f"{len(found.checks)} checks, {len(rows)} things to mend", err=True)
    return FAILED if rows else DONE


def _abandon(lake_path: Path, sequence: int, *, is_sure: bool) -> None:
    from pipelines.lake.lake import Lake
    from pipelines.lake.lease import Lease
    from pipelines.lake.leftovers import remove_leftovers
    from pipelines.lake.plan import abandon, waiting_plans
    from schemas.errors import LakeError

    lake = Lake.open(lake_path)
    with Lease.acquire(lake.root, f"doctor --abandon {sequence}") as lease:
        waiting = [number for number, _ in waiting_plans(lake)]
        if sequence not in waiting:
            known = f"unfinished: {', '.join(map(str, waiting))}" if waiting else "no run is unfinished"
            raise LakeError(str(lake_path), f"run {sequence} is not unfinished", f"name one that is; {known}")
        if not is_sure:
            click.confirm(f"Undo what run {sequence} has done so far?", abort=True, err=True)
        back = abandon(lake, lease, sequence)
        removed = 0 if len(waiting) > 1 else remove_leftovers(lake, lease)
    tables = ", ".join(sorted(back)) or "no table had to be"
    click.echo(f"run {sequence} is undone; put back: {tables}; {removed} files of it removed", err=True)
