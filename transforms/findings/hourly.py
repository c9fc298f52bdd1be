"""SCORE rows: what rules and models add up to, per account and hour."""

import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from schemas.card import Card
from schemas.policy import Policy
from schemas.score import LAYERS, SCORE
from schemas.scored import SCORED
from schemas.snapshot import EVERYONE
from transforms.findings.calibration import Calibration, p_values
from transforms.findings.distributed import with_signals
from transforms.findings.state import FindingsState
from transforms.findings.together import weighed

HOUR = timedelta(hours=1)
_HOUR = ["account_id", "window_end"]

Signal = dict[str, Any]
"""One value of SIGNAL_TYPE."""


def signals_of(hit: Mapping[str, Any], card: Card) -> list[Signal]:
    """A hit as signals: its own, or the rule's with the points of the card."""
    return list(hit["signals"]) if hit["signals"] is not None else [_of_rule(hit, card)]


def _of_rule(hit: Mapping[str, Any], card: Card) -> Signal:
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


def hours_without_calls(hits: pl.DataFrame, scored: pl.DataFrame, until: datetime) -> pl.DataFrame:
    """The closed hours in which an account made no call, and rules or campaigns spoke of it: a campaign that becomes known counts at once.

    Args:
        hits: HIT rows.
        scored: SCORED rows of the hours closed since the last time, all of them.
        until: end of the last closed tick.

    Returns:
        SCORED rows without evidence, of nobody's peers and made with nothing: `regime` is null.
    """
    ended = hits.select("account_id", "account_hash", window_end=pl.col("tick").dt.truncate("1h") + HOUR)
    alone = ended.filter(pl.col("window_end") <= until).unique().join(scored, on=_HOUR, how="anti")
    given = {"peer_group": EVERYONE, "presence": 0, "calls_24h": 0, "families": 0, "provisional": False}
    values = [
        pl.lit(given.get(name), kind).alias(name) for name, kind in SCORED.polars.items() if name not in alone.columns
    ]
    lists = [name for name, kind in SCORED.polars.items() if isinstance(kind, pl.List)]
    return alone.with_columns(values).with_columns(pl.col(lists).fill_null([])).select(SCORED.polars.names())


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
        policy: rates.review, evidence.kinds.

    Returns:
        The columns of SCORED and of SCORE; signals of L1 and L3 with their parts of what they are worth together; l0_score is the sum over rules that held in the hour, 0 where none did, null
        where no rule could look; l2_score the points of the strongest campaign, null where the account was in none.
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
    layers_of = [pl.col(f"{layer.lower()}_score") for layer in LAYERS]
    total = pl.col("l0_score").fill_null(0.0) + pl.col("l2_score").fill_null(0.0) + pl.col("own_points")
    together = pl.when(pl.any_horizontal(score.is_not_null() for score in layers_of)).then(total)
    joined = weighed(with_signals(joined), policy)
    with_rules = joined.filter(pl.col("rule_signals").is_not_null())
    merged = [
        strongest_first([*row["rule_signals"], *row["signals"]])
        for row in with_rules.select("rule_signals", "signals").iter_rows(named=True)
    ]
    with_rules = with_rules.with_columns(signals=pl.Series(merged, dtype=SCORE.polars["signals"]))
    whole = pl.concat([joined.filter(pl.col("rule_signals").is_null()), with_rules]).with_columns(score=together)
    return p_values(whole.sort("account_id", "window_end"), calibration, policy)


def _rules_of_hours(hits: pl.DataFrame, cards: Mapping[str, Card]) -> pl.DataFrame:
    """account_id, window_end, rule_points (L0), l2_score, rule_signals: each rule once an hour, with its strongest hit."""
    best: dict[tuple[str, datetime], dict[str, tuple[float, list[Signal]]]] = {}
    for hit in hits.sort("account_id", "tick", "rule").iter_rows(named=True):
        end = hit["tick"].replace(minute=0) + HOUR
        held = best.setdefault((hit["account_id"], end), {})
        if hit["rule"] not in held or hit["observed"] > held[hit["rule"]][0]:
            held[hit["rule"]] = hit["observed"], signals_of(hit, cards[hit["rule"]])
    rows = []
    for (account, end), held in best.items():
        signals = strongest_first([signal for _, said in held.values() for signal in said])
        rows.append((account, end, _points(signals, "L0"), _points(signals, "L2"), signals))
    columns = SCORE.polars
    layout = {"account_id": pl.String(), "window_end": columns["window_end"]}
    layout |= {"rule_points": pl.Float64(), "l2_score": pl.Float64()}
    return pl.DataFrame(rows, schema=layout | {"rule_signals": columns["signals"]}, orient="row")


def _points(signals: list[Signal], layer: str) -> float | None:
    """Sum of a layer's points; None where it says nothing."""
    points = [signal["points"] for signal in signals if signal["layer"] == layer]
    return math.fsum(points) if points else None
