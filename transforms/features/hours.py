"""Ticks become hours, and hours the 24 hours up to each hour's end."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from schemas.tally import ADDITIVE
from transforms.features.state import HOURS, PAST
from transforms.features.trailing import HOUR_US, first_within, spread, sums
from transforms.sketches.grouping import lengths_of, order_of, starts_of, sums_of
from transforms.sketches.mix import I64

SAMPLES = 3


@dataclass(frozen=True)
class Hours:
    """The hours that end, one window each, and the hours behind them.

    Attributes:
        ending: `HOURS` rows, sorted by account_id and hour.
        account: account of each window, numbered in that order.
        hour: hours since 1970 of each window.
        one: sums over the hour.
        day: sums over the 24 hours up to its end.
        presence: bitwise OR of presence over the same 24 hours.
        calls: shape (windows, 24): calls of the hour, of the hour before it, and so on.
    """

    ending: pl.DataFrame
    account: I64
    hour: I64
    one: dict[str, I64]
    day: dict[str, I64]
    presence: I64
    calls: I64


def numbers_of(ids: pl.Series, accounts: pl.Series) -> I64:
    """The place of each id in `accounts`, -1 for one that is not there; fast where equal ids stand together."""
    starts = np.flatnonzero((ids != ids.shift(1)).fill_null(value=True).to_numpy())
    known = pl.DataFrame({"id": accounts, "number": np.arange(len(accounts), dtype=np.int64)})
    found = ids.gather(starts).to_frame("id").join(known, on="id", how="left", maintain_order="left")
    return np.repeat(found["number"].fill_null(-1).to_numpy(), lengths_of(starts, len(ids)))


def hour_numbers(times: pl.Series) -> I64:
    """Hours since 1970."""
    return times.to_physical().to_numpy() // HOUR_US


def ticks_of(tallies: pl.DataFrame) -> pl.DataFrame:
    """TALLY rows as `HOURS` rows that still have to be added up."""
    return tallies.with_columns(pl.col("tick").dt.truncate("1h").alias("hour")).select(HOURS.names())


def added_up(ticks: pl.DataFrame) -> pl.DataFrame:
    """One row an account and hour, sorted by that; ticks of one hour are in their order."""
    ids = ticks.select(pl.col("account_id").unique().sort()).to_series()
    account, hour = numbers_of(ticks["account_id"], ids), hour_numbers(ticks["hour"])
    order = order_of(account, hour)
    starts = starts_of(account[order], hour[order])
    rows = ticks[order]
    if len(starts) == rows.height:
        return rows
    firsts = rows[starts]
    totals = {name: sums_of(rows[name].to_numpy(), starts) for name in ADDITIVE}
    presence = np.bitwise_or.reduceat(rows["presence"].to_numpy(), starts)
    runs = pl.Series(np.repeat(np.arange(len(starts)), lengths_of(starts, rows.height)))
    others = (
        rows.group_by(runs.alias("run"), maintain_order=True)
        .agg(
            pl.col("plan").max(),
            pl.col("account_created_at").min(),
            pl.col("is_weak_account").any(),
            pl.col("sample_event_ids").list.explode(empty_as_null=False).head(SAMPLES),
        )
        .drop("run")
    )
    return firsts.with_columns(
        *[pl.Series(name, values) for name, values in totals.items()],
        pl.Series("presence", presence),
        *others,
    )


def with_past(kept: pl.DataFrame, ending: pl.DataFrame) -> Hours:
    """The windows of the hours that end.

    Args:
        kept: `PAST` rows of earlier hours.
        ending: `HOURS` rows of the hours that end, sorted by account_id and hour.
    """
    ids = ending["account_id"].unique(maintain_order=True)
    past = kept.join(ids.to_frame(), on="account_id", how="semi", maintain_order="left")
    rows = pl.concat([past, ending.select(PAST.names())])
    account, hour = numbers_of(rows["account_id"], ids), hour_numbers(rows["hour"])
    order = order_of(account, hour)
    last = np.flatnonzero(order >= past.height)
    account, hour = account[order], hour[order]
    first = first_within(account, hour, last)
    whole = {name: rows[name].to_numpy() for name in (*ADDITIVE, "presence")}
    nothing = {name for name, values in whole.items() if not values.any()}  # a log shows about half of what is counted
    columns = {name: values if name in nothing else values[order] for name, values in whole.items()}
    asked, ago, earlier = spread(hour, first, last)
    calls = np.zeros((len(last), 24), dtype=np.int64)
    calls[asked, ago] = columns["calls"][earlier]
    begins = np.cumsum(last - first + 1) - (last - first + 1)
    return Hours(
        ending=ending,
        account=account[last],
        hour=hour[last],
        one={name: columns[name][last] for name in ADDITIVE},
        day={n: np.zeros_like(last) if n in nothing else sums(columns[n], first, last) for n in ADDITIVE},
        presence=np.bitwise_or.reduceat(columns["presence"][earlier], begins),
        calls=calls,
    )
