"""Simulated worlds on disk: a log a day, the accounts file, the truth."""

import gzip
from collections.abc import Callable
from pathlib import Path

from transforms.simulate import Options, World, simulate
from transforms.simulate.canonical import canonical_lines
from transforms.simulate.litellm import litellm_lines

FORMATS = ("litellm", "canonical")


def write_world(
    options: Options,
    folder: Path,
    log_format: str,
    *,
    compress: bool = False,
    told: Callable[[int], None] = lambda _: None,
) -> World:
    """Makes a world and writes `logs/DAY.jsonl` (or .jsonl.gz), `accounts.csv`, `truth.parquet`, `attacks.parquet` into a folder.

    Args:
        options: the world.
        folder: made if it does not exist; files of the same names are replaced.
        log_format: one of FORMATS.
        compress: gzip the logs; the same bytes at every repetition.
        told: called with the number of calls written, block by block.
    """
    world = simulate(options)
    logs = folder / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    with_text = options.words > 0
    for day, blocks in world.days():
        path = logs / f"{day:%Y-%m-%d}.jsonl{'.gz' if compress else ''}"
        with path.open("wb") as raw, gzip.GzipFile("", "wb", 6, raw, mtime=0) if compress else raw as file:
            for block in blocks:
                file.write(
                    litellm_lines(block) if log_format == "litellm" else canonical_lines(block, with_text=with_text)
                )
                told(block.height)
    world.registry.drop("holds_from").write_csv(folder / "accounts.csv")
    world.truth.write_parquet(folder / "truth.parquet")
    world.attacks.write_parquet(folder / "attacks.parquet")
    return world
