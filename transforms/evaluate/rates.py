"""Thieves found and honest accounts flagged, as shares with 95 % intervals."""

import polars as pl

from schemas.finding import DAMAGE_TIERS
from transforms.evaluate.intervals import Rate, wilson
from transforms.evaluate.outcomes import POOLED, PURE

TIERS = {"review": ("review", "act"), "act": ("act",)}
"""Tier -> tiers that reach it."""


def headline(found: pl.DataFrame) -> dict[str, Rate]:
    """Thieves found, honest accounts and account-days flagged, precision: for each tier.

    Heads of pools are counted apart from thieves that act alone. Precision counts the accounts of this world: another mix
    of thieves and honest accounts has another precision.

    Args:
        found: OUTCOME rows.
    """
    thieves, honest = found.filter(pl.col("label") == "extraction"), found.filter(pl.col("label") == "benign")
    pooled = pl.col("archetype").is_in(POOLED)
    rates: dict[str, Rate] = {}
    for tier, reaching in TIERS.items():
        reaches = pl.col("tier").is_in(reaching)
        right, wrong = thieves.filter(reaches).height, honest.filter(reaches).height
        alone, heads = thieves.filter(~pooled), thieves.filter(pooled)
        rates |= {
            f"{tier}: thieves acting alone found": Rate(alone.filter(reaches).height, alone.height),
            f"{tier}: heads of pools found": Rate(heads.filter(reaches).height, heads.height),
            f"{tier}: benign accounts flagged": Rate(wrong, honest.height),
            f"{tier}: benign account-days flagged": Rate(int(honest[f"{tier}_days"].sum()), int(honest["days"].sum())),
            f"{tier}: precision": Rate(right, right + wrong),
        }
    return rates


def recall(found: pl.DataFrame, taken: pl.DataFrame) -> pl.DataFrame:
    """One row an archetype of thieves, best found first.

    Args:
        found: OUTCOME rows.
        taken: what `damage.taken` gives for them.

    Returns:
        archetype, accounts, found, pure (accounts whose calls are nearly all the attack), pure_found (of those), acted
        (reaching tier act), found_share, found_low, found_high, acted_share, acted_low, acted_high; taken_median (exchanges that had left at the flag; never flagged: all), taken_share (of all the
        archetype's exchanges), hours_median (from the attack's beginning to the flag; null if none is flagged), and
        `below_N` for each damage tier N: accounts that had taken fewer than N by the flag, or by the end.
    """
    thieves = found.filter(pl.col("label") == "extraction")
    pure = pl.col("attack_calls") >= PURE * pl.col("calls")
    counts = thieves.group_by("archetype").agg(
        accounts=pl.len().cast(pl.Int64),
        found=pl.col("tier").is_not_null().sum().cast(pl.Int64),
        pure=pure.sum().cast(pl.Int64),
        pure_found=(pure & pl.col("tier").is_not_null()).sum().cast(pl.Int64),
        acted=(pl.col("tier") == "act").sum().cast(pl.Int64),
    )
    losses = taken.group_by("archetype").agg(
        pl.col("taken").median().alias("taken_median"),
        (pl.col("taken").sum() / pl.col("exchanges").sum()).alias("taken_share"),
        pl.col("hours").median().alias("hours_median"),
        *[(pl.col("taken") < tier).sum().cast(pl.Int64).alias(f"below_{tier}") for tier in DAMAGE_TIERS],
    )
    table = _with_share(_with_share(counts, "found", "accounts"), "acted", "accounts")
    return table.join(losses, on="archetype", how="left").sort("found_share", "archetype", descending=[True, False])


def false_alarms(found: pl.DataFrame) -> pl.DataFrame:
    """One row a class of accounts that are no thieves, worst first: look-alikes, the majority, grey ones.

    Args:
        found: OUTCOME rows.

    Returns:
        label, archetype, accounts, suppressed (flagged, but a contract permits it); flagged and act (accounts), days,
        flagged_days and act_days (account-days), each of the four followed by its _share, _low and _high.
    """
    others = found.filter(pl.col("label") != "extraction")
    table = others.group_by("label", "archetype").agg(
        accounts=pl.len().cast(pl.Int64),
        suppressed=pl.col("is_suppressed").sum().cast(pl.Int64),
        flagged=pl.col("tier").is_not_null().sum().cast(pl.Int64),
        act=(pl.col("tier") == "act").sum().cast(pl.Int64),
        days=pl.col("days").sum(),
        flagged_days=pl.col("review_days").sum(),
        act_days=pl.col("act_days").sum(),
    )
    for hits, trials in (("flagged", "accounts"), ("act", "accounts"), ("flagged_days", "days"), ("act_days", "days")):
        table = _with_share(table, hits, trials)
    order = ["flagged_days_share", "flagged_share", "label", "archetype"]
    return table.sort(order, descending=[True, True, False, False], nulls_last=True)


def _with_share(table: pl.DataFrame, hits: str, trials: str) -> pl.DataFrame:
    """The table with the share of hits in trials and its interval; null where there are no trials."""
    spans = [wilson(h, t) if t else (None, None) for h, t in table.select(hits, trials).iter_rows()]
    return table.with_columns(
        (pl.col(hits) / pl.col(trials)).fill_nan(None).alias(f"{hits}_share"),
        pl.Series(f"{hits}_low", [low for low, _ in spans], dtype=pl.Float64),
        pl.Series(f"{hits}_high", [high for _, high in spans], dtype=pl.Float64),
    )
