"""Log-probability dump: nearly every call asks for log-probabilities, of prompts that never repeat."""

from schemas.card import Card, Example
from schemas.event import Presence
from schemas.harvest import AT_LEAST, SETTINGS, TASKS, YOUTH
from schemas.shape import Property, steps
from transforms.detectors.shape import Shape

LOGPROBS = Property(
    "logprobs",
    "{observed} of the calls ask for log-probabilities",
    "threats.md 2.3 #16, as the prior of logprob_share_24h (features)",
    steps("logprob_share_24h", AT_LEAST, (0.5, 0.03), (0.9, 0.01)),
    is_needed=True,
)

CARD = Card(
    id="logprob_shape",
    layer="L0",
    family="shape",
    sees="Log-probabilities asked for on most calls over prompts that never repeat, whatever the length of the answers, by a young account with one set of parameters.",
    blind_to="Old accounts: an established customer who measures confidence looks the same. Dumps of fewer than a hundred calls a day; whether few or many alternatives were asked for.",
    needs=Presence.PARAMETERS | Presence.PROMPT | Presence.MESSAGES,
    techniques=("AML.T0024.002", "AML.T0063"),
    severity="high",
    kind="reverse_engineering",
    points=3.6,
    points_reason="policy shapes.share, one honest account-day in 4,000; a hit's own points are how rare it is",
    policy=("shapes.share", "shapes.least_calls"),
    runbook=(
        "See how many alternatives (top_logprobs) were asked for: confidence needs one to five, a student model all there are.",
        "Ask the owner for the purpose; cap top_logprobs for the account until that is answered.",
    ),
    firing=Example(
        says="400 new prompts, log-probabilities of every answer, one set of parameters, an account of one day.",
        window={
            "calls_24h": 400.0,
            "logprob_share_24h": 1.0,
            "payload_novelty_24h": 1.0,
            "multi_turn_share_24h": 0.0,
            "parameters_top_share_24h": 1.0,
            "age_days": 1.0,
        },
    ),
    silent=Example(
        says="A classifier of an old customer that keeps the confidence of each answer.",
        window={
            "calls_24h": 4000.0,
            "logprob_share_24h": 1.0,
            "payload_novelty_24h": 1.0,
            "multi_turn_share_24h": 0.0,
            "parameters_top_share_24h": 1.0,
            "age_days": 300.0,
        },
    ),
)

SHAPE = Shape(CARD, (LOGPROBS, TASKS, SETTINGS, YOUTH))
