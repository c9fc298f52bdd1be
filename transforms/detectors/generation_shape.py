"""Bulk generation: new tasks, each asked once, answered at length, by a new account."""

from dataclasses import replace

from schemas.card import Card, Example
from schemas.event import Presence
from schemas.harvest import ANSWERS, INSTRUCTION, LIMIT, OUTPUT, SETTINGS, TASKS, YOUTH
from transforms.detectors.shape import Shape

CARD = Card(
    id="generation_shape",
    layer="L0",
    family="shape",
    sees="Ever new tasks in single messages, answered with much more text than was read, by an account of less than a month, together with several of: one instruction, one set of parameters, calls at the rate limit.",
    blind_to="Old or stolen accounts and those whose age is not known: an established customer's synthetic-data generation looks exactly like it. Harvests mixed with other traffic, short answers. Where a log has neither reasoning tokens nor answers, so that long thought looks like long writing, it takes more besides.",
    needs=Presence.PROMPT | Presence.TOKENS | Presence.MESSAGES,
    techniques=("AML.T0024.002", "AML.T0005.001"),
    severity="medium",
    kind="distillation",
    points=3.6,
    points_reason="policy shapes.share, one honest account-day in 4,000; a hit's own points are how rare it is",
    policy=("shapes.share", "shapes.least_calls"),
    runbook=(
        "Check the contract: permitted synthetic-data generation by a new customer looks exactly like this; record it in the accounts file.",
        "Look at the example calls: is each a new task under one instruction, unrelated to the account's product?",
        "Ask the owner what the answers are for; cap output tokens a day until that is answered.",
    ),
    firing=Example(
        says="600 new tasks under one instruction, a page of answer each, an account of one day.",
        window={
            "calls_24h": 600.0,
            "payload_novelty_24h": 1.0,
            "multi_turn_share_24h": 0.0,
            "template_share_24h": 0.97,
            "output_per_call_24h": 1200.0,
            "out_in_ratio_24h": 6.0,
            "reasoning_share_24h": 0.0,
            "parameters_top_share_24h": 1.0,
            "age_days": 1.0,
        },
    ),
    silent=Example(
        says="A shop's product texts: 600 under one instruction, long answers, an old account.",
        window={
            "calls_24h": 600.0,
            "payload_novelty_24h": 1.0,
            "multi_turn_share_24h": 0.0,
            "template_share_24h": 0.97,
            "output_per_call_24h": 500.0,
            "out_in_ratio_24h": 1.2,
            "reasoning_share_24h": 0.0,
            "parameters_top_share_24h": 1.0,
            "age_days": 400.0,
        },
    ),
)

SHAPE = Shape(CARD, (TASKS, ANSWERS, INSTRUCTION, SETTINGS, LIMIT, replace(YOUTH, is_needed=True)))

BLIND = replace(
    SHAPE,
    properties=tuple(OUTPUT if one is ANSWERS else one for one in SHAPE.properties),
    unknown="reasoning_share_24h",
)
"""Where nobody knows how much of the output was written."""
