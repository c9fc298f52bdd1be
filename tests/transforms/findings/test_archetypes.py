"""A deployment of fifty accounts on its first day: the thieves and look-alikes of threats.md, one window each.

Values follow threats.md 1.1, 1.2 and 4.3 as far as it gives any; they are what the account did, not what a simulator does.
"""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from given_accounts import DAY, HOUR, TICK, tallies, windows
from schemas.hit import HIT
from schemas.policy import Policy
from schemas.registry import REGISTRY
from schemas.snapshot import Snapshot
from transforms.detectors import cards, score
from transforms.findings import Calibration, FindingsState, Inputs, Judge, step

POLICY = Policy()
JUDGE = Judge(Calibration({}), REGISTRY.empty(), cards(), POLICY, None)

QUIET = {
    "downloads_24h": 0.0,
    "objects_24h": 0.0,
    "biased_tokens_24h": 0.0,
    "logprob_share_24h": 0.0,
    "logit_bias_share_24h": 0.0,
    "one_token_share_24h": 0.0,
    "system_prompt_asks_24h": 0.0,
    "refused_variants_24h": 0.0,
    "refused_then_answered_24h": 0.0,
    "refusal_share_24h": 0.01,
    "reasoning_elicited_share_24h": 0.0,
    "reasoning_tagged_share_24h": 0.0,
    "rubric_share_24h": 0.0,
    "grader_share_24h": 0.0,
    "languages_24h": 1.0,
    "prefixes_24h": 1.0,
    "throttled_share_24h": 0.0,
}
MACHINE = {
    "gap_entropy_24h": 3.2,  # Poisson arrivals
    "gap_modal_share_24h": 0.2,
    "gap_cv_24h": 1.0,
    "active_hours_24h": 24.0,
    "quiet_6h_share_24h": 0.25,
    "day_share_of_week": 1.0,  # the log's first day: everybody's
    "busy_share_1h": 1.0,
}
CLOSED_LOOP = MACHINE | {"gap_entropy_24h": 2.3, "busy_share_1h": 4.6}
HUMAN = {
    "gap_entropy_24h": 4.1,
    "gap_modal_share_24h": 0.01,
    "gap_cv_24h": 2.0,
    "active_hours_24h": 9.0,
    "quiet_6h_share_24h": 0.0,
    "day_share_of_week": 1.0,
    "busy_share_1h": 0.05,
}
HARVEST = {"template_share_24h": 0.99, "templated_novelty_24h": 0.98, "payload_novelty_24h": 0.99}

THIEVES = {
    "T-BULK": CLOSED_LOOP
    | HARVEST
    | {"calls_24h": 5000.0, "out_in_ratio_24h": 4.5, "output_per_call_24h": 1800.0, "age_days": 0.5},
    "T-BULK of unknown age with long answers": CLOSED_LOOP
    | HARVEST
    | {"calls_24h": 5000.0, "out_in_ratio_24h": 6.0, "output_per_call_24h": 4200.0},
    "T-COT": CLOSED_LOOP
    | HARVEST
    | {
        "calls_24h": 1100.0,
        "out_in_ratio_24h": 3.0,
        "output_per_call_24h": 2600.0,
        "reasoning_elicited_share_24h": 0.99,
        "reasoning_tagged_share_24h": 0.9,
    },
    "T-GRADE": CLOSED_LOOP
    | HARVEST
    | {
        "calls_24h": 3000.0,
        "out_in_ratio_24h": 0.008,
        "output_per_call_24h": 30.0,
        "rubric_share_24h": 1.0,
        "grader_share_24h": 0.99,
        "age_days": 1.0,
    },
}

LOOK_ALIKES = {
    "B-EVAL": MACHINE
    | {
        "calls_24h": 9000.0,
        "template_share_24h": 1.0,
        "payload_novelty_24h": 0.33,  # three runs of the same prompts
        "templated_novelty_24h": 0.33,
        "rubric_share_24h": 0.9,
        "grader_share_24h": 0.9,
        "out_in_ratio_24h": 0.01,
        "output_per_call_24h": 8.0,
        "busy_share_1h": 8.0,
        "age_days": 400.0,
    },
    "B-ETL": CLOSED_LOOP
    | HARVEST
    | {
        "calls_24h": 40_000.0,
        "out_in_ratio_24h": 0.05,
        "output_per_call_24h": 40.0,
        "length_band_24h": 0.97,
        "age_days": 300.0,
    },
    "B-ETL that is throttled and new": CLOSED_LOOP
    | HARVEST
    | {
        "calls_24h": 40_000.0,
        "out_in_ratio_24h": 0.003,
        "output_per_call_24h": 5.0,
        "throttled_share_24h": 0.3,
        "age_days": 1.0,
    },
    "B-CI": MACHINE
    | {
        "calls_24h": 4000.0,
        "prefixes_24h": 300.0,
        "template_share_24h": 0.4,
        "templated_novelty_24h": 0.35,
        "out_in_ratio_24h": 0.05,
        "output_per_call_24h": 300.0,
        "busy_share_1h": 12.0,
        "age_days": 500.0,
    },
    "B-POWER": HUMAN
    | {
        "calls_24h": 2500.0,
        "template_share_24h": 0.1,
        "templated_novelty_24h": 0.1,
        "out_in_ratio_24h": 0.02,
        "output_per_call_24h": 500.0,
        "prefixes_24h": 25.0,
        "cache_miss_24h": 0.1,
        "age_days": 200.0,
    },
    "B-LAUNCH": CLOSED_LOOP
    | HARVEST
    | {"calls_24h": 60_000.0, "out_in_ratio_24h": 0.6, "output_per_call_24h": 350.0, "age_days": 2.0},
    "B-GATE": HUMAN
    | {
        "calls_24h": 200_000.0,
        "languages_24h": 20.0,
        "end_users_24h": 900.0,
        "prefixes_24h": 4.0,
        "template_share_24h": 0.1,
        "templated_novelty_24h": 0.1,
        "out_in_ratio_24h": 0.5,
        "output_per_call_24h": 300.0,
        "busy_share_1h": 40.0,
        "active_hours_24h": 24.0,
        "quiet_6h_share_24h": 0.2,
    },
    "B-SHARE": HUMAN
    | {
        "calls_24h": 300.0,
        "template_share_24h": 0.6,
        "templated_novelty_24h": 0.55,
        "out_in_ratio_24h": 0.3,
        "output_per_call_24h": 250.0,
    },
    "B-XAI": HUMAN
    | HARVEST
    | {
        "calls_24h": 800.0,
        "out_in_ratio_24h": 1.2,
        "output_per_call_24h": 700.0,
        "reasoning_elicited_share_24h": 0.97,
        "age_days": 250.0,
    },
    "B-SYN of an old customer": MACHINE
    | HARVEST
    | {"calls_24h": 9000.0, "out_in_ratio_24h": 2.5, "output_per_call_24h": 900.0, "age_days": 350.0},
    "reasoning customer": MACHINE
    | {
        "calls_24h": 5000.0,
        "template_share_24h": 0.3,
        "templated_novelty_24h": 0.3,
        "out_in_ratio_24h": 4.5,
        "output_per_call_24h": 2500.0,
        "age_days": 1.0,
    },
}


