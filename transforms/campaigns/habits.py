"""What the accounts of campaigns do beside showing shared keys: which models and languages they use, when they were turned away, their nights, and their other work.

Facts, as those of course.py: they add no points.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, Self

import polars as pl

from schemas.policy import Policy
from transforms.campaigns.course import replaced
from transforms.campaigns.kinds import ASKED
from transforms.campaigns.membership import Members
from transforms.campaigns.sleeping import VISITED, gathered, hours_of, nights
from transforms.campaigns.work import DONE, LATEST, Done, latest, work

_TIME = pl.Datetime("us", "UTC")
_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)
_UNDECIDED = "und"

ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)
"""Since when accounts count that held a tied key before the ticks to come."""

KINDS = ("model", "language", "operation")
"""Kinds of trait that are read: what was used, and (by each call's operation) how it was answered."""

SHOWN = pl.Schema(
    {
        "account_hash": pl.Int64(),
        "tick": _TIME,
        "kind": pl.String(),
        "key": pl.Int64(),
        "label": pl.String(),
        "count": pl.Int64(),
        "refused": pl.Int64(),
        "blocked": pl.Int64(),
    }
)
"""Columns of TRAIT."""

MODELS = pl.Schema({"key": pl.Int64(), "label": pl.String(), "first_tick": _TIME, "last_tick": _TIME})
"""Models that any account asked for: when first and last."""

NEWS = pl.Schema({**MODELS, "is_new": pl.Boolean()})
"""The same, and whether the log was a day old when it appeared."""

USED = pl.Schema(
    {"account_hash": pl.Int64(), "kind": pl.String(), "key": pl.Int64(), "label": pl.String(), "first_tick": _TIME}
)
"""Since when an account has used a model or a language, as far as it was held to a tied key then."""

BLOCKS = pl.Schema({"account_hash": pl.Int64(), "known_tick": _TIME, "blocked_tick": _TIME})
"""A tick in which an account's calls had a status, and the same tick if one of them was blocked."""


@dataclass(frozen=True)
class Habits:
    """What happened in some ticks.

    Attributes:
        shown: SHOWN rows of KINDS, of every account that holds a tied key; those of others do nothing.
        models: MODELS rows of all accounts.
        windows: LATEST rows of every account that holds a tied key; those of others do nothing.
    """

    shown: pl.DataFrame
    models: pl.DataFrame
    windows: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=LATEST))

    @classmethod
    def empty(cls) -> Self:
        """Nothing."""
        return cls(pl.DataFrame(schema=SHOWN), pl.DataFrame(schema=MODELS))


def models_of(traits: pl.DataFrame) -> pl.DataFrame:
    """MODELS rows of TRAIT rows."""
    return (
        traits.filter(pl.col("kind") == "model")
        .group_by("key")
        .agg(pl.col("label").min(), first_tick=pl.col("tick").min(), last_tick=pl.col("tick").max())
        .sort("key")
    )


