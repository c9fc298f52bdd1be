"""Past hours judged by a later snapshot: the same decision as live, with other references."""

import numpy as np
import pytest

from given_accounts import hits, scored
from schemas.hit import HIT
from schemas.policy import Policy
from schemas.registry import REGISTRY
from schemas.tested import TESTED
from transforms.detectors import cards
from transforms.findings import Calibration, Judge, rescored
from transforms.findings.together import worth

HARVEST = {"pattern": "distillation", "l1_score": 4.0, "prior_points": 4.0, "harvest_points": 2.0}


def judge(days: int) -> Judge:
    calibration = Calibration({("pro/chat", "r"): np.linspace(0.0, 3.9, days)})
    return Judge(calibration, REGISTRY.empty(), cards(), Policy(), "day-2026-03-20")


def test_an_hour_that_no_reference_could_judge_then_is_flagged_with_one_that_can() -> None:
    hours = scored([HARVEST | {"hour": 3}])
    assert rescored(hours, TESTED.empty(), HIT.empty(), judge(0)).is_empty()
    (row,) = rescored(hours, TESTED.empty(), HIT.empty(), judge(2_000)).to_dicts()
    assert (row["tier"], row["by_models"], row["by_rules"]) == ("review", True, False)
    assert row["p_value"] == 1 / 2_001
    assert row["score"] == sum(signal["points"] for signal in row["signals"])
    assert len(row["reasons"]) == len(row["signals"])


def test_an_hour_like_those_of_peers_is_not_flagged() -> None:
    hours = scored([HARVEST | {"hour": 3, "l1_score": 3.0}])
    assert rescored(hours, TESTED.empty(), HIT.empty(), judge(2_000)).is_empty()


def test_an_hour_that_only_a_rule_of_today_knows_is_flagged_with_the_rules_tier_and_kind() -> None:
    hours = scored([{"hour": 3, "l1_score": 1.0}, {"hour": 4, "l1_score": 1.0}])
    held = hits([{"minute": 175, "rule": "logit_sweep", "observed": 5_000.0}])
    (row,) = rescored(hours, TESTED.empty(), held, judge(2_000)).to_dicts()
    assert (row["window_end"].hour, row["tier"], row["by_models"], row["by_rules"]) == (3, "act", False, True)
    assert (row["kind"], row["p_value"]) == (cards()["logit_sweep"].kind, None)
    assert row["score"] == pytest.approx(sum(signal["points"] for signal in row["signals"]))


def test_models_and_rules_of_one_hour_are_one_row_with_the_surer_tier() -> None:
    held = hits([{"minute": 175, "rule": "logit_sweep", "observed": 5_000.0}])
    (row,) = rescored(scored([HARVEST | {"hour": 3}]), TESTED.empty(), held, judge(2_000)).to_dicts()
    assert (row["tier"], row["by_models"], row["by_rules"]) == ("act", True, True)
    own = worth(np.array([4.0]), Policy().evidence.kinds)[0]
    assert row["score"] == pytest.approx(own + cards()["logit_sweep"].points, abs=1e-6)


@pytest.mark.parametrize(("points", "kind"), [(3.5, "relay"), (4.5, "distillation")])
def test_an_hour_is_of_the_kind_of_its_strongest_reason(points: float, kind: str) -> None:
    held = hits([{"minute": 175, "rule": "handle_replay", "observed": 5_000.0}])
    hours = scored([HARVEST | {"hour": 3, "prior_points": points}])
    (row,) = rescored(hours, TESTED.empty(), held, judge(2_000)).to_dicts()
    assert (row["kind"], row["kind_points"]) == (kind, max(points, cards()["handle_replay"].points))
