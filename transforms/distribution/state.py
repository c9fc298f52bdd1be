"""What the next trailing vector of an account is made of."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

import polars as pl

from schemas.embedding import EMBEDDING
from transforms.sketches.packing import pack, unpack

HOUR = timedelta(hours=1)
_VERSION = 1
_CLOSED = pl.Schema({"until": pl.Datetime("us", "UTC")})


@dataclass(frozen=True)
class DistributionState:
    """The hours that a later test looks back to.

    Attributes:
        hours: EMBEDDING rows of the last 23 closed hours.
        open_hours: EMBEDDING rows of the open hour, so far.
        closed: one row with the end of the last closed hour; none before the first step.
    """

    hours: pl.DataFrame
    open_hours: pl.DataFrame
    closed: pl.DataFrame

    @classmethod
    def empty(cls) -> Self:
        """Nothing seen yet."""
        return cls(EMBEDDING.empty(), EMBEDDING.empty(), pl.DataFrame(schema=_CLOSED))

    def to_bytes(self) -> bytes:
        """The state as versioned bytes."""
        return pack(
            "distribution", _VERSION, {"hours": self.hours, "open_hours": self.open_hours, "closed": self.closed}
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """The inverse of `to_bytes`; raises ValueError on other bytes."""
        return cls(**unpack(data, "distribution", _VERSION))

    def at(self, border: datetime, hours: pl.DataFrame, open_hours: pl.DataFrame) -> Self:
        """The state once the hours up to `border` have closed: what no later test reaches back to is forgotten."""
        kept = hours.filter(pl.col("window_end") > border - 23 * HOUR)
        return type(self)(EMBEDDING.conform(kept), open_hours, pl.DataFrame({"until": [border]}, schema=_CLOSED))
