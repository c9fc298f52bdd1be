"""What the distribution test does to scores and decisions: evidence like any other, and a review of its own budget."""

from typing import Any

import numpy as np
import polars as pl
import pytest

from given_accounts import DAY, HOUR, hits, scored, tallies
from schemas.policy import Policy
from schemas.registry import REGISTRY
from schemas.tested import TESTED
from transforms.detectors import cards
from transforms.findings import Calibration, FindingsState, Inputs, Judge, step
from transforms.findings.together import worth

FAR = {"distance": 4.0, "median": 1.0, "excess": 2.0, "tail": 0.002, "alike": 0.7, "peers_alike": 0.4, "regime": "*:9"}
PATTERN = {"pattern": "distillation", "l1_score": 1.0, "prior_points": 2.0, "harvest_points": 2.0}


def far(**said: Any) -> pl.DataFrame:
    row = {"account_id": "acc", "window_end": DAY + HOUR, "map": "prompt", "calls": 60} | FAR | said
    return TESTED.conform(pl.DataFrame([row], schema=TESTED.polars))


def run(
    of_l1: dict[str, Any], of_l3: pl.DataFrame, days: int = 5000, rules: tuple[dict[str, Any], ...] = ()
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Scores and findings of one hour, with so many account-days of excesses below 2 behind it."""
    distances = Calibration({("*", "*:9"): np.linspace(0.1, 1.9, days)})
    judge = Judge(Calibration({}), REGISTRY.empty(), cards(), Policy(), None, distances)
    made = tallies([{"minute": 0, "calls": 60}])
    given = Inputs(scored([{"hour": 1} | of_l1]), hits(rules), made, of_l3)
    _, scores, found = step(FindingsState.empty(), given, judge, DAY + HOUR)
    return scores, found


def test_the_evidence_adds_up_to_the_score_with_all_three_layers() -> None:
    scores, _ = run({"l1_score": 2.0}, far(), rules=({"minute": 5, "rule": "logit_sweep"},))
    row = scores.row(0, named=True)
    assert row["l3_score"] == pytest.approx(2.69897)
    together = worth(np.array([row["l1_score"] + row["l3_score"]]), Policy().evidence.kinds)[0]
    assert row["score"] == pytest.approx(row["l0_score"] + together, abs=1e-5)
    assert row["score"] == pytest.approx(sum(signal["points"] for signal in row["signals"]))
    points = [signal["points"] for signal in row["signals"]]
    assert points == sorted(points, reverse=True)


def test_its_signal_says_how_far_and_in_which_direction() -> None:
    for alike, word in ((0.7, "more alike"), (0.1, "less alike")):
        scores, _ = run({}, far(alike=alike))
        signal = next(one for one in scores["signals"][0] if one["layer"] == "L3")
        assert (signal["observed"], signal["expected"], signal["tail"]) == (4.0, 1.0, 0.002)
        assert word in signal["detail"]


def test_its_signal_names_a_pinned_reference_and_none_where_none_is_pinned() -> None:
    for origin, words in (("abc", "those of the peers in the pinned reference abc; two"), (None, "of the peers; two")):
        scores, _ = run({}, far(origin=origin))
        assert words in next(one for one in scores["signals"][0] if one["layer"] == "L3")["detail"]


def test_no_single_test_counts_for_more_than_three_decades_and_an_ordinary_distance_for_none() -> None:
    assert run({}, far(tail=1e-6))[0]["l3_score"].item() == 3.0
    scores, _ = run({}, far(tail=0.6))
    assert scores["l3_score"].item() == 0.0
    assert not [one for one in scores["signals"][0] if one["layer"] == "L3"]


def test_where_it_was_not_tested_nothing_is_added_and_the_reason_is_said() -> None:
    nothing = dict.fromkeys(FAR) | {"abstained_because": "not known yet"}
    scores, _ = run({"l1_score": 2.0}, far(**nothing))
    assert scores["l3_score"].item() is None
    assert scores["score"].item() == pytest.approx(worth(np.array([2.0]), Policy().evidence.kinds)[0], abs=1e-6)
    assert "not known yet" in scores["abstained_because"].item()


def test_alone_it_flags_for_review_what_is_within_its_budget_and_has_the_shape_of_an_extraction() -> None:
    scores, found = run(PATTERN, far())
    assert scores["l3_p_value"].item() == pytest.approx(1 / 5001)
    assert found["tier"].to_list() == ["review"]
    assert found["uncalibrated"].to_list() == [False]
    assert found["p_value"].item() == pytest.approx(1 / 5001)


@pytest.mark.parametrize(
    ("of_l1", "of_l3", "days"),
    [
        (PATTERN, {"excess": 1.8}, 5000),  # one account-day in eighteen is as far
        ({"l1_score": 1.0}, {}, 5000),  # far, but no extraction
        (PATTERN, {}, 998),  # too few account-days to tell one in a thousand
        (PATTERN, {"regime": "*:10"}, 5000),  # made otherwise than the reference
    ],
)
def test_alone_it_flags_nobody_else(of_l1: dict[str, Any], of_l3: dict[str, Any], days: int) -> None:
    assert run(of_l1, far(**of_l3), days)[1].is_empty()
