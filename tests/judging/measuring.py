"""One world: written as a log, backfilled by the library, and judged."""

import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import polars as pl

from judging.attacks import by_attack
from judging.worlds import REREAD, Point
from pipelines.backfill import backfill
from pipelines.cli.progress import Progress
from pipelines.judgement import Judgement, judge
from pipelines.lake.lake import Lake
from pipelines.request import Request
from pipelines.worlds import write_world
from real_pools import real_world
from schemas.policy import Policy, SourceRule
from transforms.evaluate import POOLED, found_at_once
from transforms.evaluate.degradation import WITHOUT
from transforms.simulate import Options, World, simulate
from transforms.simulate.canonical import TEXT

APART = "detectors"
"""The axis with every thief and every look-alike."""

AT_ONCE = 100
"""Exchanges after which a harvest from one account is to be found at the next evaluation."""

NAMED = Policy(source={"combined": SourceRule(account=["remote_user"])})
"""Web logs whose user field names the account."""


def measured(point: Point, folder: Path) -> dict[str, Any]:
    """The row of a point: what was found of its world, and what that cost."""
    shutil.rmtree(folder, ignore_errors=True)
    world = folder / "world"
    if point.variant == "web log":
        made = simulate(point.options)
        world.mkdir(parents=True)
        write_web_log(made, world / "access.log")
        made.truth.write_parquet(world / "truth.parquet")
        made.attacks.write_parquet(world / "attacks.parquet")
        sources = (str(world / "access.log"),)
    else:
        write_world(point.options, world, "canonical")
        sources = (str(world / "logs"),)
    without = point.variant in ("no registry", "neither", "web log")
    before = os.times()
    policy = NAMED if point.variant == "web log" else point.policy
    judgement = judged_lake(folder, sources, None if without else world / "accounts.csv", policy)
    row = summed(judgement)
    if point.axis == REREAD:
        row["reused"] = of_reuse(row["detectors"])
    if point.axis != APART:
        row = without_kinds(row)
    if point.axis == WITHOUT:
        row["harvests"] = by_harvest(judgement, point.options)
    after = os.times()
    shutil.rmtree(folder)
    cost = sum(after[:4]) - sum(before[:4])
    told = {"axis": point.axis, "value": point.value, "variant": point.variant, "seed": point.options.seed}
    return told | row | {"processor": round(cost, 1)}


def by_harvest(judgement: Judgement, options: Options) -> dict[str, dict[str, int]]:
    """Of the pools of each harvest: pools, pools found, heads, heads on the review list; nothing of those that have not begun."""
    told: dict[str, dict[str, int]] = {}
    for row in judgement.true_campaigns().iter_rows(named=True):
        if not row["true_id"].startswith(_POOL) or not row["exchanges"]:
            continue
        harvest = options.pools[int(row["true_id"].removeprefix(_POOL)) - 1].harvest
        counts = told.setdefault(harvest, {"pools": 0, "found": 0, "heads": 0, "listed": 0})
        more = {"pools": 1, "found": int(row["is_found"]), "heads": row["heads"], "listed": row["heads_listed"]}
        told[harvest] = {name: counts[name] + more[name] for name in counts}
    return dict(sorted(told.items()))


_POOL = "pool-"
"""How the simulator names campaigns of pools, with their number from one."""

REAL_VARIANTS = ("everything", "no registry", "no text", "neither")
"""What the log of the real traces carries."""

REGISTRY = ("plan", "account_created_at")
"""What canonical records of the real traces say of their accounts besides who they are."""


def measured_real(variant: str, shared_data: Path, folder: Path) -> dict[str, Any]:
    """The row of the world of real traces and prompts (real_pools.py), which no option changes and no seed."""
    shutil.rmtree(folder, ignore_errors=True)
    world = folder / "world"
    textless, anonymous = variant in ("no text", "neither"), variant in ("no registry", "neither")
    real_world(shared_data).write(world, without=(TEXT if textless else ()) + (REGISTRY if anonymous else ()))
    before = os.times()
    row = without_kinds(
        summed(judged_lake(folder, (str(world / "logs"),), None if anonymous else world / "accounts.csv"))
    )
    after = os.times()
    shutil.rmtree(folder)
    cost = round(sum(after[:4]) - sum(before[:4]), 1)
    number = REAL_VARIANTS.index(variant)
    return {"axis": "real traces", "value": number, "variant": variant, "seed": 0, **row, "processor": cost}


