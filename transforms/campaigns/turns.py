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
from typing import Self

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.special import ndtr

from schemas.policy import Campaigns
from transforms.campaigns.holder_places import Places
from transforms.campaigns.kinds import TURNS, VISITS
from transforms.sketches.grouping import lengths_of, order_of, starts_of
from transforms.sketches.mix import I64

F64 = npt.NDArray[np.float64]

_KEY = ["kind", "key"]
_PLACES = ("place", "sitting_place")
_MINUTE = 60_000_000
NOT_LOOKED_AT = ("shingle", "agent")
"""Kinds of key whose turns are not counted: three words are most of what is shared, and seldom found a campaign alone; a user agent is
anybody's, and whoever else sends it would be counted as one of the pool."""

HELD = pl.Schema({"kind": pl.String(), "key": pl.Int64()} | dict.fromkeys(TURNS, pl.Int64()))
"""Sums over the visits to each key, as long as anybody holds it."""


def visited(
    rows: pl.DataFrame, places: Places, before: pl.DataFrame, turns: pl.DataFrame, policy: Campaigns
) -> pl.DataFrame:
    """The rows with `place` and `sitting_place` (visits and sittings up to and with the tick), `awake` (minutes in which the key was in use) and TURNS: what the row adds to the sums of its key.

    Args:
        rows: kind, key, account_hash, tick, sorted by these; an account may have two rows of one tick.
        places: where those stand among the holders before that the rows speak of.
        before: holders before: kind, key, account_hash, `last_tick`, `place`, `sitting_place`, `awake`.
        turns: HELD rows of before.
        policy: turns_apart, turns_silence.
    """
    if rows.is_empty():
        return rows.with_columns(pl.lit(0).cast(pl.Int64).alias(name) for name in (*_PLACES, "awake", *TURNS))
    looks, awake = _Looks.of(rows, places, before, policy)
    apart = policy.turns_apart * _MINUTE
    found = {"awake": awake} | _added(looks, turns, "", 0) | _added(looks, turns, "sitting_", apart)
    return rows.with_columns(pl.Series(name, values) for name, values in found.items())


@dataclass(frozen=True)
class _Looks:
    """What is asked of rows that are sorted by kind, key, account and tick.

    Attributes:
        keys: kind and key, one row each key.
        key_of: by tick of a key, the number of the key.
        tick_of: by row, the number of the tick of its key; these are sorted by key and tick.
        is_looked: by row, whether turns of its kind are counted.
        is_same: by row, whether the row before is of the same account with the same key.
        is_known: by row, whether the account had shown the key before.
        away: by row, microseconds since then; 0 where it had not.
        before: by row, what is held of the account, 0 of those that are new: place, sitting_place, awake.
        awake: by row, minutes for which the key had been in use.
    """

    keys: pl.DataFrame
    key_of: I64
    tick_of: I64
    is_looked: npt.NDArray[np.bool_]
    is_same: npt.NDArray[np.bool_]
    is_known: npt.NDArray[np.bool_]
    away: I64
    before: Mapping[str, I64]
    awake: I64

    @classmethod
    def of(cls, rows: pl.DataFrame, places: Places, before: pl.DataFrame, policy: Campaigns) -> tuple[Self, I64]:
        """Those, and `awake`."""
        tick = rows["tick"].to_physical().to_numpy()
        held = {
            name: series.to_physical().fill_null(0).to_numpy()
            for name, series in zip(
                ("last_tick", *_PLACES, "awake"),
                places.known(
                    before, last_tick="last_tick", place="place", sitting_place="sitting_place", awake="awake"
                ),
                strict=True,
            )
        }
        is_same = np.ones(rows.height, dtype=np.bool_)
        is_same[places.firsts] = False
        is_known = is_same | places.by_row(places.is_held)
        number = places.by_row_of_key(np.arange(len(places.key_firsts)))
        order = order_of(number, tick)
        starts = starts_of(number[order], tick[order])
        tick_of = np.empty(rows.height, dtype=np.int64)
        tick_of[order] = np.repeat(np.arange(len(starts)), lengths_of(starts, rows.height))
        key_of = number[order][starts]
        awake = _awake(tick[order][starts], key_of, places, before, policy)[tick_of]
        looks = cls(
            keys=rows.select(_KEY)[places.key_firsts],
            key_of=key_of,
            tick_of=tick_of,
            is_looked=(~rows["kind"].is_in(NOT_LOOKED_AT)).to_numpy(),
            is_same=is_same,
            is_known=is_known,
            away=np.where(is_known, tick - np.where(is_same, _shifted(tick), held["last_tick"]), 0),
            before=held,
            awake=awake,
        )
        return looks, awake

    def earlier(self, values: I64, name: str) -> I64:
        """What the account's row before says, or what is held of it."""
        return np.where(self.is_same, _shifted(values), self.before[name])


