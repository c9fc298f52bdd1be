"""Handle replay, key by key: who was a reasoning handle issued to, and who redeems it, and in how many sessions.

Keys are independent of each other, so they may be spread over any number of shards. What comes out are single redemptions;
counting them per account is a rule of the detectors room.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

import polars as pl

from schemas.foreign import FOREIGN
from schemas.policy import Policy
from transforms.sketches.packing import pack, unpack

_ISSUED = pl.Schema({"key": pl.Int64(), "account_hash": pl.Int64(), "issued_at": pl.Datetime("us", "UTC")})
_USED = pl.Schema({"key": pl.Int64(), "account_hash": pl.Int64(), "used_at": pl.Datetime("us", "UTC")})
_NAMES = pl.Schema({"account_hash": pl.Int64(), "account_id": pl.String()})
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class LinkState:
    """Handles issued within the memory.

    Attributes:
        issued: key, account_hash, issued_at; one row a handle, account and tick.
        used: key, account_hash, used_at: redemptions of the last 24 hours by the account that the handle was issued to, likewise.
        names: account_hash, account_id of the issuers.
    """

    issued: pl.DataFrame
    used: pl.DataFrame
    names: pl.DataFrame

    @classmethod
    def empty(cls) -> Self:
        """No handle issued yet."""
        return cls(pl.DataFrame(schema=_ISSUED), pl.DataFrame(schema=_USED), pl.DataFrame(schema=_NAMES))

    def to_bytes(self) -> bytes:
        """The state as versioned bytes."""
        return pack("links", 2, {"issued": self.issued, "used": self.used, "names": self.names})

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """The inverse of `to_bytes`; raises ValueError on other bytes."""
        return cls(**unpack(data, "links", 2))


def step(state: LinkState, traits: pl.DataFrame, until: datetime, policy: Policy) -> tuple[LinkState, pl.DataFrame]:
    """Handles redeemed by accounts they were not issued to, or by their own in another session.

    A redemption is foreign if, up to its time, the handle was issued to others within the last `rules.handle_memory_days`
    and to the redeeming account not. A handle redeemed before it was issued (the log began later, or clocks differ) is none.
    A redemption by the account it was issued to is one of another session if the account had redeemed the handle before, at
    least `rules.handle_again_minutes` and at most 24 hours. Inside a tick the first call with the handle counts, on all sides.

    Args:
        state: handles issued before.
        traits: TRAIT rows of a shard of keys, ticks before `until` not given before; other kinds than handle_issued and
            handle_used are ignored.
        until: border up to which ticks are closed.
        policy: rules.handle_memory_days, rules.handle_again_minutes.

    Returns:
        The state, and FOREIGN rows; the issuer named is the latest, of equals the first by name, or the account itself.
    """
    if traits.is_empty() and state.issued.is_empty() and state.used.is_empty():
        return state, FOREIGN.empty()
    memory = timedelta(days=policy.rules.handle_memory_days)
    given = traits.filter(pl.col("kind") == "handle_issued")
    issued = pl.concat([state.issued, given.select("key", "account_hash", issued_at="first_time")])
    names = pl.concat([state.names, given.select("account_hash", "account_id")]).unique()
    used = traits.filter(pl.col("kind") == "handle_used").select(
        "account_id", "account_hash", "tick", "key", "output_tokens", calls="count", used_at="first_time"
    )
    earlier = used.join(issued.select("key", "issued_at", issuer_hash="account_hash"), on="key", how="inner").filter(
        (pl.col("issued_at") <= pl.col("used_at")) & (pl.col("used_at") - pl.col("issued_at") <= memory)
    )
    redemption = ["account_id", "account_hash", "tick", "key"]
    owned = used.join(
        earlier.filter(pl.col("issuer_hash") == pl.col("account_hash")).select(redemption).unique(),
        on=redemption,
        how="semi",
    )
    uses = pl.concat([state.used, owned.select(_USED.names())])
    foreign = (
        earlier.join(owned, on=redemption, how="anti")
        .join(names.rename({"account_id": "issuer", "account_hash": "issuer_hash"}), on="issuer_hash")
        .sort(*redemption, "issued_at", "issuer", descending=[False, False, False, False, True, False])
        .unique(redemption, keep="first", maintain_order=True)
    )
    kept = issued.filter(pl.col("issued_at") >= until - memory).unique().sort("key", "issued_at", "account_hash")
    still = names.join(kept.select("account_hash").unique(), on="account_hash", how="semi").sort("account_hash")
    recent = uses.filter(pl.col("used_at") >= until - _DAY).unique().sort("key", "used_at", "account_hash")
    found = pl.concat([FOREIGN.conform(foreign), _again(owned, uses, policy)])
    found = found.with_columns(kind=pl.lit("handle_used"))
    return LinkState(kept, recent, still), FOREIGN.conform(found).sort(*redemption)


def _again(owned: pl.DataFrame, uses: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    """FOREIGN rows of redemptions of own handles that had been redeemed in an earlier session."""
    apart = pl.col("used_at") - pl.col("used_before")
    before = uses.select("key", "account_hash", used_before="used_at")
    least = timedelta(minutes=policy.rules.handle_again_minutes)
    again = owned.join(before, on=["key", "account_hash"], how="inner").filter((apart >= least) & (apart <= _DAY))
    return FOREIGN.conform(
        again.drop("used_before").unique().with_columns(issuer="account_id", issuer_hash="account_hash")
    )
