"""How much it takes: the more, the fewer hold a key, and the more of what speaks a class or a fleet has as well."""

import numpy as np
import polars as pl
import pytest

from given_accounts import DAY
from given_pools import POLICY, Lake, on_file, pool
from transforms.campaigns.agreeing import needed

OWN = POLICY.campaigns
TEMPLATE = (("head", 7), ("tail", 8))


@pytest.mark.parametrize(
    ("kind", "is_of_class", "expected"),
    [
        ("head", False, [6.0, 5.0, 5.0, 4.25, 4.25, 4.25]),
        ("client", False, [6.0, 5.5, 5.5, 5.5, 5.5, 5.5]),
        ("head", True, [8.5, 8.5, 8.5, 8.5, 8.5, 5.5]),
        ("client", True, [8.5, 8.5, 8.5, 8.5, 8.5, 5.5]),
        ("payer", True, [7.0, 7.0, 7.0, 7.0, 7.0, 7.0]),
    ],
)
def test_what_a_key_takes_goes_by_its_holders_and_by_what_speaks(
    kind: str, is_of_class: bool, expected: list[float]
) -> None:
    holders = np.array([7, 8, 24, 25, 39, 40])
    flags = np.full(len(holders), is_of_class)
    assert needed(pl.Series([kind] * len(holders)), holders, flags, OWN).tolist() == expected


@pytest.mark.parametrize("heads", [7, 8])
def test_a_phrase_with_which_a_client_agrees_takes_as_much(heads: int) -> None:
    """An even load, claims of extraction and the agreement come to six decades, which is enough for as few as well; without claims to four."""
    keys = (*TEMPLATE, ("client", 1))
    told = [
        Lake([]).run(pool("head", heads, 40, keys=keys, elicited=elicited), DAY + POLICY.time.tick * 288).campaigns
        for elicited in (1, 0)
    ]
    assert [campaigns.height for campaigns in told] == [1, 0]


@pytest.mark.parametrize(
    ("heads", "expected"), [(7, OWN.small_decades), (20, OWN.review_decades), (26, OWN.large_decades)]
)
def test_a_hit_says_what_a_key_of_as_many_accounts_takes(heads: int, expected: float) -> None:
    known = on_file("head", heads, age_days=3, a_card=2)
    hits = Lake(known).run(pool("head", heads, 40, keys=TEMPLATE), DAY + POLICY.time.tick * 288).hits
    assert set(hits["expected"]) == {expected}
