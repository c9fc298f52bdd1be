"""When is it enough? Rules by their cards, models by the calibrated rate, a conjunction where nothing can be calibrated."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from schemas.card import Card
from schemas.policy import Policy
from transforms.findings.calibration import least_size


def decided_by_models(hours: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    """The hours at which L1 flags, with `tier` and `uncalibrated`; every one has a pattern.

    An account-day within the false-positive budget flags if its evidence also has the shape of an extraction and weighs
    `rates.least_decades` against the shipped priors: the most unusual of ordinary accounts is not a thief. Where no
    reference is large enough to reach the review rate, the shipped priors decide alone: the pattern of a harvest, from
    `evidence.least_families` families on, with `evidence.review_decades` and `evidence.least_calls` calls.

    The distribution test has a budget of its own, for review only: an account-day within it flags if the evidence also has the
    shape of an extraction. Being far from everyone is no theft.

    Args:
        hours: what `hourly_scores` gives.
        policy: `policy.rates`, `policy.evidence`.
    """
    rates, evidence = policy.rates, policy.evidence
    weighs = pl.col("pattern").is_not_null() & (pl.col("prior_points") >= rates.least_decades)
    by_rate = weighs & (pl.col("p_value") <= rates.review)
    is_harvest = (
        (pl.col("pattern") == "distillation")
        & (pl.col("families") >= evidence.least_families)
        & (pl.col("harvest_points") >= evidence.review_decades)
    )
    alone = (
        (pl.col("reference_size") < least_size(rates.review))
        & (pl.col("calls_24h") >= evidence.least_calls)
        & is_harvest.fill_null(value=False)
    )
    by_distance = pl.col("pattern").is_not_null() & (pl.col("l3_p_value") <= rates.review)
    calibrated = by_rate.fill_null(value=False) | by_distance.fill_null(value=False)
    acts = by_rate & (pl.col("p_value") <= rates.act)
    return hours.filter(by_rate | alone | by_distance).with_columns(
        tier=pl.when(acts).then(pl.lit("act")).otherwise(pl.lit("review")),
        uncalibrated=~calibrated,
        p_value=pl.when(by_distance).then(pl.min_horizontal("p_value", "l3_p_value")).otherwise("p_value"),
    )


def tier_of_hit(hit: Mapping[str, Any], card: Card, policy: Policy) -> str:
    """The hit's own tier; else `act` where the card justifies it for what was observed, else `review`."""
    if hit["tier"] is not None:
        return str(hit["tier"])
    return "act" if card.act is not None and hit["observed"] >= card.act(policy.rules) else "review"
