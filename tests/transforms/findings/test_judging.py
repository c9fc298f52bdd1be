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


def test_what_says_less_than_one_in_ten_is_not_told_beside_what_says_more() -> None:
    strong, weak = signal(), signal(signal="age_days", family="account", tail=0.33, points=0.5)
    assert len(wording.reasons([strong, weak])) == 1
    assert len(wording.reasons([weak])) == 1
    assert "age_days" not in " ".join(wording.would_clear([strong, weak], None))


def test_properties_of_a_shape_are_told_together() -> None:
    whole = [signal(signal=f"reasoning_shape.{name}", layer="L0", tail=0.3) for name in ("tasks", "youth")]
    assert len(wording.reasons(whole)) == 2


def test_a_distance_is_nothing_that_a_person_can_check() -> None:
    distant = signal(signal="distribution", layer="L3", family="distribution")
    assert wording.would_clear([signal(), distant], None)[:2] == [
        "output_per_call_24h below 660 tokens",
        "a contract that permits it (policy: allow.contracts); none is on file",
    ]


def test_what_would_clear_a_campaigns_account_can_be_asked_for() -> None:
    families = ("load", "age", "payment", "age", "unheard of")
    lines = wording.would_clear([signal(layer="L2", family=family) for family in families], "sandbox")
    assert lines == [
        "what deals its campaign's calls out so evenly: one customer's scheduler, a class or course on a timetable; see `stillwatch campaigns`",
        "the event, class or sale through which its campaign's accounts signed up; see `stillwatch campaigns`",
        "one customer behind the payment instruments that pay for several of its campaign's accounts; see `stillwatch campaigns`",
        "the owner, contract or program that its campaign's accounts have in common; see `stillwatch campaigns`",
        "a contract that permits it (policy: allow.contracts); the one on file does not",
        "a verdict of benign or false_positive",
    ]


def test_at_most_twelve_sentences_are_read() -> None:
    assert len(wording.reasons([signal()] * 30)) == 12
