"""What a world holds: how many of whom, for how long, with how much text; and the worlds that have a name."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from schemas.errors import StillwatchError
from transforms.simulate.pools import Pool


@dataclass(frozen=True)
class Options:
    """A world before it is made.

    Attributes:
        seed: equal options and seeds make equal worlds.
        start: first day.
        days: length.
        accounts: accounts of the benign majority.
        lookalikes: accounts of each look-alike class.
        crowd: accounts of users of one popular open-source agent: more of B-SHARE.
        teams: organisations of 2 to 40 accounts each.
        attackers: accounts of each single-account archetype (a group attack takes whole groups).
        blatant: harvesters that everything gives away.
        archetypes: the archetypes that take part; empty for all.
        pools: pools of accounts.
        cap_per_day: calls a day above which no account of the majority goes.
        loud_cap: the same for look-alikes and single-account attacks, which must be of one loudness to be confused.
        words: words at which a text is cut; 0 for a world without text.
        attack_share: share of an attacker's calls that is the attack; None draws 100, 50, 25 and 10 %.
        paraphrase: share of an instruction's words that change; None draws 0, 20 and 80 %.
    """

    seed: int = 1
    start: date = date(2026, 3, 2)
    days: int = 3
    accounts: int = 100
    lookalikes: int = 0
    crowd: int = 0
    teams: int = 0
    attackers: int = 0
    blatant: int = 0
    archetypes: tuple[str, ...] = ()
    pools: tuple[Pool, ...] = ()
    cap_per_day: float = 40_000.0
    loud_cap: float = 40_000.0
    words: int = 60
    attack_share: float | None = None
    paraphrase: float | None = None

    def __post_init__(self) -> None:
        for name, least in (
            ("days", 1),
            ("accounts", 0),
            ("lookalikes", 0),
            ("crowd", 0),
            ("teams", 0),
            ("attackers", 0),
            ("blatant", 0),
            ("words", 0),
            ("seed", 0),
        ):
            if getattr(self, name) < least:
                raise StillwatchError("simulate", f"{name} = {getattr(self, name)}", f"use at least {least}")
        for name in ("attack_share", "paraphrase"):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 1:
                raise StillwatchError("simulate", f"{name} = {value} is no share", "use a number from 0 to 1")
        if self.attack_share == 0:
            raise StillwatchError("simulate", "attack_share = 0 leaves no attack", "use --attackers 0 instead")

    def amid(self, times: float) -> "Options":
        """The same thieves amid so many times the honest accounts."""
        honest: dict[str, Any] = {name: _times(getattr(self, name), times) for name in HONEST}
        return replace(self, **honest)

    def sized(self, times: float) -> "Options":
        """So many times the accounts, thieves and heads among them, each calling as often as before."""
        pools = tuple(replace(pool, heads=max(_times(pool.heads, times), LEAST_HEADS)) for pool in self.pools)
        alone: dict[str, Any] = {name: _times(getattr(self, name), times) for name in ("attackers", "blatant")}
        return replace(self.amid(times), pools=pools, **alone)

    def with_heads(self, heads: int) -> "Options":
        """Pools of that many heads, each calling as often as before."""
        return replace(self, pools=tuple(replace(pool, heads=heads) for pool in self.pools))

    @property
    def midnight(self) -> datetime:
        """The world's start."""
        return datetime(self.start.year, self.start.month, self.start.day, tzinfo=UTC)


HONEST = ("accounts", "lookalikes", "crowd", "teams")
"""What a world's background is made of."""

LEAST_HEADS = 4
"""Heads below which a pool is none."""


def _times(count: int, times: float) -> int:
    """The count so many times, rounded; what was there does not vanish."""
    return max(round(count * times), 1) if count else 0


