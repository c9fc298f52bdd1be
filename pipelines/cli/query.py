"""`stillwatch query`: SQL over the lake."""

import sys
from pathlib import Path

import click

from pipelines.cli.options import lake_option
from pipelines.cli.output import Output, format_option


@click.command()
@click.argument("sql")
@lake_option
@format_option()
def command(sql: str, lake_path: Path, output_format: str) -> None:
    """Runs one reading SQL statement over the lake; SQL of `-` is read from stdin.

    All tables are there under their names (`SHOW TABLES`, `DESCRIBE findings`), as of the last complete run. Nothing
    can be changed. docs/contracts.md describes every column.

    \b
    Examples:
      stillwatch query "SHOW TABLES" --lake lake
      stillwatch query "SELECT account_id, tier, exchanges_before FROM flagged_accounts" --lake lake
      stillwatch query "SELECT count(*) AS calls FROM events" --lake lake --format json
    """
    from pipelines.lake.lake import Lake
    from pipelines.lake.query import query

    statement = sys.stdin.read() if sql == "-" else sql
    Output(output_format).frame(query(Lake.open(lake_path), statement))
