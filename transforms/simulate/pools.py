"""Pools: many accounts driven as one, each of them ordinary; the campaign is visible only across them."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from schemas.errors import StillwatchError
from transforms.simulate.activity import Population
from transforms.simulate.benign import SEATS
from transforms.simulate.chance import Floats, Ints
from transforms.simulate.draws import Draw, always, between, log_between, mixture, one_of, own, whole
from transforms.simulate.harvests import ACCOUNT, AGENT, BULK, COT, GRADE, PARAPHRASE, REPLAY

_HEADS: dict[str, Draw] = ACCOUNT | {
    "plan": one_of(["free", "plus", "payg"], [0.2, 0.4, 0.4]),
    "age_days": log_between(0.1, 40.0),
}

_DRIVEN: dict[str, Draw] = {
    "awake": mixture((0.6, always(24.0)), (0.4, between(12.0, 22.0))),
    "region": one_of([14, 15]),  # mostly SG and JP (A2)
    "turns": between(1.0, 3.0),  # sticky session key, TTL one hour (T3)
    "think_seconds": log_between(10.0, 200.0),
    "growth": mixture((0.5, always(0.0)), (0.5, between(0.1, 0.6))),
    "moves_daily": always(True),  # one residential network a head and day (A2, T3)
    "fingerprint": own(),  # the relay software sends one constant header set (T3)
    "fingerprints": whole(1, 3),  # 1-3 header fingerprints a pool (threats.md 4.3)
    "canaries": mixture(
        (0.5, always(0.0)), (0.5, between(0.002, 0.02))
    ),  # A5: countermeasures are looked for; share [J]
    "client": one_of(["script", "sdk", "coder"]),
    "paraphrase": PARAPHRASE,
    "day_noise": between(0.05, 0.3),
    "throttled": between(0.001, 0.03),
}

HARVESTS: dict[str, Population] = {
    base.archetype: Population(f"hydra {base.name}", "T-HYDRA", "extraction", account=_HEADS, does=base.does | _DRIVEN)
    for base in (COT, BULK, AGENT, GRADE)
}
"""What a pool can be harvesting."""

HARVESTS["T-REPLAY"] = Population(
    name="hydra stored conversations",
    archetype="T-HYDRA",
    label="extraction",
    account=_HEADS,
    does=REPLAY.does | _DRIVEN | {"turns": always(1.0), "growth": always(0.0)},  # A2: 400,000 through 1,500 accounts
)

CLEANER = Population(
    name="hydra cleaner",
    archetype="T-HYDRA",
    label="extraction",
    account=_HEADS,
    does=GRADE.does | _DRIVEN | {"answers_back": always(1)},
)
"""What a pool was answered is graded by the same model before it is used (A2: 770,609 exchanges through a cleaner in ten days)."""

CUSTOMERS = Population(
    name="resold seats",
    archetype="B-RESELL",
    label="grey",
    account=_HEADS,
    does=SEATS.does
    | _DRIVEN
    | {
        "paraphrase": always(0.0),
        "turns": between(2.0, 6.0),
        "awake": always(24.0),
        "system": always(-1),
        "languages": whole(2, 15),
        "foreign": between(0.2, 0.8),
        "conversations": always(0.5),
    },
)
"""Ordinary people behind shared accounts: the mixed-in traffic of a pool, and all of a reseller's."""

RELAY = Population(
    name="relay",
    archetype="T-RELAY",
    label="extraction",
    account=_HEADS,
    does=CUSTOMERS.does
    | {"client": always("coder"), "tools": whole(6, 20), "toolbox": own(), "languages": always(15), "foreign": between(0.5, 0.9)},
)  # fmt: skip
"""A lab serves the model to its own users and keeps the logs (A2)."""


@dataclass(frozen=True)
class Pool:
    """One pool of accounts.

    Attributes:
        archetype: T-HYDRA, T-RELAY or B-RESELL.
        heads: accounts at any time.
        per_head: calls a day and head (published campaigns: 13 to 1,100, threats.md 4.1).
        attack_share: share of the calls that is the attack; the rest is resold to ordinary users.
        ban_days: mean days until a head is banned and, within a day, replaced; 0 for never.
        begins: when the pool starts, as a share of the world's time.
        raid: when most heads are banned within an hour, as a share of the world's time; a standby pool takes over. 0 for never.
        harvest: what a T-HYDRA is after: T-COT, T-BULK, T-AGENT, T-GRADE or T-REPLAY.
        cleaned: share of a T-HYDRA's attack that goes over what the rest of it was answered; below 1.
    """

    archetype: str
    heads: int
    per_head: float
    attack_share: float = 1.0
    ban_days: float = 0.0
    begins: float = 0.0
    raid: float = 0.0
    harvest: str = "T-COT"
    cleaned: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.cleaned < 1:
            raise StillwatchError("simulate", f"cleaned = {self.cleaned} leaves no answers", "use a share below 1")


