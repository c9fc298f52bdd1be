"""System-prompt extraction: the hidden instructions are asked for, again and again."""

import polars as pl

from schemas.card import Card, Example
from schemas.event import Presence
from transforms.detectors.rule import Rule

CARD = Card(
    id="system_prompt_extraction",
    layer="L0",
    family="elicitation",
    sees="Repeated requests for the hidden system prompt or instructions within 24 hours.",
    blind_to="Requests in words the lexicon does not know; prompt engineers who debug their own system prompt ask too.",
    needs=Presence.PROMPT,
    techniques=("AML.T0056", "AML.T0069"),
    severity="low",
    kind="reverse_engineering",
    points=2.7,
    points_reason="0.2 % of benign accounts ask ten times in 24 h (schemas/feature.py, system_prompt_asks_24h)",
    policy=("rules.system_prompt_asks",),
    runbook=(
        "See whether the account asks for its own system prompt (system_digest is the account's) or for the operator's.",
        "Look at the answers' lengths: a long answer after short refusals is a leak.",
    ),
    firing=Example(
        says="Twelve requests for the hidden instructions in an hour.",
        tallies=tuple({"minute": 5 * t, "calls": 4, "prompt_known": 4, "system_prompt_asks": 1} for t in range(12)),
    ),
    silent=Example(
        says="A curious person who asks twice among 48 questions.",
        tallies=tuple(
            {"minute": 5 * t, "calls": 4, "prompt_known": 4, "system_prompt_asks": int(t < 2)} for t in range(12)
        ),
    ),
)

RULE = Rule(
    card=CARD,
    changed=pl.col("system_prompt_asks") > 0,
    holds=lambda rules: pl.col("day_system_prompt_asks") >= rules.system_prompt_asks,
    observed=pl.col("day_system_prompt_asks"),
    expected=lambda rules: float(rules.system_prompt_asks),
    detail=pl.format("the hidden system prompt was asked for {} times in 24 h", "day_system_prompt_asks"),
)
