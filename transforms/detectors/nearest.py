"""How near an account came to each rule and shape, from one of its windows: for whom is not flagged."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from schemas.feature import FAMILIES
from schemas.policy import Policy
from schemas.shape import Bound
from schemas.window import WINDOW
from transforms.detectors import evidence
from transforms.detectors.peers import Peers
from transforms.detectors.registry import shapes
from transforms.detectors.shape import MEASURES, Shape, level

CORE = ("structure", "tokens", "elicitation")
"""Families of which a harvest shows two (transforms.detectors.patterns)."""

_RULES = {
    "bulk_download": (("objects_24h", "download_breadth"),),
    "bypass_search": (("refused_variants_24h", "bypass_refusals"), ("refusal_share_24h", "bypass_refusal_share")),
    "enumeration": (("objects_24h", "download_objects"), ("sequential_share_24h", "download_sequential_share")),
    "fresh_sweep": (
        ("biased_tokens_24h", "fresh_tokens"),
        ("one_token_share_24h", "sweep_one_token"),
        ("biasing_calls_24h", "sweep_calls"),
    ),
    "logit_sweep": (("biased_tokens_24h", "sweep_tokens"), ("biasing_calls_24h", "sweep_calls")),
    "system_prompt_extraction": (("system_prompt_asks_24h", "system_prompt_asks"),),
}
"""Rule -> features of a window that stand for what it looks at, and the policy's thresholds of them."""

_BIASING = (pl.col("logit_bias_share_24h") * pl.col("calls_24h")).round(0).alias("biasing_calls_24h")


@dataclass(frozen=True)
class Near:
    """How near a rule or shape was.

    Attributes:
        detector: its id.
        reached: share of the way, 0 to 1: of a rule its least reached threshold; of a shape the decades of what is there among
            those that flag, at most one half while anything needed is missing.
        says: one sentence: what is there, and what is missing by which value.
    """

    detector: str
    reached: float
    says: str


def nearest(window: Mapping[str, Any], policy: Policy) -> list[Near]:
    """Rules and shapes that a window came near to, nearest first; those of which nothing is there are left out.

    Args:
        window: one WINDOW row; null features are not there.
        policy: `policy.rules`, `policy.shapes`.
    """
    frame = pl.DataFrame([{name: window.get(name) for name in WINDOW.columns}], schema=WINDOW.polars)
    row = frame.with_columns(_BIASING, **MEASURES)
    found = [_of_rule(name, row, policy) for name in _RULES] + [
        _of_shape(shape, row, policy) for shape in _looked_for(row)
    ]
    near = [one for one in found if one is not None and one.reached > 0]
    return sorted(near, key=lambda one: (-one.reached, one.detector))


def prior_points(window: Mapping[str, Any], policy: Policy) -> dict[str, float]:
    """Decades of each family by the shipped priors alone; peers can only lower them."""
    values = {name: window.get(name) for name in WINDOW.columns}
    numbers = [name for name, kind in WINDOW.polars.items() if kind == pl.Float64]
    columns = {name: np.array([values[name]], dtype=np.float64) for name in numbers}
    judged = evidence.judge(columns, 1, Peers({}, None, None, ""), policy)
    return dict(zip(FAMILIES, judged.prior_points[0].tolist(), strict=True))


def _of_rule(name: str, row: pl.DataFrame, policy: Policy) -> Near | None:
    parts = []
    for feature, key in _RULES[name]:
        observed, threshold = row[feature].item(), float(getattr(policy.rules, key))
        if observed is None:
            return None
        parts.append(
            (min(observed / threshold, 1.0), f"{feature} is {_shown(observed)} of {_shown(threshold)} (rules.{key})")
        )
    return Near(name, min(share for share, _ in parts), "; ".join(says for _, says in parts))


def _looked_for(row: pl.DataFrame) -> list[Shape]:
    """One shape a detector: the one for what is not known of the account, where it has one (they come last)."""
    found = {shape.card.id: shape for shape in shapes() if shape.unknown is None or row[shape.unknown].item() is None}
    return list(found.values())


def _of_shape(shape: Shape, row: pl.DataFrame, policy: Policy) -> Near | None:
    levels = row.select(level(one) for one in shape.properties).row(0, named=True)
    there = [one for one in shape.properties if levels[one.name] > 0]
    missing = [one for one in shape.properties if one.is_needed and levels[one.name] == 0]
    if not there or len(missing) == sum(one.is_needed for one in shape.properties):
        return None
    total = round(sum(float(shape.decades_of(one.name)[levels[one.name]]) for one in there), 6)
    least = shape.least(policy)
    calls = row["calls_24h"].item() or 0.0
    if missing:
        reached = 0.5 * len([one for one in there if one.is_needed]) / sum(one.is_needed for one in shape.properties)
        lacks = "; ".join(_lack(one.steps[0].bounds, row) for one in missing)
        return Near(shape.card.id, reached, f"it shows {_names(there)}, but needs {lacks}")
    rarity = float(shape.rarity(np.array([total]))[0])
    says = (
        f"it shows {_names(there)}: 1 honest account in {round(10.0**rarity):,} shows as much, "
        f"and it takes 1 in {round(10.0**least):,} (shapes.{shape.share})"
    )
    if calls < policy.shapes.least_calls:
        says += f" and {policy.shapes.least_calls} calls in 24 h (shapes.least_calls), of which there are {calls:,.0f}"
    return Near(shape.card.id, min(rarity / least, 1.0) * min(calls / policy.shapes.least_calls, 1.0), says)


def _names(properties: list[Any]) -> str:
    return ", ".join(one.name for one in properties)


def _lack(bounds: tuple[Bound, ...], row: pl.DataFrame) -> str:
    """The bounds that are not met, each with what was seen."""
    lacks = []
    for bound in bounds:
        seen = row[bound.feature].item()
        met = seen is not None and (seen >= bound.value if bound.side == "least" else seen <= bound.value)
        if not met:
            side = "or more" if bound.side == "least" else "or less"
            shown = "not known" if seen is None else _shown(seen)
            lacks.append(f"{bound.feature} of {_shown(bound.value)} {side} (is {shown})")
    return " and ".join(lacks)


def _shown(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:.3g}"
