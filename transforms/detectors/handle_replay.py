"""Handle replay: reasoning handles issued to one account are redeemed by another; both sides of it.

A call is told by the last handle that it brings (order/shown.py): a conversation that goes on elsewhere counts once, however long it is.
The links room finds the single redemptions, key by key; this rule counts them per account, so that no hit depends on how
keys were spread over shards.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

import polars as pl

from schemas.card import Card, Example
from schemas.event import Presence
from schemas.foreign import FOREIGN
from schemas.hit import HIT
from schemas.policy import Policy
from transforms.detectors import day
from transforms.sketches.packing import pack, unpack

CARD = Card(
    id="handle_replay",
    layer="L0",
    family="identity",
    sees="Conversations that go on with another account, within 24 hours and told by the last reasoning handle (thinking signature) of each call, on the side of who redeems them and of who gave them away.",
    blind_to="Two accounts of one customer that hand conversations to each other; handles issued before the log begins; foreign handles put before one of the caller's own; whether who gave them away knows of it.",
    needs=Presence.HANDLES,
    techniques=("AML.T0008.005", "AML.T0024.002"),
    severity="high",
    kind="relay",
    points=4.0,
    points_reason="the benign rate is near zero (threats.md 2.4 #32); one in 10,000 leaves room for customers with two accounts",
    policy=("rules.handle_replays", "rules.handle_act", "rules.handle_memory_days"),
    runbook=(
        "Look at the issuing accounts: one owner, one payment, one contract? Then it is failover between a customer's own keys.",
        "Otherwise treat issuers and redeemers as one pool and look for what else they share.",
        "Bind handles to the issuing account.",
    ),
    firing=Example(
        says="Five handles of two other accounts redeemed within ten minutes.",
        tallies=({"minute": 0, "calls": 3}, {"minute": 5, "calls": 4}),
        foreign=tuple({"minute": 5 * (k % 2), "key": k, "issuer": f"other-{k % 2}"} for k in range(5)),
    ),
    silent=Example(
        says="One conversation continued on a colleague's account: a single foreign handle, redeemed in every turn.",
        tallies=tuple({"minute": 5 * t, "calls": 4} for t in range(6)),
        foreign=tuple({"minute": 5 * t, "key": 1, "issuer": "colleague"} for t in range(6)),
    ),
    act=lambda rules: float(rules.handle_act),
    act_reason="ten times what a shared conversation explains: conversations are moved between accounts on an industrial scale",
)

MOST_ISSUERS = 20
"""As many linked accounts as a hit lists (HIT.linked_account_ids)."""

_SERIES = ["account_id", "account_hash", "gave"]


@dataclass(frozen=True)
class ReplayState:
    """Foreign handles of the last 23 hours: account_id, account_hash, gave, key, other, hour; unique.

    `gave` is whether the account is the one that the handle was issued to; `other` is the account on the other side.
    """

    handles: pl.DataFrame

    @classmethod
    def empty(cls) -> Self:
        """Nothing seen yet."""
        columns = FOREIGN.polars
        layout: dict[str, pl.DataType] = {
            **{name: columns[name] for name in ("account_id", "account_hash")},
            "gave": pl.Boolean(),
            "key": columns["key"],
            "other": columns["issuer"],
            "hour": columns["tick"],
        }
        return cls(pl.DataFrame(schema=layout))

    def to_bytes(self) -> bytes:
        """The state as versioned bytes."""
        return pack("handle replay", 2, {"handles": self.handles})

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """The inverse of `to_bytes`; raises ValueError on other bytes."""
        return cls(**unpack(data, "handle replay", 2))

    def rested(self, until: datetime) -> Self:
        """The state at `until` if no handle was redeemed."""
        known = self.handles
        return self if known.is_empty() else type(self)(known.filter(pl.col("hour") >= day.first_kept_hour(until)))


def step(
    state: ReplayState,
    foreign: pl.DataFrame,
    given: pl.DataFrame,
    tallies: pl.DataFrame,
    until: datetime,
    policy: Policy,
) -> tuple[ReplayState, pl.DataFrame]:
    """Ticks in which an account redeemed a foreign handle, or another redeemed one of its, and enough of them within 24 hours.

    Args:
        state: the hours before.
        foreign: FOREIGN rows whose `account_id` is of the account group, ticks before `until`, in any order.
        given: FOREIGN rows whose `issuer` is of it; rows may be in both.
        tallies: TALLY rows of the same ticks, for example calls.
        until: border up to which ticks are closed.
        policy: rules.handle_replays.

    Returns:
        The state, and HIT rows, at most one an account and tick: who redeems is not told of what it gave. Whoever only gave
        is for review whatever the number: the handles may have been taken from it.
    """
    if foreign.is_empty() and given.is_empty():
        return state.rested(until), HIT.empty()
    came = pl.concat([_redeemed(FOREIGN.conform(foreign)), _given(FOREIGN.conform(given))])
    ticks = came.select(*_SERIES, "tick").unique()
    kept = state.handles
    counted = day.distinct(kept.select(*_SERIES, "key", "hour").unique(), came, ticks, _SERIES)
    hits = (
        counted.filter(pl.col("distinct") >= policy.rules.handle_replays)
        .sort("account_id", "tick", "gave")
        .unique(["account_id", "tick"], keep="first", maintain_order=True)
    )
    others = pl.concat(
        [
            kept.select(*_SERIES, "other", "hour", tick=pl.col("hour")),
            came.select(*_SERIES, "other", day.hour(), "tick"),
        ]
    )
    linked = (
        hits.select("account_id", "gave", "tick")
        .join(others, on=["account_id", "gave"], suffix="_shown")
        .filter(
            (pl.col("tick_shown") <= pl.col("tick")) & (pl.col("hour") > pl.col("tick").dt.truncate("1h") - day.DAY)
        )
        .group_by("account_id", "tick")
        .agg(pl.col("other").unique().sort().alias("others"))
    )
    calls = tallies.select("account_id", "tick", "sample_event_ids")
    found = (
        hits.join(linked, on=["account_id", "tick"], how="left")
        .join(calls, on=["account_id", "tick"], how="left")
        .select(
            "account_id",
            "account_hash",
            "tick",
            rule=pl.lit(CARD.id),
            observed=pl.col("distinct").cast(pl.Float64),
            expected=pl.lit(float(policy.rules.handle_replays)),
            detail=pl.when("gave").then(pl.format(_GAVE, *_TOLD)).otherwise(pl.format(_REDEEMED, *_TOLD)),
            linked_account_ids=pl.col("others").list.head(MOST_ISSUERS),
            sample_event_ids=pl.col("sample_event_ids").fill_null([]),
            tier=pl.when("gave").then(pl.lit("review")),
        )
    )
    after = pl.concat([kept, came.select(*_SERIES, "key", "other", day.hour())])
    after = after.filter(pl.col("hour") >= day.first_kept_hour(until)).unique().sort(*_SERIES, "key", "other", "hour")
    return ReplayState(after), HIT.conform(found)


_TOLD = ("distinct", pl.col("others").list.len())
_REDEEMED = "{} distinct reasoning handles redeemed in 24 h were issued to {} other accounts"
_GAVE = "{} distinct reasoning handles issued to it were redeemed in 24 h by {} other accounts"


def _redeemed(foreign: pl.DataFrame) -> pl.DataFrame:
    return foreign.select("account_id", "account_hash", "tick", "key", other="issuer", gave=pl.lit(value=False))


def _given(foreign: pl.DataFrame) -> pl.DataFrame:
    known = foreign.filter(pl.col("issuer_hash").is_not_null())
    return known.select(
        "tick", "key", account_id="issuer", account_hash="issuer_hash", other="account_id", gave=pl.lit(value=True)
    ).select("account_id", "account_hash", "tick", "key", "other", "gave")
