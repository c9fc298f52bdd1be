"""`stillwatch simulate`: a labelled world as logs, accounts file and truth."""

from datetime import datetime
from pathlib import Path
from typing import Any

import click

from pipelines.cli.options import Moment


@click.command()
@click.option(
    "--preset",
    "name",
    default="small",
    show_default=True,
    help="demo, small, standard, pools, pools_small, fifty or first_day.",
)
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Equal seeds make equal worlds.")
@click.option(
    "--out", "folder", required=True, metavar="DIR", type=click.Path(path_type=Path), help="Folder to write to."
)
@click.option(
    "--format", "log_format", type=click.Choice(("litellm", "canonical")), default="litellm", show_default=True,
    help="What the logs look like.",
)  # fmt: skip
@click.option("--gzip", "compress", is_flag=True, help="Compress the logs.")
@click.option("--start", type=Moment(), help="First day.")
@click.option("--days", type=click.IntRange(min=1), help="Length.")
@click.option("--accounts", type=click.IntRange(min=0), help="Accounts of the benign majority.")
@click.option("--lookalikes", type=click.IntRange(min=0), help="Accounts of each look-alike class.")
@click.option("--teams", type=click.IntRange(min=0), help="Honest organisations of 2 to 40 accounts.")
@click.option("--attackers", type=click.IntRange(min=0), help="Accounts of each single-account archetype.")
@click.option("--attack-share", type=click.FloatRange(0, 1), help="Share of an attacker's calls that is the attack.")
@click.option("--paraphrase", type=click.FloatRange(0, 1), help="Share of an instruction's words that change.")
@click.option("--heads", type=click.IntRange(min=2), help="Accounts of each pool.")
@click.option("--background", type=click.FloatRange(0, 1000), help="Times the honest accounts.")
@click.option(
    "--events",
    type=click.IntRange(min=1),
    help="About so many calls: by more or fewer accounts and heads, at their rates.",
)
@click.option("--words", type=click.IntRange(min=0), help="Words at which texts are cut; 0 for logs without text.")
@click.option("--quiet", is_flag=True, help="Tell nothing.")
def command(name: str, folder: Path, log_format: str, compress: bool, quiet: bool, **options: Any) -> None:
    """Writes the logs of a seeded world with known truth: benign accounts, every look-alike, thieves of every kind.

    DIR then holds `logs/`, one file a day; `accounts.csv`, for `backfill --accounts`; `truth.parquet` and
    `attacks.parquet`, for `evaluate`.

    \b
    Examples:
      stillwatch simulate --preset demo --out world
      stillwatch simulate --preset fifty --seed 7 --out world --format canonical --gzip
      stillwatch simulate --preset fifty --accounts 200 --days 7 --out world
      stillwatch simulate --preset pools --seed 4 --events 20000 --words 0 --format canonical --out world
    """
    from pipelines.cli.progress import Progress
    from pipelines.worlds import write_world
    from transforms.simulate import preset, within

    heads, background, events = options.pop("heads"), options.pop("background"), options.pop("events")
    changes = {key: value for key, value in options.items() if value is not None}
    if isinstance(changes.get("start"), datetime):
        changes["start"] = changes["start"].date()
    wanted = preset(name, **changes)
    wanted = wanted if heads is None else wanted.with_heads(heads)
    wanted = wanted if background is None else wanted.amid(background)
    wanted = wanted if events is None else within(wanted, events)
    progress = Progress(quiet=quiet)
    progress.begin("simulate")
    world = write_world(
        wanted,
        folder,
        log_format,
        compress=compress,
        told=lambda calls: progress.advance(records=calls),
    )
    progress.end()
    click.echo(f"{len(world):,} calls of {world.truth.height:,} accounts in {folder / 'logs'}")
