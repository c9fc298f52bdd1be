"""Distribution: an account whose calls, taken together, look like nobody's among its peers.

The room `transforms/distribution` measures; this is what it says of itself, beside the cards of the other detectors.
"""

from schemas.card import Card, Example
from schemas.event import Presence

CARD = Card(
    id="distribution",
    layer="L3",
    family="distribution",
    sees="Calls of 24 hours whose sizes, prompt keys, claims and parameters together lie far from the peers', too narrow or too broad (maximum mean discrepancy).",
    blind_to="Attacks that are less than half of an account's calls; peers so unlike each other that nobody stands out; whether what is rare is theft.",
    needs=Presence.TOKENS,
    techniques=("AML.T0024.002",),
    severity="low",
    kind="unknown",
    points=0.0,
    points_reason="points are -log10 of the share of benign accounts that lie as far with as many calls, at most three decades",
    policy=("distribution", "rates", "learning"),
    runbook=(
        "Read the other signals first: the distance says that the account is unlike its peers, they say in what.",
        "Compare with the account's own earlier weeks: one that was always special is a special customer.",
    ),
    firing=Example(
        says="Sixty calls of one template that ask for reasoning, in Chinese, with long answers; peers are each a little different.",
        calls=(
            {
                "input_tokens": 60,
                "output_tokens": 5000,
                "head_key": 5,
                "language": "zh",
                "elicits_reasoning": True,
                "temperature": 0.0,
                "times": 60,
            },
        ),
    ),
    silent=Example(
        says="Sixty calls of ordinary sizes, half of them with one template, as peers have.",
        calls=(
            {"input_tokens": 400, "output_tokens": 60, "head_key": 5, "times": 30},
            {"input_tokens": 500, "output_tokens": 50, "times": 30},
        ),
    ),
)
