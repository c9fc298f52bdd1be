"""Fresh logit-bias sweep: nearly every call biases tokens that none before it did, long before hundreds of calls are through."""

import polars as pl

from schemas.card import Card, Example
from schemas.event import Presence
from schemas.policy import Rules
from transforms.detectors import logit_sweep, slow_sweep
from transforms.detectors.rule import Rule

CARD = Card(
    id="fresh_sweep",
    layer="L0",
    family="parameters",
    sees="A hundred distinct tokens biased within 24 hours in a hundred calls for one output token each, or a thousand in ten, nearly every token only once: a sweep at its beginning.",
    blind_to="Sweeps that bias each token several times, spread over accounts, or ask for longer answers; a classifier that sees each of its hundreds of labels once a day looks the same.",
    needs=Presence.PARAMETERS,
    techniques=("AML.T0024.002", "AML.T0063"),
    severity="high",
    kind="reverse_engineering",
    points=3.3,
    points_reason="1 % of benign accounts bias a hundred distinct tokens in 24 h, 5 % make one-token calls only (schemas/feature.py): 1 in 2,000 both, and none of their lists is new in every call",
    policy=(
        "rules.fresh_tokens",
        "rules.fresh_uses",
        "rules.fresh_calls",
        "rules.sweep_act_tokens",
        "rules.sweep_calls",
        "rules.sweep_one_token",
        "rules.sweep_rotation",
        "rules.sweep_tokens",
    ),
    runbook=(
        "Look at the account's calls with logit_bias: is the prompt always the same, and does each call take the next tokens?",
        "Ask the owner for the purpose; a classifier can name its labels.",
        "Cut logprobs and logit_bias for the account until that is answered: the layer is not out yet.",
    ),
    firing=Example(
        says="120 calls for one token each over an hour, every one with a token never biased before.",
        tallies=tuple(
            {"minute": 5 * t, "calls": 10, "parameters_known": 10, "with_logit_bias": 10, "one_token": 10}
            for t in range(12)
        ),
        traits=tuple({"minute": 5 * t, "kind": "bias_token", "key": 10 * t + k} for t in range(12) for k in range(10)),
    ),
    silent=Example(
        says="A classifier that biases its 150 labels in each of 120 one-token calls.",
        tallies=tuple(
            {"minute": 5 * t, "calls": 10, "parameters_known": 10, "with_logit_bias": 10, "one_token": 10}
            for t in range(12)
        ),
        traits=tuple(
            {"minute": 5 * t, "kind": "bias_token", "key": k, "count": 10} for t in range(12) for k in range(150)
        ),
    ),
)


def _least_calls(rules: Rules) -> pl.Expr:
    """Calls that bias tokens, fewer where each biases many."""
    return pl.when(pl.col("tokens_day") >= rules.sweep_act_tokens).then(rules.fresh_calls).otherwise(rules.sweep_calls)


RULE = Rule(
    card=CARD,
    changed=pl.col("biased_calls") > 0,
    holds=lambda rules: (
        (pl.col("tokens_day") >= rules.fresh_tokens)
        & (pl.col("day_biased_calls") >= _least_calls(rules))
        & (pl.col("day_token_uses") <= rules.fresh_uses * pl.col("tokens_day"))
        & (pl.col("week_biased_one_token") >= rules.sweep_one_token * pl.col("week_biased_calls"))
        & ~logit_sweep.RULE.holds(rules)  # one piece of evidence, not two
        & ~slow_sweep.RULE.holds(rules)
    ),
    observed=pl.col("tokens_day"),
    expected=lambda rules: float(rules.fresh_tokens),
    detail=pl.format(
        "about {} distinct tokens were biased in 24 h, in {} calls: hardly any twice", "tokens_day", "day_biased_calls"
    ),
)
