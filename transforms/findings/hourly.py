"""SCORE rows: what rules and models add up to, per account and hour."""

import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from schemas.card import Card
from schemas.policy import Policy
from schemas.score import SCORE
from transforms.findings.calibration import Calibration, p_values
from transforms.findings.distributed import with_signals
from transforms.findings.state import FindingsState

HOUR = timedelta(hours=1)
_HOUR = ["account_id", "window_end"]

Signal = dict[str, Any]
"""One value of SIGNAL_TYPE."""


def rule_signal(hit: Mapping[str, Any], card: Card) -> Signal:
    """A hit as a signal; the points are the card's."""
    return {
        "signal": card.id,
        "layer": card.layer,
        "family": card.family,
        "observed": hit["observed"],
        "expected": hit["expected"],
        "peers": None,
        "tail": round(10.0**-card.points, 9),
        "points": card.points,
        "detail": hit["detail"],
    }


def strongest_first(signals: list[Signal]) -> list[Signal]:
    """By points, then by name."""
    return sorted(signals, key=lambda signal: (-signal["points"], signal["signal"]))


def day_of(window_end: pl.Expr, policy: Policy) -> pl.Expr:
    """The UTC day a window belongs to: that of its last tick."""
    return (window_end - policy.time.tick).dt.truncate("1d")


def with_day_maxima(scored: pl.DataFrame, state: FindingsState, policy: Policy) -> pl.DataFrame:
    """SCORED rows, sorted, with `day` and `day_maximum` (largest l1_score of the UTC day so far, null before the first)."""
    before = state.accounts.select("account_id", day="maximum_day", earlier="day_maximum")
    return (
        scored.with_columns(day=day_of(pl.col("window_end"), policy))
        .join(before, on=["account_id", "day"], how="left")
        .sort("account_id", "window_end")
        .with_columns(
            largest=pl.max_horizontal("l1_score", "earlier").fill_null(-1.0).cum_max().over("account_id", "day")
        )
        .with_columns(day_maximum=pl.when(pl.col("largest") >= 0).then("largest"))
        .drop("largest", "earlier")
    )


def hourly_scores(
    scored: pl.DataFrame,
    hits: pl.DataFrame,
    told: pl.DataFrame,
    calibration: Calibration,
    cards: Mapping[str, Card],
    policy: Policy,
) -> pl.DataFrame:
    """Scored hours with every column of SCORE.

    Args:
        scored: SCORED rows with day_maximum.
        hits: HIT rows of the same hours, at least.
        told: what `distribution_scores` gives of these hours.
        calibration: what day maxima are compared with.
        cards: cards by rule id.
        policy: rates.review.

    Returns:
        The columns of SCORED and of SCORE; l0_score is the sum over rules that held in the hour, 0 where none did, null
        where no rule could look.
    """
    rules = _rules_of_hours(hits, cards)
    layers = [card.needs for card in cards.values() if card.layer == "L0"]
    can_look = pl.any_horizontal([(pl.col("presence") & int(needs)) == int(needs) for needs in layers])
    joined = (
        scored.join(rules, on=_HOUR, how="left", maintain_order="left")
        .join(told, on=_HOUR, how="left", maintain_order="left")
        .with_columns(
            l0_score=pl.coalesce("rule_points", pl.when(can_look).then(0.0)),
            abstained_because=pl.when(pl.col("l3_abstained").is_null())
            .then("abstained_because")
            .otherwise(pl.concat_list("abstained_because", "l3_abstained")),
        )
    )
    total = pl.col("l0_score").fill_null(0.0) + pl.col("l1_score").fill_null(0.0) + pl.col("l3_score").fill_null(0.0)
    together = pl.when(pl.any_horizontal(pl.col("l0_score", "l1_score", "l3_score").is_not_null())).then(total)
    joined = with_signals(joined)
    with_rules = joined.filter(pl.col("rule_points").is_not_null())
    merged = [
        strongest_first([*row["rule_signals"], *row["signals"]])
        for row in with_rules.select("rule_signals", "signals").iter_rows(named=True)
    ]
    with_rules = with_rules.with_columns(signals=pl.Series(merged, dtype=SCORE.polars["signals"]))
    whole = pl.concat([joined.filter(pl.col("rule_points").is_null()), with_rules]).with_columns(score=together)
    return p_values(whole.sort("account_id", "window_end"), calibration, policy)


def _rules_of_hours(hits: pl.DataFrame, cards: Mapping[str, Card]) -> pl.DataFrame:
    """account_id, window_end, rule_points, rule_signals: each rule once an hour, with its strongest hit, earliest first."""
    best: dict[tuple[str, datetime], dict[str, Signal]] = {}
    for hit in hits.sort("account_id", "tick", "rule").iter_rows(named=True):
        end = hit["tick"].replace(minute=0) + HOUR
        held = best.setdefault((hit["account_id"], end), {})
        if hit["rule"] not in held or hit["observed"] > held[hit["rule"]]["observed"]:
            held[hit["rule"]] = rule_signal(hit, cards[hit["rule"]])
    rows = [
        (account, end, math.fsum(signal["points"] for signal in held.values()), strongest_first(list(held.values())))
        for (account, end), held in best.items()
    ]
    columns = SCORE.polars
    layout = {"account_id": pl.String(), "window_end": columns["window_end"], "rule_points": pl.Float64()}
    return pl.DataFrame(rows, schema=layout | {"rule_signals": columns["signals"]}, orient="row")