def flagged(accounts: dict[str, dict[str, float]]) -> dict[str, dict[str, object]]:
    """Findings by account after the first day."""
    seen = windows(QUIET | values | {"account_id": name} for name, values in accounts.items())
    scored = score(seen, Snapshot.empty(), POLICY)
    made = tallies(
        {"account_id": name, "minute": 1435, "calls": int(row["calls_24h"])} for name, row in accounts.items()
    )
    _, _, found = step(FindingsState.empty(), Inputs(scored, HIT.empty(), made), JUDGE, DAY + timedelta(days=1))
    return {row["account_id"]: row for row in found.iter_rows(named=True)}


@pytest.mark.parametrize("name", THIEVES)
def test_a_blatant_harvester_is_found_on_the_first_day(name: str) -> None:
    found = flagged(LOOK_ALIKES | {name: THIEVES[name]})
    assert list(found) == [name]
    assert found[name]["kind"] == "distillation"
    assert found[name]["tier"] == "review"
    assert found[name]["uncalibrated"]
    assert found[name]["flagged_at"] == DAY + 24 * HOUR + TICK


@pytest.mark.parametrize("name", LOOK_ALIKES)
def test_a_look_alike_is_not_flagged(name: str) -> None:
    assert flagged({name: LOOK_ALIKES[name]}) == {}


def test_fifty_ordinary_accounts_flag_nobody() -> None:
    chance = np.random.default_rng(7)

    def ordinary() -> dict[str, float]:
        rhythm = HUMAN if chance.random() < 0.5 else MACHINE | {"busy_share_1h": float(chance.lognormal(-1.0, 1.0))}
        share = float(chance.beta(1.0, 2.0))
        return rhythm | {
            "calls_24h": float(np.floor(chance.lognormal(6.0, 1.5))) + 20.0,
            "template_share_24h": share,
            "templated_novelty_24h": share * float(chance.beta(8.0, 1.0)),
            # out/in of benign clients: median 0.1, 95th percentile 0.7 (threats.md 2.3 #12)
            "out_in_ratio_24h": float(chance.lognormal(np.log(0.1), np.log(7.0) / 1.645)),
            "output_per_call_24h": float(chance.lognormal(np.log(75.0), 1.0)),
            "age_days": float(chance.uniform(0.0, 700.0)),
        }

    for _ in range(20):
        assert flagged({f"a{number}": ordinary() for number in range(50)}) == {}


def test_the_same_thief_among_a_hundred_calls_is_found_and_among_fewer_is_not_yet() -> None:
    thief = THIEVES["T-COT"]
    assert flagged({"thief": thief | {"calls_24h": 100.0}})
    assert not flagged({"thief": thief | {"calls_24h": 99.0}})


def test_without_text_the_harvest_cannot_be_told_from_a_job() -> None:
    seen = THIEVES["T-BULK"] | dict.fromkeys(
        [*HARVEST, "reasoning_elicited_share_24h", "rubric_share_24h", "grader_share_24h"]
    )
    assert flagged({"thief": seen}) == {}


def test_every_reason_of_a_finding_is_a_sentence_with_numbers() -> None:
    found = flagged({"thief": THIEVES["T-COT"]})["thief"]
    assert len(found["reasons"]) == sum(signal["tail"] <= 0.1 for signal in found["signals"]) > 3
    assert found["reasons"][0].startswith("reasoning_elicited_share_24h is 0.99, 1 in 33 benign accounts: ")
    assert "reasoning_elicited_share_24h below 0.5" in found["would_clear"]
    assert found["techniques"] == ["AML.T0024.002", "AML.T0040"]
    assert pl.Series(found["reasons"]).str.contains(r"\d").all()
