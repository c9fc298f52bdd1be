"""`stillwatch policy`: the policy with its reasons, or what a policy file changes."""

from pathlib import Path

import click

from pipelines.cli.output import Output, format_option


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@format_option()
def command(file: Path | None, output_format: str) -> None:
    """Prints the default policy with its reasons, or checks FILE.

    Without FILE: the whole default policy as TOML, the reason above each key. With FILE: the keys that differ from the
    defaults, and what a change of each asks for (ingest: read the logs again; detect: rebuild or backtest; free:
    nothing). An unknown key or a wrong value ends with exit code 1.

    \b
    Examples:
      stillwatch policy > policy.toml
      stillwatch policy policy.toml
    """
    from schemas.policy import Policy

    if file is None:
        click.echo(Policy().toml(), nl=False)
        return
    policy, default = Policy.read(file), Policy()
    rows = [[change.key, change.after, change.before, change.bound] for change in default.changes(policy)]
    click.echo(
        f"{file} is a valid policy, version {policy.version}; {len(rows)} keys differ from the defaults", err=True
    )
    Output(output_format).rows(["key", "value", "default", "bound"], rows)
