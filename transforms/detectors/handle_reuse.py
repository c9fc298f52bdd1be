"""Handle reuse: an account redeems its own reasoning handles again in another session; counted with replayed ones (replays.py)."""

from schemas.card import Card, Example
from schemas.event import Presence

CARD = Card(
    id="handle_reuse",
    layer="L0",
    family="identity",
    sees="Reasoning handles (thinking signatures) of the account that it redeems a second time an hour or more after the first, within 24 hours: its conversations begin again from the same point, as when stored reasoning is handed to the model to be told in words.",
    blind_to="Handles redeemed once each, or twice within the hour; handles issued before the log begins. Recorded conversations that a test suite sends again every few hours look the same.",
    needs=Presence.HANDLES,
    techniques=("AML.T0024.002",),
    severity="high",
    kind="reverse_engineering",
    points=3.0,
    points_reason="none of 489 honest accounts with handles in seven worlds by strangers redeemed a single one again an hour later (docs/measured.md): at most one in 160 does once (95 %), and five in a day take a habit",
    policy=("rules.handles_again", "rules.handle_again_minutes", "rules.handle_memory_days"),
    runbook=(
        "Look at the calls that redeem one handle twice: do they ask for the reasoning behind it, or send recorded conversations as a test does?",
        "Ask the owner for the purpose.",
        "Bind handles to the session or refuse their second redemption.",
    ),
    firing=Example(
        says="Five of its own handles, each redeemed a second time hours later.",
        tallies=({"minute": 0, "calls": 3}, {"minute": 5, "calls": 4}),
        foreign=tuple({"minute": 5 * (k % 2), "key": k, "issuer": "acc"} for k in range(5)),
    ),
    silent=Example(
        says="A person who branches two conversations of the morning in the afternoon.",
        tallies=tuple({"minute": 5 * t, "calls": 4} for t in range(6)),
        foreign=tuple({"minute": 5 * t, "key": t % 2, "issuer": "acc"} for t in range(6)),
    ),
)