def _shifted(values: I64) -> I64:
    """What the row before says; of the first, what the last does."""
    return np.roll(values, 1)


def _awake(tick: I64, key_of: I64, places: Places, before: pl.DataFrame, policy: Campaigns) -> I64:
    """For how many minutes each key had been in use at each of its ticks: without the times between two of its ticks that are a silence."""
    last, start = (_most(before[name].to_physical().to_numpy(), places) for name in ("last_tick", "awake"))
    is_first = np.ones(len(tick), dtype=np.bool_)
    is_first[1:] = key_of[1:] != key_of[:-1]
    is_known = ~is_first | (places.high > places.low)[key_of]
    gap = np.where(is_known, tick - np.where(is_first, last[key_of], _shifted(tick)), 0)
    minutes = np.where(gap <= policy.turns_silence * _MINUTE, np.sign(gap) * (np.abs(gap) // _MINUTE), 0)
    return _running(minutes, is_first) + start[key_of]


def _most(values: I64, places: Places) -> I64:
    """By key, the most of its holders; 0 where it has none."""
    most, there = np.zeros(len(places.low), dtype=np.int64), np.flatnonzero(places.high > places.low)
    if len(there):
        # Between the holders of two keys stand others: every second run is left out.
        bounds = np.stack([places.low[there], places.high[there]], axis=1).reshape(-1)
        most[there] = np.maximum.reduceat(np.append(values, 0), bounds)[::2]
    return most


def _running(values: I64, is_first: npt.NDArray[np.bool_]) -> I64:
    """Sums up to each row since the last that was a first one."""
    total, starts = np.cumsum(values), np.flatnonzero(is_first)
    return total - np.repeat(total[starts] - values[starts], lengths_of(starts, len(values)))


def _added(looks: _Looks, turns: pl.DataFrame, of: str, apart: float) -> dict[str, I64]:
    """The place, and what the rows add to the sums, of visits or of sittings, as the prefix says; by name of the column.

    Args:
        looks: what is asked of the rows.
        turns: HELD rows of before.
        of: prefix of the columns.
        apart: microseconds that who has been there before has to have been away for a new visit.
    """
    visits, returns, waits, wait_squares, pauses, pause_squares, company = (f"{of}{name}" for name in VISITS)
    place = f"{of}place"
    back = (looks.is_looked & looks.is_known & (looks.away > apart)).astype(np.int64)
    visit = back + (looks.is_looked & ~looks.is_known)
    starts = looks.keys.join(turns.select(*_KEY, start=visits), on=_KEY, how="left", maintain_order="left")["start"]
    is_first = np.ones(len(looks.key_of), dtype=np.bool_)
    is_first[1:] = looks.key_of[1:] != looks.key_of[:-1]
    came = np.bincount(looks.tick_of, weights=visit, minlength=len(looks.key_of)).astype(np.int64)
    counted_up_to = _running(came, is_first) + starts.fill_null(0).to_numpy()[looks.key_of]
    places = np.where(looks.is_looked, counted_up_to[looks.tick_of], 0)
    wait = (places - looks.earlier(places, place)) * back
    pause = (looks.awake - looks.earlier(looks.awake, "awake")) * back
    return {
        place: places,
        visits: visit,
        returns: back,
        waits: wait,
        wait_squares: wait**2,
        pauses: pause,
        pause_squares: pause**2,
        company: came[looks.tick_of] * visit,
    }


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
