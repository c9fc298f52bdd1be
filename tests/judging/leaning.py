"""`make evaluation ARGS=leaning`: learns from simulated worlds what a harvester's day looks like (transforms/learning/likeness.py).

An additive model: the log-odds that a day is a harvester's are a sum over features, each a step function of its value, fitted together by
logistic regression with a penalty on points (most features say nothing) and on the difference between neighbouring steps. It is learned on
worlds on which nothing is judged, and never on the log that is judged: there it only puts the day's accounts in an order.
"""

import argparse
import logging
import random
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.optimize import minimize

from judging.worlds import HARVESTS
from pipelines.backfill import backfill
from pipelines.cli.progress import Progress
from pipelines.lake.lake import Lake
from pipelines.request import Request
from pipelines.worlds import write_world
from schemas.feature import FEATURES
from schemas.policy import Policy
from transforms.learning.leaning import last_of_day
from transforms.simulate import Options, Pool

SEEDS = (201, 202, 203, 204)
TABLE = Path(__file__).parents[2] / "transforms" / "learning" / "likeness.py"
STEPS = 16
"""Steps a feature, with as many days each where values allow it."""

RIDGE, SMOOTH = 20.0, 50.0
"""Penalties on the square of each step's points and of the difference between neighbours: left-out worlds were ordered best by these of three pairs tried."""

LEFT_OUT = ("age_days", "day_share_of_week")
"""Not what a day looks like; sums over a week (`_7d`) neither, since a log that begins has none."""

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]


def features() -> list[str]:
    """Names of the features that are looked at."""
    return [one.name for one in FEATURES if one.name not in LEFT_OUT and not one.name.endswith("_7d")]


def options(seed: int) -> Options:
    """A world with every thief and look-alike, and a pool of each harvest whose size, pace and share of attack are drawn."""
    draw = random.Random(seed)
    harvests = [
        Pool(
            "T-HYDRA",
            draw.choice((12, 20, 30, 50, 80)),
            draw.choice((13.0, 46.0, 120.0, 280.0)),
            attack_share=draw.choice((0.1, 0.25, 0.5, 1.0)),
            begins=draw.choice((0.0, 0.1, 0.3)),
            harvest=harvest,
        )
        for harvest in HARVESTS
    ]
    others = [Pool("T-RELAY", draw.choice((15, 30)), 46.0), Pool("B-RESELL", 20, 40.0)]
    return Options(
        seed=seed,
        accounts=1_500,
        lookalikes=20,
        crowd=80,
        teams=25,
        attackers=8,
        pools=(*harvests, *others),
        cap_per_day=200.0,
        loud_cap=1_200.0,
        words=24,
    )


def days(seed: int, folder: Path) -> pl.DataFrame:
    """The last window of each account's day of a world, with `is_thief`; accounts that are neither are left out."""
    world, key = folder / "world", folder / "key"
    if not (folder / "done").exists():
        write_world(options(seed), world, "canonical")
        key.touch(mode=0o600)
        key.write_text(bytes(range(32)).hex())
        logs, accounts = (str(world / "logs"),), world / "accounts.csv"
        request = Request(logs, folder / "lake", accounts=accounts, is_complete=True, key_file=key)
        backfill(request, Progress(quiet=True))
        (folder / "done").touch()
    windows = Lake.open(folder / "lake").read("account_windows").filter(~pl.col("provisional"))
    policy = Policy()
    day = (pl.col("window_end") - policy.time.tick).dt.truncate("1d")
    last = [last_of_day(rows, policy) for _, rows in windows.group_by(day, maintain_order=True)]
    truth = pl.read_parquet(world / "truth.parquet").filter(pl.col("label") != "grey")
    told = truth.select("account_id", is_thief=pl.col("label") == "extraction")
    return pl.concat(last).join(told, on="account_id").sort("account_id", "window_end")


