"""The shapes of a harvest from one account: properties of a day, each with the share of honest accounts that show it.

Shares are those of published figures and of measured honest clients, never of simulated ones. "T1" is ServeGen, the lengths
and arrivals of 330 production clients of an AI API on 2,100 client-days of at least 100 calls (threats.md T1;
docs/decisions/0095 says how it was read); "features" are the priors of schemas/feature.py, each with its own source.
"""

from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True)
class Bound:
    """One feature on one side of a value; a null feature is on neither.

    Attributes:
        feature: a column of WINDOW, or one of transforms.detectors.shape.MEASURES.
        side: `least` (the value or more) or `most` (the value or less).
        value: the bound, in the feature's unit.
    """

    feature: str
    side: str
    value: float

    def implies(self, other: "Bound") -> bool:
        """Whether whatever meets this bound meets the other.

        >>> Bound("calls_24h", "least", 100.0).implies(Bound("calls_24h", "least", 50.0))
        True
        """
        if (self.feature, self.side) != (other.feature, other.side):
            return False
        return self.value >= other.value if self.side == "least" else self.value <= other.value


@dataclass(frozen=True)
class Step:
    """How much of a property, and how rare that is.

    Attributes:
        share: share of honest accounts that meet all bounds.
        bounds: what must hold at once; the first is what a person is told.
    """

    share: float
    bounds: tuple[Bound, ...]


@dataclass(frozen=True)
class Property:
    """Something a harvest shows and few honest accounts do.

    Attributes:
        name: short name; with the shape's id the `signal` of its signals.
        says: one sentence with the observed value as `{observed}`.
        source: where the shares come from.
        steps: from common to rare; each implies the one before.
        is_needed: whether the shape is nothing without it.
    """

    name: str
    says: str
    source: str
    steps: tuple[Step, ...]
    is_needed: bool = False

    @property
    def bounds(self) -> tuple[Bound, ...]:
        """Every bound of every step."""
        return tuple(bound for step in self.steps for bound in step.bounds)

    def __post_init__(self) -> None:
        for step, rarer in pairwise(self.steps):
            nested = all(any(one.implies(other) for one in rarer.bounds) for other in step.bounds)
            if not nested or rarer.share >= step.share:
                raise ValueError(f"{self.name}: a step must imply the one before it, and be rarer")


def steps(feature: str, side: str, *pairs: tuple[float, float]) -> tuple[Step, ...]:
    """Steps of one feature, from (value, share) pairs."""
    return tuple(Step(share, (Bound(feature, side, value),)) for value, share in pairs)
