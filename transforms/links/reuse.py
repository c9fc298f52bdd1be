"""Answers that come back: what an account sends in that another one, and no other but it, was answered.

A conversation that goes on with another account brings the last answer along; a task made of an answer, a grade for it, a text put together
of several holds it in the prompt. Answers are told by the passage that they open with (transforms.ingest.passages). One that two
accounts were given says nothing: the same question, the same preamble. Nor does one that was in a prompt before: the answer repeats
what others may have from where its asker had it. Keys are independent of each other, so they may be spread over any number of shards.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

import numpy as np
import polars as pl

from schemas.foreign import FOREIGN
from schemas.policy import Policy
from transforms.links.compact import COME_BACK
from transforms.sketches.grouping import stands_at
from transforms.sketches.mix import I64
from transforms.sketches.packing import pack, unpack

_TIME = pl.Datetime("us", "UTC")
_GIVEN = pl.Schema(
    {
        "key": pl.Int64(),
        "account_hash": pl.Int64(),
        "first_at": _TIME,
        "given_at": _TIME,
        "other_at": _TIME,
        "is_known": pl.Boolean(),
    }
)
_PASTED = pl.Schema({"key": pl.Int64(), "pasted_at": _TIME})
_NAMES = pl.Schema({"account_hash": pl.Int64(), "account_id": pl.String()})
_SENT = ("answer_carried", "answer_pasted")


@dataclass(frozen=True)
class AnswerState:
    """Answers and prompts of the last hours.

    Attributes:
        given: key, account_hash, first_at, given_at, other_at, is_known; one row a key, of the account that was given it last: since when
            again and again, and when last; when another one was, before (null: not within the memory); whether it was in a prompt
            before the account was first given it.
        pasted: key, pasted_at; one row a key: when it was last in a prompt.
        names: account_hash, account_id of the accounts of `given`.
    """

    given: pl.DataFrame
    pasted: pl.DataFrame
    names: pl.DataFrame

    @classmethod
    def empty(cls) -> Self:
        """No answer given yet."""
        return cls(pl.DataFrame(schema=_GIVEN), pl.DataFrame(schema=_PASTED), pl.DataFrame(schema=_NAMES))

    def since(self, moment: datetime) -> Self:
        """Without what was neither given nor in a prompt since; itself where that is nothing."""
        given = self.given.filter(pl.col("given_at") >= moment)
        given = given.with_columns(pl.when(pl.col("other_at") >= moment).then("other_at"))
        pasted = self.pasted.filter(pl.col("pasted_at") >= moment)
        if pasted.height == self.pasted.height and given.equals(self.given):
            return self
        return type(self)(given, pasted, _of(given, self.names))

    def to_bytes(self) -> bytes:
        """The state as versioned bytes."""
        return pack("answers", 2, {"given": self.given, "pasted": self.pasted, "names": self.names})

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """The inverse of `to_bytes`; raises ValueError on other bytes."""
        return cls(**unpack(data, "answers", 2))


def step(state: AnswerState, traits: pl.DataFrame, until: datetime, policy: Policy) -> tuple[AnswerState, pl.DataFrame]:
    """Answers sent in by accounts they were not given to.

    An answer is another's if, up to the time it is sent in, within `rules.answer_memory_hours` one account was given it and no second one,
    the sender included, and nobody had it in a prompt within as long before that. Inside a tick the first call with the answer counts, on all
    sides.

    Args:
        state: answers and prompts before.
        traits: TRAIT rows of a shard of keys, ticks before `until` not given before; other kinds than answer_given, answer_carried
            and answer_pasted are ignored.
        until: border up to which ticks are closed.
        policy: rules.answer_memory_hours.

    Returns:
        The state, and FOREIGN rows; what is both carried and pasted within a tick is carried.
    """
    memory = timedelta(hours=policy.rules.answer_memory_hours)
    keys = np.unique(traits.filter(pl.col("kind").is_in(COME_BACK))["key"].to_numpy())
    if not len(keys):
        return state.since(until - memory), FOREIGN.empty()
    former, untouched = _apart(state.given, keys)
    in_prompts, elsewhere = _apart(state.pasted, keys)
    answers = traits.filter(pl.col("kind") == "answer_given")
    came = traits.filter(pl.col("kind") == "answer_pasted").select("key", pasted_at="first_time")
    pasted = pl.concat([in_prompts, came]).sort("pasted_at", "key")
    given = _in_turn(former, answers, pasted, memory)
    names = pl.concat([state.names, answers.select(_NAMES.names())]).unique("account_hash")
    found = _others(traits, given, memory).join(
        names.rename({"account_id": "issuer", "account_hash": "issuer_hash"}), on="issuer_hash"
    )
    every = untouched.merge_sorted(_last(given), "key")
    after = AnswerState(every, elsewhere.merge_sorted(_last(pasted), "key"), _of(every, names))
    return after.since(until - memory), FOREIGN.conform(found).sort("account_id", "tick", "key")


def _of(given: pl.DataFrame, names: pl.DataFrame) -> pl.DataFrame:
    """The names that are needed, by account."""
    return names.join(given.select("account_hash").unique(), on="account_hash", how="semi").sort("account_hash")


def _apart(remembered: pl.DataFrame, keys: I64) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows of some keys, and the others; of rows sorted by key, each key once. The keys are sorted too: few of the many that are remembered."""
    held = remembered["key"].to_numpy()
    at = np.searchsorted(held, keys)
    rows = at[stands_at(held, keys, at, np.full(len(keys), len(held)))]
    is_other = np.ones(len(held), dtype=np.bool_)
    is_other[rows] = False
    return remembered[rows], remembered.filter(pl.Series(is_other))


