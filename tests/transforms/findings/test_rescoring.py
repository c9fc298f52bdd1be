"""Past hours judged by a later snapshot: the same decision as live, with other references."""

import numpy as np

from given_accounts import scored
from schemas.policy import Policy
from schemas.registry import REGISTRY
from schemas.tested import TESTED
from transforms.detectors import cards
from transforms.findings import Calibration, Judge, rescored

HARVEST = {"pattern": "distillation", "l1_score": 4.0, "prior_points": 4.0, "harvest_points": 2.0}


def judge(days: int) -> Judge:
    calibration = Calibration({("pro/chat", "r"): np.linspace(0.0, 3.9, days)})
    return Judge(calibration, REGISTRY.empty(), cards(), Policy(), "day-2026-03-20")


def test_an_hour_that_no_reference_could_judge_then_is_flagged_with_one_that_can() -> None:
    hours = scored([HARVEST | {"hour": 3}])
    assert rescored(hours, TESTED.empty(), judge(0)).is_empty()
    (row,) = rescored(hours, TESTED.empty(), judge(2_000)).to_dicts()
    assert (row["tier"], row["uncalibrated"]) == ("review", False)
    assert row["p_value"] == 1 / 2_001
    assert row["score"] == sum(signal["points"] for signal in row["signals"])
    assert len(row["reasons"]) == len(row["signals"])


def test_an_hour_like_those_of_peers_is_not_flagged() -> None:
    hours = scored([HARVEST | {"hour": 3, "l1_score": 3.0}])
    assert rescored(hours, TESTED.empty(), judge(2_000)).is_empty()
