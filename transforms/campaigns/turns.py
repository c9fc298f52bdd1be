"""Whether accounts take turns: a scheduler that gives the next work to the least recently used account makes each wait for all the others.

Time is told by the key itself: how many visits all its holders paid between two of one holder (a visit is a tick in which an account
shows the key). Accounts that do not know of each other come back at random in that time, however unlike their loads and however
common their days and nights: waits are geometric, their squared coefficient of variation (CV2) is 1, and more for people, whose
calls come in bursts. Of 15,000 groups of 5 to 40 real people with an even load (1,034 users of Reddit, five-minute ticks, one and
three days, one sitting and two) the least one in a thousand was 0.6 to 1.0, and none was two decades below what chance gives. A relay
that takes the least recently used account (threats.md 4.3, measured in a published relay) comes to 0 for single calls, 0.5 where
a session of a few calls stays with its account.

Where a conversation stays with its account for longer than a tick, visits come in runs, and who waits for all others between two runs looks bursty. So the
same is asked of sittings: an account that comes back within `campaigns.turns_apart` minutes has not been away. Whoever comes at random is then away for that time
at least, which makes his waits more regular: by the square of the share of the mean absence that is left to chance. (Of 8,900 groups of the same people none was two decades below that; random programs come to 0.8 to 1.1 of it.)

A fleet of like programs on a timetable or in closed loops is regular too, but so it is by the clock. Where work comes in at random and
is dealt out, a turn takes as long as the work lets it take: by the clock waits vary more than in visits, by one over the length of a turn
(the work of a turn is Poisson). The clock runs while the key is in use: a night in which nobody shows it (`campaigns.turns_silence`) would make the waits
of a fleet in office hours vary, too.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.special import ndtr

from schemas.policy import Campaigns
from transforms.campaigns.kinds import TURNS, VISITS

F64 = npt.NDArray[np.float64]

_KEY = ["kind", "key"]
_HOLDING = [*_KEY, "account_hash"]
NOT_LOOKED_AT = ("shingle", "agent")
"""Kinds of key whose turns are not counted: three words found no campaign alone, and are most of what is shared; a user agent is
anybody's, and whoever else sends it would be counted as one of the pool."""

HELD = pl.Schema({"kind": pl.String(), "key": pl.Int64()} | dict.fromkeys(TURNS, pl.Int64()))
"""Sums over the visits to each key, as long as anybody holds it."""


def visited(rows: pl.DataFrame, before: pl.DataFrame, turns: pl.DataFrame, policy: Campaigns) -> pl.DataFrame:
    """The rows with `place` and `sitting_place` (visits and sittings up to and with the tick), `awake` (minutes in which the key was in use) and TURNS: what the row adds to the sums of its key.

    Args:
        rows: kind, key, account_hash, tick, sorted by these; an account may have two rows of one tick.
        before: holders before: kind, key, account_hash, `last_tick`, `place`, `sitting_place`, `awake`.
        turns: HELD rows of before.
        policy: turns_apart, turns_silence.
    """
    known = before.join(rows.select(_HOLDING).unique(), on=_HOLDING, how="semi").select(
        *_HOLDING,
        tick_before="last_tick",
        place_before="place",
        sitting_place_before="sitting_place",
        awake_before="awake",
    )
    looked = (
        rows.join(known, on=_HOLDING, how="left", maintain_order="left")
        .with_columns(
            is_same=pl.all_horizontal(pl.col(name) == pl.col(name).shift() for name in _HOLDING).fill_null(value=False),
            is_looked=~pl.col("kind").is_in(NOT_LOOKED_AT),
        )
        .with_columns(earlier_tick=_earlier("tick"))
        .join(_awake(rows, before, policy), on=[*_KEY, "tick"], how="left", maintain_order="left")
    )
    away = pl.col("tick") - pl.col("earlier_tick")
    apart = timedelta(minutes=policy.turns_apart)
    found = _added(_added(looked, turns, "", away > timedelta()), turns, "sitting_", away > apart)
    return found.drop(
        "tick_before", "place_before", "sitting_place_before", "awake_before", "earlier_tick", "is_same", "is_looked"
    )


def _awake(rows: pl.DataFrame, before: pl.DataFrame, policy: Campaigns) -> pl.DataFrame:
    """The ticks of each key, and for how many minutes it had been in use: without the times between two of its ticks that are a silence."""
    start = before.group_by(_KEY).agg(pl.col("last_tick").max(), awake_start=pl.col("awake").max())
    silence = timedelta(minutes=policy.turns_silence)
    gap = pl.col("tick") - pl.coalesce(pl.col("tick").shift().over(_KEY), "last_tick")
    minutes = pl.when(gap <= silence).then(gap.dt.total_minutes()).otherwise(0)
    return (
        rows.select(*_KEY, "tick")
        .unique()
        .sort(*_KEY, "tick")
        .join(start, on=_KEY, how="left", maintain_order="left")
        .select(*_KEY, "tick", awake=minutes.cum_sum().over(_KEY) + pl.col("awake_start").fill_null(0))
    )


def _earlier(name: str) -> pl.Expr:
    """What the account's row before says, or what is held of it."""
    return pl.when("is_same").then(pl.col(name).shift()).otherwise(pl.col(f"{name}_before"))


