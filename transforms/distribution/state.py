"""What the next trailing vector of an account is made of."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

import polars as pl

from schemas.embedding import EMBEDDING
from transforms.sketches.deferring import Deferred
from transforms.sketches.packing import head_of, pack, unpack

HOUR = timedelta(hours=1)
_VERSION = 2
_UNTIL = pl.Schema({"until": pl.Datetime("us", "UTC")})


@dataclass(frozen=True)
class ClosedVectors(Deferred):
    """Vectors of hours that have closed and that a later test looks back to: the same object until the next hour closes.

    Attributes:
        rows: EMBEDDING rows of the last 23.
        until: one row with the end of the last of them; none before the first step.
    """

    rows: pl.DataFrame
    until: pl.DataFrame

    @classmethod
    def empty(cls) -> Self:
        """None has closed yet."""
        return cls(EMBEDDING.empty(), pl.DataFrame(schema=_UNTIL))

    def to_bytes(self) -> bytes:
        """The vectors as versioned bytes."""
        return pack("distribution", _VERSION, {"rows": self.rows, "until": self.until})

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """The inverse of `to_bytes`; raises ValueError on other bytes."""
        return cls(**unpack(data, "distribution", _VERSION))

    @staticmethod
    def require(head: bytes) -> None:
        """Nothing where these first bytes are of such vectors; see `packing.head_of`."""
        head_of(head, "distribution", _VERSION)

    @staticmethod
    def closed_with(until: datetime) -> dict[str, pl.DataFrame]:
        """What is known of the vectors without looking at them: the end of the last hour, after a step until then."""
        return {"until": _until(until.replace(minute=0, second=0, microsecond=0))}

    @property
    def border(self) -> datetime | None:
        """End of the last closed hour; None before the first step."""
        return self.until["until"].max()  # type: ignore[return-value]

    @classmethod
    def at(cls, border: datetime, rows: pl.DataFrame) -> Self:
        """Once the hours up to `border` have closed: what no later test reaches back to is forgotten."""
        kept = rows.filter(pl.col("window_end") > border - 23 * HOUR)
        return cls(EMBEDDING.conform(kept), _until(border))


def _until(border: datetime) -> pl.DataFrame:
    return pl.DataFrame({"until": [border]}, schema=_UNTIL)


@dataclass(frozen=True)
class OpenVectors:
    """Vectors of the open hour, so far: EMBEDDING rows."""

    rows: pl.DataFrame

    @classmethod
    def empty(cls) -> Self:
        """Nothing seen yet."""
        return cls(EMBEDDING.empty())

    def to_bytes(self) -> bytes:
        """The vectors as versioned bytes."""
        return pack("open distribution", _VERSION, {"rows": self.rows})

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """The inverse of `to_bytes`; raises ValueError on other bytes."""
        return cls(**unpack(data, "open distribution", _VERSION))


@dataclass(frozen=True)
class DistributionState:
    """The hours that a later test looks back to: two pieces, because the larger one changes only where an hour closes."""

    closed: ClosedVectors
    open: OpenVectors

    @classmethod
    def empty(cls) -> Self:
        """Nothing seen yet."""
        return cls(ClosedVectors.empty(), OpenVectors.empty())
