"""Who gives reasoning handles away, and from whom they were merely taken.

A redemption has two sides. Accounts that work together redeem each other's handles; a thief with logs of others redeems the handles of
many customers, and these know nothing of it. The log does not say which it is, so the issuer is told only where it is one of a
few that the redeemer takes from, or is young: who steals logs takes what he gets, and most customers are no newcomers. A colleague
who goes on with one conversation makes nobody a giver either. All redemptions of an account must be seen together, whoever issued the handles.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

import polars as pl

from schemas.foreign import FOREIGN
from schemas.policy import Policy
from transforms.detectors import day
from transforms.sketches.packing import pack, unpack

_VERSION = 1

_TAKEN = pl.Schema(
    {"account_hash": pl.Int64(), "issuer_hash": pl.Int64(), "key": pl.Int64(), "hour": FOREIGN.polars["tick"]}
)
"""An account, one of which it redeemed a handle, that handle, and the hour."""


@dataclass(frozen=True)
class GiverState:
    """From whom each account redeemed handles in the last 23 hours (_TAKEN), unique and sorted."""

    taken: pl.DataFrame

    @classmethod
    def empty(cls) -> Self:
        """Nothing seen yet."""
        return cls(pl.DataFrame(schema=_TAKEN))

    def to_bytes(self) -> bytes:
        """The state as versioned bytes."""
        return pack("givers", _VERSION, {"taken": self.taken})

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """The inverse of `to_bytes`; raises ValueError on other bytes."""
        return cls(**unpack(data, "givers", _VERSION))


def step(
    state: GiverState, foreign: pl.DataFrame, registry: pl.DataFrame, until: datetime, policy: Policy
) -> tuple[GiverState, pl.DataFrame]:
    """The redemptions that speak against the issuer as well.

    Args:
        state: the hours before.
        foreign: FOREIGN rows of all accounts, ticks before `until` not given before, in any order; those of an account's own handles,
            those without a hash of the issuer, and answers, which anybody may be shown, speak against no issuer.
        registry: REGISTRY rows, at most one an account.
        until: border up to which ticks are closed.
        policy: rules.handle_partners, rules.handle_replays, campaigns.fresh_days.

    Returns:
        The state, and the FOREIGN rows at whose tick the redeemer had redeemed `handle_replays` handles within 24 hours, and either of
        at most `handle_partners` others, or the issuer was younger than `fresh_days`; an age that is not on file is none.
    """
    earliest = day.first_kept_hour(until)
    is_handle = pl.col("kind").fill_null("handle_used") == "handle_used"
    theirs = FOREIGN.conform(foreign).filter(is_handle, pl.col("issuer_hash") != pl.col("account_hash"))
    if theirs.is_empty():
        kept = state.taken.filter(pl.col("hour") >= earliest)
        return state if kept.height == state.taken.height else GiverState(kept), theirs
    is_young = (pl.col("tick") - pl.col("created_at")) < timedelta(days=policy.campaigns.fresh_days)
    is_partner = pl.col("issuers") <= policy.rules.handle_partners
    speaking = (
        theirs.join(_so_far(state.taken, theirs, "issuer_hash", "issuers"), on=_TAKER, how="left")
        .join(_so_far(state.taken, theirs, "key", "handles"), on=_TAKER, how="left")
        .join(registry.select(issuer="account_id", created_at="created_at"), on="issuer", how="left")
        .filter(pl.col("handles") >= policy.rules.handle_replays)
        .filter(is_partner | is_young.fill_null(value=False))
    )
    taken = pl.concat([state.taken, theirs.select(*_TAKEN.names()[:-1], day.hour())])
    taken = taken.filter(pl.col("hour") >= earliest).unique().sort(_TAKEN.names())
    return GiverState(taken), FOREIGN.conform(speaking)


_TAKER = ["account_hash", "tick"]


def _so_far(taken: pl.DataFrame, theirs: pl.DataFrame, what: str, name: str) -> pl.DataFrame:
    """How many different values of a column each redeemer had within the 24 hours up to a tick of its: account_hash, tick, `name`."""
    before = taken.select("account_hash", "hour", key=what).unique()
    came = theirs.select(*_TAKER, key=what).unique()
    found = day.distinct(before, came, came.select(_TAKER).unique(), ["account_hash"])
    return found.rename({"distinct": name})