@dataclass(frozen=True)
class Record:
    """What is known of it.

    Attributes:
        used: USED rows.
        blocks: BLOCKS rows.
        models: NEWS rows.
        visited: nights.VISITED rows.
        done: work.DONE rows.
        windows: work.LATEST rows.
        hours: of visited the same of these ticks, each hour by itself; empty where they are remembered.
    """

    used: pl.DataFrame
    blocks: pl.DataFrame
    models: pl.DataFrame
    visited: pl.DataFrame
    done: pl.DataFrame
    windows: pl.DataFrame
    hours: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=VISITED))

    @classmethod
    def empty(cls) -> Self:
        """Nothing yet."""
        return cls(*(pl.DataFrame(schema=each) for each in (USED, BLOCKS, NEWS, VISITED, DONE, LATEST)))

    def after(self, habits: Habits, since: pl.DataFrame) -> "Record":
        """The same with more ticks.

        Args:
            habits: what happened.
            since: what `since_when` gave: accounts that hold a tied key; others are forgotten.
        """
        shown = habits.shown.join(since, on="account_hash", how="inner").filter(pl.col("tick") >= pl.col("since"))
        going_on = since.filter(pl.col("since") == ALWAYS)
        used = (
            pl.concat(
                [
                    self.used.join(going_on, on="account_hash", how="semi"),
                    shown.filter(pl.col("kind") != "operation").select(
                        "account_hash", "kind", "key", "label", first_tick="tick"
                    ),
                ]
            )
            .group_by("account_hash", "kind", "key")
            .agg(pl.col("label").min(), pl.col("first_tick").min())
            .sort("account_hash", "kind", "key")
        )
        called = shown.filter(pl.col("kind") == "operation")
        answered = called.filter(pl.col("blocked").is_not_null())
        blocks = answered.select(
            "account_hash", known_tick="tick", blocked_tick=pl.when(pl.col("blocked") > 0).then("tick")
        )
        known = self.blocks.join(going_on, on="account_hash", how="semi")
        visited = self.visited.join(going_on, on="account_hash", how="semi")
        latest_known = self.windows.join(going_on, on="account_hash", how="semi")
        windows = habits.windows.join(since, on="account_hash", how="inner").filter(
            pl.col("window_end") > pl.col("since")
        )
        return Record(
            used,
            pl.concat([known, blocks]),
            _news(self.models, habits.models),
            visited,
            Done(self.done.join(going_on, on="account_hash", how="semi")).after(called, since).rows,
            pl.concat([latest_known, windows.select(LATEST.names())]),
            hours_of(called.select("account_hash", "tick"), visited),
        )

    @cached_property
    def work_done(self) -> Done:
        """All that the accounts did."""
        return Done(self.done)

    def remembered(self, oldest: datetime) -> "Record":
        """What later ticks need of it: of each account the first known tick, the last blocked one and sums by hour, no model last asked for before."""
        blocks = self.blocks.group_by("account_hash").agg(
            pl.all().exclude("known_tick").max(), pl.col("known_tick").min()
        )
        return replace(
            self,
            blocks=blocks.select(BLOCKS.names()).sort("account_hash"),
            models=self.models.filter(pl.col("last_tick") >= oldest),
            visited=gathered(self.visited, self.hours),
            done=self.work_done.remembered(),
            windows=latest(self.windows),
            hours=self.hours.clear(),
        )

    def of(self, members: Members, campaign: Mapping[str, Any], policy: Policy) -> dict[str, Any]:
        """Columns of CAMPAIGN, as of the tick at which the campaign was last seen.

        Args:
            members: the accounts that it was counted against, with their holdings of its keys; at least one.
            campaign: its row.
            policy: campaigns.least_accounts, time.tick.
        """
        until = pl.lit(campaign["last_seen"], dtype=_TIME)
        accounts = pl.Series("account_hash", list(members), dtype=pl.Int64).to_frame()
        used = self.used.filter(pl.col("first_tick") <= until).join(accounts, on="account_hash", how="semi")
        blocks = self.blocks.filter(pl.col("known_tick") <= until).join(accounts, on="account_hash", how="semi")
        hours = pl.concat([self.visited, self.hours.filter(pl.col("first_tick") <= until)])
        visited = hours.join(accounts, on="account_hash", how="semi")
        last_seen, end = campaign["last_seen"], campaign["last_seen"] + policy.time.tick
        return (
            _languages(used.filter(pl.col("kind") == "language"))
            | self._pivot(members, used.filter(pl.col("kind") == "model"), campaign, policy)
            | _blocked(members, blocks)
            | nights(visited)
            | work(members, self.work_done, self.windows, last_seen, end)
        )

    def _pivot(
        self, members: Members, used: pl.DataFrame, campaign: Mapping[str, Any], policy: Policy
    ) -> dict[str, Any]:
        """The latest new model that half of the accounts that were there before began to use within a day, and how many did."""
        came = self.models.filter(
            "is_new", pl.col("first_tick").is_between(campaign["flagged_at"], campaign["last_seen"])
        ).sort("first_tick", "key", descending=True)
        for key, label, tick in came.select("key", "label", "first_tick").rows():
            before = {
                account
                for account, holdings in members.items()
                if min(holding.first_time for holding in holdings) < tick
            }
            within_a_day = used.filter(pl.col("key") == key, pl.col("first_tick") < tick + _DAY)["account_hash"]
            number = len(before.intersection(within_a_day))
            if len(before) >= policy.campaigns.least_accounts and 2 * number >= len(before):
                return {"pivot_model": label, "pivot_accounts": number}
        return {"pivot_model": None, "pivot_accounts": None}


