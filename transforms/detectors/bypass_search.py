"""Bypass search: one payload, refused again and again in ever new wrappings."""

import polars as pl

from schemas.card import Card, Example
from schemas.event import Presence
from transforms.detectors.rule import Rule, share

CARD = Card(
    id="bypass_search",
    layer="L0",
    family="outcome",
    sees="Many refused calls within 24 hours that share a piece of text (first or last words, a line, a shingle) while their exact prompts differ.",
    blind_to="Red-team and safety evaluations look the same: allow them by contract. Wrappings that leave no eight words and no line of the payload alone.",
    needs=Presence.PROMPT | Presence.REFUSAL,
    techniques=("AML.T0024.002",),
    severity="high",
    kind="reverse_engineering",
    points=3.0,
    points_reason="0.1 % of benign accounts have 100 refused calls around one payload in 24 h (schemas/feature.py, refused_variants_24h)",
    policy=("rules.bypass_refusals", "rules.bypass_refusal_share"),
    runbook=(
        "Read what the account's own logs hold of three example calls: is the payload one that asks for hidden reasoning or weights?",
        "See which wrapping was answered in the end, and whether its use grew afterwards (refused_then_answered_24h).",
        "If a red-team agreement exists, record it in the accounts file.",
    ),
    firing=Example(
        says="90 different wrappings of one payload within half an hour, 75 of them refused.",
        tallies=tuple(
            {"minute": 5 * t, "calls": 15, "prompt_known": 15, "refusal_known": 15, "refused": 12} for t in range(6)
        ),
        traits=tuple(
            row
            for t in range(6)
            for row in (
                {"minute": 5 * t, "kind": "line", "key": 77, "count": 15, "refused": 12},
                *(
                    {"minute": 5 * t, "kind": "payload", "key": 100 * t + k, "count": 1, "refused": 1}
                    for k in range(12)
                ),
            )
        ),
    ),
    silent=Example(
        says="A job that retries one refused prompt ninety times.",
        tallies=tuple(
            {"minute": 5 * t, "calls": 15, "prompt_known": 15, "refusal_known": 15, "refused": 15} for t in range(6)
        ),
        traits=tuple(
            row
            for t in range(6)
            for row in (
                {"minute": 5 * t, "kind": "line", "key": 77, "count": 15, "refused": 15},
                {"minute": 5 * t, "kind": "payload", "key": 5, "count": 15, "refused": 15},
            )
        ),
    ),
)

RULE = Rule(
    card=CARD,
    changed=pl.col("refused") > 0,
    holds=lambda rules: (
        (pl.min_horizontal("search_refused", "variants_day") >= rules.bypass_refusals)
        & (share("search_refused", "search_count") >= rules.bypass_refusal_share)
    ),
    observed=pl.min_horizontal("search_refused", "variants_day"),
    expected=lambda rules: float(rules.bypass_refusals),
    detail=pl.format(
        "{} refused calls in 24 h share one piece of text; about {} refused prompts differ",
        "search_refused",
        "variants_day",
    ),
)
