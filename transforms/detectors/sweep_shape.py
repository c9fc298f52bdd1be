"""A sweep of which the log does not say the tokens: one prompt, asked again and again for one token each time under a bias."""

from schemas.card import Card, Example
from schemas.event import Presence
from schemas.harvest import AT_LEAST, AT_MOST
from schemas.shape import Bound, Property, Step, steps
from transforms.detectors.shape import Shape

BIASED = Property(
    "biased",
    "{observed} of the calls bias tokens, and as many ask for one token",
    "the prior of logit_bias_share_24h (features); that they ask for one token makes it no rarer, as classifiers do both",
    (Step(0.005, (Bound("logit_bias_share_24h", AT_LEAST, 0.9), Bound("one_token_share_24h", AT_LEAST, 0.9))),),
    is_needed=True,
)

ONE_PROMPT = Property(
    "prompt",
    "only {observed} of the prompts are new ones: the same is asked again and again",
    "our judgement, of health checks and demonstrations: 62 of 4,602 honest accounts with fifty calls a day in fifteen worlds by strangers (docs/measured.md)",
    steps("payload_novelty_24h", AT_MOST, (0.05, 0.016)),
    is_needed=True,
)

CARD = Card(
    id="sweep_shape",
    layer="L0",
    family="shape",
    sees="One prompt, or a few, asked a hundred times a day or more for a single token under a logit bias: what changes is the bias. Needs no tokens: many gateways log how many were biased, and not which.",
    blind_to="Sweeps that change the prompt as well, and those beside other use. A classifier biases its labels and asks for one token too; it has another text each time.",
    needs=Presence.PARAMETERS | Presence.PROMPT,
    techniques=("AML.T0024.002", "AML.T0063"),
    severity="high",
    kind="reverse_engineering",
    points=3.6,
    points_reason="policy shapes.share, one honest account-day in 4,000; a hit's own points are how rare it is",
    policy=("shapes.share", "shapes.least_calls"),
    runbook=(
        "See at the gateway whether the biased tokens change from call to call: then the output layer is being read.",
        "Log the tokens of logit_bias, not only their number; cap logit_bias and top_logprobs for the account until its owner has answered.",
    ),
    firing=Example(
        says="400 one-token calls with a bias, all of the prompt Hello; the log has the number of biased tokens only.",
        window={
            "calls_24h": 400.0,
            "logit_bias_share_24h": 1.0,
            "one_token_share_24h": 1.0,
            "payload_novelty_24h": 0.0025,
        },
    ),
    silent=Example(
        says="A classifier: 4,000 texts, one token each, with a bias for its labels.",
        window={
            "calls_24h": 4000.0,
            "logit_bias_share_24h": 1.0,
            "one_token_share_24h": 1.0,
            "payload_novelty_24h": 0.98,
        },
    ),
)

SHAPE = Shape(CARD, (BIASED, ONE_PROMPT))