def fitted(rows: pl.DataFrame) -> dict[str, tuple[list[float], list[int], int]]:
    """By feature the edges of its steps, points of each step, and of an unknown value."""
    names = features()
    values = rows.select(pl.col(names).cast(pl.Float64)).to_numpy()
    edges = [_edges(values[:, place]) for place in range(len(names))]
    offsets = np.concatenate([[0], np.cumsum([len(one) + 2 for one in edges])])
    columns = [_steps(values[:, place], one) + offsets[place] for place, one in enumerate(edges)]
    points = _points(np.stack(columns, axis=1), offsets, rows["is_thief"].to_numpy().astype(np.float64))
    table = {}
    for place, name in enumerate(names):
        own = np.round(points[offsets[place] : offsets[place + 1]] * 1000).astype(np.int64).tolist()
        if any(own):
            table[name] = (edges[place].tolist(), own[1:], own[0])
    return table


def _edges(values: F64) -> F64:
    known = values[~np.isnan(values)]
    if len(known) == 0:
        return np.empty(0)
    cuts = np.quantile(known, np.linspace(0, 1, STEPS + 1)[1:-1])
    return np.unique([float(f"{cut:.6g}") for cut in cuts])


def _steps(values: F64, edges: F64) -> I64:
    return np.where(np.isnan(values), 0, np.searchsorted(edges, values, side="right") + 1)


def _points(steps: I64, offsets: I64, is_thief: F64) -> F64:
    """Points of each step; the first of a feature is of its unknown values, which has no neighbours."""
    count, width = int(offsets[-1]), steps.shape[1]
    lower = np.concatenate([np.arange(offsets[place] + 1, offsets[place + 1] - 1) for place in range(width)])

    def loss(given: F64) -> tuple[float, F64]:
        points, log_odds = given[:count], given[count] + given[steps].sum(axis=1)
        missed = 1.0 / (1.0 + np.exp(-log_odds)) - is_thief
        jumps = points[lower + 1] - points[lower]
        value = (np.logaddexp(0.0, log_odds) - is_thief * log_odds).sum()
        value += 0.5 * RIDGE * (points**2).sum() + 0.5 * SMOOTH * (jumps**2).sum()
        slope = np.bincount(steps.reshape(-1), weights=np.repeat(missed, width), minlength=count) + RIDGE * points
        np.add.at(slope, lower + 1, SMOOTH * jumps)
        np.add.at(slope, lower, -SMOOTH * jumps)
        return float(value), np.append(slope, missed.sum())

    found = minimize(loss, np.zeros(count + 1), jac=True, method="L-BFGS-B", options={"maxiter": 200})
    return np.asarray(found.x[:count])


_MODULE = '''"""What a harvester's day looks like, as learned from simulated worlds of seeds {seeds}; generated: `make evaluation ARGS=leaning`."""

# fmt: off
FEATURES: dict[str, tuple[list[float], list[int], int]] = {{
{lines}}}
"""By feature: ascending edges of its steps, the points of each step, and those of an unknown value; in thousandths of log-odds."""
'''


def main(arguments: Sequence[str]) -> None:
    """Makes the worlds, learns, and writes the table."""
    parser = argparse.ArgumentParser(prog="make evaluation ARGS=leaning", description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS), help="worlds to learn from")
    parser.add_argument("--keep", type=Path, help="folder in which the worlds are kept, and found again")
    parser.add_argument("--out", type=Path, default=TABLE, help="where the table goes")
    asked = parser.parse_args(arguments)
    logging.disable(logging.WARNING)  # what the engines say of every run
    with tempfile.TemporaryDirectory(prefix="stillwatch-leaning-") as made:
        root = asked.keep or Path(made)
        rows = []
        for seed in asked.seeds:
            folder = root / str(seed)
            folder.mkdir(parents=True, exist_ok=True)
            rows.append(days(seed, folder))
            sys.stderr.write(f"seed {seed}: {rows[-1].height} days, {rows[-1]['is_thief'].sum()} of thieves\n")
    table = fitted(pl.concat(rows))
    lines = "".join(f'    "{name}": {steps},\n' for name, steps in table.items())
    asked.out.write_text(_MODULE.format(seeds=", ".join(map(str, asked.seeds)), lines=lines))