def _last(rows: pl.DataFrame) -> pl.DataFrame:
    """The last row of each key, by key."""
    return rows.unique("key", keep="last", maintain_order=True).sort("key")


def _in_turn(before: pl.DataFrame, answers: pl.DataFrame, pasted: pl.DataFrame, memory: timedelta) -> pl.DataFrame:
    """Rows of _GIVEN by key and time: each time an answer was given, and what had been until then."""
    came = answers.select("key", "account_hash", given_at="first_time").with_columns(
        first_at="given_at", other_at=pl.lit(None, _TIME), is_known=pl.lit(None, pl.Boolean)
    )
    given = pl.concat([before, came.select(_GIVEN.names())]).sort("key", "given_at", "account_hash")
    is_of_key = (pl.col("key") == pl.col("key").shift()).fill_null(value=False)
    is_again = is_of_key & (pl.col("account_hash") == pl.col("account_hash").shift())
    goes_on = is_again & (pl.col("given_at") - pl.col("given_at").shift() <= memory)
    first, turn = pl.when(~goes_on).then(pl.int_range(pl.len())), pl.when(~is_again).then(pl.int_range(pl.len()))
    other = pl.when(is_of_key).then(pl.col("given_at").shift()).otherwise("other_at")
    given = given.with_columns(other_at=other.gather(turn.forward_fill()), first=first.forward_fill())
    first_at = pl.col("first_at").gather("first")
    known = (
        given.with_columns(first_at=first_at)
        .sort("first_at", "key")
        .join_asof(
            pasted,
            left_on="first_at",
            right_on="pasted_at",
            by="key",
            strategy="backward",
            allow_exact_matches=False,
            check_sortedness=False,
        )
    )
    was_pasted = (pl.col("first_at") - pl.col("pasted_at") <= memory).fill_null(value=False)
    known = known.sort("key", "given_at", "account_hash")
    return known.with_columns(is_known=pl.col("is_known").gather("first").fill_null(was_pasted)).select(_GIVEN.names())


def _others(traits: pl.DataFrame, given: pl.DataFrame, memory: timedelta) -> pl.DataFrame:
    """What accounts sent in that another one alone was given: columns of FOREIGN without the issuer's name."""
    sent = (
        traits.filter(pl.col("kind").is_in(_SENT))
        .sort("account_hash", "tick", "key", "kind")
        .unique(["account_hash", "tick", "key"], keep="first", maintain_order=True)
        .sort("first_time", "key", "account_hash")
    )
    latest = sent.rename({"count": "calls"}).join_asof(
        given.rename({"account_hash": "issuer_hash"}).sort("given_at", "key", "issuer_hash"),
        left_on="first_time",
        right_on="given_at",
        by="key",
        strategy="backward",
        check_sortedness=False,
    )
    return latest.filter(
        (pl.col("issuer_hash") != pl.col("account_hash"))
        & ~pl.col("is_known")
        & (pl.col("first_time") - pl.col("given_at") <= memory)
        & (pl.col("first_time") - pl.col("other_at") > memory).fill_null(value=True)
    )
