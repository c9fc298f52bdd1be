"""Logit-bias sweep: one distribution after the other is read by biasing token after token."""

import polars as pl

from schemas.card import Card, Example
from schemas.event import Presence
from transforms.detectors.rule import Rule

CARD = Card(
    id="logit_sweep",
    layer="L0",
    family="parameters",
    sees="Many distinct tokens biased over many calls within 24 hours, the way the output layer is read out (Carlini et al., Finlayson et al.).",
    blind_to="Sweeps slower than a day or spread over accounts; a long list of banned words that never changes is no sweep.",
    needs=Presence.PARAMETERS,
    techniques=("AML.T0024.002", "AML.T0063"),
    severity="high",
    kind="reverse_engineering",
    points=3.0,
    points_reason="0.1 % of benign accounts bias 500 distinct tokens in 24 h (schemas/feature.py, biased_tokens_24h)",
    policy=("rules.sweep_tokens", "rules.sweep_act_tokens", "rules.sweep_calls", "rules.sweep_rotation"),
    runbook=(
        "Look at the account's calls with logit_bias: is max_tokens 1, the prompt always the same, the token ids new each time?",
        "Ask the owner for the purpose; constrained decoding needs the same few tokens again and again.",
        "Cut logprobs and logit_bias for the account until that is answered.",
    ),
    firing=Example(
        says="1,040 calls that each bias 8 tokens never biased before, one output token each.",
        tallies=tuple(
            {
                "minute": 5 * t,
                "calls": 80,
                "parameters_known": 80,
                "with_logit_bias": 80,
                "with_logprobs": 80,
                "one_token": 80,
            }
            for t in range(13)
        ),
        traits=tuple(
            {"minute": 5 * t, "kind": "bias_token", "key": 640 * t + k} for t in range(13) for k in range(640)
        ),
    ),
    silent=Example(
        says="2,600 calls that all ban the same 400 words.",
        tallies=tuple(
            {"minute": 5 * t, "calls": 200, "parameters_known": 200, "with_logit_bias": 200} for t in range(13)
        ),
        traits=tuple(
            {"minute": 5 * t, "kind": "bias_token", "key": k, "count": 200} for t in range(13) for k in range(400)
        ),
    ),
    act=lambda rules: float(rules.sweep_act_tokens),
    act_reason="as many distinct tokens as the smallest published hidden size: the layer can be solved for, and no application bans a thousand words in rotation",
)

RULE = Rule(
    card=CARD,
    changed=pl.col("bias_calls") > 0,
    holds=lambda rules: (
        (pl.col("tokens_day") >= rules.sweep_tokens)
        & (pl.col("day_bias_calls") >= rules.sweep_calls)
        & (pl.col("day_token_uses") <= rules.sweep_rotation * pl.col("tokens_day") * pl.col("day_biased_calls"))
    ),
    observed=pl.col("tokens_day"),
    expected=lambda rules: float(rules.sweep_tokens),
    detail=pl.format(
        "about {} distinct tokens were biased in 24 h, in {} calls with logit bias or log-probabilities",
        "tokens_day",
        "day_bias_calls",
    ),
)
