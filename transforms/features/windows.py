"""The windows of the hours that end: every feature of schemas.feature, null where it cannot be known."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from schemas.feature import FEATURE, FEATURES, Feature
from schemas.policy import Policy
from schemas.window import WINDOW
from transforms.features.accounts import Known, known_of
from transforms.features.hours import Hours
from transforms.features.keys import Keys, used
from transforms.features.measure import Measure, count
from transforms.features.ratios import ratios
from transforms.features.rhythm import rhythm, weeks
from transforms.features.samples import sampled
from transforms.features.state import DISTINCT_KINDS, SAMPLED, ClosedHours
from transforms.features.structure import (
    commonest,
    near_duplicates,
    payloads,
    refused_variants,
    templates,
    top_template,
)
from transforms.features.trailing import distinct


@dataclass(frozen=True)
class Circumstances:
    """What is known of accounts from elsewhere: PEER rows and REGISTRY rows that hold today."""

    peers: pl.DataFrame
    registry: pl.DataFrame


def windows_of(
    hours: Hours, keys: list[Keys], closed: ClosedHours, around: Circumstances, policy: Policy
) -> tuple[pl.DataFrame, Known]:
    """One WINDOW row for each hour that ends, sorted by key, without `provisional`; what is known of their accounts.

    Args:
        hours: the windows.
        keys: their accounts' keys, one a kind.
        closed: the hours before them.
        around: peer groups and registry.
        policy: the least share of refused calls in a search for a bypass; traits.shingle_slots.
    """
    known = known_of(hours, closed.accounts, closed.days, around.peers, around.registry)
    uses = {one.kind.name: used(one, hours) for one in keys}
    samples = {one.kind.name: sampled(one, hours) for one in keys if one.kind.name in SAMPLED}
    day = hours.day
    share = templates(uses, hours)
    age = known.rows["age_days"].fill_null(np.nan).to_numpy()
    objects = np.minimum(samples["download"].all_keys, day["download_calls"])
    measures = {
        **ratios(hours),
        **rhythm(hours),
        **weeks(hours, closed.days, known.rows["first_seen"].to_physical().to_numpy()),
        **commonest(uses, hours),
        **_diversity(keys, hours),
        **payloads(samples["payload"], uses["payload"], share.value, hours),
        "template_share_24h": share,
        "near_duplicate_share_1h": near_duplicates(uses["shingle"], hours, policy.traits.shingle_slots),
        "refused_variants_24h": refused_variants(samples["payload"], uses, hours, policy.rules.bypass_refusal_share),
        "biased_tokens_24h": count(samples["bias_token"].all_keys, day["parameters_known"]),
        "objects_24h": count(objects, day["calls"]),
        "age_days": Measure(age, day["calls"]),
    }
    features = [_column(feature, measures[feature.name], hours) for feature in FEATURES]
    top = top_template(uses, len(hours.hour))
    no_share = pl.Series(np.isnan(share.value) | (share.calls < FEATURE["template_share_24h"].least_calls))
    frame = known.rows.drop("age_days").with_columns(
        *features,
        top.kind.set(no_share, None).alias("top_template_kind"),
        top.key.set(no_share, None).alias("top_template_key"),
        pl.lit(None, pl.Boolean).alias("provisional"),
    )
    return frame.select(WINDOW.columns), known


def _diversity(keys: list[Keys], hours: Hours) -> dict[str, Measure]:
    """Distinct keys in 24 hours, of those kept; none at all means that none was logged."""
    out = {}
    for feature, kind in DISTINCT_KINDS.items():
        mine = next(one for one in keys if one.kind.name == kind)
        found = distinct(mine.account, mine.key, mine.hour, hours.account, hours.hour)
        out[feature] = count(found, found)
    return out


def _column(feature: Feature, measure: Measure, hours: Hours) -> pl.Series:
    """The feature's values, null where the source lacks what it needs or the calls are too few."""
    can_know = (hours.presence & int(feature.needs)) == int(feature.needs)
    kept = can_know & (measure.calls >= feature.least_calls) & ~np.isnan(measure.value)
    return pl.Series(feature.name, measure.value).set(pl.Series(~kept), None)
