"""The feature catalogue: every entry can be read, computed and used as evidence."""

import re
from itertools import pairwise

import pytest

from schemas.event import Presence
from schemas.feature import FAMILIES, FEATURES, Feature

every_feature = pytest.mark.parametrize("feature", FEATURES, ids=lambda feature: feature.name)


def test_names_are_unique_and_every_family_is_used() -> None:
    assert len({feature.name for feature in FEATURES}) == len(FEATURES) > 40
    assert {feature.family for feature in FEATURES} == set(FAMILIES)


@every_feature
def test_an_entry_says_what_it_is_which_way_it_points_and_where_it_comes_from(feature: Feature) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9_]+", feature.name)
    assert feature.suspicious in ("high", "low", "both", "none")
    assert feature.unit
    assert feature.source
    assert feature.why.endswith(".")
    assert feature.needs in Presence(sum(Presence))
    assert feature.least_calls >= 1


@every_feature
def test_a_prior_is_rarer_the_more_extreme_the_value(feature: Feature) -> None:
    direction = -1 if feature.suspicious == "low" else 1
    for pairs, side in ((feature.prior, direction), (feature.low_prior, -1)):
        for (value, share), (next_value, next_share) in pairwise(pairs):
            assert (next_value - value) * side > 0
            assert next_share <= share
        assert all(0 < share <= 1 for _, share in pairs)
    assert feature.suspicious == "both" or not feature.low_prior
    assert feature.suspicious != "none" or not feature.prior
