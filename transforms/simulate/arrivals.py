"""When an activity's calls begin: sessions as a renewal process in the account's own time, turns inside them."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from transforms.simulate.chance import Floats, Ints

HOUR = 3600.0
DAY = 24


@dataclass(frozen=True)
class Arrivals:
    """Calls as bare moments, in order of activity, session and turn.

    Attributes:
        seconds: start of the call, s from the world's start.
        activity: row number of its activity.
        session: number of its session within the activity, in order of time.
        turn: number of the call within the session.
    """

    seconds: Floats
    activity: Ints
    session: Ints
    turn: Ints


def arrivals(activities: pl.DataFrame, days: int, first_weekday: int, rng: np.random.Generator) -> Arrivals:
    """The calls of each activity within `days` days; `first_weekday` is 0 for a Monday.

    Sessions follow a Gamma renewal process (API clients: threats.md 4.3, T1) run in operational time: the hours of the
    account's day, weekend, ramp and good and bad days stretch it. A session holds a geometric number of calls with
    lognormal pauses, which gives people their two humps of gaps (P17: about a minute and about three hours).
    """
    rate = hourly_rate(activities, days, first_weekday, rng)
    expected = rate.sum(axis=1)
    # A session is at most a twelfth of what an activity does, and whoever is expected to call at all calls once.
    turns = np.clip(activities["turns"].to_numpy(), 1.0, np.maximum(expected / 12, 1.0))
    sessions = np.maximum(rng.poisson(expected / turns), expected >= 1)
    owner = np.repeat(np.arange(activities.height), sessions)
    opened = _warped(_renewals(sessions, activities["shape"].to_numpy()[owner], rng), owner, rate)
    number = np.arange(len(owner)) - np.repeat(np.cumsum(sessions) - sessions, sessions)

    length = rng.geometric(1.0 / turns[owner])
    row = np.repeat(np.arange(len(owner)), length)
    turn = np.arange(len(row)) - np.repeat(np.cumsum(length) - length, length)
    whose = owner[row]
    pause = activities["think_seconds"].to_numpy()[whose] * np.exp(
        activities["think_sigma"].to_numpy()[whose] * rng.standard_normal(len(row))
    )
    begun = np.cumsum(pause)
    seconds = opened[row] + begun - begun[np.cumsum(length) - length][row]
    kept = seconds < activities["ends"].to_numpy()[whose] * days * DAY * HOUR
    return Arrivals(seconds[kept], whose[kept], number[row][kept], turn[kept])


def hourly_rate(activities: pl.DataFrame, days: int, first_weekday: int, rng: np.random.Generator) -> Floats:
    """Expected calls per activity (row) and hour of the world (column)."""
    column = {name: activities[name].to_numpy()[:, None] for name in activities.columns if name in _RATE_PARAMETERS}
    hour = np.arange(days * DAY)[None, :]
    local = hour + column["zone"] + 0.5
    into_day = (local - column["wakes"]) % DAY
    awake = column["awake"]
    bump = np.where(into_day < awake, 0.3 + 0.7 * np.sin(np.pi * np.minimum(into_day / awake, 1.0)), 0.004)
    rhythm = np.where(awake >= DAY, 1.0, bump)
    weekday = (np.floor_divide(local, DAY) + first_weekday) % 7
    weekly = np.where(weekday >= 5, column["weekend"], 1.0)
    noise = column["day_noise"]
    good_days = np.exp(noise * rng.standard_normal((activities.height, days)) - noise**2 / 2)
    since = hour / DAY - column["begins"] * days
    window = np.clip(np.minimum(since + 1 / DAY, column["ends"] * days - hour / DAY) * DAY, 0.0, 1.0)
    ramp = np.where(
        column["ramp_days"] > 0, np.clip((since + 1 / DAY) / np.maximum(column["ramp_days"], 1e-9), 0, 1), 1
    )
    # The hours of the day only move calls within an activity's time: a thief who starts in the evening is not a lesser one.
    present = rhythm * window
    present = present * (window.sum(axis=1, keepdims=True) / np.maximum(present.sum(axis=1, keepdims=True), 1e-12))
    rate: Floats = column["per_day"] / DAY * present * weekly * np.repeat(good_days, DAY, axis=1) * ramp
    return rate


_RATE_PARAMETERS = {
    "per_day", "zone", "wakes", "awake", "weekend", "day_noise", "begins", "ends", "ramp_days",
}  # fmt: skip


def _renewals(counts: Ints, shape: Floats, rng: np.random.Generator) -> Floats:
    """For each owner `counts` ascending numbers of (0, 1): the events of a Gamma renewal process."""
    gaps = rng.standard_gamma(shape)
    total = np.cumsum(gaps)
    ends = np.cumsum(counts)
    firsts = ends - counts
    before = np.where(firsts > 0, total[np.maximum(firsts - 1, 0)], 0.0) if len(total) else np.zeros(len(counts))
    inside = total - np.repeat(before, counts)
    last = np.where(counts > 0, total[np.maximum(ends - 1, 0)] - before, 1.0) if len(total) else np.ones(len(counts))
    mean_gap = last / np.maximum(counts, 1)
    closing = mean_gap * rng.uniform(0.0, 1.0, len(counts))
    shares: Floats = inside / np.repeat(last + closing + 1e-12, counts)
    return shares


def _warped(share: Floats, owner: Ints, rate: Floats) -> Floats:
    """Seconds at which each owner has spent that share of its expected calls."""
    total = rate.sum(axis=1)
    spent = np.cumsum(rate, axis=1) / np.maximum(total, 1e-300)[:, None]
    spent[:, -1] = 1.0
    hours = rate.shape[1]
    # One ascending line over all owners: owner i's hours lie between i and i + 1.
    line = (spent + np.arange(rate.shape[0])[:, None]).ravel()
    position = np.searchsorted(line, share + owner, side="right")
    hour = np.minimum(position - owner * hours, hours - 1)
    flat = owner * hours + hour
    before = np.where(hour > 0, spent.ravel()[np.maximum(flat - 1, 0)], 0.0)
    width = np.maximum(spent.ravel()[flat] - before, 1e-300)
    moments: Floats = (hour + np.clip((share - before) / width, 0.0, 1.0)) * HOUR
    return moments
