"""Organisations: accounts that share a card, an office, a client and prompts, as a pool's heads do, and harm nobody.

Everything here is our judgement [J], drawn wide on purpose: no public data tells how teams of one customer look.
"""

import numpy as np
import polars as pl

from transforms.simulate.activity import Population, activities, registry_of
from transforms.simulate.benign import AGE, APPLICATION, SEATS
from transforms.simulate.chance import Flags, Ints
from transforms.simulate.draws import always, between, log_between, lognormal, mixture, one_of, own, whole

SIZE = log_between(2.0, 41.0)
"""Accounts of an organisation: 2 to 40."""

OFFICES = Population(
    name="offices",
    archetype="B-TEAM",
    label="benign",
    account={
        "plan": one_of(["plus", "payg", "scale", "enterprise"], [0.3, 0.2, 0.2, 0.3]),
        "age_days": AGE,
        "signup_path": one_of(["web", "sales", "education", "startup"], [0.3, 0.4, 0.15, 0.15]),
    },
    does=SEATS.does
    | {
        "per_day": lognormal(25.0, 1.0, 1.0, 400.0),
        "awake": between(7.0, 12.0),  # office hours
        "weekend": between(0.0, 0.3),
        "voice": always("app"),
        "layout": one_of(["system", "prefix", "none"], [0.4, 0.4, 0.2]),  # the house's own ways of asking
        "templates": whole(1, 5),
        "templated": between(0.2, 0.9),
        "system": mixture((0.6, own()), (0.4, always(1_000_001))),
        "domains": whole(1, 3),
        "domain": whole(0, 11),
        "client": one_of(["browser", "sdk", "coder"]),
        "site": own(),
        "networks": whole(1, 3),
        "fingerprint": mixture((0.6, always(-1)), (0.4, own())),  # its own gateway or in-house client
    },
)
"""People of one house with one card, one network, one client and the house's prompts."""

FLEETS = Population(
    name="fleets",
    archetype="B-TEAM",
    label="benign",
    account={
        "plan": one_of(["payg", "scale", "enterprise"], [0.3, 0.4, 0.3]),
        "age_days": AGE,
        "signup_path": one_of(["web", "sales", "partner"], [0.4, 0.4, 0.2]),
    },
    does=APPLICATION
    | {
        "per_day": lognormal(90.0, 1.2, 2.0, 3_000.0),
        "layout": one_of(["system", "prefix"]),
        "templates": whole(1, 4),
        "templated": between(0.7, 1.0),
        "payloads": mixture((0.5, always(0)), (0.5, log_between(20.0, 5_000.0))),
        "asks_steps": always(0.0),
        "site": own(),
        "networks": whole(1, 3),
        "fingerprint": mixture((0.5, always(-1)), (0.5, own())),
        "end_users": always(0),
    },
)
"""One product deployed under an account for each customer, branch or environment: even the load may be alike."""

KINDS = ((0.6, OFFICES), (0.4, FLEETS))
"""Share of the organisations, and how their accounts call."""

ALIKE = (
    "region", "zone", "language", "languages", "voice", "layout", "template", "templates", "system", "toolbox", "tools", "domains",
    "domain", "model", "client", "site", "networks", "fingerprint", "payloads", "payload_set", "operation",
)  # fmt: skip
"""What all accounts of an organisation have in common."""


def organisations(population: Population, count: int, rng: np.random.Generator) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Accounts of `count` organisations: their activities, and what the registry knows of them.

    Half of the organisations are signed up by their administrator within an hour: a burst of one path.
    """
    size = SIZE(rng, count).astype(np.int64)
    of = np.repeat(np.arange(count), size)
    house, people = activities(population, count, rng), activities(population, len(of), rng)
    does = people.with_columns(house.select(ALIKE)[of])
    known, own_known = registry_of(population, count, rng), registry_of(population, len(of), rng)
    is_burst = rng.uniform(size=count) < 0.5
    batch = _batches(of, is_burst)
    accounts = own_known.with_columns(
        known.select("plan", "signup_path")[of],
        card=pl.Series(of),
        batch=pl.Series(batch),
        age_days=pl.Series(np.where(is_burst[of], known["age_days"].to_numpy()[of], own_known["age_days"].to_numpy())),
        after_seconds=pl.Series(np.where(is_burst[of], rng.uniform(0, 3_600, len(of)), 0.0)),
    )
    return does, accounts


def _batches(of: Ints, is_burst: Flags) -> Ints:
    """Sign-ups: an organisation at once, or each account on a day of its own."""
    alone = len(is_burst) + np.arange(len(of))
    numbers: Ints = np.where(is_burst[of], of, alone)
    return numbers
