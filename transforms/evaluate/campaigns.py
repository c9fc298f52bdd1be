"""Campaigns found, how pure and how whole; and those that were none."""

import math
from typing import Any

import polars as pl

from schemas.finding import DAMAGE_TIERS
from transforms.evaluate.damage import until

PURE = 0.8
"""Share of a flagged campaign's accounts that must be of one true campaign for that one to be found (threats.md, section 5)."""

FALSE = 0.5
"""Share of accounts of any true campaign below which a flagged campaign is a false alarm; between the two it is impure."""

FLAGGED = pl.Schema(
    {"campaign_id": pl.String(), "flagged_at": pl.Datetime("us", "UTC"), "account_ids": pl.List(pl.String())}
)
"""What is read of a CAMPAIGN row; those without flagged_at were not flagged."""


def matched(truth: pl.DataFrame, campaigns: pl.DataFrame) -> pl.DataFrame:
    """Each flagged campaign beside the true one that most of its accounts are of.

    Args:
        truth: TRUTH rows; a true campaign is what its `campaign_id` says.
        campaigns: rows of FLAGGED.

    Returns:
        campaign_id, flagged_at, accounts, true_id (null where no account is of any), true_label, common (accounts of that
        true one), purity (their share), driven (share of accounts of any true campaign), verdict (`right`, `impure` or
        `false`), archetype (commonest of its accounts, for what a false alarm is made of), sorted by campaign_id.
    """
    told = truth.select("account_id", "label", "archetype", true_id="campaign_id")
    members = (
        campaigns.filter(pl.col("flagged_at").is_not_null())
        .select("campaign_id", "flagged_at", account_id="account_ids")
        .explode("account_id", empty_as_null=False, keep_nulls=False)
        .join(told, on="account_id", how="left")
    )
    whole = members.group_by("campaign_id").agg(
        pl.col("flagged_at").first(),
        accounts=pl.len().cast(pl.Int64),
        driven=pl.col("true_id").is_not_null().mean(),
        archetype=pl.col("archetype").drop_nulls().mode().sort().first(),
    )
    common = (
        members.drop_nulls("true_id")
        .group_by("campaign_id", "true_id")
        .agg(common=pl.len().cast(pl.Int64), true_label=pl.col("label").first())
        .sort("common", "true_id", descending=[True, False])
        .unique("campaign_id", keep="first", maintain_order=True)
    )
    purity = pl.col("common").fill_null(0) / pl.col("accounts")
    verdict = pl.when(purity >= PURE).then(pl.lit("right")).when(pl.col("driven") < FALSE).then(pl.lit("false"))
    return (
        whole.join(common, on="campaign_id", how="left")
        .with_columns(pl.col("common").fill_null(0), purity=purity, verdict=verdict.otherwise(pl.lit("impure")))
        .select(
            "campaign_id", "flagged_at", "accounts", "true_id", "true_label", "common", "purity", "driven", "verdict", "archetype"
        )
        .sort("campaign_id")
    )  # fmt: skip


