"""What L1 looks at: one side of one feature each, with what benign traffic was measured to do there."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from schemas.feature import FEATURES, Feature

F64 = npt.NDArray[np.float64]

_GROWS = "a count that grows with volume: any large job reaches it; the rule about it asks for more"

NO_EXTRACTION = {
    ("out_in_ratio_24h", "low"): "batch jobs, embeddings and code completion read much, write little (threats.md 1.2)",
    ("throttled_share_24h", "high"): "a limit that is too low throttles honest clients as well",
    (
        "prefixes_24h",
        "high",
    ): "continuous integration runs on many networks; networks alone never convict (threats.md 3.2)",
    ("downloads_24h", "high"): "asking again and again for one object is polling; objects_24h counts what left",
    ("refused_variants_24h", "high"): _GROWS,
    ("refused_then_answered_24h", "high"): _GROWS,
    ("system_prompt_asks_24h", "high"): _GROWS,
}
"""Sides that count among peers, where the p-value calibrates them, but never as shipped evidence of extraction."""


@dataclass(frozen=True)
class Look:
    """One side of one feature.

    Attributes:
        feature: the feature.
        side: `high` or `low`.
        values: prior values, ascending.
        shares: share of benign accounts at least as extreme as each of them.
        levels: the shares, ascending, with 0 before them: what the prior's tail can be.
        is_extraction: whether it counts as shipped evidence.
    """

    feature: Feature
    side: str
    values: F64
    shares: F64
    levels: F64
    is_extraction: bool

    @property
    def name(self) -> str:
        """The feature's column."""
        return self.feature.name

    def prior(self, values: F64) -> F64:
        """Share of benign accounts at least as extreme, from above: a staircase, 1 where the prior says nothing.

        >>> [look] = [look for look in LOOKS if look.name == "gap_cv_24h"]
        >>> look.prior(np.array([0.4, 0.5, 0.6])).tolist()
        [0.02, 0.02, 1.0]
        """
        if self.side == "high":
            steps = np.concatenate([[1.0], self.shares])
            return np.asarray(steps[np.searchsorted(self.values, values, side="right")])
        steps = np.concatenate([self.shares, [1.0]])
        return np.asarray(steps[np.searchsorted(self.values, values, side="left")])

    def level(self, tails: F64) -> F64:
        """The largest value up to `tails` that the prior's own tail can take; 0 if none: then it cannot be so small."""
        return np.asarray(self.levels[np.searchsorted(self.levels, tails, side="right") - 1])


def _look(feature: Feature, side: str, pairs: tuple[tuple[float, float], ...]) -> Look:
    ordered = sorted(pairs)
    values, shares = np.array([v for v, _ in ordered]), np.array([s for _, s in ordered])
    levels = np.array([0.0, *sorted({share for _, share in ordered})])
    return Look(feature, side, values, shares, levels, (feature.name, side) not in NO_EXTRACTION)


def _looks() -> tuple[Look, ...]:
    found = []
    for feature in FEATURES:
        if feature.suspicious in ("high", "low"):
            found.append(_look(feature, feature.suspicious, feature.prior))
        elif feature.suspicious == "both":
            found += [_look(feature, "high", feature.prior), _look(feature, "low", feature.low_prior)]
    return tuple(found)


LOOKS = _looks()
"""In catalogue order; a two-sided feature is looked at twice, and counted twice."""
