"""Shapes of a harvest at every hour's end: hits, each with the properties it is made of."""

from typing import Any

import numpy as np
import polars as pl

from schemas.hit import HIT
from schemas.policy import Policy
from transforms.detectors.registry import shapes
from transforms.detectors.shape import MEASURES, Shape, level, parts_of, told

_KEPT = ("account_id", "account_hash", "window_end", "sample_event_ids")


def step(windows: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    """The hours at whose end an account's last 24 hours have a shape.

    Args:
        windows: WINDOW rows in any order; features may be missing (null), unknown columns are ignored.
        policy: `policy.shapes`, time.tick.

    Returns:
        HIT rows at the last tick of the hour; `observed` is how rare it is (-log10 of the share of honest accounts with as
        much of it), the signals' points add up to that.
    """
    if windows.is_empty():
        return HIT.empty()
    hits = [HIT.empty()]
    wanted = sorted({name for shape in shapes() for name in shape.features} | {"calls_24h"})
    raw = sorted({part for name in wanted for part in parts_of(name)})
    missing = [pl.lit(None, pl.Float64).alias(name) for name in raw if name not in windows.columns]
    rows = windows.with_columns(missing).filter(pl.col("calls_24h") >= policy.shapes.least_calls)
    if rows.is_empty():
        return HIT.empty()
    rows = rows.select(*_KEPT, *raw).with_columns(**MEASURES)
    hits.extend(_hits(shape, rows, policy) for shape in shapes())
    return HIT.conform(pl.concat(hits))


def _hits(shape: Shape, rows: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    levels = [level(one) for one in shape.properties]
    needed = [pl.col(one.name) > 0 for one in shape.properties if one.is_needed]
    if shape.unknown is not None:
        needed.append(pl.col(shape.unknown).is_null())
    found = rows.with_columns(levels).filter(needed)
    if found.is_empty():
        return HIT.empty()
    decades = {one.name: shape.decades_of(one.name)[found[one.name].to_numpy()] for one in shape.properties}
    sums = np.zeros(found.height)
    for name in decades:
        sums += decades[name]
    least = shape.least(policy)
    rarity = shape.rarity(np.round(sums, 6))
    found = found.with_columns(
        rarity=pl.Series(rarity, dtype=pl.Float64),
        total=pl.Series(sums, dtype=pl.Float64),
        **{f"{name}_decades": pl.Series(values, dtype=pl.Float64) for name, values in decades.items()},
    ).filter(pl.col("rarity") >= least)
    made = [_row(shape, row, policy, least) for row in found.iter_rows(named=True)]
    return HIT.conform(pl.DataFrame(made, schema=HIT.polars))


def _row(shape: Shape, row: dict[str, Any], policy: Policy, least: float) -> dict[str, Any]:
    return {
        "account_id": row["account_id"],
        "account_hash": row["account_hash"],
        "tick": row["window_end"] - policy.time.tick,
        "rule": shape.card.id,
        "observed": row["rarity"],
        "expected": least,
        "detail": f"1 honest account in {round(10.0 ** row['rarity']):,} shows so much of it at once",
        "linked_account_ids": [],
        "sample_event_ids": list(row["sample_event_ids"]),
        "campaign_id": None,
        "campaign_ids": None,
        "tier": "review",
        "kind": None,
        "signals": _signals(shape, row),
    }


def _signals(shape: Shape, row: dict[str, Any]) -> list[dict[str, Any]]:
    """One signal a property that is there, strongest first; its points are its part of the rarity of all together."""
    made = []
    for one in shape.properties:
        reached = row[one.name]
        if reached == 0:
            continue
        said = one.steps[reached - 1]
        shown = one.steps[0].bounds[0]
        observed = float(row[shown.feature])
        made.append(
            {
                "signal": f"{shape.card.id}.{one.name}",
                "layer": "L0",
                "family": shape.card.family,
                "observed": observed,
                "expected": shown.value,
                "peers": None,
                "tail": said.share,
                "points": round(row["rarity"] * row[f"{one.name}_decades"] / row["total"], 6),
                "detail": one.says.format(observed=told(shown.feature, observed)),
            }
        )
    return sorted(made, key=lambda signal: (-signal["points"], signal["signal"]))
