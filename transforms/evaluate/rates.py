"""Rates with intervals: who was found, who was flagged wrongly, and how much had left by then."""

import math
from dataclasses import dataclass

import polars as pl

from schemas.finding import DAMAGE_TIERS

_Z = 1.959963984540054
"""Two-sided 95 % of the normal distribution."""

FALSE_POSITIVE_RATES = (0.01, 0.001, 0.0001)


@dataclass(frozen=True)
class Rate:
    """Hits of trials, with a 95 % interval."""

    hits: int
    trials: int

    @property
    def value(self) -> float | None:
        """Share of hits; None without trials."""
        return self.hits / self.trials if self.trials else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Wilson's interval; None without trials."""
        return wilson(self.hits, self.trials) if self.trials else None


def wilson(hits: int, trials: int) -> tuple[float, float]:
    """Wilson's score interval at 95 % (Wilson 1927): right for rates near 0 and 1 and for few trials.

    >>> low, high = wilson(0, 1000)
    >>> round(low, 5), round(high, 5)
    (0.0, 0.00383)
    """
    share = hits / trials
    spread = _Z * math.sqrt(share * (1 - share) / trials + _Z**2 / (4 * trials**2))
    middle = share + _Z**2 / (2 * trials)
    scale = 1 + _Z**2 / trials
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)


def by_archetype(truth: pl.DataFrame, flagged: pl.DataFrame) -> pl.DataFrame:
    """One row a label and archetype: thieves first, then look-alikes, worst first.

    Args:
        truth: TRUTH rows.
        flagged: FLAGGED_ACCOUNT rows, definite ones.

    Returns:
        label, archetype, accounts, flagged, acted (Int64), rate, rate_low, rate_high (share flagged with 95 % interval),
        exchanges_before (median of those flagged, null if none), damage_tier (largest of the damage tiers that median
        reached, null below 1,000), hours_to_flag (median since the first attacking call, null for benign).
    """
    joined = truth.join(
        flagged.select("account_id", "tier", "exchanges_before", "flagged_at"), on="account_id", how="left"
    )
    took = (pl.col("flagged_at") - pl.col("attack_start")).dt.total_seconds() / 3600
    rows = (
        joined.group_by("label", "archetype")
        .agg(
            accounts=pl.len().cast(pl.Int64),
            flagged=pl.col("tier").is_not_null().sum().cast(pl.Int64),
            acted=(pl.col("tier") == "act").sum().cast(pl.Int64),
            exchanges_before=pl.col("exchanges_before").median(),
            hours_to_flag=took.median(),
        )
        .to_dicts()
    )
    for row in rows:
        low, high = wilson(row["flagged"], row["accounts"])
        row |= {"rate": row["flagged"] / row["accounts"], "rate_low": low, "rate_high": high}
        reached = [tier for tier in DAMAGE_TIERS if (row["exchanges_before"] or 0) >= tier]
        row["damage_tier"] = max(reached, default=None)
    columns = {
        "label": pl.String(), "archetype": pl.String(), "accounts": pl.Int64(), "flagged": pl.Int64(), "acted": pl.Int64(),
        "rate": pl.Float64(), "rate_low": pl.Float64(), "rate_high": pl.Float64(), "exchanges_before": pl.Float64(),
        "damage_tier": pl.Int64(), "hours_to_flag": pl.Float64(),
    }  # fmt: skip
    order = pl.col("label").replace_strict({"extraction": 0, "grey": 1, "benign": 2}, return_dtype=pl.Int64)
    return pl.DataFrame(rows, schema=columns).sort(order, -pl.col("rate"), "archetype")


def overall(truth: pl.DataFrame, flagged: pl.DataFrame, account_days: int) -> dict[str, Rate]:
    """Found thieves, wrongly flagged accounts and account-days, precision; at the review tier and at act.

    Args:
        truth: TRUTH rows; grey accounts count neither as found nor as wrong.
        flagged: FLAGGED_ACCOUNT rows, definite ones; each stands for one flagged account-day.
        account_days: benign account-days with calls.
    """
    joined = truth.join(flagged.select("account_id", "tier"), on="account_id", how="left")
    thieves = joined.filter(pl.col("label") == "extraction")
    benign = joined.filter(pl.col("label") == "benign")
    rates = {}
    for tier, wanted in (("review", ["review", "act"]), ("act", ["act"])):
        found = int(thieves["tier"].is_in(wanted).sum())
        wrong = int(benign["tier"].is_in(wanted).sum())
        rates[f"{tier}: thieves found"] = Rate(found, thieves.height)
        rates[f"{tier}: benign accounts flagged"] = Rate(wrong, benign.height)
        rates[f"{tier}: benign account-days flagged"] = Rate(wrong, account_days)
        rates[f"{tier}: precision"] = Rate(found, found + wrong)
    return rates


def curve(truth: pl.DataFrame, scores: pl.DataFrame) -> dict[str, float | None]:
    """What the scores alone could do: average precision, and the share of thieves above the benign quantiles.

    Args:
        truth: TRUTH rows.
        scores: SCORE rows; an account counts with its largest score, one without a score ranks last.

    Returns:
        `average_precision`, and `tpr at fpr X` for X in 1 %, 0.1 %, 0.01 %; null where there are too few benign accounts for
        that rate, or no thieves.
    """
    largest = scores.group_by("account_id").agg(pl.col("score").max())
    ranked = (
        truth.filter(pl.col("label") != "grey")
        .join(largest, on="account_id", how="left")
        .with_columns(pl.col("score").fill_null(-1.0), thief=pl.col("label") == "extraction")
        .sort("score", "thief", descending=[True, False])
    )
    thieves, benign = int(ranked["thief"].sum()), int((~ranked["thief"]).sum())
    out: dict[str, float | None] = {"average_precision": None}
    if thieves:
        precision = ranked.with_columns(precision=pl.col("thief").cum_sum() / pl.int_range(1, pl.len() + 1)).filter(
            "thief"
        )["precision"]
        out["average_precision"] = float(precision.sum()) / thieves
    worst = ranked.filter(~pl.col("thief"))["score"]
    for rate in FALSE_POSITIVE_RATES:
        allowed = int(rate * benign)
        name = f"tpr at fpr {rate:.2%}"
        if not thieves or allowed < 1:
            out[name] = None
            continue
        above = ranked.filter(pl.col("thief") & (pl.col("score") > worst[allowed]))
        out[name] = above.height / thieves
    return out
