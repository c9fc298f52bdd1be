"""Answers that come back: what an account sends in that another one, and no other but it, was answered.

A conversation that goes on with another account brings the last answer along; a task made of an answer, a grade for it, a text put together
of several holds it in the prompt. Answers are told by the passage that they open with (transforms.ingest.passages). One that two
accounts were given says nothing: the same question, the same preamble. Keys are independent of each other, so they may be
spread over any number of shards.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

import polars as pl

from schemas.foreign import FOREIGN
from schemas.policy import Policy
from transforms.sketches.packing import pack, unpack

_TIME = pl.Datetime("us", "UTC")
_GIVEN = pl.Schema({"key": pl.Int64(), "account_hash": pl.Int64(), "given_at": _TIME, "other_at": _TIME})
_NAMES = pl.Schema({"account_hash": pl.Int64(), "account_id": pl.String()})
_SENT = ("answer_carried", "answer_pasted")


@dataclass(frozen=True)
class AnswerState:
    """Answers of the last hours.

    Attributes:
        given: key, account_hash, given_at, other_at; one row a key, of the account that was given it last: when, and when another one
            was, before (null: not within the memory).
        names: account_hash, account_id of these accounts.
    """

    given: pl.DataFrame
    names: pl.DataFrame

    @classmethod
    def empty(cls) -> Self:
        """No answer given yet."""
        return cls(pl.DataFrame(schema=_GIVEN), pl.DataFrame(schema=_NAMES))

    def to_bytes(self) -> bytes:
        """The state as versioned bytes."""
        return pack("answers", 1, {"given": self.given, "names": self.names})

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """The inverse of `to_bytes`; raises ValueError on other bytes."""
        return cls(**unpack(data, "answers", 1))


def step(state: AnswerState, traits: pl.DataFrame, until: datetime, policy: Policy) -> tuple[AnswerState, pl.DataFrame]:
    """Answers sent in by accounts they were not given to.

    An answer is another's if, up to the time it is sent in, within `rules.answer_memory_hours` one account was given it and no second one,
    the sender included. Inside a tick the first call with the answer counts, on all sides.

    Args:
        state: answers given before.
        traits: TRAIT rows of a shard of keys, ticks before `until` not given before; other kinds than answer_given, answer_carried
            and answer_pasted are ignored.
        until: border up to which ticks are closed.
        policy: rules.answer_memory_hours.

    Returns:
        The state, and FOREIGN rows; what is both carried and pasted within a tick is carried.
    """
    memory = timedelta(hours=policy.rules.answer_memory_hours)
    answers = traits.filter(pl.col("kind") == "answer_given")
    if answers.is_empty() and state.given.is_empty():
        return state, FOREIGN.empty()
    names = pl.concat([state.names, answers.select(_NAMES.names())]).unique()
    given = _in_turn(state.given, answers)
    sent = (
        traits.filter(pl.col("kind").is_in(_SENT))
        .sort("account_hash", "tick", "key", "kind")
        .unique(["account_hash", "tick", "key"], keep="first", maintain_order=True)
        .sort("first_time", "key", "account_hash")
    )
    found = (
        sent.select(
            *("account_id", "account_hash", "tick", "key", "output_tokens", "first_time"),
            calls="count",
            kind="kind",
        )
        .join_asof(
            given.rename({"account_hash": "issuer_hash"}).sort("given_at", "key", "issuer_hash"),
            left_on="first_time",
            right_on="given_at",
            by="key",
            strategy="backward",
            check_sortedness=False,
        )
        .filter(
            (pl.col("issuer_hash") != pl.col("account_hash"))
            & (pl.col("first_time") - pl.col("given_at") <= memory)
            & (pl.col("first_time") - pl.col("other_at") > memory).fill_null(value=True)
        )
        .join(names.rename({"account_id": "issuer", "account_hash": "issuer_hash"}), on="issuer_hash")
    )
    since = until - memory
    kept = (
        given.unique("key", keep="last", maintain_order=True)
        .filter(pl.col("given_at") >= since)
        .with_columns(pl.when(pl.col("other_at") >= since).then("other_at"))
        .sort("key")
    )
    still = names.join(kept.select("account_hash").unique(), on="account_hash", how="semi").sort("account_hash")
    return AnswerState(kept, still), FOREIGN.conform(found).sort("account_id", "tick", "key")


def _in_turn(before: pl.DataFrame, answers: pl.DataFrame) -> pl.DataFrame:
    """Rows of _GIVEN by key and time, each with the last time before it at which another account was given the answer."""
    came = answers.select("key", "account_hash", given_at="first_time", other_at=pl.lit(None, _TIME))
    given = pl.concat([before, came]).sort("key", "given_at", "account_hash")
    is_of_key = (pl.col("key") == pl.col("key").shift()).fill_null(value=False)
    is_same = is_of_key & (pl.col("account_hash") == pl.col("account_hash").shift())
    began = pl.when(~is_same).then(pl.int_range(pl.len())).forward_fill()
    other = pl.when(is_of_key).then(pl.col("given_at").shift()).otherwise("other_at")
    return given.with_columns(other_at=other.gather(began))
