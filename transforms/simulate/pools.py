"""Pools: many accounts driven as one, each of them ordinary; the campaign is visible only across them."""

from dataclasses import dataclass

import numpy as np

from transforms.simulate.activity import Population
from transforms.simulate.benign import SEATS
from transforms.simulate.chance import Floats, Ints
from transforms.simulate.draws import Draw, always, between, log_between, mixture, one_of, own, whole
from transforms.simulate.harvests import ACCOUNT, AGENT, BULK, COT, PARAPHRASE

_HEADS: dict[str, Draw] = ACCOUNT | {
    "plan": one_of(["free", "plus", "payg"], [0.2, 0.4, 0.4]),
    "age_days": log_between(0.1, 40.0),
    "accounts_per_card": whole(5, 50),  # k cards a 5-50 accounts (threats.md 4.3 [J])
}

_DRIVEN: dict[str, Draw] = {
    "awake": mixture((0.6, always(24.0)), (0.4, between(12.0, 22.0))),
    "region": one_of([14, 15]),  # mostly SG and JP (A2)
    "turns": between(1.0, 3.0),  # sticky session key, TTL one hour (T3)
    "think_seconds": log_between(10.0, 200.0),
    "growth": mixture((0.5, always(0.0)), (0.5, between(0.1, 0.6))),
    "moves_daily": always(True),  # one residential network a head and day (A2, T3)
    "fingerprint": own(),  # the relay software sends one constant header set (T3)
    "client": one_of(["script", "sdk", "coder"]),
    "paraphrase": PARAPHRASE,
    "day_noise": between(0.05, 0.3),
    "throttled": between(0.001, 0.03),
}

HARVESTS = tuple(
    Population(f"hydra {base.name}", "T-HYDRA", "extraction", account=_HEADS, does=base.does | _DRIVEN)
    for base in (COT, BULK, AGENT)
)
"""What a pool can be harvesting."""

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
        ban_days: mean days until a head is banned and replaced; 0 for never.
    """

    archetype: str
    heads: int
    per_head: float
    attack_share: float = 1.0
    ban_days: float = 0.0


def populations(pool: Pool, number: int) -> list[tuple[Population, float, bool]]:
    """What the pool does: (population, calls a day over all heads, whether it is the attack)."""
    total = pool.heads * pool.per_head
    if pool.archetype == "B-RESELL":
        return [(CUSTOMERS, total, False)]
    driver = RELAY if pool.archetype == "T-RELAY" else HARVESTS[number % len(HARVESTS)]
    parts = [(driver, total * pool.attack_share, True), (CUSTOMERS, total * (1 - pool.attack_share), False)]
    return [part for part in parts if part[1] > 0]


def heads_of(opened: Floats, pool: Pool, days: int, rng: np.random.Generator) -> tuple[Ints, Floats]:
    """The account that takes each session, and the moment each account is banned.

    The least recently used head is next (T3), so heads take turns. A banned head is replaced by a new account in the
    same place. Accounts are numbered from 0; account `heads * generation + place` is the place's n-th.

    Args:
        opened: start of each session of the pool, s, ascending.
        pool: the pool.
        days: length of the world.
        rng: generator of the bans.

    Returns:
        Account number of each session; end of each account in s, infinite where it is never banned.
    """
    generations = 1 if pool.ban_days <= 0 else int(np.ceil(4 * days / pool.ban_days)) + 1
    lifetimes = rng.exponential(max(pool.ban_days, 1e-9) * 86_400, (generations, pool.heads))
    ends = np.cumsum(lifetimes, axis=0)
    ends[-1] = np.inf
    place = np.arange(len(opened)) % pool.heads
    generation = (ends[:, place] <= opened).sum(axis=0)
    return generation * pool.heads + place, ends.ravel()
