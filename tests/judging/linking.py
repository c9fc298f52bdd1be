"""`make evaluation ARGS=campaigns`: campaigns alone, over the traits of worlds of the grid.

A world's calls become traits once and go through linkage day by day, without a lake, sessions, features or scores, and so without leanings: what a change of
campaigns does is seen in a tenth of the time. A line of JSON a world goes to stdout, and nothing is kept.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from ingest_blocks import decoded
from judging.worlds import Point, points
from schemas.campaign import CAMPAIGN
from schemas.policy import Policy
from schemas.registry import REGISTRY
from schemas.snapshot import MOVE, NIGHT, Snapshot
from transforms.campaigns import CampaignState, Habits, TieState, base_of, facts, step, tie
from transforms.campaigns.habits import KINDS, SHOWN, models_of
from transforms.learning import CALLED, NETWORK, hours_of, moves_after, networks_of, nights_after
from transforms.links import Compact, PostingState, postings
from transforms.order.step import OrderState
from transforms.order.step import step as order
from transforms.simulate import Options, simulate
from transforms.simulate.canonical import canonical_lines

LATER = datetime(2200, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)
_PURE = 0.8
"""Share of a campaign's accounts that must be heads of one pool, for it to be that pool's (threats.md 5)."""


@dataclass(frozen=True)
class Shown:
    """A world as linkage sees it, and what is true of it.

    Attributes:
        traits: TRAIT rows of all calls.
        registry: REGISTRY rows.
        truth: TRUTH rows.
        attacks: calls that took something: account_id, tick, attack_calls.
    """

    traits: pl.DataFrame
    registry: pl.DataFrame
    truth: pl.DataFrame
    attacks: pl.DataFrame


def shown(options: Options) -> Shown:
    """A world's calls as traits."""
    world, policy = simulate(options), Policy()
    blocks = (block for _, day in world.days() for block in day)
    lines = (canonical_lines(block, with_text=options.words > 0) for block in blocks)
    events = pl.concat([decoded("canonical", data).events for data in lines])
    registry = REGISTRY.conform(world.registry)
    _, made = order(OrderState.empty(), events, registry, LATER, policy)
    return Shown(made.traits, registry, world.truth, world.attacks)


def linked(traits: pl.DataFrame, registry: pl.DataFrame, policy: Policy) -> tuple[pl.DataFrame, pl.DataFrame, float]:
    """HIT rows, CAMPAIGN rows, and processor seconds of linkage over all days."""
    index, ties, state = PostingState.empty(), TieState.empty(), CampaignState.empty()
    known, hits, campaigns = facts(registry), [], CAMPAIGN.empty()
    moves, nights = MOVE.empty(), NIGHT.empty()
    rows = traits.sort("account_id", "tick", "kind", "key")
    began = time.process_time()
    for day in rows["tick"].dt.truncate("1d").unique().sort():
        learned = Snapshot(None, None, Snapshot.empty().parts | {"moves": moves, "nights": nights})
        today, until = rows.filter(pl.col("tick").dt.truncate("1d") == day), day + _DAY
        base = base_of(known, day, policy.campaigns, learned)
        index, shared = postings.step(index, Compact.of(today), until, policy)
        ties, tied_keys, tied = tie(ties, shared, registry, base, until, policy)
        prompts = shared.filter(pl.col("kind") == "payload")
        habits = Habits(today.filter(pl.col("kind").is_in(KINDS)).select(SHOWN.names()), models_of(today))
        state, found, campaigns = step(state, tied_keys, tied, prompts, habits, until, policy)
        hits.append(found)
        moves = moves_after(moves, day, [networks_of(today.filter(pl.col("kind") == NETWORK))], policy)
        nights = nights_after(nights, day, [hours_of(today.filter(pl.col("kind") == CALLED))], policy)
    return pl.concat(hits), campaigns, time.process_time() - began


def judged(world: Shown, hits: pl.DataFrame, campaigns: pl.DataFrame) -> dict[str, Any]:
    """What was found: pools and their heads, what had left before each flag, honest accounts flagged, campaigns of nobody."""
    flagged = set(hits["account_id"])
    heads = {
        pool: set(rows["account_id"])
        for (pool,), rows in world.truth.drop_nulls("campaign_id")
        .sort("campaign_id")
        .group_by("campaign_id", maintain_order=True)
    }
    honest = set(world.truth.filter(pl.col("label") == "benign")["account_id"])
    live = campaigns.filter(pl.col("merged_into").is_null()).rows(named=True)
    gone: dict[str, int | None] = {}
    for pool, accounts in heads.items():
        own = [row["flagged_at"] for row in live if len(accounts & set(row["account_ids"])) >= _PURE * row["accounts"]]
        taken = world.attacks.filter(pl.col("account_id").is_in(list(accounts)))
        gone[pool] = int(taken.filter(pl.col("tick") < min(own))["attack_calls"].sum()) if own else None
    every = set().union(*heads.values())
    return {
        "pools": len(heads),
        "pools_found": sum(taken is not None for taken in gone.values()),
        "heads": len(every),
        "heads_found": len(every & flagged),
        "campaigns": len(live),
        "campaigns_of_nobody": sum(not every & set(row["account_ids"]) for row in live),
        "honest": len(honest),
        "honest_flagged": len(honest & flagged),
        "gone_before": gone,
    }


def measured(point: Point) -> dict[str, Any]:
    """The row of a point."""
    world = shown(point.options)
    registry = world.registry.clear() if point.variant in ("no registry", "neither") else world.registry
    hits, campaigns, cost = linked(world.traits, registry, Policy())
    told = {"axis": point.axis, "value": point.value, "variant": point.variant, "seed": point.options.seed}
    return told | judged(world, hits, campaigns) | {"traits": world.traits.height, "processor": round(cost, 2)}


def wanted(axes: Sequence[str], seeds: Sequence[int]) -> Iterator[Point]:
    """The worlds of these axes; a web log shows too few kinds of trait to be one of them."""
    for seed in seeds:
        yield from (point for point in points(seed) if point.axis in axes and point.variant != "web log")


def main(arguments: Sequence[str]) -> None:
    """Measures the worlds asked for."""
    known = sorted({point.axis for point in points(0)})
    parser = argparse.ArgumentParser(prog="make evaluation ARGS=campaigns", description=__doc__)
    parser.add_argument("axes", nargs="*", metavar="AXIS", help=f"{', '.join(known)}; `log`, poorer logs, without")
    parser.add_argument("--seeds", type=int, nargs="+", default=[11], help="worlds of these seeds")
    asked = parser.parse_args(arguments)
    axes = asked.axes or ["log"]
    if set(axes) - set(known):
        parser.error(f"the axes are {', '.join(known)}")
    for point in wanted(axes, asked.seeds):
        sys.stdout.write(f"{json.dumps(measured(point))}\n")
        sys.stdout.flush()
