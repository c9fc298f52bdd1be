"""Kind, severity, techniques; words."""

import pytest

from schemas.finding import DAMAGE_TIERS, KINDS, damage_tier
from schemas.technique import TECHNIQUES as NAMES
from transforms.detectors import cards
from transforms.findings import judging, wording

CARDS = cards()


@pytest.mark.parametrize("tier", DAMAGE_TIERS)
def test_a_damage_tier_is_reached_with_its_last_exchange(tier: int) -> None:
    assert damage_tier(tier) == tier
    assert damage_tier(tier - 1) != tier


@pytest.mark.parametrize(
    ("exchanges", "rules", "severity"),
    [
        (0, (), "low"),
        (999, (), "low"),
        (1_000, (), "medium"),
        (10_000, (), "high"),
        (100_000, (), "critical"),
        (0, ("logit_sweep",), "high"),
        (5_000, ("system_prompt_extraction",), "medium"),
        (100_000, ("logit_sweep",), "critical"),
    ],
)
def test_severity_is_the_worse_of_what_left_and_what_the_rules_are_about(
    exchanges: int, rules: tuple[str, ...], severity: str
) -> None:
    assert judging.severity(exchanges, rules, CARDS) == severity


def test_the_kind_has_the_most_points_and_of_equals_the_first_name() -> None:
    assert judging.kind({"relay": 2.0, "distillation": 3.0}) == ("distillation", 3.0)
    assert judging.kind({"relay": 2.0, "bulk_download": 2.0}) == ("bulk_download", 2.0)
    assert judging.kind({}) == ("unknown", 0.0)


def test_every_technique_of_a_kind_has_a_name_and_every_kind_of_a_pattern_techniques() -> None:
    assert set(judging.TECHNIQUES) < set(KINDS)
    assert {one for ids in judging.TECHNIQUES.values() for one in ids} <= set(NAMES)


def signal(**values: object) -> dict[str, object]:
    base = {"signal": "output_per_call_24h", "layer": "L1", "family": "tokens", "observed": 2500.0, "expected": 660.0}
    return base | {"peers": 90.0, "tail": 0.03, "points": 1.5, "detail": "Training traces are long."} | values


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (
            signal(),
            "output_per_call_24h is 2,500 tokens, peers' median 90, 1 in 33 benign accounts: Training traces are long.",
        ),
        (
            signal(peers=None),
            "output_per_call_24h is 2,500 tokens, 1 in 33 benign accounts: Training traces are long.",
        ),
        (
            signal(
                signal="template_share_changed",
                family="change",
                observed=0.9,
                expected=0.2,
                peers=None,
                tail=None,
                detail="It changed.",
            ),
            "template_share_changed is 0.9, before 0.2: It changed.",
        ),
        (
            signal(signal="logit_sweep", layer="L0", expected=300.0, detail="about 400 distinct tokens"),
            "logit_sweep: about 400 distinct tokens (threshold 300)",
        ),
    ],
)
def test_the_sentence_of_a_signal(given: dict[str, object], reason: str) -> None:
    assert wording.reasons([given]) == [reason]


def test_what_would_have_cleared_it_names_the_side() -> None:
    low = signal(signal="gap_cv_24h", family="rhythm", observed=0.1, expected=0.5)
    changed = signal(family="change")
    unbounded = signal(expected=None)
    lines = wording.would_clear([signal(), low, changed, unbounded], None)
    assert lines[:2] == ["output_per_call_24h below 660 tokens", "gap_cv_24h above 0.5"]
    assert len(lines) == 4


def test_at_most_twelve_sentences_are_read() -> None:
    assert len(wording.reasons([signal()] * 30)) == 12
