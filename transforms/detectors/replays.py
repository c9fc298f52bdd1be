"""What comes back, counted per account: reasoning handles and answers of one account that another sends in, or the same in another session.

The links room finds the single ones, key by key; here they become hits of four rules, so that no hit depends on how keys were spread
over shards.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

import polars as pl

from schemas.foreign import FOREIGN
from schemas.hit import HIT
from schemas.policy import Policy, Rules
from transforms.detectors import conversation_replay, day, handle_replay, handle_reuse, output_reuse
from transforms.sketches.packing import pack, unpack

MOST_ISSUERS = 20
"""As many linked accounts as a hit lists (HIT.linked_account_ids)."""

_SERIES = ["account_id", "account_hash", "how"]
_SIDE = ["account_id", "how"]

_USED, _GAVE, _AGAIN, _CARRIED, _PASTED = "handle_used", "gave", "again", "answer_carried", "answer_pasted"
"""How an account has to do with what came back: another's handle or answer that it sent in (FOREIGN.kind); its own handle that another
did; its own handle that it did in another session."""

_RULES = {
    _USED: handle_replay.CARD.id,
    _GAVE: handle_replay.CARD.id,
    _AGAIN: handle_reuse.CARD.id,
    _CARRIED: conversation_replay.CARD.id,
    _PASTED: output_reuse.CARD.id,
}

_TOLD = {
    _USED: "{} distinct reasoning handles redeemed in 24 h were issued to {} other accounts",
    _GAVE: "{} distinct reasoning handles issued to it were redeemed in 24 h by {} other accounts",
    _AGAIN: "{} distinct reasoning handles of its own were redeemed in 24 h in another session again",
    _CARRIED: "{} distinct conversations that it went on with in 24 h had been answered to {} other accounts",
    _PASTED: "{} distinct passages of its prompts in 24 h had been answered to {} other accounts",
}


@dataclass(frozen=True)
class ReplayState:
    """Handles and answers of the last 23 hours: account_id, account_hash, how, key, other, hour; unique.

    `how` is `handle_used` (of another account), `gave` (its own, redeemed by another), `again` (its own, in another session),
    `answer_carried` or `answer_pasted` (an answer given to another account); `other` is the account on the other side.
    """

    handles: pl.DataFrame

    @classmethod
    def empty(cls) -> Self:
        """Nothing seen yet."""
        columns = FOREIGN.polars
        layout: dict[str, pl.DataType] = {
            **{name: columns[name] for name in ("account_id", "account_hash")},
            "how": pl.String(),
            "key": columns["key"],
            "other": columns["issuer"],
            "hour": columns["tick"],
        }
        return cls(pl.DataFrame(schema=layout))

    def to_bytes(self) -> bytes:
        """The state as versioned bytes."""
        return pack("handle replay", 4, {"handles": self.handles})

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """The inverse of `to_bytes`; raises ValueError on other bytes."""
        return cls(**unpack(data, "handle replay", 4))

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
    """Ticks in which an account sent in a handle or answer of another, or another redeemed one of its handles, and enough of them within 24 hours.

    Args:
        state: the hours before.
        foreign: FOREIGN rows whose `account_id` is of the account group, ticks before `until`, in any order.
        given: FOREIGN rows whose `issuer` is of it, as far as they speak against it (givers.py); rows may be in both.
        tallies: account_id, tick and sample_event_ids of TALLY rows of the same ticks.
        until: border up to which ticks are closed.
        policy: rules.handle_replays, rules.handles_again, rules.conversations_moved, rules.answers_reused.

    Returns:
        The state, and HIT rows, at most one an account, tick and rule: who redeems others' is not told of what it gave. Whoever only
        gave is for review whatever the number: the handles may have been taken from it.
    """
    if foreign.is_empty() and given.is_empty():
        return state.rested(until), HIT.empty()
    came = pl.concat([_of_redeemer(FOREIGN.conform(foreign)), _of_issuer(FOREIGN.conform(given))])
    ticks = came.select(*_SERIES, "tick").unique()
    kept = state.handles
    counted = day.distinct(kept.select(*_SERIES, "key", "hour").unique(), came, ticks, _SERIES)
    how = pl.col("how")
    hits = (
        counted.with_columns(
            rule=how.replace_strict(_RULES), needed=how.replace_strict(_needed(policy.rules), return_dtype=pl.Int64)
        )
        .filter(pl.col("distinct") >= pl.col("needed"))
        .sort("account_id", "tick", "how", descending=[False, False, True])
        .unique(["account_id", "tick", "rule"], keep="first", maintain_order=True)
    )
    at = hits.select("account_id", "how", "tick")
    others = (
        pl.concat(
            [
                kept.select("account_id", "how", "other", "hour", tick="hour"),
                came.select("account_id", "how", "other", day.hour(), "tick"),
            ]
        )
        .filter(pl.col("other") != pl.col("account_id"))
        .join(at.select(_SIDE).unique(), on=_SIDE, how="semi")
    )
    linked = _named(at, others).join(_numbers(at, others), on=[*_SIDE, "tick"], how="left")
    calls = tallies.select("account_id", "tick", "sample_event_ids")
    told = [
        pl.when(pl.col("how") == how).then(pl.format(says, *(_NUMBERS[: says.count("{}")])))
        for how, says in _TOLD.items()
    ]
    found = (
        hits.join(linked, on=["account_id", "tick", "how"], how="left")
        .join(calls, on=["account_id", "tick"], how="left")
        .with_columns(pl.col("others").fill_null([]), pl.col("number").fill_null(0))
        .select(
            "account_id",
            "account_hash",
            "tick",
            "rule",
            observed=pl.col("distinct").cast(pl.Float64),
            expected=pl.col("needed").cast(pl.Float64),
            detail=pl.coalesce(told),
            linked_account_ids="others",
            sample_event_ids=pl.col("sample_event_ids").fill_null([]),
            tier=pl.when(pl.col("how") == _GAVE).then(pl.lit("review")),
        )
    )
    after = pl.concat([kept, came.select(*_SERIES, "key", "other", day.hour())])
    after = after.filter(pl.col("hour") >= day.first_kept_hour(until)).unique().sort(*_SERIES, "key", "other", "hour")
    return ReplayState(after), HIT.conform(found)


def _needed(rules: Rules) -> dict[str, int]:
    """How many within 24 hours are a hit."""
    return {**rules.come_back(), _AGAIN: rules.handles_again}


def _numbers(at: pl.DataFrame, others: pl.DataFrame) -> pl.DataFrame:
    """How many other accounts there are behind each hit: account_id, how, tick, `number`."""
    seen = others.select(*_SIDE, "tick", key=pl.col("other").rank("dense").cast(pl.Int64)).unique()
    found = day.distinct(seen.clear().rename({"tick": "hour"}), seen, at, _SIDE)
    return found.rename({"distinct": "number"})


def _named(at: pl.DataFrame, others: pl.DataFrame) -> pl.DataFrame:
    """The first by name of them: account_id, how, tick, `others`. Of a set of many the first are among the first of its parts."""
    first = pl.col("other").unique().sort().head(MOST_ISSUERS)
    of_hours = others.group_by(*_SIDE, "hour").agg(first)
    of_ticks = others.group_by(*_SIDE, "hour", "tick").agg(first)
    asked = at.with_columns(day.hour())
    earlier = asked.join(of_hours, on=_SIDE, suffix="_shown").filter(
        (pl.col("hour_shown") < pl.col("hour")) & (pl.col("hour_shown") > pl.col("hour") - day.DAY)
    )
    now = asked.join(of_ticks, on=[*_SIDE, "hour"], suffix="_shown").filter(pl.col("tick_shown") <= pl.col("tick"))
    columns = [*_SIDE, "tick", "other"]
    return (
        pl.concat([earlier.select(columns), now.select(columns)])
        .explode("other")
        .group_by(*_SIDE, "tick")
        .agg(pl.col("other").unique().sort().head(MOST_ISSUERS).alias("others"))
    )


_NUMBERS = ("distinct", pl.col("number"))

_ROW = ("account_id", "account_hash", "tick", "key", "other", "how")


def _of_redeemer(foreign: pl.DataFrame) -> pl.DataFrame:
    is_own = pl.col("issuer") == pl.col("account_id")
    how = pl.when(is_own).then(pl.lit(_AGAIN)).otherwise(pl.col("kind").fill_null(_USED))
    return foreign.with_columns(how=how, other="issuer").select(_ROW)


def _of_issuer(foreign: pl.DataFrame) -> pl.DataFrame:
    known = foreign.filter(pl.col("issuer_hash") != pl.col("account_hash"))
    return known.select(
        "tick", "key", account_id="issuer", account_hash="issuer_hash", other="account_id", how=pl.lit(_GAVE)
    ).select(_ROW)
