"""Attacks that have detectors of their own: how many are named by any of these, and what the others had done by the end of the world."""

from dataclasses import dataclass
from typing import Any

import polars as pl


@dataclass(frozen=True)
class Attack:
    """An attack.

    Attributes:
        archetypes: who does it.
        detectors: those that are there for it; one way of doing it is seen by one of them, another way by another.
    """

    archetypes: tuple[str, ...]
    detectors: tuple[str, ...]


ATTACKS = {
    "handle replay": Attack(("T-SIG",), ("handle_replay", "handle_reuse")),
    "logit sweep": Attack(
        ("T-LOGIT",),
        (
            "logit_sweep",
            "fresh_sweep",
            "slow_sweep",
            "sweep_shape",
            "logprob_harvest",
            "wide_logprobs",
            "logprob_shape",
        ),
    ),
    "bypass search": Attack(("T-PROBE",), ("bypass_search", "bypass_shape")),
    "bulk download": Attack(("T-BREADTH", "T-WALK"), ("bulk_download", "enumeration", "download_shape", "walk_shape")),
}


def by_attack(found: pl.DataFrame, told: pl.DataFrame) -> dict[str, dict[str, Any]]:
    """Of each attack: accounts, how many of them were named, exchanges of the others, and all thieves and honest accounts that were named.

    Args:
        found: OUTCOME rows; accounts whose findings are suppressed are never named.
        told: SAID rows.
    """
    by = {}
    for name, attack in ATTACKS.items():
        named = told.filter(pl.col("named") & pl.col("detector").is_in(attack.detectors))["account_id"]
        known = found.with_columns(is_named=pl.col("account_id").is_in(named.implode()) & ~pl.col("is_suppressed"))
        doing = known.filter((pl.col("label") == "extraction") & pl.col("archetype").is_in(attack.archetypes))
        labels = known.filter("is_named")["label"]
        by[name] = {
            "accounts": doing.height,
            "named": int(doing["is_named"].sum()),
            "missed": sorted(doing.filter(~pl.col("is_named"))["attack_calls"].to_list()),
            "right": int((labels == "extraction").sum()),
            "wrong": int((labels == "benign").sum()),
        }
    return by
