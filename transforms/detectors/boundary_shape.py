"""Boundary probing: a classifier asked for its label of inputs that differ in a few words."""

from schemas.card import Card, Example
from schemas.event import Presence
from schemas.harvest import AT_LEAST, AT_MOST, SETTINGS, YOUTH
from schemas.shape import Bound, Property, Step, steps
from transforms.detectors.shape import Shape

NEAR = Property(
    "near",
    "{observed} of the last hour's prompts differ from others of the day in a few words",
    "threats.md 2.4 #20: 8 % of benign clients have four prompts in five within one template, and some of these little beside it; a long instruction around short inputs looks the same (docs/decisions/0183)",
    steps("near_duplicate_share_1h", AT_LEAST, (0.8, 0.08), (0.9, 0.05)),
    is_needed=True,
)

CHANGED = Property(
    "changed",
    "{observed} of the prompts are sent once: each is another step",
    "threats.md 2.4 #21: of strongly templated clients 0.07 / 0.16 also never repeat (priors of templated_novelty_24h and template_share_24h, features); four in five for nearly all is our judgement",
    (Step(0.5, (Bound("payload_novelty_24h", AT_LEAST, 0.8),)),),
    is_needed=True,
)

LABELS = Property(
    "labels",
    "an answer takes {observed} tokens on average: a label and nothing else",
    "T1: 40 % of clients have at most 64 tokens an answer on average, half of them 43 to 101 (threats.md 4.3); eight is our judgement",
    steps("output_per_call_24h", AT_MOST, (8.0, 0.1)),
    is_needed=True,
)

CONFIDENCES = Property(
    "confidences",
    "{observed} of the calls ask for log-probabilities, which tell how near the boundary is",
    "five times the prior of logprob_share_24h (features; threats.md 2.3 #16): who asks for a label asks for its probability more often than others do, our judgement",
    steps("logprob_share_24h", AT_LEAST, (0.5, 0.15), (0.9, 0.05)),
)

CARD = Card(
    id="boundary_shape",
    layer="L0",
    family="shape",
    sees="Ever new inputs that differ from each other in a few words, each answered with a label and its log-probability, under one set of parameters.",
    blind_to="Robustness tests of one's own classifier look the same, and so does a long instruction around short inputs if the probabilities of its labels are asked for. Labels without probabilities; inputs that share less than their pieces of three words, more than some eight texts worked on in an hour, fewer than twenty prompts in an hour.",
    needs=Presence.PROMPT | Presence.TOKENS,
    techniques=("AML.T0024.002", "AML.T0063"),
    severity="medium",
    kind="reverse_engineering",
    points=3.6,
    points_reason="policy shapes.share, one honest account-day in 4,000; a hit's own points are how rare it is",
    policy=("shapes.share", "shapes.least_calls"),
    runbook=(
        "Read what the account's own logs hold of the example calls: does each input change a word or two of the one before?",
        "Ask the owner which classifier is tested, and whose it is.",
    ),
    firing=Example(
        says="600 inputs around a few texts, one word changed at a time, one label each with its log-probability, one set of parameters.",
        window={
            "calls_24h": 600.0,
            "near_duplicate_share_1h": 0.95,
            "payload_novelty_24h": 0.96,
            "output_per_call_24h": 1.0,
            "logprob_share_24h": 1.0,
            "parameters_top_share_24h": 1.0,
            "age_days": 55.0,
        },
    ),
    silent=Example(
        says="An old customer that labels its messages: a long instruction around short new texts.",
        window={
            "calls_24h": 6000.0,
            "near_duplicate_share_1h": 0.95,
            "payload_novelty_24h": 1.0,
            "output_per_call_24h": 3.0,
            "logprob_share_24h": 0.0,
            "parameters_top_share_24h": 1.0,
            "age_days": 400.0,
        },
    ),
)

SHAPE = Shape(CARD, (NEAR, CHANGED, LABELS, CONFIDENCES, SETTINGS, YOUTH))
