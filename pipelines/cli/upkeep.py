"""`stillwatch upkeep`: keeps a lake small and up to date."""

from pathlib import Path

import click


@click.command()
@click.argument("lake_path", metavar="LAKE", type=click.Path(path_type=Path), envvar="STILLWATCH_LAKE")
def command(lake_path: Path) -> None:
    """Removes from LAKE what nothing needs: half-written files, data files that no table names, spent states.

    Also adds the tables and columns that a newer version brought. Repeat it as often as you like; rows never change.

    \b
    Examples:
      stillwatch upkeep lake
    """
    from pipelines.upkeep import upkeep

    done = upkeep(lake_path)
    for name in done.adopted:
        click.echo(f"added {name}", err=True)
    click.echo(f"{done.leftovers:,} leftovers removed", err=True)