def judged_lake(
    folder: Path, sources: tuple[str, ...], accounts: Path | None, policy: Policy | None = None
) -> Judgement:
    """Backfills sources into `lake` of a folder, and judges it by the truth in `world` of the same folder."""
    key = folder / "key"
    key.touch(mode=0o600)
    key.write_text(bytes(range(32)).hex())
    request = Request(
        sources, folder / "lake", accounts=accounts, is_complete=True, key_file=key, policy=policy or Policy()
    )
    backfill(request, Progress(quiet=True))
    return judge(Lake.open(folder / "lake"), folder / "world")


def summed(judgement: Judgement) -> dict[str, Any]:
    """Counts of one world; counts of several seeds add up."""
    told = judgement.told()
    campaigns = told["campaigns"]
    heads = told["rates"]["review: heads of pools found"]
    alone = told["rates"]["review: thieves acting alone found"]
    honest, acted = (told["rates"][f"{tier}: benign account-days flagged"] for tier in ("review", "act"))
    at_once = found_at_once(judgement.found, judgement.attacks, AT_ONCE, Policy().time.lateness)
    taken = [
        row["taken"]
        for row in campaigns["true"]
        if row["label"] == "extraction" and row["archetype"] in POOLED and row["exchanges"]
    ]
    return {
        "calls": told["world"]["calls"],
        "campaigns": campaigns["recall"]["trials"],
        "campaigns_found": campaigns["recall"]["hits"],
        "campaigns_false": campaigns["false"],
        "heads": heads["trials"],
        "heads_found": heads["hits"],
        "alone": alone["trials"],
        "alone_found": alone["hits"],
        "honest_days": honest["trials"],
        "honest_days_flagged": honest["hits"],
        "honest_days_to_act_on": acted["hits"],
        "taken_median": pl.Series(taken).median() if taken else None,
        "at_once": [at_once.hits, at_once.trials],
        "others": {
            row["archetype"]: {name: row[name] for name in ("accounts", "flagged", "days", "flagged_days")}
            for row in told["others"]
            if row["label"] == "benign"
        },
        "detectors": told["detectors"],
        "attacks": by_attack(judgement.found, judgement.detectors),
    }


def of_reuse(detectors: Iterable[dict[str, Any]]) -> dict[str, int]:
    """Heads of pools and honest account-days that are named for sending in what others were answered."""
    mine = next(each for each in detectors if each["detector"] == "output_reuse")
    heads = sum(counts["named"] for archetype, counts in mine["thieves"].items() if archetype in POOLED)
    return {"heads": heads, "honest_days": mine["named_days"]}


def without_kinds(row: dict[str, Any]) -> dict[str, Any]:
    """The row without what is counted by detector, attack and look-alike, which is told of one world only."""
    return {name: counts for name, counts in row.items() if name not in ("detectors", "attacks", "others")}


def write_web_log(world: World, path: Path) -> None:
    """The world's calls as a combined access log that names the account as user: no text, no tokens, no parameters."""
    with path.open("w", encoding="utf-8") as file:
        for _, blocks in world.days():
            for block in blocks:
                file.writelines(_lines(block.sort("end_time")))


def _lines(block: pl.DataFrame) -> Iterable[str]:
    paths = {"chat": "/v1/chat/completions", "completion": "/v1/completions", "embedding": "/v1/embeddings"}
    asked = (
        pl.when(pl.col("operation") == "download")
        .then(pl.format("GET /v1/files/{}/content HTTP/1.1", pl.col("object").fill_null("none")))
        .otherwise(pl.format("POST {} HTTP/1.1", pl.col("operation").replace(paths)))
    )
    size = pl.coalesce("bytes_out", 4 * pl.col("output_tokens"), pl.lit(0))
    line = pl.format(
        '{} - {} [{}] "{}" {} {} "-" "{}"\n',
        "source_ip", "account_id", pl.col("end_time").dt.strftime("%d/%b/%Y:%H:%M:%S +0000"), asked, "http_status", size,
        pl.col("user_agent").fill_null("-"),
    )  # fmt: skip
    return block.select(line.alias("line"))["line"].to_list()
