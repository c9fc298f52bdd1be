"""Keys whose holders look driven as one: what accounts that share a key have in common beside it, key by key.

Keys are independent of each other, so they may be spread over any number of shards.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

import numpy as np
import numpy.typing as npt
import polars as pl

from schemas.policy import Policy
from schemas.tie import TIE, TIED
from transforms.campaigns import customers_age
from transforms.campaigns.base import Base, facts
from transforms.campaigns.chosen import as_of_all, with_chosen
from transforms.campaigns.customers import with_customers
from transforms.campaigns.holder_places import Places
from transforms.campaigns.judging import judged
from transforms.campaigns.kinds import SUMS, TIES, TURNS
from transforms.campaigns.shard_holders import HOLDERS, HOLDING, KEY, held, of_rows
from transforms.campaigns.turns import HELD, counted, visited
from transforms.sketches.packing import pack, unpack

_VERSION = 4

_ALIKE = (("card",), ("burst",), ("burst", "card"))
"""In what holders of a key are compared."""


@dataclass(frozen=True)
class TieState:
    """Who holds the shared keys of a shard (HOLDERS), sorted by kind, key and account; and how they take turns (turns.HELD)."""

    holders: pl.DataFrame
    turns: pl.DataFrame

    @classmethod
    def empty(cls) -> Self:
        """Nothing shared yet."""
        return cls(pl.DataFrame(schema=HOLDERS), pl.DataFrame(schema=HELD))

    def to_bytes(self) -> bytes:
        """The state as versioned bytes."""
        return pack("ties", _VERSION, {"holders": self.holders, "turns": self.turns})

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """The inverse of `to_bytes`; raises ValueError on other bytes."""
        return cls(**unpack(data, "ties", _VERSION))


def step(
    state: TieState, shared: pl.DataFrame, registry: pl.DataFrame, base: Base, until: datetime, policy: Policy
) -> tuple[TieState, pl.DataFrame, pl.DataFrame]:
    """Ties as of the ticks in which keys were shown.

    Args:
        state: holders before.
        shared: SHARED rows of a shard of keys, ticks before `until` not given before; kinds that do not tie are ignored.
        registry: REGISTRY rows, at most one an account.
        base: what is ordinary; frozen for the day.
        until: border up to which ticks are closed.
        policy: `policy.campaigns`, and links.memory_days.

    Returns:
        The state; TIE rows of the keys and ticks at which the evidence is enough; TIED rows of their holders: of each
        once, at the first such tick, and at every such tick in which it showed the key.
    """
    rows = _with_facts(with_chosen(shared.filter(pl.col("kind").is_in(TIES)), base), registry, policy)
    if rows.is_empty():
        return _forget(state, until, policy), TIE.empty(), TIED.empty()
    places = Places.of(state.holders, rows)
    rows = visited(rows, places, state.holders, state.turns, policy.campaigns)
    holders, turns = held(state.holders, places, rows), counted(state.turns, rows)
    is_wide = _is_wide(state.holders, places, rows, policy)
    if not is_wide.any():
        return _forget(TieState(holders, turns), until, policy), TIE.empty(), TIED.empty()
    before = places.holders_of(state.holders, is_wide)
    rows = _counted(state.holders, places, rows, is_wide)
    sums = as_of_all(_sums(before, state.turns, rows, base, policy))
    ties = judged(sums, _tied_before(before), base, policy)
    if ties.is_empty():
        return _forget(TieState(holders, turns), until, policy), TIE.empty(), TIED.empty()
    told, tied = _told(before, holders, rows, ties, policy)
    tied = TIED.conform(with_customers(tied, registry, policy.campaigns))
    return _forget(TieState(told, turns), until, policy), TIE.conform(ties), tied


def _with_facts(shared: pl.DataFrame, registry: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    """The rows by key, account and tick, with what is on file of the accounts."""
    young = timedelta(days=policy.campaigns.fresh_days)
    known = facts(registry)
    return (
        shared.join(known, on="account_id", how="left")
        .with_columns(
            is_fresh=(pl.col("tick") - pl.col("created_at")) < young,
            output_known=pl.when(pl.col("output_tokens").is_not_null()).then("count").otherwise(0),
            output_tokens=pl.col("output_tokens").fill_null(0),
            elicited=pl.col("elicited").fill_null(0),
        )
        .sort(*KEY, "account_hash", "tick")
    )


def _counted(before: pl.DataFrame, places: Places, rows: pl.DataFrame, is_wide: npt.NDArray[np.bool_]) -> pl.DataFrame:
    """The rows of wide keys by key, tick and account, with `so_far` (the account's calls up to and with the tick) and `is_first`.

    Args:
        before: all holders before.
        places: where those stand among them that the rows speak of.
        rows: rows of an account with a key stand together, by tick.
        is_wide: by key of the rows.
    """
    known = places.known(
        before,
        before="calls",
        tokens_before="output_tokens",
        known_before="output_known",
        tick_before="last_tick",
    )
    rows = rows.with_columns(known).filter(pl.Series(places.by_row_of_key(is_wide)))
    # Sums over rows that stand together: the sum over all, less what it was before the first of them.
    starts = pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift()) for name in HOLDING)

    def up_to_here(name: str) -> pl.Expr:
        total = pl.col(name).cum_sum()
        return total - pl.when("starts").then(total - pl.col(name)).forward_fill()

    return (
        rows.with_columns(starts=starts)
        .with_columns(
            so_far=up_to_here("count") + pl.col("before").fill_null(0),
            tokens_so_far=up_to_here("output_tokens") + pl.col("tokens_before").fill_null(0),
            minutes=(
                pl.col("tick")
                - pl.coalesce(pl.when(~pl.col("starts")).then(pl.col("tick").shift()), "tick_before", "tick")
            ).dt.total_minutes(),
            known_so_far=up_to_here("output_known") + pl.col("known_before").fill_null(0),
            is_first=pl.col("before").is_null() & pl.col("starts"),
        )
        .drop("starts")
        .sort(*KEY, "tick", "account_hash")
    )


def _living(rows: pl.DataFrame, base: Base) -> pl.DataFrame:
    """The rows with `is_moving`, `is_sleepless` and `leans`, as known at the day's border."""
    return rows.join(base.lives, on="account_hash", how="left", maintain_order="left")


def _is_wide(before: pl.DataFrame, places: Places, rows: pl.DataFrame, policy: Policy) -> npt.NDArray[np.bool_]:
    """By key of the rows, whether it could have been tied at some tick; of the others nothing but the holders matters.

    Only what never falls while ticks go by may be asked here.
    """
    own = policy.campaigns
    held = np.append(0, np.cumsum(before["calls"].to_numpy()))
    calls = held[places.high] - held[places.low] + np.add.reduceat(rows["count"].to_numpy(), places.key_firsts)
    is_new = np.zeros(rows.height, dtype=np.int64)
    is_new[places.firsts] = ~places.is_held
    accounts = places.high - places.low + np.add.reduceat(is_new, places.key_firsts)
    return np.asarray((accounts >= own.least_accounts) & (calls >= own.least_calls))


def _sums(before: pl.DataFrame, turns: pl.DataFrame, rows: pl.DataFrame, base: Base, policy: Policy) -> pl.DataFrame:
    """Sums over the holders of each key as of each of its ticks: kind, key, tick, and the columns of Stats."""
    first = pl.col("is_first")
    joined = _living(rows, base)
    for by in _ALIKE:
        alike = before.drop_nulls(list(by)).group_by(*KEY, *by).agg(pl.len().cast(pl.Int64).alias(_held_by(by)))
        joined = joined.join(alike, on=[*KEY, *by], how="left", maintain_order="left")
    card, burst, both = (_place(by) for by in _ALIKE)
    added = joined.with_columns(
        *customers_age.added(joined, customers_age.aging(before, policy)),
        accounts=first.cast(pl.Int64),
        calls=pl.col("count"),
        squares=pl.col("so_far") ** 2 - (pl.col("so_far") - pl.col("count")) ** 2,
        aged=(first & pl.col("created_at").is_not_null()).cast(pl.Int64),
        fresh=(first & pl.col("is_fresh").fill_null(value=False)).cast(pl.Int64),
        cards=(first & (pl.col("card").is_null() | (card == 0))).cast(pl.Int64),
        known_cards=(card == 0).fill_null(value=False).cast(pl.Int64),
        several=(card == 1).fill_null(value=False).cast(pl.Int64),
        carded=pl.when(card == 1).then(2).when(card > 1).then(1).otherwise(0),
        signed=(first & pl.col("burst").is_not_null()).cast(pl.Int64),
        bursts=burst.fill_null(0) - both.fill_null(0),
        staying=(first & pl.col("is_moving").is_not_null()).cast(pl.Int64),
        moving=(first & pl.col("is_moving").fill_null(value=False)).cast(pl.Int64),
        timed=(first & pl.col("is_sleepless").is_not_null()).cast(pl.Int64),
        sleepless=(first & pl.col("is_sleepless").fill_null(value=False)).cast(pl.Int64),
        placed=(first & pl.col("leans").is_not_null()).cast(pl.Int64),
        leaning=(first & pl.col("leans").fill_null(value=False)).cast(pl.Int64),
    )
    ticks = added.group_by(*KEY, "tick", maintain_order=True).agg(pl.col(SUMS).sum())
    start = totals(before, turns, base, policy)
    return (
        ticks.with_columns(pl.col(name).cum_sum().over(KEY) for name in SUMS)
        .join(start, on=KEY, how="left", maintain_order="left", suffix="_start")
        .with_columns(pl.col(name) + pl.col(f"{name}_start").fill_null(0) for name in SUMS)
        .select(*KEY, "tick", *SUMS)
    )


def _held_by(by: tuple[str, ...]) -> str:
    return "held_by_" + "_".join(by)


def _place(by: tuple[str, ...]) -> pl.Expr:
    """Holders of the key with the same values before an account that first shows it; null in other rows."""
    counts = pl.col("is_first") & pl.all_horizontal(pl.col(name).is_not_null() for name in by)
    earlier = counts.cast(pl.Int64).cum_sum().over(*KEY, *by) - 1
    return pl.when(counts).then(earlier + pl.col(_held_by(by)).fill_null(0))


def totals(before: pl.DataFrame, turns: pl.DataFrame, base: Base, policy: Policy) -> pl.DataFrame:
    """The sums of keys before the first row: kind, key, and the columns of Stats."""
    aging = customers_age.aging(before, policy)
    own = (
        _living(aging, base)
        .group_by(KEY)
        .agg(
            accounts=pl.len().cast(pl.Int64),
            calls=pl.col("calls").sum(),
            squares=(pl.col("calls") ** 2).sum(),
            elicited=pl.col("elicited").sum(),
            output_tokens=pl.col("output_tokens").sum(),
            output_known=pl.col("output_known").sum(),
            aged=pl.col("created_at").count().cast(pl.Int64),
            fresh=pl.col("is_fresh").sum().cast(pl.Int64),
            unpaid=pl.col("card").null_count().cast(pl.Int64),
            signed=pl.col("burst").count().cast(pl.Int64),
            staying=pl.col("is_moving").count().cast(pl.Int64),
            moving=pl.col("is_moving").sum().cast(pl.Int64),
            timed=pl.col("is_sleepless").count().cast(pl.Int64),
            sleepless=pl.col("is_sleepless").sum().cast(pl.Int64),
            placed=pl.col("leans").count().cast(pl.Int64),
            leaning=pl.col("leans").sum().cast(pl.Int64),
            minutes=(pl.col("last_tick") - pl.col("first_tick")).dt.total_minutes().sum(),
        )
    )
    cards = (
        before.drop_nulls("card")
        .group_by(*KEY, "card")
        .len()
        .group_by(KEY)
        .agg(
            known_cards=pl.len().cast(pl.Int64),
            several=(pl.col("len") > 1).sum().cast(pl.Int64),
            carded=pl.col("len").filter(pl.col("len") > 1).sum().cast(pl.Int64),
        )
    )
    bursts = _pairs(before.drop_nulls("burst"), "burst").join(
        _pairs(before.drop_nulls(["burst", "card"]), "burst", "card"), on=KEY, how="left", suffix="_paid"
    )
    return (
        own.join(cards, on=KEY, how="left")
        .join(customers_age.held(aging), on=KEY, how="left")
        .join(bursts, on=KEY, how="left")
        .join(turns, on=KEY, how="left")
        .with_columns(
            pl.col(
                "aged_customers", "fresh_parts", "known_cards", "several", "carded", "pairs", "pairs_paid", *TURNS
            ).fill_null(0)
        )
        .with_columns(cards=pl.col("known_cards") + pl.col("unpaid"), bursts=pl.col("pairs") - pl.col("pairs_paid"))
        .select(*KEY, *SUMS)
    )


def _pairs(rows: pl.DataFrame, *by: str) -> pl.DataFrame:
    size = pl.col("len").cast(pl.Int64)
    return rows.group_by(*KEY, *by).len().group_by(KEY).agg(pairs=(size * (size - 1) // 2).sum())


def _tied_before(holders: pl.DataFrame) -> pl.DataFrame:
    """Keys of which a tie has told: kind, key, was_tied."""
    return holders.filter("is_told").select(*KEY, was_tied=pl.lit(value=True)).unique()


def _told(
    before: pl.DataFrame, holders: pl.DataFrame, rows: pl.DataFrame, ties: pl.DataFrame, policy: Policy
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The holders with whom ties have told of, and TIED rows."""
    ticks = ties.select(*KEY, "tick").sort("tick")
    tied_keys = ticks.select(KEY).unique()
    rows = rows.join(tied_keys, on=KEY, how="semi")
    showing = rows.join(ticks, on=[*KEY, "tick"], how="semi").select(*HOLDING, "tick")
    waiting = (
        holders.filter(~pl.col("is_told"))
        .join(tied_keys, on=KEY, how="semi")
        .select(*HOLDING, "first_tick")
        .sort("first_tick")
        .join_asof(
            ticks,
            left_on="first_tick",
            right_on="tick",
            by=KEY,
            strategy="forward",
            coalesce=False,
            check_sortedness=False,
        )
        .drop_nulls("tick")
        .select(*HOLDING, "tick")
    )
    told = pl.concat([showing, waiting]).unique().sort("tick")
    # An account that held a key alone may have two rows at the tick that makes it shared; sums so far never fall.
    shown = (
        rows.group_by(*HOLDING, "tick")
        .agg(pl.col("so_far", "tokens_so_far", "known_so_far").max())
        .with_columns(last_tick="tick")
        .sort("tick")
    )
    known = of_rows(before, told).select(
        *HOLDING, "calls", tokens="output_tokens", known="output_known", held_tick="last_tick"
    )
    tied = (
        told.join_asof(shown, on="tick", by=HOLDING, check_sortedness=False)
        .join(known, on=HOLDING, how="left")
        .join(
            of_rows(holders, told).select(*HOLDING, "account_id", "first_time", "first_tick", "created_at", "card"),
            on=HOLDING,
            how="left",
        )
        .with_columns(
            calls=pl.coalesce("so_far", "calls"),
            output_tokens=pl.when(pl.coalesce("known_so_far", "known") > 0).then(
                pl.coalesce("tokens_so_far", "tokens")
            ),
            last_tick=pl.coalesce("last_tick", "held_tick"),
            is_fresh=(pl.col("first_tick") - pl.col("created_at")) < timedelta(days=policy.campaigns.fresh_days),
        )
    )
    if waiting.is_empty():
        return holders, tied
    marks = waiting.select(*HOLDING, now_told=pl.lit(value=True))
    marked = holders.join(marks, on=HOLDING, how="left", maintain_order="left")
    after = marked.with_columns(is_told=pl.col("is_told") | pl.col("now_told").fill_null(value=False))
    return after.select(HOLDERS.names()), tied


def _forget(state: TieState, until: datetime, policy: Policy) -> TieState:
    """The state without holders that have not shown the key within the memory, as of the day's beginning."""
    oldest = until.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=policy.links.memory_days)
    is_kept = state.holders["last_tick"] >= oldest
    if is_kept.all():
        return state
    holders = state.holders.filter(is_kept)
    return TieState(holders, state.turns.join(holders, on=KEY, how="semi", maintain_order="left"))
