"""Stored conversations: whole histories arrive in one piece, in many languages, and no conversation ever began here."""

from dataclasses import replace

from schemas.card import Card, Example
from schemas.event import Presence
from schemas.harvest import AT_LEAST, LANGUAGES
from schemas.shape import Bound, Property, Step, steps
from transforms.detectors.shape import Shape

BROUGHT = Property(
    "brought",
    "{observed} of the calls bring a history of at least three messages: no conversation begins here",
    "our judgement: agents and prompts with examples do it as well; and threats.md 2.3 #18, as the prior of cache_miss_24h (features), which agents do not meet",
    (
        Step(
            0.05,
            (
                Bound("multi_turn_share_24h", AT_LEAST, 0.98),
                Bound("cache_miss_24h", AT_LEAST, 0.9),
                Bound("payload_novelty_24h", AT_LEAST, 0.95),
            ),
        ),
    ),
    is_needed=True,
)

LONG = Property(
    "answers",
    "an answer holds {observed} tokens on average, though much was read",
    "T1: of client-days that read at least 1,000 tokens a call (32 %) those that write as much; of all 0.39 and 0.29",
    steps("output_per_call_24h", AT_LEAST, (200.0, 0.5), (350.0, 0.36)),
    is_needed=True,
)

DOZEN = replace(LANGUAGES, steps=LANGUAGES.steps[1:], is_needed=True)
"""At least a dozen, as published (threats.md 1.1 T-REPLAY); half as many is another thing."""

CARD = Card(
    id="replay_shape",
    layer="L0",
    family="shape",
    sees="Nearly all calls bring a whole history that was never built up here (nothing of it is in the prompt cache), in a dozen languages without named users, and is answered at length.",
    blind_to="Stored conversations in fewer than twelve languages, or with short answers; a customer who moves to us with all conversations on one day looks like this, once.",
    needs=Presence.MESSAGES | Presence.CACHED_TOKENS | Presence.PROMPT | Presence.TOKENS,
    techniques=("AML.T0024.002", "AML.T0005.001"),
    severity="medium",
    kind="distillation",
    points=3.6,
    points_reason="policy shapes.share, one honest account-day in 4,000; a hit's own points are how rare it is",
    policy=("shapes.share", "shapes.least_calls"),
    runbook=(
        "Look at the example calls: were the assistant's earlier turns written by our models at all?",
        "Ask the owner where the conversations come from, and whether their users' ids can be forwarded.",
    ),
    firing=Example(
        says="400 conversations of 6 to 40 turns in 14 languages, each sent once, from an account of four days.",
        window={
            "calls_24h": 400.0,
            "payload_novelty_24h": 1.0,
            "multi_turn_share_24h": 1.0,
            "cache_miss_24h": 0.95,
            "languages_24h": 14.0,
            "output_per_call_24h": 700.0,
            "parameters_top_share_24h": 1.0,
            "age_days": 4.0,
        },
    ),
    silent=Example(
        says="A gateway with many languages: conversations begin here, grow turn by turn, and users are named.",
        window={
            "calls_24h": 4000.0,
            "payload_novelty_24h": 1.0,
            "multi_turn_share_24h": 0.8,
            "cache_miss_24h": 0.4,
            "languages_24h": 14.0,
            "end_users_24h": 300.0,
            "output_per_call_24h": 400.0,
            "parameters_top_share_24h": 0.2,
            "age_days": 300.0,
        },
    ),
)

SHAPE = Shape(CARD, (BROUGHT, DOZEN, LONG))
