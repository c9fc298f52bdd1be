"""Conversation replay: an account goes on with conversations of others, told by the last answer; counted with handles (replays.py)."""

from schemas.card import Card, Example
from schemas.event import Presence

CARD = Card(
    id="conversation_replay",
    layer="L0",
    family="identity",
    sees="Conversations that go on with another account within 24 hours, told by the last answer that a call brings along: one account alone was given it, and it is not this one. Heads of a pool that hand work over to each other, and who takes others' logs and has them continued.",
    blind_to="Answers whose first 320 characters hold no line of sixteen words, or that were changed before they were sent back; conversations without the messages before in the log; those of customers who signed a contract, among themselves (campaigns.signed_contracts).",
    needs=Presence.PROMPT | Presence.RESPONSE,
    techniques=("AML.T0008.005", "AML.T0024.002"),
    severity="high",
    kind="relay",
    points=4.0,
    points_reason="of 4,423 honest accounts in two worlds by strangers one went on with one such conversation in five days, none with three (docs/measured.md)",
    policy=("rules.conversations_moved", "rules.answer_memory_hours"),
    runbook=(
        "Look at the accounts that were given the answers: one owner, one payment, one contract? Then somebody changed accounts, or balances over several.",
        "Otherwise treat both sides as one pool and look for what else they share.",
        "An account that takes from many who have nothing in common may have a stock of their logs: tell the owners.",
    ),
    firing=Example(
        says="Three conversations of two other accounts continued within ten minutes.",
        tallies=({"minute": 0, "calls": 3}, {"minute": 5, "calls": 4}),
        foreign=tuple(
            {"minute": 5 * (k % 2), "key": k, "issuer": f"other-{k % 2}", "kind": "answer_carried"} for k in range(3)
        ),
    ),
    silent=Example(
        says="Somebody who takes two conversations from an old account to a new one.",
        tallies=tuple({"minute": 5 * t, "calls": 4} for t in range(6)),
        foreign=tuple({"minute": 5 * t, "key": t % 2, "issuer": "old", "kind": "answer_carried"} for t in range(6)),
    ),
)
