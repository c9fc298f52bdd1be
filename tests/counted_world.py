"""A world of eight accounts and three days, small enough to count its outcomes by hand."""

from datetime import UTC, datetime, timedelta

import polars as pl

from schemas.truth import TRUTH
from transforms.evaluate import outcomes

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
MOMENT = pl.Datetime("us", "UTC")

ACCOUNTS = (
    ("t1", "extraction", "T-BULK"),
    ("t2", "extraction", "T-BULK"),
    ("t3", "extraction", "T-COT"),
    ("h1", "extraction", "T-HYDRA"),
    ("b1", "benign", "benign"),
    ("b2", "benign", "B-ETL"),
    ("b3", "benign", "B-SYN"),
    ("g1", "grey", "B-RESELL"),
)


def truth() -> pl.DataFrame:
    """Thieves attack from noon on."""
    rows = [
        {
            "account_id": account,
            "label": label,
            "archetype": archetype,
            "attack_start": NOON if label == "extraction" else None,
            "calls": 10,
            "attack_calls": 5 if label == "extraction" else 0,
        }
        for account, label, archetype in ACCOUNTS
    ]
    return TRUTH.conform(pl.DataFrame(rows, schema_overrides={"attack_start": MOMENT}))


def active() -> pl.DataFrame:
    """Everyone calls in the first hour of each of three days; b1 also in the last hour of the first."""
    ends = [NOON.replace(hour=1) + timedelta(days=day) for day in range(3)]
    rows = [(account, end) for account, _, _ in ACCOUNTS for end in ends]
    rows.append(("b1", NOON.replace(hour=0) + timedelta(days=1)))
    return pl.DataFrame(rows, schema={"account_id": pl.String, "window_end": MOMENT}, orient="row")


def found(
    *, suppressed: tuple[str, ...] = (), revised: tuple[tuple[str, int, str], ...] = (), **tiers: str
) -> pl.DataFrame:
    """Outcomes of a lake that flagged accounts three hours after noon: `t1="act", b2="review"`.

    `suppressed` names those whose contract permits it; `revised` adds revisions: account, days later, tier.
    """
    flagged = [
        (account, tier, NOON + 3 * HOUR, "suppressed" if account in suppressed else "new")
        for account, tier in tiers.items()
    ]
    kinds = {"account_id": pl.String, "tier": pl.String, "flagged_at": MOMENT, "status": pl.String}
    revisions = [(account, NOON + 2 * HOUR, "created", tier) for account, tier in tiers.items()]
    revisions += [(account, NOON + timedelta(days=day), "updated", tier) for account, day, tier in revised]
    revisions += [(account, NOON + timedelta(days=9), "closed", tier) for account, tier in tiers.items()]
    findings = {"account_id": pl.String, "tick": MOMENT, "activity": pl.String, "tier": pl.String}
    return outcomes(
        truth(),
        pl.DataFrame(flagged, schema=kinds, orient="row"),
        pl.DataFrame(revisions, schema=findings, orient="row"),
        active(),
    )
