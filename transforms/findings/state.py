"""What findings remember between runs: totals of every account, hits of the open hour, open findings."""

from dataclasses import dataclass, replace
from typing import Self

import polars as pl

from schemas.finding import FINDING
from schemas.hit import HIT
from transforms.sketches.packing import pack, unpack

_VERSION = 2
_TIME = pl.Datetime("us", "UTC")

ACCOUNTS = pl.Schema(
    {
        "account_id": pl.String(),
        "calls": pl.Int64(),
        "output_tokens": pl.Int64(),
        "tokens_known": pl.Int64(),
        "day": _TIME,
        "day_first": _TIME,
        "presence": pl.Int64(),
        "maximum_day": _TIME,
        "day_maximum": pl.Float64(),
    }
)
"""Lifetime calls and tokens; of the last day with calls the first one, and what the source showed in its last tick; largest
L1 score of the last day with one."""

OPEN = pl.Schema(dict(FINDING.polars) | {"last_support": _TIME, "kind_points": pl.Float64()})
"""The last revision of each open finding, the end of the last tick that supported it, and the points behind its kind."""


@dataclass(frozen=True)
class FindingsState:
    """State of one account group; at most one finding is open an account.

    Attributes:
        accounts: one row an account (ACCOUNTS).
        pending: HIT rows of hours that are not closed yet.
        open: open findings (OPEN).
    """

    accounts: pl.DataFrame
    pending: pl.DataFrame
    open: pl.DataFrame

    @classmethod
    def empty(cls) -> Self:
        """Nothing seen yet."""
        return cls(pl.DataFrame(schema=ACCOUNTS), HIT.empty(), pl.DataFrame(schema=OPEN))

    def to_bytes(self) -> bytes:
        """The state as versioned bytes."""
        return pack("findings", _VERSION, {"accounts": self.accounts, "pending": self.pending, "open": self.open})

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """The inverse of `to_bytes`; raises ValueError on other bytes."""
        return cls(**unpack(data, "findings", _VERSION))

    def add(self, tallies: pl.DataFrame) -> Self:
        """The state with new ticks counted."""
        fresh = tallies.group_by("account_id", "day").agg(
            pl.col("calls", "output_tokens", "tokens_known").sum(),
            day_first=pl.col("first_time").min(),
            presence=pl.col("presence").sort_by("tick").last(),
        )
        nothing = pl.lit(None)
        seen = fresh.select(pl.col("account_id").unique())
        both = pl.concat(
            [
                self.accounts.join(seen, on="account_id", how="semi", maintain_order="left"),
                fresh.select(
                    "account_id",
                    "calls",
                    "output_tokens",
                    "tokens_known",
                    "day",
                    "day_first",
                    "presence",
                    nothing.cast(_TIME).alias("maximum_day"),
                    nothing.cast(pl.Float64).alias("day_maximum"),
                ),
            ]
        )
        is_last = pl.col("day") == pl.col("day").max()
        summed = both.group_by("account_id").agg(
            pl.col("calls", "output_tokens", "tokens_known").sum(),
            pl.col("day").max(),
            pl.col("day_first").filter(is_last).min(),
            pl.col("presence").filter(is_last).last(),
            pl.col("maximum_day", "day_maximum").drop_nulls().first(),
        )
        others = self.accounts.join(seen, on="account_id", how="anti", maintain_order="left")
        return replace(self, accounts=pl.concat([others, summed.select(ACCOUNTS.names())]).sort("account_id"))

    def remember(self, maxima: pl.DataFrame) -> Self:
        """The state with the newest day maxima: account_id, maximum_day, day_maximum; unique accounts."""
        joined = self.accounts.join(maxima, on="account_id", how="left", suffix="_new", maintain_order="left")
        return replace(
            self,
            accounts=joined.with_columns(
                maximum_day=pl.coalesce("maximum_day_new", "maximum_day"),
                day_maximum=pl.coalesce("day_maximum_new", "day_maximum"),
            ).select(ACCOUNTS.names()),
        )
