"""The worlds of the grid: one base, and one thing changed at a time."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from schemas.policy import Campaigns, Distribution, Evidence, Policy, Rates, Shapes
from transforms.simulate import Options, Pool

HARVESTS = ("T-COT", "T-BULK", "T-AGENT", "T-GRADE", "T-REPLAY")
"""One pool of each, so that a world has five campaigns to find."""

SHARES = (0.05, 0.1, 0.25, 0.5, 1.0)
"""The grid of threats.md 3.4."""

HEADS = (10, 30, 100, 300)
"""From less than any published pool to the smallest of them (273)."""

RATES = (13.0, 46.0, 280.0)
"""Calls a day and head (threats.md 4.1): Xiaomi, Moonshot, and in between; 860 and more are loud one by one."""

PARAPHRASES = (0.0, 0.2, 0.8)
"""threats.md 4.3."""

BACKGROUNDS = (1, 10, 100)
"""Times the honest accounts of the base (P2); a hundred times are some four million calls a seed."""

REREAD, CLEANED = "answers gone over", (0.0, 0.25, 0.5)
"""The share of a pool's attack that goes over what the rest of it was answered (A2: a cleaner; shares [J])."""

VARIANTS = ("everything", "no registry", "no text", "neither", "web log")
"""What the log carries: all; no accounts file; no prompts and answers; neither; or nothing but a combined web log."""

NEVER = 1_000.0
"""Decades that nothing has."""

WITHOUT = (
    ("nothing", Policy()),
    ("an even load", Policy(campaigns=Campaigns(family_most=0.0, steady_decades=0.0))),
    ("turns", Policy(campaigns=Campaigns(turns_decades=0.0))),
    ("ages", Policy(campaigns=Campaigns(fresh_days=0))),
    ("ages, cards, networks and claims", Policy(campaigns=Campaigns(identity_most=0.0))),
    ("shapes", Policy(shapes=Shapes(share=1e-12))),
    ("an account's own evidence", Policy(evidence=Evidence(review_decades=NEVER), rates=Rates(least_decades=NEVER))),
    ("the distribution test", Policy(distribution=Distribution(least_accounts=10**9))),
)
"""What is left out of the judgement, by a policy under which it says nothing: the log still has it, and the rest is judged as ever."""

BASE = Options(
    days=2,
    accounts=200,
    lookalikes=3,
    crowd=30,
    teams=6,
    attackers=1,
    pools=tuple(Pool("T-HYDRA", 30, 46.0, attack_share=0.25, begins=0.1, harvest=harvest) for harvest in HARVESTS),
    cap_per_day=100.0,
    loud_cap=300.0,
    words=12,
)  # fmt: skip
"""About fifty thousand calls: half a minute a world."""


DETECTORS = Options(
    days=2,
    accounts=400,
    lookalikes=4,
    crowd=40,
    teams=8,
    attackers=3,
    pools=BASE.pools,
    cap_per_day=100.0,
    loud_cap=1_200.0,
    words=12,
)  # fmt: skip
"""Every thief and every look-alike, with the shares of attack and paraphrase of threats.md 4.3: what each detector does by itself."""

SLOW = replace(
    BASE, days=3, attack_share=0.1, pools=tuple(replace(pool, heads=100, per_head=13.0) for pool in BASE.pools)
)
"""The quietest published pool: 13 calls a day and head (Xiaomi), a tenth of them the attack."""

LARGE = replace(
    BASE, days=1, pools=(Pool("T-HYDRA", heads=350, per_head=860.0, attack_share=1.0, begins=0.5, harvest="T-COT"),)
)
"""The loudest published pool (Alibaba: 3,500 heads of 860 calls a day) at a scale of 1:10, for half a day."""


WORDY = replace(BASE, attack_share=1.0, words=60)
"""Texts long enough for an answer to be known again: elsewhere an answer is eight words."""


@dataclass(frozen=True)
class Point:
    """One world of the grid.

    Attributes:
        axis: what is changed.
        value: to what; for `log` the number of the variant.
        options: the world.
        variant: what its log carries; for `without` what is left out.
        policy: what it is judged by.
    """

    axis: str
    value: float
    options: Options
    variant: str = "everything"
    policy: Policy = field(default_factory=Policy)


def points(seed: int) -> Iterator[Point]:
    """Every world of the grid for a seed."""
    base = replace(BASE, seed=seed)
    yield Point("detectors", 0, replace(DETECTORS, seed=seed))
    yield Point("low and slow", 0.1, replace(SLOW, seed=seed))
    yield Point("large pool", 350, replace(LARGE, seed=seed))
    for share in SHARES:
        yield Point("attack share", share, replace(base, attack_share=share))
    for heads in HEADS:
        yield Point("heads of a pool", heads, base.with_heads(heads))
    for rate in RATES:
        pools = tuple(replace(pool, per_head=rate) for pool in base.pools)
        yield Point("calls a day and head", rate, replace(base, pools=pools))
    for paraphrase in PARAPHRASES:
        yield Point("paraphrase", paraphrase, replace(base, paraphrase=paraphrase))
    for share in CLEANED:
        pools = tuple(replace(pool, cleaned=share) for pool in base.pools if pool.harvest != "T-GRADE")
        yield Point(REREAD, share, replace(WORDY, seed=seed, pools=pools))
    for times in BACKGROUNDS:
        yield Point("background", times, base.amid(times))
    for number, variant in enumerate(VARIANTS):
        yield Point(
            "log", number, base if variant in ("everything", "no registry") else replace(base, words=0), variant
        )
    for number, (left_out, policy) in enumerate(WITHOUT):
        yield Point("without", number, base, left_out, policy)
