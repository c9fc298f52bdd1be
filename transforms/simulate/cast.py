"""Who is in the world: accounts, their activities, and when each call begins."""

from dataclasses import dataclass, replace
from zlib import crc32

import numpy as np
import polars as pl

from transforms.simulate.activity import REGIONS, Population, activities, registry_of
from transforms.simulate.arrivals import Arrivals, arrivals
from transforms.simulate.attacks import ATTACKS, LATER_ATTACKS
from transforms.simulate.benign import MAJORITY
from transforms.simulate.chance import Flags, Floats, Ints
from transforms.simulate.draws import always
from transforms.simulate.harvests import BLATANT, PARAPHRASE
from transforms.simulate.lookalikes import CROWD, LOOKALIKES
from transforms.simulate.options import Options
from transforms.simulate.pools import Pool, heads_of, populations, signed_up
from transforms.simulate.teams import KINDS, organisations


@dataclass(frozen=True)
class Troupe:
    """Accounts of one kind with what they do; numbers count from 0 within the troupe.

    Attributes:
        accounts: per account: archetype, label, campaign, region, and the columns of `registry_of`.
        activities: per activity: its parameters, and `attacks`.
        calls: their calls, activity by number.
        account: account of each call.
        denied: whether the account had just been banned, per call.
        again: whether the call repeats a denied one through another account.
    """

    accounts: pl.DataFrame
    activities: pl.DataFrame
    calls: Arrivals
    account: Ints
    denied: Flags
    again: Flags


def troupes(options: Options) -> list[Troupe]:
    """Everyone, in a fixed order; a population's draws depend on the seed and its own name only.

    Accounts and their calls are numbered in that order: who is added comes last, so that the others stay who they were.
    """
    cast: list[Troupe] = []
    for population, count in _apportioned(MAJORITY, options.accounts):
        cast.append(_singles(population, count, options))
    for kinds in LOOKALIKES.values():
        for number, population in enumerate(kinds):
            share = options.lookalikes // len(kinds) + (number < options.lookalikes % len(kinds))
            cast.append(_singles(population, share, options))
    cast.append(_singles(CROWD, options.crowd, options))
    for population, count in _apportioned(KINDS, options.teams):
        cast.append(_team(population, count, options))
    cast += [_singles(population, options.attackers, options) for population in _wanted(ATTACKS, options)]
    cast.append(_singles(BLATANT, options.blatant, options))
    for number, pool in enumerate(options.pools):
        if not options.archetypes or pool.archetype in options.archetypes:
            cast.append(_pool(pool, number, options))
    cast += [_singles(population, options.attackers, options) for population in _wanted(LATER_ATTACKS, options)]
    return [troupe for troupe in cast if troupe.accounts.height]


def _wanted(attacks: dict[str, Population], options: Options) -> list[Population]:
    """Those whose archetype takes part."""
    return [of for archetype, of in attacks.items() if not options.archetypes or archetype in options.archetypes]


def _generator(options: Options, name: str) -> np.random.Generator:
    return np.random.default_rng([options.seed, crc32(name.encode())])


def _apportioned(mix: tuple[tuple[float, Population], ...], total: int) -> list[tuple[Population, int]]:
    """How many of each population of a mix: shares rounded so that they add up."""
    exact = np.array([share for share, _ in mix]) * total
    counts = np.floor(exact).astype(int)
    for number in np.argsort(-(exact - counts), kind="stable")[: total - counts.sum()]:
        counts[number] += 1
    return [(population, int(count)) for (_, population), count in zip(mix, counts, strict=True)]


def _team(population: Population, count: int, options: Options) -> Troupe:
    """So many organisations with all their accounts."""
    rng = _generator(options, population.name)
    does, accounts = organisations(population, count, rng)
    everything = _adjusted(population, does, options.loud_cap, options).with_columns(attacks=pl.lit(value=False))
    calls = arrivals(everything.drop("attacks"), options.days, options.start.weekday(), rng)
    people = accounts.with_columns(
        archetype=pl.lit(population.archetype),
        label=pl.lit(population.label),
        campaign=pl.lit(None, dtype=pl.String),
        region=does["region"],
    )
    never = np.zeros(len(calls.activity), dtype=bool)
    return Troupe(people, everything, calls, calls.activity, never, never)