def _added(looked: pl.DataFrame, turns: pl.DataFrame, of: str, was_away: pl.Expr) -> pl.DataFrame:
    """The rows with the place, and what they add to the sums, of visits or of sittings, as the prefix says.

    Args:
        looked: rows with is_looked, is_same, earlier_tick and what is held.
        turns: HELD rows of before.
        of: prefix of the columns.
        was_away: whether the row is of a new visit of an account that had been there before.
    """
    visits, returns, waits, wait_squares, pauses, pause_squares, company = (f"{of}{name}" for name in VISITS)
    place = f"{of}place"
    came = looked.with_columns(
        is_back=(pl.col("is_looked") & was_away).fill_null(value=False),
        is_new=pl.col("is_looked") & pl.col("earlier_tick").is_null(),
    ).with_columns(is_visit=pl.col("is_back") | pl.col("is_new"))
    ticks = (
        came.filter("is_looked")
        .group_by(*_KEY, "tick")
        .agg(pl.col("is_visit").sum().cast(pl.Int64).alias(company))
        .sort(*_KEY, "tick")
        .join(turns.select(*_KEY, start=visits), on=_KEY, how="left", maintain_order="left")
        .with_columns((pl.col(company).cum_sum().over(_KEY) + pl.col("start").fill_null(0)).alias(place))
        .select(*_KEY, "tick", company, place)
    )
    visit, back = pl.col("is_visit").cast(pl.Int64), pl.col("is_back").cast(pl.Int64)
    wait = (pl.col(place) - _earlier(place)).fill_null(0) * back
    pause = (pl.col("awake") - _earlier("awake")).fill_null(0) * back
    return (
        came.join(ticks, on=[*_KEY, "tick"], how="left", maintain_order="left")
        .with_columns(pl.col(company, place).fill_null(0))
        .with_columns(
            visit.alias(visits),
            back.alias(returns),
            wait.alias(waits),
            (wait**2).alias(wait_squares),
            pause.alias(pauses),
            (pause**2).alias(pause_squares),
            (pl.col(company) * visit).alias(company),
        )
        .drop("is_back", "is_new", "is_visit")
    )


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


def chance(accounts: F64, visits: F64, company: F64, regular: F64 | float = 0.0) -> F64:
    """CV2 of waits of accounts that come at random: 1, and less where many are there in the same tick, each came a few times, or none comes back at once.

    With visits that are there or not in each tick it is 1 - p. Between m moments in a time that ends, the times are parts of
    a whole, and their CV2 is m / (m + 2). Accounts of unlike loads only show more (drawn 100 to 400 times each for 5 to 100
    accounts with 3 to 48 calls a day: mean 0.94 to 1.6 of this, and one in a hundred no lower than the error says).

    Args:
        accounts: holders of the key.
        visits: visits to the key.
        company: sum over the visits of the visitors in that tick.
        regular: share of the mean absence that is no matter of chance.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        usual = (1.0 - company / (visits * accounts)) * visits / (visits + 2.0 * accounts)
        return np.asarray(usual * (1.0 - regular) ** 2)


@dataclass(frozen=True)
class Seen:
    """What is seen of the turns of keys: decades, the variation of waits, and that of chance; arrays of one length."""

    points: F64
    observed: F64
    expected: F64


def seen(accounts: F64, sums: Mapping[str, F64], policy: Campaigns) -> Seen:
    """The turns of visits, or those of sittings where they say more; 0 points where neither is to be told.

    Args:
        accounts: holders of each key.
        sums: TURNS by name.
        policy: turns_*.
    """
    by_visits = _seen(accounts, sums, "", 0.0, policy)
    by_sittings = _seen(accounts, sums, "sitting_", float(policy.turns_apart), policy)
    is_more = by_sittings.points > by_visits.points
    return Seen(
        np.where(is_more, by_sittings.points, by_visits.points),
        np.where(is_more, by_sittings.observed, by_visits.observed),
        np.where(is_more, by_sittings.expected, by_visits.expected),
    )


def by_chance(sums: Mapping[str, F64], policy: Campaigns) -> npt.NDArray[np.bool_]:
    """Whether accounts come back at times that vary by the clock, so that no timetable makes them alike.

    Args:
        sums: TURNS by name.
        policy: turns_least, turns_work.
    """
    varies = variation(sums["returns"], sums["pauses"], sums["pause_squares"]) >= policy.turns_work
    return np.asarray((sums["returns"] >= policy.turns_least) & varies)


def _seen(accounts: F64, sums: Mapping[str, F64], of: str, apart: float, policy: Campaigns) -> Seen:
    """Decades by which waits are more regular than those of accounts that come at random, `apart` minutes after they left at the earliest.

    CV2 of n geometric waits has a standard error of 2 / sqrt(n).
    """
    visits, returns, waits, wait_squares, pauses, pause_squares, company = (sums[f"{of}{name}"] for name in VISITS)
    with np.errstate(divide="ignore", invalid="ignore"):
        usual = chance(accounts, visits, company, np.minimum(apart * returns / pauses, 1.0))
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
    most = np.asarray(np.round(np.minimum(decades, policy.turns_decades), 6), dtype=np.float64)
    return Seen(most, np.nan_to_num(of_visits), np.nan_to_num(usual))
