"""A labelled world: logs of an AI API whose truth is known."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from schemas.registry import REGISTRY
from schemas.truth import ATTACK, TRUTH
from transforms.simulate.calls import Calls
from transforms.simulate.cast import COUNTRIES, troupes
from transforms.simulate.chance import Flags, Floats, Ints, mixed, unit
from transforms.simulate.options import Options
from transforms.simulate.places import hexadecimal
from transforms.simulate.record import MOMENT, records

BLOCK = 65_536
"""Calls made into records at a time; changes nothing but memory."""

TICK_SECONDS = 300
"""The ticks in which attacking calls are counted: those of the default policy."""

RELEASE = 0.5
"""When the new model is released, as a share of the world's time."""


@dataclass(frozen=True)
class World:
    """Accounts and calls; records are made block by block when asked for.

    Attributes:
        options: what it was made from.
        registry: REGISTRY frame, one row an account, holding from the world's start.
        truth: TRUTH frame, one row an account.
        attacks: ATTACK frame: when the attacking calls are made.
        calls: all calls in order of their start.
        account_ids: id by account number.
    """

    options: Options
    registry: pl.DataFrame
    truth: pl.DataFrame
    attacks: pl.DataFrame
    calls: Calls
    account_ids: pl.Series

    def __len__(self) -> int:
        """Number of calls."""
        return len(self.calls)

    def days(self) -> Iterator[tuple[datetime, Iterator[pl.DataFrame]]]:
        """Start of each day, and the canonical records of the calls that begin in it, in blocks."""
        day = (self.calls.seconds // 86_400).astype(np.int64)
        borders = np.searchsorted(day, np.arange(self.options.days + 1))
        for number in range(self.options.days):
            start = self.options.midnight + timedelta(days=number)
            yield start, self._blocks(int(borders[number]), int(borders[number + 1]))

    @cached_property
    def events(self) -> pl.DataFrame:
        """All calls as canonical records, see record.RECORD."""
        return pl.concat([block for _, blocks in self.days() for block in blocks])

    def _blocks(self, begin: int, end: int) -> Iterator[pl.DataFrame]:
        for low in range(begin, end, BLOCK):
            part = self.calls.slice(low, min(low + BLOCK, end))
            yield records(part, self.calls, self.account_ids, self.options.midnight, self.options.words)


def within(options: Options, budget: int) -> Options:
    """The options with as many accounts as make about that many calls; rates stay, since they are what is published."""
    some, times = options, 1.0
    for _ in range(3):  # few accounts differ much from each other, so that the first guess may be far off
        calls = sum(len(troupe.calls.seconds) for troupe in troupes(some))
        if calls == 0:
            return options
        times *= budget / calls
        some = options.sized(times)
    return some


def simulate(options: Options) -> World:
    """The world of these options; equal options make equal worlds, to the byte."""
    cast = troupes(options)
    first_account = np.cumsum([0] + [troupe.accounts.height for troupe in cast])
    first_activity = np.cumsum([0] + [troupe.activities.height for troupe in cast])
    seconds = _joined([troupe.calls.seconds for troupe in cast])
    activity = _joined([troupe.calls.activity + first_activity[n] for n, troupe in enumerate(cast)])
    account = _joined([troupe.account + first_account[n] for n, troupe in enumerate(cast)])
    session = _joined([troupe.calls.session for troupe in cast])
    turn = _joined([troupe.calls.turn for troupe in cast])
    denied = _joined([troupe.denied for troupe in cast]).astype(bool)
    order = np.lexsort((turn, session, activity, seconds))
    again = _joined([troupe.again for troupe in cast]).astype(bool)[order]
    seconds, activity, account, denied = seconds[order], activity[order], account[order], denied[order]
    plan = pl.concat([troupe.activities for troupe in cast])
    calls = Calls(
        seed=options.seed,
        release=RELEASE * options.days * 86_400,
        activities=plan.drop("attacks"),
        seconds=seconds,
        activity=activity,
        account=account,
        session=session[order],
        turn=turn[order],
        ordinal=_ordinals(activity),
        denied=denied,
        again=again,
        lent=_lent(seconds, activity, plan["redeems_back"].to_numpy()),
        quoted=_quoted(options.seed, seconds, activity, plan["answers_back"].to_numpy()),
    )
    people = pl.concat(
        [troupe.accounts.with_columns(pl.col("card", "batch") + first_account[n]) for n, troupe in enumerate(cast)]
    )
    ids = hexadecimal("acct-", mixed(options.seed, "account", np.arange(people.height))).str.slice(0, 17)
    attacking = plan["attacks"].to_numpy()[activity]
    begins = _firsts(seconds, account, people.height)
    return World(
        options,
        _registry(people, ids, begins, options),
        _truth(people, ids, seconds, account, attacking, options),
        _attacks(ids, seconds[attacking], account[attacking], options),
        calls,
        ids,
    )


def _joined(parts: list[NDArray[Any]]) -> NDArray[Any]:
    return np.concatenate(parts) if parts else np.zeros(0)


def _ordinals(activity: Ints) -> Ints:
    """Number of each call within its activity; calls are in order of time."""
    order = np.argsort(activity, kind="stable")
    ranked = activity[order]
    first = np.searchsorted(ranked, ranked)
    ordinal = np.empty(len(activity), dtype=np.int64)
    ordinal[order] = np.arange(len(activity)) - first
    return ordinal


def _lent(seconds: Floats, activity: Ints, back: Ints) -> Ints:
    """For calls that redeem another activity's handles: how many calls that one had made before."""
    lent = np.zeros(len(activity), dtype=np.int64)
    for borrower in np.flatnonzero(back > 0):
        own = np.flatnonzero(activity == borrower)
        lent[own] = np.searchsorted(seconds[activity == borrower - back[borrower]], seconds[own])
    return lent


def _quoted(seed: int, seconds: Floats, activity: Ints, back: Ints) -> Ints:
    """For calls that go over another activity's answers: one of the last that were given a while ago; -1 where there is none."""
    quoted = np.full(len(activity), -1, dtype=np.int64)
    for reader in np.flatnonzero(back > 0).tolist():
        own, others = np.flatnonzero(activity == reader), np.flatnonzero(activity == reader - back[reader])
        given = np.searchsorted(seconds[others], seconds[own] - COLLECTED_SECONDS)
        ago = (unit(mixed(seed, "quoted", reader, np.arange(len(own)))) * np.minimum(given, COLLECTED)).astype(np.int64)
        is_there = given > 0
        quoted[own[is_there]] = others[(given - 1 - ago)[is_there]]
    return quoted


COLLECTED_SECONDS, COLLECTED = 600.0, 200
"""How long answers lie before they are gone over, and of how many of the last the next is taken: a cleaner works through batches [J]."""


def _firsts(seconds: Floats, account: Ints, count: int) -> Floats:
    """First call of each account; 0 for accounts without calls."""
    first = np.full(count, np.inf)
    np.minimum.at(first, account, seconds)
    return np.where(np.isfinite(first), first, 0.0)


def _registry(people: pl.DataFrame, ids: pl.Series, begins: Floats, options: Options) -> pl.DataFrame:
    """What the operator knows. A batch was created so many days before the first of its calls, its youngest account's age."""
    opened = (
        people.select("batch", age=pl.col("age_days") * 86_400, begins=pl.Series(begins))
        .select(pl.col("begins", "age").min().over("batch"))
        .select(pl.col("begins") - pl.col("age"))
        .to_series()
        .to_numpy()
    )
    born = pl.Series(((opened + people["after_seconds"].to_numpy()) * 1e6).astype(np.int64))
    card = hexadecimal("card-", mixed(options.seed, "card", people["card"].to_numpy())).str.slice(0, 15)
    frame = people.with_columns(
        account_id=ids,
        holds_from=pl.lit(options.midnight).cast(MOMENT),
        created_at=(pl.lit(options.midnight) + pl.lit(born).cast(pl.Duration("us"))).dt.truncate("1s"),
        payment_id=pl.when(pl.col("plan") != "free").then(pl.lit(card)),
        country=pl.Series(COUNTRIES).gather(people["region"]),
    )
    return REGISTRY.conform(frame)


def _attacks(ids: pl.Series, seconds: Floats, account: Ints, options: Options) -> pl.DataFrame:
    tick = pl.Series((seconds // TICK_SECONDS).astype(np.int64) * TICK_SECONDS * 1_000_000).cast(pl.Duration("us"))
    rows = pl.DataFrame({"account_id": ids.gather(account), "since": tick})
    counted = rows.group_by("account_id", "since").agg(attack_calls=pl.len().cast(pl.Int64))
    timed = counted.with_columns(tick=pl.lit(options.midnight).cast(MOMENT) + pl.col("since"))
    return ATTACK.conform(timed.sort("account_id", "tick"))


def _truth(
    people: pl.DataFrame, ids: pl.Series, seconds: Floats, account: Ints, attacking: Flags, options: Options
) -> pl.DataFrame:
    count = people.height
    began = pl.Series((_firsts(seconds[attacking], account[attacking], count) * 1e6).astype(np.int64))
    attacks = np.bincount(account[attacking], minlength=count)
    frame = people.select("label", "archetype", campaign_id="campaign").with_columns(
        account_id=ids,
        attack_start=pl.when(pl.lit(pl.Series(attacks > 0))).then(
            pl.lit(options.midnight) + pl.lit(began).cast(pl.Duration("us"))
        ),
        calls=pl.Series(np.bincount(account, minlength=count)),
        attack_calls=pl.Series(attacks),
    )
    return TRUTH.conform(frame)
