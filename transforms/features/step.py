"""The second stage that remembers: hours, days and keys of every account, and the features made of them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

import polars as pl

from schemas.policy import Policy
from schemas.window import WINDOW
from transforms.features.rollup import HOUR_LAYOUT, KEY_LAYOUT, TIME, capped, hours_of, keys_of
from transforms.features.windows import windows_of
from transforms.sketches.packing import pack, unpack

_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
_DAY_SUMS = ("calls", "output_tokens", "tokens_known", "cost_micro_usd", "cost_known")
_LAYOUT = {
    "hours": HOUR_LAYOUT,
    "keys": KEY_LAYOUT,
    "days": pl.Schema({"account_id": pl.String(), "day": TIME} | dict.fromkeys(_DAY_SUMS, pl.Int64())),
    "accounts": pl.Schema(
        {
            "account_id": pl.String(),
            "first_seen": TIME,
            "last_seen": TIME,
            "lifetime_calls": pl.Int64(),
            "lifetime_output_tokens": pl.Int64(),
            "created_at": TIME,
            "plan": pl.String(),
        }
    ),
    "closed": pl.Schema({"until": TIME}),
}


@dataclass(frozen=True)
class FeatureState:
    """What the next window of an account is made of.

    Attributes:
        hours: the last 23 closed hours and the open one, one row an account and hour with calls.
        keys: what was shown in these hours, capped once the hour is closed.
        days: sums of the last seven UTC days with closed hours.
        accounts: first and last call, lifetime sums up to the last closed hour, creation and plan as logged.
        closed: one row with the end of the last closed hour; none before the first step.
    """

    hours: pl.DataFrame
    keys: pl.DataFrame
    days: pl.DataFrame
    accounts: pl.DataFrame
    closed: pl.DataFrame

    @classmethod
    def empty(cls) -> Self:
        """Nothing seen yet."""
        return cls(**{name: pl.DataFrame(schema=schema) for name, schema in _LAYOUT.items()})

    def to_bytes(self) -> bytes:
        """The state as versioned bytes."""
        return pack("features", 1, {name: getattr(self, name) for name in _LAYOUT})

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """The inverse of `to_bytes`."""
        return cls(**unpack(data, "features", 1))


def step(
    state: FeatureState,
    tallies: pl.DataFrame,
    traits: pl.DataFrame,
    peers: pl.DataFrame,
    registry: pl.DataFrame,
    until: datetime,
    policy: Policy,
) -> tuple[FeatureState, pl.DataFrame]:
    """The state at `until`, and the WINDOW rows of the hours that ended, sorted by key.

    Args:
        state: as of the end of the last closed tick.
        tallies: TALLY rows of the ticks since then.
        traits: TRAIT rows of the same ticks.
        peers: PEER rows that hold today; accounts without one are newcomers.
        registry: REGISTRY rows, at most one an account.
        until: end of the last tick closed by this step.
        policy: how long an unseen account is remembered.
    """
    border = until.replace(minute=0, second=0, microsecond=0)
    after, windows = _close(state, tallies, traits, peers, registry, border, provisional=False)
    return _forget(after, border, policy), windows


def still_open(state: FeatureState, peers: pl.DataFrame, registry: pl.DataFrame) -> pl.DataFrame:
    """WINDOW rows, provisional, of the hours that have not ended; the state stays as it is."""
    if state.hours.is_empty():
        return WINDOW.empty()
    last: datetime = state.hours["hour"].max()  # type: ignore[assignment]
    no_ticks = pl.DataFrame(schema=HOUR_LAYOUT | {"tick": TIME})
    no_traits = pl.DataFrame(schema=KEY_LAYOUT | {"tick": TIME})
    return _close(state, no_ticks, no_traits, peers, registry, last + _HOUR, provisional=True)[1]


def _close(
    state: FeatureState,
    tallies: pl.DataFrame,
    traits: pl.DataFrame,
    peers: pl.DataFrame,
    registry: pl.DataFrame,
    border: datetime,
    *,
    provisional: bool,
) -> tuple[FeatureState, pl.DataFrame]:
    hours = hours_of(state.hours, tallies)
    closed: datetime | None = state.closed["until"].max()  # type: ignore[assignment]
    is_ending = pl.col("hour") + _HOUR <= border
    if closed is not None:
        is_ending = is_ending & (pl.col("hour") >= closed)
    ending = hours.filter(is_ending)
    keys = _capped_where_closed(keys_of(state.keys, traits), border, closed)
    days = _days(state.days, ending)
    accounts = _accounts(state.accounts, ending)
    windows = windows_of(hours, ending, keys, days, state.accounts, accounts, peers, registry)
    after = FeatureState(hours, keys, days, accounts, pl.DataFrame({"until": [border]}, schema=_LAYOUT["closed"]))
    return after, WINDOW.conform(windows.with_columns(pl.lit(value=provisional).alias("provisional")))


def _capped_where_closed(keys: pl.DataFrame, border: datetime, closed: datetime | None) -> pl.DataFrame:
    """Keys of which the hours that end now are cut to their caps; those that ended before were cut then."""
    is_ending = pl.col("hour") + _HOUR <= border
    if closed is not None:
        is_ending = is_ending & (pl.col("hour") >= closed)
    others = keys.filter(~is_ending)
    return pl.concat([others, capped(keys.filter(is_ending))]).sort("account_id", "kind", "key", "hour")


def _days(before: pl.DataFrame, ending: pl.DataFrame) -> pl.DataFrame:
    came = ending.select("account_id", pl.col("hour").dt.truncate("1d").alias("day"), *_DAY_SUMS)
    return (
        pl.concat([before, came])
        .group_by("account_id", "day")
        .agg(pl.col(_DAY_SUMS).sum())
        .select(_LAYOUT["days"].names())
        .sort("account_id", "day")
    )


def _accounts(before: pl.DataFrame, ending: pl.DataFrame) -> pl.DataFrame:
    came = ending.select(
        "account_id",
        first_seen="first_time",
        last_seen="hour",
        lifetime_calls="calls",
        lifetime_output_tokens="output_tokens",
        created_at="account_created_at",
        plan="plan",
    )
    return (
        pl.concat([before, came])
        .sort("account_id", "last_seen", maintain_order=True)
        .group_by("account_id", maintain_order=True)
        .agg(
            pl.col("first_seen").min(),
            pl.col("last_seen").max(),
            pl.col("lifetime_calls", "lifetime_output_tokens").sum(),
            pl.col("created_at").min(),
            pl.col("plan").drop_nulls().last(),
        )
    )


def _forget(state: FeatureState, border: datetime, policy: Policy) -> FeatureState:
    oldest, today = border - 23 * _HOUR, border.replace(hour=0)
    return FeatureState(
        hours=state.hours.filter(pl.col("hour") >= oldest).rechunk(),
        keys=state.keys.filter(pl.col("hour") >= oldest).rechunk(),
        days=state.days.filter(pl.col("day") >= today - 7 * _DAY).rechunk(),
        accounts=state.accounts.filter(
            pl.col("last_seen") >= today - timedelta(days=policy.learning.forget_days)
        ).rechunk(),
        closed=state.closed,
    )
