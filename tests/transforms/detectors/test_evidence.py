"""Tails, families and what the shipped priors allow."""

import itertools
import math
from collections import defaultdict

import numpy as np
import pytest

from given_accounts import windows
from schemas.feature import FAMILIES, FEATURE
from schemas.policy import Policy
from schemas.snapshot import Snapshot
from transforms.detectors import evidence, patterns, score
from transforms.detectors.looks import LOOKS
from transforms.detectors.peers import Peers, Ranks
from transforms.sketches.percentile import quantiles

POLICY = Policy()
NOBODY = Peers({}, None, None, "none")


def peers(**values: np.ndarray) -> Peers:
    return Peers({name: Ranks(len(v), quantiles(v, 1024)) for name, v in values.items()}, None, None, "test")


def judged(group: Peers = NOBODY, **values: float) -> dict[str, float]:
    """Points by family of one window."""
    columns = {name: np.array([value]) for name, value in values.items()}
    points = evidence.judge(columns, 1, group, POLICY).points[0]
    return {name: float(p) for name, p in zip(FAMILIES, points, strict=True) if p > 0}


def test_a_value_no_prior_speaks_of_is_no_evidence() -> None:
    assert judged(template_share_24h=0.3, calls_24h=1e6) == {}


def test_the_staircase_of_a_prior_starts_at_its_values() -> None:
    assert judged(logprob_share_24h=0.49) == {}
    assert judged(logprob_share_24h=0.5) == judged(logprob_share_24h=0.89)
    assert judged(logprob_share_24h=0.9)["parameters"] > judged(logprob_share_24h=0.89)["parameters"]


def test_a_low_feature_is_suspicious_from_its_value_down() -> None:
    assert judged(gap_cv_24h=0.51) == {}
    assert judged(gap_cv_24h=0.5) == {"rhythm": pytest.approx(-math.log10(0.02))}


def test_a_family_pays_for_every_feature_that_could_have_been_as_extreme() -> None:
    # refused_then_answered can reach 0.02; of the others refusal_share 0.005 and refused_variants 0.01.
    alone = judged(refused_then_answered_24h=5.0)["outcome"]
    beside = judged(refused_then_answered_24h=5.0, refusal_share_24h=0.0, refused_variants_24h=0.0)["outcome"]
    assert alone == pytest.approx(-math.log10(0.02))
    assert beside == pytest.approx(-math.log10(0.02 + 0.005 + 0.01))


def test_a_feature_that_cannot_be_so_extreme_costs_nothing() -> None:
    # active_hours can be no rarer than 0.3: it could not have been mistaken for a regularity of 0.02.
    assert judged(gap_cv_24h=0.4, active_hours_24h=10.0) == judged(gap_cv_24h=0.4)


def test_no_family_counts_for_more_than_the_floor_allows() -> None:
    assert judged(biased_tokens_24h=1e6)["parameters"] == 3.0


def test_a_feature_without_prior_counts_against_peers_alone() -> None:
    many = peers(calls_24h=np.arange(10_000.0))
    assert judged(many, calls_24h=10_000.0) == {"volume": 3.0}
    assert judged(many, calls_24h=6_000.0) == {"volume": pytest.approx(-math.log10(0.4), abs=0.01)}
    assert judged(many, calls_24h=4_000.0) == {}


def test_what_all_peers_do_is_no_evidence_whatever_the_prior_says() -> None:
    reasoners = peers(reasoning_elicited_share_24h=np.linspace(0.9, 1.0, 20_000))
    assert judged(reasoning_elicited_share_24h=0.92)["elicitation"] > 1.9
    assert judged(reasoners, reasoning_elicited_share_24h=0.92) == {}


def test_peers_gain_weight_as_they_become_more() -> None:
    tails = []
    for size in (200, 500, 5_000, 50_000):
        group = peers(reasoning_elicited_share_24h=np.linspace(0.0, 1.0, size))
        columns = {"reasoning_elicited_share_24h": np.array([0.95])}
        tails.append(evidence.judge(columns, 1, group, POLICY).tail[0, FAMILIES.index("elicitation")])
    assert tails == sorted(tails)
    assert tails[1] == pytest.approx((0.01 + 0.05) / 2, abs=0.002)  # 500 peers weigh as much as the prior
    assert tails[3] == pytest.approx(0.05, abs=0.002)


def test_shipped_evidence_needs_both_the_prior_and_the_peers() -> None:
    def shipped(group: Peers, value: float) -> float:
        columns = {"templated_novelty_24h": np.array([value])}
        return float(evidence.judge(columns, 1, group, POLICY).prior_points[0, FAMILIES.index("structure")])

    usual = peers(templated_novelty_24h=np.linspace(0.94, 1.0, 20_000))
    unusual = peers(templated_novelty_24h=np.linspace(0.0, 0.5, 20_000))
    assert shipped(NOBODY, 0.96) == pytest.approx(-math.log10(0.07), abs=1e-6)
    assert shipped(usual, 0.96) == 0.0
    assert shipped(unusual, 0.96) == pytest.approx(-math.log10(0.07), abs=1e-6)
    assert shipped(unusual, 0.49) == 0.0


def test_reading_much_and_writing_little_is_rare_but_no_evidence_of_extraction() -> None:
    columns = {"out_in_ratio_24h": np.array([0.001])}
    found = evidence.judge(columns, 1, NOBODY, POLICY)
    tokens = FAMILIES.index("tokens")
    assert found.points[0, tokens] > 0
    assert found.prior_points[0, tokens] == 0


