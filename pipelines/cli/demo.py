"""`stillwatch demo`: a small world, from its logs to its thieves, in under a minute."""

import hashlib
import shutil
from pathlib import Path

import click

SHOWN = 12
"""Flagged accounts that the demo lists: the worst; a pool alone has dozens."""


@click.command()
@click.option(
    "--dir", "folder", default="demo", show_default=True, metavar="DIR", type=click.Path(path_type=Path),
    help="Folder for the world and its lake; made anew.",
)  # fmt: skip
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Another seed, another world.")
@click.pass_context
def command(ctx: click.Context, folder: Path, seed: int) -> None:
    """Simulates a small world as LiteLLM logs, backfills it, and shows what was found.

    \b
    Examples:
      stillwatch demo
      stillwatch demo --dir demo7 --seed 7
    """
    from pipelines.backfill import backfill
    from pipelines.cli.accounts import command as accounts
    from pipelines.cli.campaigns import command as campaigns
    from pipelines.cli.evaluate import command as evaluate
    from pipelines.cli.explain import command as explain
    from pipelines.cli.progress import Progress
    from pipelines.lake.lake import Lake
    from pipelines.request import Request
    from pipelines.worlds import write_world
    from schemas.errors import StillwatchError
    from transforms.simulate import preset

    world, lake = folder / "world", folder / "lake"
    if folder.exists() and any(folder.iterdir()) and not (world / "truth.parquet").exists():
        fix = "name a new folder with --dir"
        raise StillwatchError(str(folder), "it holds other things than a demo", fix)
    shutil.rmtree(folder, ignore_errors=True)
    progress = Progress()
    progress.begin("simulate")
    options = preset("demo", seed=seed)
    write_world(options, world, "litellm", told=lambda calls: progress.advance(records=calls))
    key_file = folder / "fingerprint.key"
    key_file.touch(mode=0o600)
    # Not a secret: a demo of one seed shows the same to everybody, and sketches depend on the key.
    key_file.write_text(hashlib.blake2b(f"demo {seed}".encode(), digest_size=32).hexdigest())
    request = Request(
        (str(world / "logs"),),
        lake,
        input_format="litellm",
        accounts=world / "accounts.csv",
        is_complete=True,
        key_file=key_file,
    )
    backfill(request, progress)
    progress.end()

    click.secho("\nCampaigns (stillwatch campaigns)", bold=True)
    ctx.invoke(campaigns, lake_path=lake)
    click.secho("\nFlagged accounts, worst first (stillwatch accounts)", bold=True)
    ctx.invoke(accounts, lake_path=lake, limit=SHOWN)
    rows = Lake.open(lake).read("flagged_accounts")
    if not rows.is_empty():
        distillers = rows.filter(rows["kind"] == "distillation")
        shown = (rows if distillers.is_empty() else distillers).sort("score", descending=True)["account_id"][0]
        click.secho(f"\nWhy {shown}? (stillwatch explain)", bold=True)
        ctx.invoke(explain, account=shown, lake_path=lake, output_format="text")
    click.secho("\nAgainst the truth of the simulated world (stillwatch evaluate)", bold=True)
    ctx.invoke(evaluate, lake_path=lake, world=world, output_format="table")
    click.secho("\nGo on with", bold=True)
    sql = "SELECT account_id, kind, tier, exchanges_before FROM flagged_accounts ORDER BY exchanges_before DESC"
    click.echo(f'  stillwatch query "{sql}" --lake {lake}')
    click.echo(f"  stillwatch explain ACCOUNT --lake {lake}")
