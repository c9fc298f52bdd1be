"""Whether accounts take turns: a scheduler that gives the next work to the least recently used account makes each wait for all the others.

Time is told by the key itself: how many visits all its holders paid between two of one holder (a visit is a tick in which an account
shows the key). Accounts that do not know of each other come back at random in that time, however unlike their loads and however
common their days and nights: waits are geometric, their squared coefficient of variation (CV2) is 1, and more for people, whose
calls come in bursts. Of 15,000 groups of 5 to 40 real people with an even load (1,034 users of Reddit, five-minute ticks, one and
three days, one sitting and two) the least one in a thousand was 0.6 to 1.0, and none was two decades below what chance gives. A relay
that takes the least recently used account (threats.md 4.3, measured in a published relay) comes to 0 for single calls, 0.5 where
a session of a few calls stays with its account.

A fleet of like programs on a timetable or in closed loops is regular too, but so it is by the clock. Where work comes in at random and
is dealt out, a turn takes as long as the work lets it take: by the clock waits vary more than in visits, by one over the length of a turn
(the work of a turn is Poisson).
"""

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.special import ndtr

from schemas.policy import Campaigns
from transforms.campaigns.kinds import TURNS

F64 = npt.NDArray[np.float64]

_KEY = ["kind", "key"]
_HOLDING = [*_KEY, "account_hash"]
NOT_LOOKED_AT = ("shingle", "agent")
"""Kinds of key whose turns are not counted: three words found no campaign alone, and are most of what is shared; a user agent is
anybody's, and whoever else sends it would be counted as one of the pool."""

HELD = pl.Schema({"kind": pl.String(), "key": pl.Int64()} | dict.fromkeys(TURNS, pl.Int64()))
"""Sums over the visits to each key, as long as anybody holds it."""


def visited(rows: pl.DataFrame, before: pl.DataFrame, turns: pl.DataFrame) -> pl.DataFrame:
    """The rows with `place` (visits to the key up to and with the tick) and TURNS: what the row adds to the sums of its key.

    Args:
        rows: kind, key, account_hash, tick, sorted by these; an account may have two rows of one tick.
        before: holders before: kind, key, account_hash, `last_tick`, `place`.
        turns: HELD rows of before.
    """
    known = before.select(*_HOLDING, tick_before="last_tick", place_before="place")
    is_same = pl.all_horizontal(pl.col(name) == pl.col(name).shift() for name in _HOLDING).fill_null(value=False)

    def earlier(name: str) -> pl.Expr:
        return pl.when(is_same).then(pl.col(name).shift()).otherwise(pl.col(f"{name}_before"))

    looked = rows.join(known, on=_HOLDING, how="left", maintain_order="left").with_columns(
        earlier_tick=earlier("tick"), is_looked=~pl.col("kind").is_in(NOT_LOOKED_AT)
    )
    looked = looked.with_columns(
        is_visit=pl.col("is_looked") & (pl.col("earlier_tick").is_null() | (pl.col("earlier_tick") != pl.col("tick")))
    )
    ticks = (
        looked.filter("is_looked")
        .group_by(*_KEY, "tick")
        .agg(company=pl.col("is_visit").sum().cast(pl.Int64))
        .sort(*_KEY, "tick")
        .join(turns.select(*_KEY, start="visits"), on=_KEY, how="left", maintain_order="left")
        .with_columns(place=pl.col("company").cum_sum().over(_KEY) + pl.col("start").fill_null(0))
        .select(*_KEY, "tick", "company", "place")
    )
    placed = looked.join(ticks, on=[*_KEY, "tick"], how="left", maintain_order="left").with_columns(
        pl.col("company", "place").fill_null(0)
    )
    is_back = pl.col("is_visit") & pl.col("earlier_tick").is_not_null()
    visit, back = pl.col("is_visit").cast(pl.Int64), is_back.cast(pl.Int64)
    wait = (pl.col("place") - earlier("place")).fill_null(0) * back
    pause = (pl.col("tick") - pl.col("earlier_tick")).dt.total_minutes().fill_null(0) * back
    return placed.with_columns(
        visits=visit,
        returns=back,
        waits=wait,
        wait_squares=wait**2,
        pauses=pause,
        pause_squares=pause**2,
        company=pl.col("company") * visit,
    ).drop("tick_before", "place_before", "earlier_tick", "is_looked", "is_visit")


def counted(turns: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """HELD rows after the rows that `visited` gave, sorted by key."""
    came = rows.filter(pl.col("visits") > 0).select(HELD.names())
    return pl.concat([turns, came]).group_by(_KEY).agg(pl.col(TURNS).sum()).sort(_KEY)


def variation(returns: F64, waits: F64, squares: F64) -> F64:
    """Squared coefficient of variation; NaN where nobody came back.

    >>> variation(np.array([4.0]), np.array([40.0]), np.array([400.0])).tolist()
    [0.0]
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(returns * squares / waits**2 - 1.0)


def chance(accounts: F64, visits: F64, company: F64) -> F64:
    """CV2 of waits of accounts that come at random: 1, and less where many are there in the same tick or each came a few times.

    With visits that are there or not in each tick it is 1 - p. Between m moments in a time that ends, the times are parts of
    a whole, and their CV2 is m / (m + 2). Accounts of unlike loads only show more (drawn 100 to 400 times each for 5 to 100
    accounts with 3 to 48 calls a day: mean 0.94 to 1.6 of this, and one in a hundred no lower than the error says).

    Args:
        accounts: holders of the key.
        visits: visits to the key.
        company: sum over the visits of the visitors in that tick.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray((1.0 - company / (visits * accounts)) * visits / (visits + 2.0 * accounts))


def points(
    accounts: F64,
    visits: F64,
    returns: F64,
    waits: F64,
    wait_squares: F64,
    pauses: F64,
    pause_squares: F64,
    company: F64,
    policy: Campaigns,
) -> F64:
    """Decades by which waits are more regular than those of accounts that come at random; 0 where that is not to be told.

    CV2 of n geometric waits has a standard error of 2 / sqrt(n).
    """
    usual = chance(accounts, visits, company)
    with np.errstate(divide="ignore", invalid="ignore"):
        of_visits, of_clock = variation(returns, waits, wait_squares), variation(returns, pauses, pause_squares)
        part = of_visits / usual
        speaks = (
            (returns >= policy.turns_least)
            & (company <= policy.turns_company * visits * accounts)
            & (part <= policy.turns_most_part)
            & (of_clock - of_visits >= policy.turns_work * returns / waits)
        )
        tail = ndtr((part - 1.0) * np.sqrt(returns) / 2.0)
    decades = -np.log10(np.maximum(np.where(speaks, tail, 1.0), 1e-12))
    return np.asarray(np.round(np.minimum(decades, policy.turns_decades), 6), dtype=np.float64)