def populations(pool: Pool) -> list[tuple[Population, float, bool]]:
    """What the pool does: (population, calls a day over all heads, whether it is the attack)."""
    total = pool.heads * pool.per_head
    if pool.archetype == "B-RESELL":
        return [(CUSTOMERS, total, False)]
    driver = RELAY if pool.archetype == "T-RELAY" else HARVESTS[pool.harvest]
    cleaned = pool.cleaned if pool.archetype == "T-HYDRA" else 0.0
    parts = [
        (driver, total * pool.attack_share * (1 - cleaned), True),
        (CLEANER, total * pool.attack_share * cleaned, True),
        (CUSTOMERS, total * (1 - pool.attack_share), False),
    ]
    return [part for part in parts if part[1] > 0]


TRIES = 16
"""Heads that are looked at for a healthy one before a session is given up; with nine of ten banned, four sessions of five find one."""

RAIDED = 0.9
"""Share of a pool's heads that a raid bans; the rest was not found out yet [J]."""

SWITCH = (300.0, 21_600.0)
"""Seconds until a standby pool takes over: 5 minutes to 6 hours (threats.md 4.3 [J])."""

REPLACED = (300.0, 86_400.0)
"""Seconds until a banned head is replaced: within a day (threats.md 4.3)."""


def signed_up(accounts: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """The heads' sign-ups: in bursts of an hour by one path, a card for some; a fifth is bought or stolen one by one.

    Args:
        accounts: columns of `registry_of`, heads in the order in which they are made.
        rng: generator.
    """
    count = accounts.height
    number = np.arange(count)
    # k cards a 5-50 accounts (threats.md 4.3 [J]); bursts of the same size [J].
    cards, burst = number // int(rng.integers(5, 51)), number // int(rng.integers(5, 51))
    bought = rng.uniform(size=count) < 0.2
    from_batch = pl.Series(np.where(bought, number, burst))
    return accounts.with_columns(
        accounts.select("signup_path", "age_days")[from_batch],
        card=pl.Series(np.where(bought, count + number, cards)),
        batch=pl.Series(np.where(bought, count + number, burst)),
        after_seconds=pl.Series(np.where(bought, 0.0, rng.uniform(0, 3_600, count))),
    )


def heads_of(opened: Floats, pool: Pool, days: int, rng: np.random.Generator) -> tuple[Ints, Floats]:
    """The account that takes each session, and the moment each account is banned.

    The least recently used healthy head is next (T3), so heads take turns. A banned head is replaced by a new account in
    the same place after a while. Accounts are numbered from 0; account `heads * generation + place` is the place's n-th.

    Args:
        opened: start of each session of the pool, s, ascending.
        pool: the pool.
        days: length of the world.
        rng: generator of the bans.

    Returns:
        Account number of each session, -1 where no healthy head was found; end of each account in s, infinite where it is
        never banned.
    """
    starts, ends = _lives(pool, days, rng)
    account = np.full(len(opened), -1, dtype=np.int64)
    for step in range(TRIES):
        waiting = np.flatnonzero(account < 0)
        place, moment = (waiting + step) % pool.heads, opened[waiting]
        generation = (ends[:, place] <= moment).sum(axis=0)
        up = starts[generation, place] <= moment
        account[waiting[up]] = (generation * pool.heads + place)[up]
    return account, ends.ravel()


def _lives(pool: Pool, days: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """When each place's accounts come and are banned, s: a row a generation, a column a place."""
    banned = 1 if pool.ban_days <= 0 else int(np.ceil(4 * days / pool.ban_days)) + 1
    lifetimes = rng.exponential(max(pool.ban_days, 1e-9) * 86_400, (banned, pool.heads))
    gaps = rng.uniform(*REPLACED, (banned, pool.heads))
    if pool.ban_days <= 0:
        lifetimes[:] = np.inf
    ends = np.cumsum(lifetimes + gaps, axis=0) - gaps
    starts = np.vstack([np.zeros(pool.heads), (ends + gaps)[:-1]])
    ends[-1] = np.inf
    if pool.raid > 0:
        moment = pool.raid * days * 86_400
        raided = np.flatnonzero(rng.uniform(size=pool.heads) < RAIDED)
        over = moment + rng.uniform(0, 3_600, len(raided))
        back = moment + 3_600 + rng.uniform(*SWITCH)
        # Whoever lives at that moment ends with it; the place goes on with an account of the standby pool.
        current = (ends[:, raided] <= over).sum(axis=0)
        later = np.full((1, pool.heads), np.inf)
        starts, ends = np.vstack([starts, later]), np.vstack([ends, later])
        for column, generation, end in zip(raided, current, over, strict=True):
            starts[generation + 1 :, column] = [
                max(back, value) for value in (back, *starts[generation + 1 : -1, column])
            ]
            ends[generation + 1 :, column] = [ends[generation, column], *ends[generation + 1 : -1, column]]
            ends[generation, column] = end
    return starts, ends