def _news(known: pl.DataFrame, more: pl.DataFrame) -> pl.DataFrame:
    """NEWS rows with more models."""
    both = pl.concat([known, more.with_columns(is_new=pl.lit(None, dtype=pl.Boolean))])
    every = both.group_by("key").agg(
        pl.col("label").min(),
        pl.col("first_tick").min(),
        pl.col("last_tick").max(),
        pl.col("is_new").drop_nulls().first(),
    )
    is_late = pl.col("first_tick") - pl.col("first_tick").min() >= _DAY
    return every.with_columns(pl.col("is_new").fill_null(is_late)).select(NEWS.names()).sort("key")


def _languages(used: pl.DataFrame) -> dict[str, Any]:
    if used.is_empty():
        return {"languages": None, "languages_each": None}
    known = used.filter(pl.col("label") != _UNDECIDED)
    each = round(known.height / known["account_hash"].n_unique(), 6) if known.height else None
    return {"languages": sorted(known["label"].unique()), "languages_each": each}


def _blocked(members: Members, blocks: pl.DataFrame) -> dict[str, Any]:
    """Accounts that were blocked, and those of them that were not seen again while another one began within the hour."""
    if blocks.is_empty():
        return {"blocked_accounts": None, "failed_over_accounts": None}
    last = blocks.drop_nulls("blocked_tick").group_by("account_hash").agg(pl.col("blocked_tick").max()).rows()
    ends = [tick for account, tick in last if _last_tick(members, account) <= tick]
    began = sorted(min(holding.first_time for holding in holdings) for holdings in members.values())
    return {"blocked_accounts": len(last), "failed_over_accounts": replaced(sorted(ends), began, _HOUR)}


def _last_tick(members: Members, account: int) -> datetime:
    return max(holding.last_tick for holding in members[account])


def since_when(
    keys: pl.DataFrame, held: pl.DataFrame, ties: pl.DataFrame, tied: pl.DataFrame, oldest: datetime
) -> pl.DataFrame:
    """Accounts that hold a tied key: account_hash, since, asked, other.

    `since` is the tick from which what they do counts, ALWAYS where that was before; `asked` and `other` are calls with a tied key
    by its end, out of prompts and of other kinds, null where that was before.

    Args:
        keys: tied keys before (state.KEYS).
        held: TIED rows as of then.
        ties: TIE rows of the ticks to come.
        tied: TIED rows of the same.
        oldest: keys tied last before that are forgotten.
    """
    key = ["kind", "key"]
    always, nothing = pl.lit(ALWAYS, dtype=_TIME), pl.lit(None, dtype=pl.Int64)
    alive = keys.filter(pl.col("last_tick") >= oldest).select(key)
    from_now = ties.filter(~pl.col("is_sustained")).group_by(key).agg(from_tick=pl.col("tick").min())
    known = pl.concat([alive.with_columns(from_tick=always), from_now]).group_by(key).agg(pl.col("from_tick").min())
    now = tied.join(known, on=key, how="inner").filter(pl.col("tick") >= pl.col("from_tick"))
    before = held.join(alive, on=key, how="semi").select("account_hash", since=always, asked=nothing, other=nothing)
    is_asked = pl.col("kind").is_in(ASKED)
    shown = {
        "asked": pl.when(is_asked).then("calls").otherwise(0),
        "other": pl.when(is_asked).then(0).otherwise("calls"),
    }
    both = pl.concat([before, now.select("account_hash", since="tick", **shown)])
    of_first = pl.col("asked", "other").filter(pl.col("since") == pl.col("since").min()).max()
    return both.group_by("account_hash").agg(pl.col("since").min(), of_first).sort("account_hash")
