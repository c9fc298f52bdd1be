"""Bypass search in ever new words: most prompts are refused, and none is tried twice."""

from dataclasses import replace

from schemas.card import Card, Example
from schemas.event import Presence
from schemas.harvest import AT_LEAST, AT_MOST, SETTINGS, YOUTH
from schemas.shape import Bound, Property, Step, steps
from transforms.detectors.shape import Shape

REFUSED = Property(
    "refused",
    "{observed} of the calls are refused",
    "threats.md 2.3 #19, as the prior of refusal_share_24h (features)",
    steps("refusal_share_24h", AT_LEAST, (0.2, 0.03), (0.5, 0.005)),
    is_needed=True,
)

REWORDED = Property(
    "reworded",
    "{observed} of the prompts are sent once: no retries, ever new words",
    "threats.md 2.4 #21: of strongly templated clients 0.07 / 0.16 never repeat (features)",
    (Step(0.44, (Bound("payload_novelty_24h", AT_LEAST, 0.95),)),),
    is_needed=True,
)

VARIED = Property(
    "varied",
    "no more than {observed} of the prompts are of one length, plus or minus 10 %: no prompt is tried again and again",
    "T1: client-days of which no length band holds more (threats.md 2.4 #23, read as in docs/decisions/0095)",
    steps("length_band_24h", AT_MOST, (0.4, 0.46), (0.2, 0.16)),
    is_needed=True,
)

CARD = Card(
    id="bypass_shape",
    layer="L0",
    family="shape",
    sees="Half of the day's calls refused though no prompt is sent twice, under one set of parameters or by an account of at most a month, or a fifth of them by one of at most two days; whatever the prompts have in common. Where prompts are not logged: half of them, though they are of many lengths, by a young account.",
    blind_to="Red-team and safety evaluations, and a moderation job over forbidden texts, look the same: allow them by contract. Searches mixed with other traffic, or of fewer than a hundred calls a day.",
    needs=Presence.PROMPT | Presence.REFUSAL | Presence.TOKENS,
    techniques=("AML.T0024.002",),
    severity="medium",
    kind="reverse_engineering",
    points=2.5,
    points_reason="policy shapes.joint_share, one honest account-day in 333 if its properties are independent (shapes.share where prompts are not logged); a hit's own points are how rare that is",
    policy=("shapes.joint_share", "shapes.share", "shapes.least_calls"),
    runbook=(
        "Read what the account's own logs hold of the example calls: what is asked for, and do they ask for one thing in many ways?",
        "See which wording was answered in the end, and whether its use grew afterwards.",
        "If a red-team agreement exists, record it in the accounts file.",
    ),
    firing=Example(
        says="250 prompts in ever new words, 210 refused, one set of parameters, an account of five days.",
        window={
            "calls_24h": 250.0,
            "refusal_share_24h": 0.84,
            "payload_novelty_24h": 1.0,
            "parameters_top_share_24h": 1.0,
            "age_days": 5.0,
        },
    ),
    silent=Example(
        says="A job of an old customer that retries forbidden texts: 80 % refused, each prompt twice.",
        window={
            "calls_24h": 400.0,
            "refusal_share_24h": 0.8,
            "payload_novelty_24h": 0.5,
            "parameters_top_share_24h": 1.0,
            "age_days": 300.0,
        },
    ),
)

SHAPE = Shape(CARD, (REFUSED, REWORDED, SETTINGS, YOUTH), share="joint_share")

BLIND = replace(SHAPE, properties=(REFUSED, VARIED, SETTINGS, YOUTH), unknown="payload_novelty_24h", share="share")
"""Where prompts are not logged: their lengths stand for them."""
