"""Wide log-probabilities: hundreds of one-token calls, each for ten alternatives or more of one distribution."""

import polars as pl

from schemas.card import Card, Example
from schemas.event import Presence
from transforms.detectors.rule import Rule

CARD = Card(
    id="wide_logprobs",
    layer="L0",
    family="parameters",
    sees="At least three hundred calls within 24 hours that ask for one token only and for the log-probabilities of ten alternatives or more.",
    blind_to="Sweeps slower than that or spread over accounts, those that ask for fewer alternatives or for longer answers, and logs without top_logprobs; research on calibration reads distributions the same way.",
    needs=Presence.PARAMETERS,
    techniques=("AML.T0024.002", "AML.T0063"),
    severity="high",
    kind="reverse_engineering",
    points=3.0,
    points_reason="1 % of benign accounts use log-probabilities throughout (schemas/feature.py, logprob_share_24h); that one in ten of these asks for ten alternatives and one token hundreds of times a day is our judgement",
    policy=("rules.wide_logprob_calls",),
    runbook=(
        "See whether prompts are random or grow by a word (a read-out), or are questions with answers to choose from (an evaluation).",
        "Ask the owner for the purpose: confidence in an answer needs one to five alternatives.",
        "Cap top_logprobs for the account until that is answered.",
    ),
    firing=Example(
        says="360 one-token calls in an hour, each for twenty alternatives.",
        tallies=tuple(
            {
                "minute": 5 * t,
                "calls": 30,
                "parameters_known": 30,
                "with_logprobs": 30,
                "one_token": 30,
                "wide_one_token": 30,
            }
            for t in range(12)
        ),
    ),
    silent=Example(
        says="An evaluation: 720 one-token calls with five alternatives each, and 240 with twenty to see how sure the model was.",
        tallies=tuple(
            {
                "minute": 5 * t,
                "calls": 80,
                "parameters_known": 80,
                "with_logprobs": 80,
                "one_token": 80,
                "wide_one_token": 20,
            }
            for t in range(12)
        ),
    ),
)

RULE = Rule(
    card=CARD,
    changed=pl.col("wide_one_token") > 0,
    holds=lambda rules: pl.col("day_wide_one_token") >= rules.wide_logprob_calls,
    observed=pl.col("day_wide_one_token"),
    expected=lambda rules: float(rules.wide_logprob_calls),
    detail=pl.format(
        "{} calls in 24 h asked for one token, with the log-probabilities of ten alternatives or more",
        "day_wide_one_token",
    ),
)
