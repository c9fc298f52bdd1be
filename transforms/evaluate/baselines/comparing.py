"""Methods beside each other, each at a threshold that was set on another world's honest accounts."""

from typing import Any

import numpy as np
import polars as pl

from transforms.evaluate.outcomes import POOLED
from transforms.evaluate.ranking import average_precision, largest

ALLOWED = 0.001
"""Share of honest account-days that may lie above a threshold: the budget of the review tier."""


def threshold(found: pl.DataFrame, rows: pl.DataFrame, allowed: float = ALLOWED) -> float | None:
    """The score above which no more than that share of honest account-days lie; None where those days are too few to say.

    Args:
        found: OUTCOME rows of the world on which the threshold is set.
        rows: SCORED rows of the method there.
        allowed: share of account-days; days on which the method could not look count as below.
    """
    honest = found.filter(pl.col("label") == "benign")
    worst = np.sort(_days(rows.join(honest.select("account_id"), on="account_id", how="semi"))["score"].to_numpy())
    exceeding = int(allowed * int(honest["days"].sum()))
    if exceeding < 1 or len(worst) == 0:
        return None
    return float(worst[-exceeding - 1]) if len(worst) > exceeding else float(worst[0])


def compared(method: str, found: pl.DataFrame, rows: pl.DataFrame, limit: float | None) -> dict[str, Any]:
    """What a method does on a world: at the threshold, and by rank whatever the threshold.

    Args:
        method: its name.
        found: OUTCOME rows of the world.
        rows: SCORED rows of the method.
        limit: its threshold; None where there is none.

    Returns:
        method, threshold; false_days (share of honest account-days above it), alone and heads (share of thieves acting alone,
        and of heads of pools, that were ever above it), all null without a threshold; precision_alone and precision_heads
        (average precision by largest score).
    """
    told: dict[str, Any] = {"method": method, "threshold": limit, "false_days": None, "alone": None, "heads": None}
    for name, pooled in (("alone", False), ("heads", True)):
        told[f"precision_{name}"] = average_precision(*largest(found, rows, pooled=pooled))
    if limit is None:
        return told
    above = rows.filter(pl.col("score") > limit)
    honest = found.filter(pl.col("label") == "benign")
    wrong = _days(above.join(honest.select("account_id"), on="account_id", how="semi")).height
    days = int(honest["days"].sum())
    told["false_days"] = wrong / days if days else None
    seen = set(above["account_id"])
    thieves = found.filter(pl.col("label") == "extraction").with_columns(
        heads=pl.col("archetype").is_in(POOLED), above=pl.col("account_id").is_in(list(seen))
    )
    for name, pooled in (("alone", False), ("heads", True)):
        of = thieves.filter(pl.col("heads") == pooled)
        told[name] = float(of["above"].mean()) if of.height else None  # type: ignore[arg-type]
    return told


def _days(rows: pl.DataFrame) -> pl.DataFrame:
    """Largest score of each account and UTC day."""
    day = (pl.col("window_end") - pl.duration(microseconds=1)).dt.date().alias("day")
    return rows.group_by("account_id", day).agg(pl.col("score").max())
