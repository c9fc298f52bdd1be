"""From an L1 score to a rate: how many account-days of peers were scored at least as high."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from schemas.policy import Policy
from schemas.snapshot import EVERYONE

F64 = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Calibration:
    """Day maxima of the reference, ascending, by (peer group, regime): only scores made alike are compared."""

    maxima: dict[tuple[str, str], F64]

    @classmethod
    def of(cls, references: pl.DataFrame) -> "Calibration":
        """The calibration of REFERENCE rows; days without a regime are compared with nothing."""
        by = ["peer_group", "regime"]
        grouped = (
            references.filter(pl.col("regime").is_not_null()).sort("day_maximum").group_by(by, maintain_order=True)
        )
        table = grouped.agg("day_maximum").rows()
        return cls({(group, regime): np.array(values) for group, regime, values in table})

    def reference(self, group: str, regime: str, policy: Policy) -> F64:
        """The maxima to compare with: the group's, or everyone's where the group's cannot reach the review rate."""
        own = self.maxima.get((group, regime), np.empty(0))
        everyone = self.maxima.get((EVERYONE, regime), np.empty(0))
        return own if reaches(len(own), policy.rates.review) or len(own) >= len(everyone) else everyone

    def largest(self) -> int:
        """Account-days of the largest reference: how many were scored alike."""
        return max((len(values) for values in self.maxima.values()), default=0)


def reaches(size: int, rate: float) -> bool:
    """Whether a p-value of (1 + worse) / (1 + size) can be as small as a rate at all.

    >>> reaches(998, 0.001), reaches(999, 0.001)
    (False, True)
    """
    return 1.0 / (1.0 + size) <= rate


def least_size(rate: float) -> int:
    """The smallest reference that reaches a rate.

    >>> least_size(0.001), least_size(0.0001)
    (999, 9999)
    """
    size = max(0, int(1.0 / rate) - 2)
    while not reaches(size, rate):
        size += 1
    return size


def p_values(frame: pl.DataFrame, calibration: Calibration, policy: Policy) -> pl.DataFrame:
    """The frame with `p_value` and `reference_size`.

    Args:
        frame: peer_group, regime, day_maximum (null where there is none).
        calibration: the reference.
        policy: rates.review decides between the group's and everyone's reference.

    Returns:
        The frame and p_value = (1 + maxima at least as large) / (1 + n), null without a maximum or a reference, and
        reference_size, Int64.
    """
    kinds = frame.select("peer_group", "regime").unique().sort("peer_group", "regime")
    which = frame.select("peer_group", "regime").join(
        kinds.with_row_index("kind"), on=["peer_group", "regime"], how="left", maintain_order="left"
    )["kind"]
    values, numbers = frame["day_maximum"].to_numpy(), which.to_numpy()
    p_value, size = np.full(frame.height, np.nan), np.zeros(frame.height, dtype=np.int64)
    for kind, (group, regime) in enumerate(kinds.rows()):
        maxima = calibration.reference(group, regime, policy)
        rows = np.flatnonzero(numbers == kind)
        size[rows] = len(maxima)
        if len(maxima):
            worse = len(maxima) - np.searchsorted(maxima, values[rows], side="left")
            p_value[rows] = np.where(np.isnan(values[rows]), np.nan, (1.0 + worse) / (1.0 + len(maxima)))
    return frame.with_columns(p_value=pl.Series(p_value).fill_nan(None), reference_size=pl.Series(size))
