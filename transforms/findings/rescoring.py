"""Past hours judged by a later snapshot: at which would models have flagged, had they known what is known now?"""

import polars as pl

from schemas.hit import HIT
from transforms.findings.deciding import decided_by_models
from transforms.findings.distributed import distribution_scores
from transforms.findings.hourly import hourly_scores, with_day_maxima
from transforms.findings.state import FindingsState
from transforms.findings.step import Judge
from transforms.findings.wording import reasons


def rescored(scored: pl.DataFrame, tested: pl.DataFrame, judge: Judge) -> pl.DataFrame:
    """The hours at which models flag, by account and time.

    The same decision as live, with the same budgets; rules and links take no part. Hours of an account and day belong into
    one call, because a day's largest score is what is compared.

    Args:
        scored: SCORED rows of past windows against the later snapshot.
        tested: TESTED rows of the same windows against it.
        judge: its calibrations, cards and the policy.

    Returns:
        account_id, account_hash, window_end, tier, uncalibrated, p_value (null where uncalibrated), score, signals (their
        points add up to the score), pattern.
    """
    told = distribution_scores(tested, scored, judge.distances, judge.policy)
    days = with_day_maxima(scored, FindingsState.empty(), judge.policy)
    hours = hourly_scores(days, HIT.empty(), told, judge.calibration, judge.cards, judge.policy)
    decided = decided_by_models(hours, judge.policy)
    told_why = pl.Series("reasons", [reasons(signals) for signals in decided["signals"]], dtype=pl.List(pl.String))
    return decided.select(
        "account_id",
        "account_hash",
        "window_end",
        "tier",
        "uncalibrated",
        pl.when(~pl.col("uncalibrated")).then("p_value").alias("p_value"),
        "score",
        "signals",
        told_why,
        "pattern",
    )
