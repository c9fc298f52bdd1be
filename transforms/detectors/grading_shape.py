"""Grading harvest: a rubric around ever new long texts, a few tokens back."""

from schemas.card import Card, Example
from schemas.event import Presence
from schemas.harvest import AT_LEAST, INSTRUCTION, LIMIT, SETTINGS, TASKS, YOUTH
from schemas.shape import Property, steps
from transforms.detectors.shape import Shape

GRADES = Property(
    "grades",
    "{observed} of the calls carry a rubric and get fewer than 64 tokens back",
    "threats.md 2.4 #29, as the prior of grader_share_24h (features)",
    steps("grader_share_24h", AT_LEAST, (0.5, 0.03), (0.9, 0.015)),
    is_needed=True,
)

READS = Property(
    "reads",
    "{observed} tokens are read a call: whole answers of another model, not records",
    "T1: of clients with at most 64 tokens an answer on average (40 %), those that read as much; the last is not smaller than one of 133 can show",
    steps("input_per_call_24h", AT_LEAST, (500.0, 0.4), (1000.0, 0.18), (2000.0, 0.025), (3000.0, 0.01)),
    is_needed=True,
)

CARD = Card(
    id="grading_shape",
    layer="L0",
    family="shape",
    sees="A rubric around long texts that never repeat, answered in a few tokens, together with several of: one instruction, one set of parameters, calls at the rate limit, a young account.",
    blind_to="Evaluations repeat their texts, but a moderation or quality-control job over long new texts with a rubric looks like this; rubrics in words the lexicon does not know.",
    needs=Presence.PROMPT | Presence.TOKENS | Presence.MESSAGES,
    techniques=("AML.T0024.002", "AML.T0005.001"),
    severity="medium",
    kind="distillation",
    points=3.6,
    points_reason="policy shapes.share, one honest account-day in 4,000; a hit's own points are how rare it is",
    policy=("shapes.share", "shapes.least_calls"),
    runbook=(
        "Look at the example calls: are the graded texts answers of language models, ours or others'?",
        "Ask the owner what is graded and for whom; a contract that permits reward models goes into the accounts file.",
    ),
    firing=Example(
        says="3,000 answers of a model graded by one rubric, 4,000 tokens read and 12 written a call, an account of three days.",
        window={
            "calls_24h": 3000.0,
            "payload_novelty_24h": 0.99,
            "multi_turn_share_24h": 0.0,
            "grader_share_24h": 0.97,
            "template_share_24h": 0.95,
            "input_per_call_24h": 4000.0,
            "parameters_top_share_24h": 1.0,
            "age_days": 3.0,
        },
    ),
    silent=Example(
        says="Quality control of support tickets: 3,000 a day, 400 tokens each, one rubric, an old account.",
        window={
            "calls_24h": 3000.0,
            "payload_novelty_24h": 0.99,
            "multi_turn_share_24h": 0.0,
            "grader_share_24h": 0.97,
            "template_share_24h": 0.95,
            "input_per_call_24h": 400.0,
            "parameters_top_share_24h": 1.0,
            "age_days": 500.0,
        },
    ),
)

SHAPE = Shape(CARD, (TASKS, GRADES, READS, INSTRUCTION, SETTINGS, LIMIT, YOUTH))