def _pools(scale: float) -> Options:
    """Six pools whose accounts are ordinary, among the accounts that look most like them (threats.md 4.1).

    The world holds at most 1.5 million calls at full scale: the loud pool (A2, Alibaba: 3,500 heads of 860 calls a day,
    here a tenth) begins after half of the time, and those who are loud alone are kept down.
    """

    def heads(number: int) -> int:
        return max(round(number * scale), LEAST_HEADS)

    return Options(
        days=3,
        accounts=round(1_900 * scale),
        lookalikes=round(32 * scale),
        crowd=round(250 * scale),
        teams=round(50 * scale),
        pools=(
            Pool("T-HYDRA", heads(350), 860.0, attack_share=0.5, begins=0.5, ban_days=20.0, harvest="T-COT"),
            Pool("T-HYDRA", heads(150), 13.0, attack_share=0.1, begins=0.1, harvest="T-REPLAY"),
            Pool("T-HYDRA", heads(60), 46.0, attack_share=0.25, begins=0.2, ban_days=6.0, harvest="T-AGENT"),
            Pool("T-HYDRA", heads(30), 280.0, attack_share=1.0, begins=0.3, raid=0.7, harvest="T-BULK"),
            Pool("T-RELAY", heads(54), 46.0),
            Pool("B-RESELL", heads(100), 40.0, ban_days=10.0),
        ),
        cap_per_day=150.0,
        loud_cap=400.0,
        words=16,
    )


PRESETS: dict[str, tuple[str, Options]] = {
    "demo": (
        "a few hundred accounts over three days, every look-alike, a thief of each kind, three pools",
        Options(
            accounts=220,
            lookalikes=2,
            crowd=10,
            teams=2,
            attackers=1,
            blatant=1,
            pools=(
                Pool("T-HYDRA", heads=30, per_head=26.0, attack_share=0.5, ban_days=4.0),
                Pool("T-RELAY", heads=15, per_head=46.0),
                Pool("B-RESELL", heads=10, per_head=40.0),
            ),
            cap_per_day=200.0,
            loud_cap=1_200.0,
            attack_share=1.0,
            paraphrase=0.0,
            words=40,
        ),
    ),
    "small": (
        "one day and a few thousand calls, everyone once: for tests",
        Options(
            days=1,
            accounts=40,
            lookalikes=2,
            attackers=1,
            pools=(Pool("T-HYDRA", heads=8, per_head=26.0), Pool("B-RESELL", heads=4, per_head=26.0)),
            cap_per_day=150.0,
            loud_cap=300.0,
            words=16,
        ),
    ),
    "standard": (
        "ten thousand accounts over a week, enough account-days to see a false-positive rate of 0.1 %",
        Options(
            days=7,
            accounts=10_000,
            lookalikes=20,
            attackers=8,
            pools=(
                Pool("T-HYDRA", heads=60, per_head=280.0, attack_share=0.25, ban_days=10.0),
                Pool("T-HYDRA", heads=100, per_head=13.0, attack_share=0.1, ban_days=10.0),
                Pool("T-RELAY", heads=60, per_head=46.0),
                Pool("B-RESELL", heads=60, per_head=40.0),
            ),
            cap_per_day=120.0,
            loud_cap=1_500.0,
            words=16,
        ),
    ),
    "pools": (
        "three thousand benign accounts with every look-alike, and six pools over three days: for campaigns",
        _pools(1.0),
    ),
    "pools_small": ("the pools at a quarter of the size: for tests", _pools(0.25)),
    "fifty": (
        "fifty benign accounts, look-alikes among them: nothing may be flagged",
        Options(accounts=33, lookalikes=2, cap_per_day=2_000.0, loud_cap=5_000.0),
    ),
    "first_day": (
        "fifty accounts and one blatant harvester on the first day of a deployment",
        Options(days=1, accounts=50, blatant=1, cap_per_day=2_000.0, loud_cap=8_000.0),
    ),
}  # fmt: skip
"""Name -> what it is for, and its options."""


def preset(name: str, **changes: object) -> Options:
    """The options of a named world, with some of them changed.

    Raises:
        StillwatchError: there is no such world.
    """
    if name not in PRESETS:
        raise StillwatchError("simulate", f"there is no preset {name}", "use one of " + ", ".join(PRESETS))
    return replace(PRESETS[name][1], **changes)  # type: ignore[arg-type]