def _singles(population: Population, count: int, options: Options) -> Troupe:
    """Accounts that act for themselves, or in small groups; the cover of attackers is an activity of its own."""
    count = -(-count // population.group) * population.group
    rng = _generator(options, population.name)
    cap = options.cap_per_day if population.archetype == "benign" else options.loud_cap
    does = _adjusted(population, activities(population, count, rng), cap, options)
    number = np.arange(count)
    rows = [does.with_columns(account=pl.Series(number), attacks=pl.lit(population.label == "extraction"))]
    share = _cover_shares(population, count, options, rng)
    if population.cover is not None and share is not None:
        cover = activities(population.cover, count, rng)
        total = does["per_day"].to_numpy()
        rows = [rows[0].with_columns(per_day=pl.Series(total * (1 - share)))]
        rows.append(
            cover.with_columns(
                per_day=pl.Series(total * share),
                begins=pl.lit(0.0),
                region=does["region"],
                zone=does["zone"],
                language=does["language"],
                account=pl.Series(number),
                attacks=pl.lit(value=False),
            ).filter(pl.Series(share > 0))
        )
    everything = pl.concat(rows)
    weekday = options.start.weekday()
    calls = arrivals(everything.drop("account", "attacks"), options.days, weekday, rng)
    is_campaign = population.group > 1 and population.label != "benign"
    names = [f"{population.archetype.lower()}-{n // population.group + 1}" for n in number]
    accounts = registry_of(population, count, rng).with_columns(
        archetype=pl.lit(population.archetype),
        label=pl.lit(population.label),
        campaign=pl.Series(names if is_campaign else [None] * count, dtype=pl.String),
        region=does["region"],
        card=pl.Series(number if is_campaign else number // population.group),  # a customer's two keys have one card
    )
    account = everything["account"].to_numpy()[calls.activity]
    never = np.zeros(len(account), dtype=bool)
    return Troupe(accounts, everything.drop("account"), calls, account, never, never)


def _cover_shares(population: Population, count: int, options: Options, rng: np.random.Generator) -> Floats | None:
    if population.cover_share is None:
        return None
    drawn: Floats = np.asarray(population.cover_share(rng, count), dtype=np.float64)
    if options.attack_share is not None and population.label == "extraction":
        return np.full(count, 1 - options.attack_share)
    return drawn


def _adjusted(population: Population, does: pl.DataFrame, cap: float, options: Options) -> pl.DataFrame:
    """The activities under the world's cap, and at its paraphrase rate where the population leaves that open."""
    capped = does.with_columns(pl.col("per_day").clip(upper_bound=cap))
    if options.paraphrase is None or population.does.get("paraphrase") is not PARAPHRASE:
        return capped
    return capped.with_columns(paraphrase=pl.lit(options.paraphrase))


def _pool(pool: Pool, number: int, options: Options) -> Troupe:
    """A pool: sessions of all its activities go round its heads."""
    rng = _generator(options, f"pool {number} {pool.archetype}")
    if options.attack_share is not None and pool.archetype == "T-HYDRA":
        pool = replace(pool, attack_share=options.attack_share)
    parts = [
        (
            replace(
                population,
                does={**population.does, "per_day": always(rate), "begins": always(pool.begins), "ends": always(1.0)},
            ),
            attacks,
        )
        for population, rate, attacks in populations(pool)
    ]
    frames = [activities(population, 1, rng).with_columns(attacks=pl.lit(attacks)) for population, attacks in parts]
    # One software drives the pool from one place, whatever it sends.
    shared = ["fingerprint", "fingerprints", "region", "zone", "client"]
    frames = [frames[0], *[frame.with_columns(frames[0].select(shared)) for frame in frames[1:]]]
    everything = pl.concat(frames)
    if options.paraphrase is not None:
        everything = everything.with_columns(
            paraphrase=pl.when("attacks").then(options.paraphrase).otherwise("paraphrase")
        )
    calls = arrivals(everything.drop("attacks"), options.days, options.start.weekday(), rng)
    calls, account, denied = _taken(calls, pool, options.days, rng)
    calls, account, denied, again = _failed_over(calls, account, denied)
    used, account = np.unique(account, return_inverse=True)
    driver = parts[0][0]
    accounts = signed_up(registry_of(driver, len(used), rng), rng).with_columns(
        archetype=pl.lit(driver.archetype),
        label=pl.lit(driver.label),
        campaign=pl.lit(f"pool-{number + 1}"),
        region=pl.lit(frames[0]["region"][0], dtype=pl.Int64),
    )
    return Troupe(accounts, everything, calls, account.ravel(), denied, again)


def _taken(calls: Arrivals, pool: Pool, days: int, rng: np.random.Generator) -> tuple[Arrivals, Ints, Flags]:
    """The calls that found a head, the head of each, and whether it is the last call of a head that is then banned."""
    opens = calls.turn == 0
    sessions = np.flatnonzero(opens)
    by_time = sessions[np.argsort(calls.seconds[sessions], kind="stable")]
    heads, ends = heads_of(calls.seconds[by_time], pool, days, rng)
    of_opening = np.zeros(len(calls.seconds), dtype=np.int64)
    of_opening[by_time] = heads
    # Calls are in order of activity, session and turn: a session's head is that of its opening call.
    opening = np.maximum.accumulate(np.where(opens, np.arange(len(opens)), 0))
    account = of_opening[opening]
    made = account >= 0
    calls = Arrivals(calls.seconds[made], calls.activity[made], calls.session[made], calls.turn[made])
    account = account[made]
    last = np.full(len(ends), -1.0)
    np.maximum.at(last, account, calls.seconds)
    denied: Flags = (calls.seconds == last[account]) & np.isfinite(ends[account]) & (ends[account] < days * 86_400)
    return calls, account, denied


def _failed_over(calls: Arrivals, account: Ints, denied: Flags) -> tuple[Arrivals, Ints, Flags, Flags]:
    """The calls and, seconds after each denied one, the same request through the head whose turn is next (M-FAILOVER)."""
    openings = np.flatnonzero(calls.turn == 0)
    by_time = openings[np.argsort(calls.seconds[openings], kind="stable")]
    refused = np.flatnonzero(denied)
    turn = np.searchsorted(calls.seconds[by_time], calls.seconds[refused] + RETRY_SECONDS)
    refused, turn = refused[turn < len(by_time)], turn[turn < len(by_time)]
    other = account[by_time[turn]]
    refused, other = refused[other != account[refused]], other[other != account[refused]]
    rows = np.concatenate([np.arange(len(account)), refused])
    again = np.arange(len(rows)) >= len(account)
    seconds = calls.seconds[rows] + np.where(again, RETRY_SECONDS, 0.0)
    repeated = Arrivals(seconds, calls.activity[rows], calls.session[rows], calls.turn[rows])
    return repeated, np.concatenate([account, other]), denied[rows] & ~again, again


RETRY_SECONDS = 2.0
"""From a refusal to the next try: a relay does not wait, it pauses the head (T3)."""

COUNTRIES = [country for country, _, _ in REGIONS]
"""Country by region."""
