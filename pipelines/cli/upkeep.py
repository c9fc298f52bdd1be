"""`stillwatch upkeep`: keeps a lake small and up to date."""

from pathlib import Path

import click

from pipelines.cli.output import Output, format_option

_COLUMNS = ("table", "files_before", "files_after", "rows_removed")


@click.command()
@click.argument("lake_path", metavar="LAKE", type=click.Path(path_type=Path), envvar="STILLWATCH_LAKE")
@click.option(
    "--policy",
    "policy_file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="TOML with [retention] and [upkeep]; that of the last run if left out.",
)
@format_option()
def command(lake_path: Path, policy_file: Path | None, output_format: str) -> None:
    """Keeps LAKE small: puts small files together, and removes rows and versions that are older than the policy keeps.

    What killed processes left is removed as well, and the tables and columns of a newer version are added. Rows within
    the retention never change. `backfill` does the same at its end once a table has many small files or a day has
    closed; this command does it now. Interrupted, repeat it.

    \b
    Examples:
      stillwatch upkeep lake
      stillwatch upkeep lake --policy policy.toml --format json
    """
    from pipelines.upkeep import upkeep
    from schemas.policy import Policy

    done = upkeep(lake_path, None if policy_file is None else Policy.read(policy_file))
    for name in done.adopted:
        click.echo(f"added {name}", err=True)
    if done.tables or output_format != "table":
        Output(output_format).rows(_COLUMNS, done.tables)
    click.echo(f"{done.old_versions:,} files of old versions removed, {done.leftovers:,} leftovers", err=True)
