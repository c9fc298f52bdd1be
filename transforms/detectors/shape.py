"""A shape: properties that a harvest shows at once, and how many honest accounts show as much of them together.

Each property alone is common among honest accounts. What is rare is all of them in one account: under independence the
share of honest accounts whose properties are all there and together as rare is a sum over the combinations of steps, which
is computed exactly, once a shape.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl

from schemas.card import Card
from schemas.feature import FEATURE
from schemas.policy import Policy
from schemas.shape import Bound, Property

F64 = npt.NDArray[np.float64]

_DIGITS = 6
"""Decades are rounded, so that no processor's last bit decides."""

MEASURES = {
    # What is left without hidden reasoning: that is what a harvest gets.
    "written_per_call_24h": pl.col("output_per_call_24h") * (1.0 - pl.col("reasoning_share_24h")),
    "written_in_ratio_24h": pl.col("out_in_ratio_24h") * (1.0 - pl.col("reasoning_share_24h")),
    "reasoning_asked_share_24h": pl.max_horizontal("reasoning_elicited_share_24h", "reasoning_tagged_share_24h"),
    "named_users_24h": pl.col("end_users_24h").fill_null(0.0),  # no id of a user was ever sent
    "fetched_once_24h": pl.when(pl.col("downloads_24h") > 0).then(pl.col("objects_24h") / pl.col("downloads_24h")),
    # At least so many: other calls may fail too. What was throttled is asked for again.
    "missed_share_24h": pl.when(pl.col("downloads_24h") > 0).then(
        1.0
        - (1.0 - pl.col("error_share_24h") + pl.col("throttled_share_24h"))
        * (pl.col("calls_24h") / pl.col("downloads_24h"))
    ),
    "download_share_24h": pl.when(pl.col("calls_24h") > 0).then(pl.col("downloads_24h") / pl.col("calls_24h")),
}
"""Numbers made of several features of a window; null where one of them is."""


def parts_of(name: str) -> list[str]:
    """The features a column or measure is made of, sorted."""
    return sorted(MEASURES[name].meta.root_names()) if name in MEASURES else [name]


UNITS = {
    "written_per_call_24h": "tokens",
    "written_in_ratio_24h": "ratio",
    "reasoning_asked_share_24h": "share",
    "named_users_24h": "users",
    "fetched_once_24h": "share",
    "missed_share_24h": "share",
    "download_share_24h": "share",
}
"""Units of measures."""


def told(name: str, value: float) -> str:
    """A feature's or measure's value as a sentence says it: shares in percent.

    >>> told("payload_novelty_24h", 1.0), told("missed_share_24h", 0.9964), told("age_days", 4.25), told("objects_24h", 1234.0)
    ('100%', '99.6%', '4.25', '1,234')
    """
    unit = FEATURE[name].unit if name in FEATURE else UNITS[name]
    if unit == "share":
        return f"{100 * value:.3g}%"
    return f"{value:,.3g}" if abs(value) < 1000 else f"{value:,.0f}"


@dataclass(frozen=True)
class Shape:
    """One shape.

    Attributes:
        card: what it sees.
        properties: what speaks.
        unknown: a feature, or None; the shape is looked for only where it is not known. A detector that has one such shape
            beside another looks at every account in one way.
        share: key of `policy.shapes`: the share of honest account-days that may have it.
    """

    card: Card
    properties: tuple[Property, ...]
    unknown: str | None = None
    share: str = "share"

    def least(self, policy: Policy) -> float:
        """How rare it must be, in decades."""
        return round(-float(np.log10(getattr(policy.shapes, self.share))), _DIGITS)

    @property
    def features(self) -> set[str]:
        """Every column or measure looked at."""
        looked_at = {bound.feature for one in self.properties for bound in one.bounds}
        return looked_at if self.unknown is None else looked_at | {self.unknown}

    def decades_of(self, name: str) -> F64:
        """What a property says at each step, 0 before the first."""
        found = next(one for one in self.properties if one.name == name)
        return np.array([0.0, *(round(-float(np.log10(step.share)), _DIGITS) for step in found.steps)])

    @cached_property
    def tails(self) -> tuple[F64, F64]:
        """Sums of decades that occur, ascending, and of each the share of honest accounts with all needed and at least it."""
        sums: F64 = np.zeros(1)
        shares: F64 = np.ones(1)
        for one in self.properties:
            reached = np.array([1.0, *(step.share for step in one.steps), 0.0])
            portions, decades = reached[:-1] - reached[1:], self.decades_of(one.name)
            first = 1 if one.is_needed else 0
            every = np.round(sums[:, None] + decades[None, first:], _DIGITS).reshape(-1)
            weights = (shares[:, None] * portions[None, first:]).reshape(-1)
            sums, place = np.unique(every, return_inverse=True)
            shares = np.bincount(place.reshape(-1), weights=weights, minlength=len(sums)).astype(np.float64)
        return sums, np.cumsum(shares[::-1])[::-1]

    def rarity(self, sums: F64) -> F64:
        """Decades (-log10 of the share of honest accounts) of sums that occur."""
        known, shares = self.tails
        return np.asarray(np.round(-np.log10(shares[np.searchsorted(known, sums - 0.5 * 10**-_DIGITS)]), _DIGITS))


def holds(bounds: Iterable[Bound]) -> pl.Expr:
    """Whether all bounds hold; a null feature is on no side."""
    return pl.all_horizontal(
        [
            (pl.col(b.feature) >= b.value if b.side == "least" else pl.col(b.feature) <= b.value).fill_null(value=False)
            for b in bounds
        ]
    )


def level(one: Property) -> pl.Expr:
    """How many steps of a property are met: steps are nested."""
    return pl.sum_horizontal(holds(step.bounds).cast(pl.Int64) for step in one.steps).alias(one.name)