@pytest.mark.parametrize("number", range(len(LOOKS)), ids=[f"{look.name}:{look.side}" for look in LOOKS])
def test_at_the_boundary_a_look_speaks_and_just_before_it_does_not(number: int) -> None:
    look = LOOKS[number]
    group = peers(**{name: np.linspace(0.0, 100.0, 2_000) for name in FEATURE})
    bound = evidence.boundary(number, group, POLICY)
    columns = {other.name: np.array([50.0, 50.0]) for other in LOOKS if other.feature.family == look.feature.family}
    outward = 1.0 if look.side == "high" else -1.0
    columns[look.name] = np.array([bound + outward * 1e-9, bound - outward * 0.2])
    found = evidence.judge(columns, 2, group, POLICY)
    family = FAMILIES.index(look.feature.family)
    assert found.look[0, family] == number
    assert found.points[0, family] > 0
    assert found.look[1, family] != number or found.points[1, family] == 0


def null_of_family(name: str) -> dict[float, float]:
    """Points a benign account has in a family, and how often, if the shipped priors are true: from above."""
    looks = [look for look in LOOKS if look.feature.family == name and look.is_extraction and len(look.values)]
    levels = sorted({float(level) for look in looks for level in look.levels[1:]})
    spent, chances = 0.0, defaultdict(float)
    for level in levels:
        reach = sum(float(look.level(np.array([level]))[0]) for look in looks)
        if reach >= evidence.HALF:
            break
        points = float(evidence.points_of(np.array([max(reach, POLICY.evidence.family_floor)]))[0])
        chances[points] += reach - spent
        spent = reach
    return dict(chances) | {0.0: 1.0 - spent}


def test_the_priors_allow_the_conjunction_for_no_more_account_days_than_the_review_rate() -> None:
    """The threshold of small deployments, computed: features of a family may depend on each other in any way."""
    names = patterns.HARVEST
    core = POLICY.evidence.core_decades
    chance = 0.0
    for combination in itertools.product(*[null_of_family(name).items() for name in names]):
        points = {name: value for name, (value, _) in zip(names, combination, strict=True)}
        is_harvest = sorted((points["structure"], points["tokens"], points["elicitation"]))[1] >= core
        if is_harvest and sum(points.values()) >= POLICY.evidence.review_decades:
            chance += math.prod(p for _, p in combination)
    assert 0 < chance <= POLICY.rates.review


def row(**values: float) -> dict[str, float | str | None]:
    found = score(windows([values]), Snapshot.empty(), POLICY)
    return found.row(0, named=True)


def test_points_of_the_signals_add_up_to_the_score() -> None:
    found = row(template_share_24h=0.9, gap_entropy_24h=2.0, reasoning_elicited_share_24h=1.0, downloads_24h=300.0)
    assert len(found["signals"]) == 4
    assert found["l1_score"] == pytest.approx(sum(signal["points"] for signal in found["signals"]), abs=1e-9)
    points = [signal["points"] for signal in found["signals"]]
    assert points == sorted(points, reverse=True)


def test_a_signal_says_what_was_seen_and_what_would_have_been_nothing() -> None:
    found = row(reasoning_elicited_share_24h=0.97)
    assert found["signals"] == [
        {
            "signal": "reasoning_elicited_share_24h",
            "layer": "L1",
            "family": "elicitation",
            "observed": 0.97,
            "expected": 0.5,
            "peers": None,
            "tail": 0.01,
            "points": 2.0,
            "detail": FEATURE["reasoning_elicited_share_24h"].why,
        }
    ]


def test_below_twenty_calls_everything_is_null_and_says_so() -> None:
    found = row(calls_24h=19.0, reasoning_elicited_share_24h=1.0)
    assert found["l1_score"] is None
    assert found["prior_points"] is None
    assert found["pattern"] is None
    assert found["signals"] == []
    assert found["abstained_because"] == ["fewer than 20 calls in 24 h: shares are noise"]
    assert row(calls_24h=20.0, reasoning_elicited_share_24h=1.0)["l1_score"] == 2.0


def test_a_window_of_which_nothing_can_be_judged_is_null_and_one_that_is_ordinary_is_zero() -> None:
    assert row()["l1_score"] is None
    assert row(template_share_24h=0.1)["l1_score"] == 0.0


def test_one_line_for_each_group_of_fields_the_source_lacks() -> None:
    found = row(presence=0, gap_cv_24h=0.1)
    lines = found["abstained_because"]
    assert any(line.startswith("no prompt text: ") for line in lines)
    assert any(line.startswith("no token counts: ") for line in lines)
    assert len(lines) == len(set(lines))
    assert not any(line.startswith("no prompt text") for line in row(gap_cv_24h=0.1)["abstained_because"])


@pytest.mark.parametrize(
    ("values", "pattern"),
    [
        ({"templated_novelty_24h": 0.96, "output_per_call_24h": 2500.0}, "distillation"),
        ({"templated_novelty_24h": 0.96, "grader_share_24h": 0.95}, "distillation"),
        ({"templated_novelty_24h": 0.96, "out_in_ratio_24h": 0.001}, None),
        ({"template_share_24h": 0.99, "grader_share_24h": 0.95}, None),
        ({"logit_bias_share_24h": 0.95}, "reverse_engineering"),
        ({"throttled_share_24h": 0.5}, None),
        ({"refusal_share_24h": 0.6}, "reverse_engineering"),
        ({"objects_24h": 2000.0}, "bulk_download"),
        ({"languages_24h": 14.0}, "relay"),
        ({"languages_24h": 14.0, "end_users_24h": 800.0}, None),
        ({"prefixes_24h": 500.0}, None),
        ({"gap_cv_24h": 0.1, "busy_share_1h": 9.0, "age_days": 0.1}, None),
    ],
)
def test_the_pattern_of_a_window(values: dict[str, float], pattern: str | None) -> None:
    assert row(**values)["pattern"] == pattern
