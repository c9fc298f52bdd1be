"""Slow logit-bias sweep: the vocabulary is walked over days, a few calls at a time."""

import polars as pl

from schemas.card import Card, Example
from schemas.event import Presence
from transforms.detectors import logit_sweep
from transforms.detectors.rule import Rule

CARD = Card(
    id="slow_sweep",
    layer="L0",
    family="parameters",
    sees="Hundreds of distinct tokens biased within seven days, new ones all the time, most of the calls for one output token: the output layer read out too slowly for the rule over a day.",
    blind_to="Sweeps slower than a week or spread over accounts, and those that ask for longer answers; a classifier over hundreds of labels, some of them at a time, looks the same.",
    needs=Presence.PARAMETERS,
    techniques=("AML.T0024.002", "AML.T0063"),
    severity="high",
    kind="reverse_engineering",
    points=3.6,
    points_reason="0.5 % of benign accounts bias tokens in nearly all calls, 5 % make one-token calls only (schemas/feature.py): 1 in 4,000 both, and in a week hundreds of tokens in turn on top",
    policy=("rules.sweep_tokens", "rules.sweep_calls", "rules.sweep_rotation", "rules.sweep_one_token"),
    runbook=(
        "Look at the account's calls with logit_bias over the week: is the prompt always the same, and does each call take the next tokens?",
        "Ask the owner for the purpose; a classifier can name its labels.",
        "Cut logprobs and logit_bias for the account until that is answered.",
    ),
    firing=Example(
        says="Forty calls a day, for one token each, that each bias two tokens never biased before, over six days.",
        tallies=tuple(
            {"minute": 1440 * d, "calls": 40, "parameters_known": 40, "with_logit_bias": 40, "one_token": 40}
            for d in range(6)
        ),
        traits=tuple(
            {"minute": 1440 * d, "kind": "bias_token", "key": 80 * d + k} for d in range(6) for k in range(80)
        ),
    ),
    silent=Example(
        says="A classifier that biases its 60 labels in forty one-token calls a day.",
        tallies=tuple(
            {"minute": 1440 * d, "calls": 40, "parameters_known": 40, "with_logit_bias": 40, "one_token": 40}
            for d in range(6)
        ),
        traits=tuple(
            {"minute": 1440 * d, "kind": "bias_token", "key": k, "count": 40} for d in range(6) for k in range(60)
        ),
    ),
)

RULE = Rule(
    card=CARD,
    changed=pl.col("biased_calls") > 0,
    holds=lambda rules: (
        (pl.col("week_tokens") >= rules.sweep_tokens)
        & (pl.col("week_biased_calls") >= rules.sweep_calls)
        & (pl.col("week_biased_one_token") >= rules.sweep_one_token * pl.col("week_biased_calls"))
        & (pl.col("week_token_uses") <= rules.sweep_rotation * pl.col("week_tokens") * pl.col("week_biased_calls"))
        & ~logit_sweep.RULE.holds(rules)  # one piece of evidence, not two
    ),
    observed=pl.col("week_tokens"),
    expected=lambda rules: float(rules.sweep_tokens),
    detail=pl.format(
        "at least {} distinct tokens were biased within seven days, in {} calls", "week_tokens", "week_biased_calls"
    ),
)
