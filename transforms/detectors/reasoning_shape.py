"""Reasoning harvest: most calls ask for the reasoning in writing, and get it at length."""

from dataclasses import replace

from schemas.card import Card, Example
from schemas.event import Presence
from schemas.harvest import ANSWERS, AT_LEAST, INSTRUCTION, LANGUAGES, LIMIT, OUTPUT, SETTINGS, TASKS, YOUTH
from schemas.shape import Property, steps
from transforms.detectors.shape import Shape

ASKED = Property(
    "asked",
    "reasoning is asked for, or answers open with reasoning tags, in {observed} of the calls",
    "threats.md 2.4 #26-27, as the priors of reasoning_elicited_share_24h (3 %, 1 %) and reasoning_tagged_share_24h (1 %) added up (features)",
    steps("reasoning_asked_share_24h", AT_LEAST, (0.5, 0.04), (0.9, 0.02)),
    is_needed=True,
)

CARD = Card(
    id="reasoning_shape",
    layer="L0",
    family="shape",
    sees="Ever new tasks whose reasoning is asked for in writing, or comes in tags, with long answers: that is enough, and one instruction, many languages, one set of parameters, calls at the rate limit and a young account make it rarer.",
    blind_to="Wordings of the request that the lexicon does not know; reasoning returned in fields of its own; explainability logging with long answers looks like this. Where a log has neither reasoning tokens nor answers, long thought looks like long writing.",
    needs=Presence.PROMPT | Presence.TOKENS | Presence.MESSAGES,
    techniques=("AML.T0024.002", "AML.T0005.001"),
    severity="medium",
    kind="distillation",
    points=2.5,
    points_reason="policy shapes.joint_share, one honest account-day in 333 if its properties are independent; a hit's own points are how rare that is",
    policy=("shapes.joint_share", "shapes.least_calls"),
    runbook=(
        "Look at the example calls: does one instruction make the model write out its reasoning around unrelated tasks?",
        "Ask the owner whether an audit or explainability duty requires the reasoning; record it in the accounts file.",
        "If not, return summaries instead of reasoning to the account.",
    ),
    firing=Example(
        says="300 new tasks, each with its reasoning in tags, 2,500 tokens an answer, an account of five days.",
        window={
            "calls_24h": 300.0,
            "payload_novelty_24h": 1.0,
            "multi_turn_share_24h": 0.0,
            "reasoning_elicited_share_24h": 0.6,
            "reasoning_tagged_share_24h": 0.95,
            "template_share_24h": 0.6,
            "output_per_call_24h": 2500.0,
            "out_in_ratio_24h": 3.0,
            "reasoning_share_24h": 0.1,
            "parameters_top_share_24h": 1.0,
            "languages_24h": 2.0,
            "age_days": 5.0,
        },
    ),
    silent=Example(
        says="Explainability logging of an old customer: the reasoning is asked for in a few sentences.",
        window={
            "calls_24h": 800.0,
            "payload_novelty_24h": 1.0,
            "multi_turn_share_24h": 0.0,
            "reasoning_elicited_share_24h": 0.97,
            "reasoning_tagged_share_24h": 0.0,
            "template_share_24h": 0.97,
            "output_per_call_24h": 480.0,
            "out_in_ratio_24h": 0.7,
            "reasoning_share_24h": 0.0,
            "parameters_top_share_24h": 1.0,
            "languages_24h": 1.0,
            "age_days": 400.0,
        },
    ),
)

SHAPE = Shape(CARD, (TASKS, ASKED, ANSWERS, INSTRUCTION, LANGUAGES, SETTINGS, LIMIT, YOUTH), share="joint_share")

BLIND = replace(
    SHAPE,
    properties=tuple(OUTPUT if one is ANSWERS else one for one in SHAPE.properties),
    unknown="reasoning_share_24h",
)
"""Where nobody knows how much of the output was written."""
