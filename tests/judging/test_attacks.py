"""An attack counts as named where any of its detectors named the account, and only those."""

from datetime import date

import polars as pl

from judging.attacks import by_attack
from transforms.evaluate.detectors import SAID
from transforms.evaluate.outcomes import OUTCOME


def outcome(
    account: str, label: str, archetype: str, attack_calls: int = 0, *, suppressed: bool = False
) -> dict[str, object]:
    return {"account_id": account, "label": label, "archetype": archetype, "attack_calls": attack_calls, "is_suppressed": suppressed}  # fmt: skip


def said(account: str, detector: str, *, named: bool = True) -> dict[str, object]:
    return {"account_id": account, "day": date(2026, 3, 2), "detector": detector, "spoke": True, "named": named}


FOUND = pl.DataFrame(
    [
        outcome("fast", "extraction", "T-LOGIT", 900), outcome("slow", "extraction", "T-LOGIT", 400), outcome("late", "extraction", "T-LOGIT", 39),
        outcome("heard", "extraction", "T-LOGIT", 200), outcome("allowed", "extraction", "T-LOGIT", 300, suppressed=True),
        outcome("grader", "extraction", "T-GRADE", 500), outcome("linguist", "benign", "B-XAI"),
    ],
    schema=OUTCOME,
)  # fmt: skip
TOLD = pl.DataFrame(
    [
        said("fast", "logit_sweep"), said("slow", "slow_sweep"), said("late", "evidence"), said("heard", "logit_sweep", named=False),
        said("allowed", "logit_sweep"), said("grader", "sweep_shape"), said("linguist", "fresh_sweep"),
    ],
    schema=SAID,
)  # fmt: skip


def test_whoever_any_of_the_attacks_detectors_named_is_named_and_what_the_others_did_is_told() -> None:
    sweep = by_attack(FOUND, TOLD)["logit sweep"]
    assert sweep == {"accounts": 5, "named": 2, "missed": [39, 200, 300], "right": 3, "wrong": 1}
    assert by_attack(FOUND, TOLD)["bypass search"]["accounts"] == 0
