"""Log-probability harvest: thousands of one-token calls, each for one distribution."""

import polars as pl

from schemas.card import Card, Example
from schemas.event import Presence
from transforms.detectors import wide_logprobs
from transforms.detectors.rule import Rule

CARD = Card(
    id="logprob_harvest",
    layer="L0",
    family="parameters",
    sees="At least a thousand calls within 24 hours that ask for log-probabilities and for one token only.",
    blind_to="Evaluation harnesses score multiple-choice tests the same way: exact prompts repeat across runs and models there.",
    needs=Presence.PARAMETERS,
    techniques=("AML.T0024.002", "AML.T0063"),
    severity="high",
    kind="reverse_engineering",
    points=2.0,
    points_reason="1 % of benign accounts use log-probabilities throughout (schemas/feature.py, logprob_share_24h)",
    policy=("rules.logprob_calls", "rules.wide_logprob_calls"),
    runbook=(
        "See whether prompts repeat exactly across days and models (an evaluation) or are random strings (a read-out).",
        "Ask the owner; cap top_logprobs for the account until that is answered.",
    ),
    firing=Example(
        says="1,200 one-token calls with log-probabilities in an hour.",
        tallies=tuple(
            {"minute": 5 * t, "calls": 100, "parameters_known": 100, "with_logprobs": 100, "one_token": 100}
            for t in range(12)
        ),
    ),
    silent=Example(
        says="A classifier: 1,200 one-token calls, 150 of them with log-probabilities to watch its calibration.",
        tallies=tuple(
            {"minute": 5 * t, "calls": 100, "parameters_known": 100, "with_logprobs": 12, "one_token": 100}
            for t in range(12)
        ),
    ),
)

RULE = Rule(
    card=CARD,
    changed=pl.col("logprob_one_token") > 0,
    holds=lambda rules: (
        (pl.col("day_logprob_one_token") >= rules.logprob_calls)
        & ~wide_logprobs.RULE.holds(rules)  # one piece of evidence, not two
    ),
    observed=pl.col("day_logprob_one_token"),
    expected=lambda rules: float(rules.logprob_calls),
    detail=pl.format("at least {} one-token calls with log-probabilities in 24 h", "day_logprob_one_token"),
)
