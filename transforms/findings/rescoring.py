"""Past hours judged by a later snapshot and by today's rules: at which would they have flagged?"""

import polars as pl

from schemas.score import TIERS
from transforms.findings.deciding import decided_by_models, tier_of_hit
from transforms.findings.distributed import distribution_scores
from transforms.findings.hourly import HOUR, hourly_scores, signals_of, with_day_maxima
from transforms.findings.state import FindingsState
from transforms.findings.step import Judge
from transforms.findings.wording import sentences

_HOUR = ["account_id", "window_end"]
_TIER = pl.Enum(TIERS)


def rescored(scored: pl.DataFrame, tested: pl.DataFrame, hits: pl.DataFrame, judge: Judge) -> pl.DataFrame:
    """The hours at which models or rules flag, by account and time.

    The same decision as live, with the same budgets. Hours of an account and day belong into one call, because a day's largest
    score is what is compared.

    Args:
        scored: SCORED rows of past windows against the later snapshot.
        tested: TESTED rows of the same windows against it.
        hits: HIT rows of rules that looked at these windows.
        judge: its calibrations, cards and the policy.

    Returns:
        account_id, account_hash, window_end, tier, by_models and by_rules (who flags), p_value (null where no calibrated rate
        flags), score, signals (their points add up to the score), reasons (one sentence a signal, the strongest ones),
        kind (that of the strongest reason, as of a finding: what the models saw as a whole, or one rule), kind_points (what
        that counts).
    """
    told = distribution_scores(tested, scored, judge.distances, judge.policy)
    days = with_day_maxima(scored, FindingsState.empty(), judge.policy)
    hours = hourly_scores(days, hits, told, judge.calibration, judge.cards, judge.policy)
    models = decided_by_models(hours, judge.policy).select(
        *_HOUR,
        pl.col("tier").cast(_TIER).alias("models_tier"),
        pl.when(~pl.col("uncalibrated")).then("p_value").alias("rate"),
        models_kind="pattern",
        models_points="prior_points",
    )
    flagged = (
        hours.join(models, on=_HOUR, how="left", maintain_order="left")
        .join(_of_rules(hits, judge), on=_HOUR, how="left", maintain_order="left")
        .with_columns(by_models=pl.col("models_tier").is_not_null(), by_rules=pl.col("rules_tier").is_not_null())
        .filter(pl.col("by_models") | pl.col("by_rules"))
    )
    told_why = pl.Series("reasons", [sentences(signals) for signals in flagged["signals"]], dtype=pl.List(pl.String))
    return flagged.select(
        *_HOUR,
        "account_hash",
        pl.max_horizontal(pl.col("models_tier", "rules_tier").to_physical())
        .replace_strict(dict(enumerate(TIERS)), return_dtype=pl.String)
        .alias("tier"),
        "by_models",
        "by_rules",
        pl.col("rate").alias("p_value"),
        "score",
        "signals",
        told_why,
        *_strongest(),
    )


def _strongest() -> tuple[pl.Expr, pl.Expr]:
    """Kind and kind_points: of models and rules that flag those that count more, the first by name of equals."""
    models, rules = pl.col("models_points"), pl.col("rules_points")
    is_first = (models == rules) & (pl.col("models_kind") < pl.col("rules_kind"))
    of_models = pl.when(pl.col("by_models") & (~pl.col("by_rules") | (models > rules) | is_first))
    kind = of_models.then("models_kind").otherwise("rules_kind").alias("kind")
    return kind, of_models.then(models).otherwise(rules).alias("kind_points")


def _of_rules(hits: pl.DataFrame, judge: Judge) -> pl.DataFrame:
    """account_id, window_end, rules_tier (the surest), rules_kind and rules_points (of the rule with most points)."""
    rows = []
    for hit in hits.iter_rows(named=True):
        card = judge.cards[hit["rule"]]
        points = sum(signal["points"] for signal in signals_of(hit, card))
        end = hit["tick"].replace(minute=0) + HOUR
        rows.append((hit["account_id"], end, tier_of_hit(hit, card, judge.policy), hit["kind"] or card.kind, points))
    schema = {"account_id": pl.String(), "window_end": hits.schema["tick"], "tier": _TIER}
    frame = pl.DataFrame(rows, schema=schema | {"kind": pl.String(), "points": pl.Float64()}, orient="row")
    by_points = frame.sort("points", "kind", descending=[True, False])
    return by_points.group_by(_HOUR, maintain_order=True).agg(
        rules_tier=pl.col("tier").max(), rules_kind=pl.col("kind").first(), rules_points=pl.col("points").first()
    )
