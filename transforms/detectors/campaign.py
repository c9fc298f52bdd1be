"""Campaigns: the card of what the campaigns room finds, so that findings, docs and reviews know it like any detector."""

from schemas.card import Card, Example
from schemas.event import Presence
from schemas.hit import CAMPAIGN_RULE

_HEADS = 12
_DRIVEN = tuple(
    {"account_id": f"head-{head:02}", "minute": 5 * turn, "kind": kind, "key": 7, "count": 1, "elicited": 1}
    for turn in range(6)
    for head in range(_HEADS)
    for kind in ("head", "tail")
)
_POPULAR = tuple(
    {"account_id": f"user-{user:02}", "minute": 5 * turn, "kind": "system", "key": 9, "count": max(1, 40 // user**2)}
    for user in range(1, _HEADS + 1)
    for turn in range(6)
)

CARD = Card(
    id=CAMPAIGN_RULE,
    layer="L2",
    family="campaign",
    sees="Accounts that share rare keys (pieces of prompts, system prompt, tools, client, payment instrument) and are driven as one: equally loaded, used in turn, young, paid or signed up together, on new networks every day, with days that look like a harvest.",
    blind_to="Pools below five accounts, pools that share neither what the log carries nor payment instruments, and popular tools with more holders than links.most_holders.",
    needs=Presence(0),
    techniques=("AML.T0008.005", "AML.T0024.002"),
    severity="medium",
    kind="distillation",
    points=0.0,
    points_reason="each signal's points are -log10 of its own tail; a campaign needs 4.25 to 8.5 decades of them together, by how many accounts there are and what speaks (campaigns.review_decades and its neighbours)",
    policy=("campaigns", "links"),
    runbook=(
        "Read the campaign (`stillwatch campaigns`): which keys it shares, who is in it, how fast it takes what.",
        "Ask whether the accounts belong to one customer, a class or a fair; if so, record the contract or give a verdict.",
        "Act on all of its accounts at once: banned one by one they are replaced within hours.",
    ),
    firing=Example(
        says="Twelve young accounts on four cards take turns with one instruction, one call each in every tick.",
        shared=_DRIVEN,
        accounts=tuple(
            {"account_id": f"head-{head:02}", "age_days": 3.0 + head, "payment_id": f"card-{head % 4}"}
            for head in range(_HEADS)
        ),
    ),
    silent=Example(
        says="Twelve unrelated customers of all ages use one open-source agent, each as much as it needs.",
        shared=_POPULAR,
        accounts=tuple(
            {"account_id": f"user-{user:02}", "age_days": 50.0 * user, "payment_id": f"own-{user}"}
            for user in range(1, _HEADS + 1)
        ),
    ),
    act=None,
)
