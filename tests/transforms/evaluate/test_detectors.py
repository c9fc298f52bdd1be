"""What each detector did, on a world small enough to count by hand."""

from datetime import timedelta
from typing import Any

import polars as pl

from counted_world import HOUR, MOMENT, NOON, found
from schemas.finding import FINDING
from schemas.score import SCORE
from transforms.evaluate import by_detector, poisson_upper, said

DAY = timedelta(days=1)
IDS = ["logit_sweep", "evidence", "joint", "campaign", "distribution"]


def signal(name: str, layer: str, family: str, points: float = 2.0) -> dict[str, Any]:
    empty = dict.fromkeys(("observed", "expected", "peers", "tail", "detail"))
    return empty | {"signal": name, "layer": layer, "family": family, "points": points}


SWEEP, VOLUME = signal("logit_sweep", "L0", "rule"), signal("calls_24h", "L1", "volume")
SHAPE = signal("reasoning_shape.template_share", "L0", "rule")
TREES, TIE = signal("trees", "L1", "joint"), signal("fresh_accounts", "L2", "age")
FAR = signal("distribution", "L3", "distribution")


def scores(*rows: tuple[str, int, list[dict[str, Any]]]) -> pl.DataFrame:
    schema = {"account_id": pl.String(), "window_end": MOMENT, "signals": SCORE.polars["signals"]}
    return pl.DataFrame([(a, NOON + d * DAY, s) for a, d, s in rows], schema=schema, orient="row")


def findings(*rows: tuple[str, int, str, list[dict[str, Any]]]) -> pl.DataFrame:
    schema = {name: FINDING.polars[name] for name in ("account_id", "tick", "activity", "signals")}
    return pl.DataFrame([(a, NOON + d * DAY, x, s) for a, d, x, s in rows], schema=schema, orient="row")


def table(of_scores: pl.DataFrame, of_findings: pl.DataFrame, **flagged: Any) -> dict[str, dict[str, Any]]:
    return {row["detector"]: row for row in by_detector(found(**flagged), said(of_scores, of_findings), IDS)}


def test_every_signal_is_counted_for_the_detector_whose_card_it_has() -> None:
    told = said(scores(("t1", 0, [SWEEP, SHAPE, VOLUME, TREES, TIE, FAR])), findings())
    ids = ["campaign", "distribution", "evidence", "joint", "logit_sweep", "reasoning_shape"]
    assert told["detector"].to_list() == ids


def test_honest_account_days_on_which_it_spoke_and_was_named_are_counted_apart() -> None:
    spoke = scores(("b1", 0, [VOLUME]), ("b1", 0, [VOLUME, TREES]), ("b2", 1, [VOLUME]), ("t1", 0, [VOLUME]))
    row = table(spoke, findings(("b2", 1, "created", [VOLUME])), b2="review")["evidence"]
    assert (row["days"], row["spoke_days"], row["named_days"]) == (9, 2, 1)
    assert row["named_days_upper"] == poisson_upper(1) / 9
    assert (row["right"], row["wrong"]) == (0, 1)


def test_where_no_honest_day_was_named_the_bound_is_the_rule_of_three() -> None:
    assert round(table(scores(), findings())["campaign"]["named_days_upper"] * 9, 2) == 3.0


def test_thieves_are_counted_once_however_often_they_are_named() -> None:
    alarms = findings(("t1", 0, "created", [SWEEP]), ("t1", 1, "updated", [SWEEP]), ("t2", 0, "created", [VOLUME]))
    told = table(scores(("t1", 0, [SWEEP])), alarms, t1="act", t2="review")
    assert told["logit_sweep"]["thieves"]["T-BULK"] == {"accounts": 2, "spoke": 1, "named": 1}
    assert told["logit_sweep"]["right"] == 1
    assert told["evidence"]["thieves"]["T-BULK"] == {"accounts": 2, "spoke": 0, "named": 1}


def test_a_withdrawn_or_closed_finding_names_nobody_and_neither_does_one_that_a_contract_permits() -> None:
    gone = findings(("b1", 0, "withdrawn", [SWEEP]), ("b1", 0, "closed", [SWEEP]))
    assert table(scores(), gone)["logit_sweep"]["named_days"] == 0


def test_a_signal_without_points_says_nothing() -> None:
    assert said(scores(("b1", 0, [signal("calls_24h", "L1", "volume", 0.0)])), findings()).is_empty()


def test_an_hour_that_ends_at_midnight_belongs_to_the_day_before() -> None:
    midnight = scores(("b1", 0, [SWEEP])).with_columns(pl.col("window_end") + 12 * HOUR)
    assert said(midnight, findings())["day"].to_list() == [NOON.date()]