def found_campaigns(
    found: pl.DataFrame, attacks: pl.DataFrame, matches: pl.DataFrame, campaigns: pl.DataFrame
) -> pl.DataFrame:
    """One row a true campaign: whether it was found, how whole, and what had left by then.

    Args:
        found: OUTCOME rows.
        attacks: ATTACK rows.
        matches: what `matched` gives.
        campaigns: rows of FLAGGED that were matched.

    Returns:
        true_id, label, archetype, heads (its accounts), calls, attack_share, is_found, flagged_at (of its first right
        flagged campaign, null where it was not found), fragments (right flagged campaigns), purity (of the largest of them),
        head_recall (share of its accounts in any of them), heads_listed (its accounts on the review list), exchanges
        (attacking calls in all), taken (of those, before flagged_at; all where it was not found), prevented (share that a
        block at the flag would have spared), damage_tier (largest that `taken` reached), hours (from the first attacking
        call to the flag), sorted by true_id.
    """
    heads = found.drop_nulls("campaign_id").filter(pl.col("calls") > 0)
    true = heads.group_by(true_id="campaign_id").agg(
        pl.col("label", "archetype").first(),
        heads=pl.len().cast(pl.Int64),
        calls=pl.col("calls").sum(),
        attack_calls=pl.col("attack_calls").sum(),
        attack_start=pl.col("attack_start").min(),
        heads_listed=pl.col("tier").is_not_null().sum().cast(pl.Int64),
    )
    right = matches.filter(pl.col("verdict") == "right")
    flags = right.group_by("true_id").agg(
        pl.col("flagged_at").min(),
        fragments=pl.len().cast(pl.Int64),
        purity=pl.col("purity").sort_by("common").last(),
    )
    caught = (
        campaigns.select("campaign_id", account_id="account_ids")
        .explode("account_id", empty_as_null=False, keep_nulls=False)
        .join(right.select("campaign_id", "true_id"), on="campaign_id")
        .join(heads.select("account_id", true_id="campaign_id"), on=["account_id", "true_id"])
        .group_by("true_id")
        .agg(caught=pl.col("account_id").n_unique().cast(pl.Int64))
    )
    table = true.join(flags, on="true_id", how="left").join(caught, on="true_id", how="left")
    when = heads.select("account_id", name="campaign_id").join(
        table.select("flagged_at", name="true_id"), on="name", how="left"
    )
    losses = until(attacks.join(when, on="account_id"))
    table = table.join(losses, left_on="true_id", right_on="name", how="left").with_columns(
        pl.col("exchanges", "taken", "caught", "fragments").fill_null(0)
    )
    tier = pl.lit(None, dtype=pl.Int64)
    for least in DAMAGE_TIERS:
        tier = pl.when(pl.col("taken") >= least).then(least).otherwise(tier)
    return table.select(
        "true_id",
        "label",
        "archetype",
        "heads",
        "calls",
        (pl.col("attack_calls") / pl.col("calls")).alias("attack_share"),
        pl.col("flagged_at").is_not_null().alias("is_found"),
        "flagged_at",
        "fragments",
        "purity",
        (pl.col("caught") / pl.col("heads")).alias("head_recall"),
        "heads_listed",
        "exchanges",
        "taken",
        (1 - pl.col("taken") / pl.col("exchanges")).fill_nan(None).alias("prevented"),
        tier.alias("damage_tier"),
        ((pl.col("flagged_at") - pl.col("attack_start")).dt.total_seconds() / 3600).alias("hours"),
    ).sort("true_id")


def timeline(true: pl.DataFrame, found: pl.DataFrame, attacks: pl.DataFrame) -> list[dict[str, Any]]:
    """Attacking calls of each campaign so far, an hour a point, and where its flag fell.

    Args:
        true: what `found_campaigns` gives.
        found: OUTCOME rows.
        attacks: ATTACK rows.

    Returns:
        true_id, points (hours since the first attacking call of any campaign's day, calls so far) and flag (such a point, or
        None), a campaign each.
    """
    heads = found.drop_nulls("campaign_id").select("account_id", true_id="campaign_id")
    calls = attacks.join(heads, on="account_id")
    if calls.is_empty():
        return []
    start = calls.select(pl.col("tick").min().dt.truncate("1d")).item()
    hours = (pl.col("tick") - start).dt.total_seconds() / 3600
    summed = (
        calls.group_by("true_id", hour=hours.floor() + 1)
        .agg(pl.col("attack_calls").sum())
        .sort("true_id", "hour")
        .with_columns(total=pl.col("attack_calls").cum_sum().over("true_id"))
    )
    rows = []
    for row in true.filter(pl.col("exchanges") > 0).iter_rows(named=True):
        points = summed.filter(pl.col("true_id") == row["true_id"]).select("hour", "total").rows()
        flag = None
        if row["flagged_at"] is not None:
            flag = ((row["flagged_at"] - start).total_seconds() / 3600, max(row["taken"], 1))
        rows.append({"true_id": row["true_id"], "points": points, "flag": flag})
    return rows


def poisson_upper(seen: int) -> float:
    """Upper 95 % bound of the mean of a Poisson count (one-sided): 3.0 where none was seen, the rule of three.

    >>> round(poisson_upper(0), 2), round(poisson_upper(2), 2)
    (3.0, 6.3)
    """
    low, high = max(float(seen), 1e-9), seen + 10 * math.sqrt(seen + 1) + 10.0
    for _ in range(80):
        mean = (low + high) / 2
        at_most = sum(math.exp(k * math.log(mean) - mean - math.lgamma(k + 1)) for k in range(seen + 1))
        low, high = (mean, high) if at_most > 0.05 else (low, mean)
    return high
