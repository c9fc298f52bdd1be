"""Output reuse: prompts hold what other accounts were answered; counted with handles (replays.py)."""

from schemas.card import Card, Example
from schemas.event import Presence

CARD = Card(
    id="output_reuse",
    layer="L0",
    family="identity",
    sees="Answers given to one other account alone, that were in no prompt before, which an account sends in within its prompts: tasks that one head writes and another solves, answers to be graded, corrected or cleaned, texts put together of many heads' pieces.",
    blind_to="Answers that open as their own prompt did; that are sent in from their middle, behind other words on the same line than a short label or, on the prompt's first, up to four sentences, or behind any where they open with a long label of their own; those whose first 320 characters hold no line of sixteen words; those that come back later than a day; steps of one service that has an account each and no contract on file look the same.",
    needs=Presence.PROMPT | Presence.RESPONSE,
    techniques=("AML.T0008.005", "AML.T0024.002"),
    severity="high",
    kind="distillation",
    points=4.0,
    points_reason="of 4,423 honest accounts in two worlds by strangers none sent in more than seven within a day (docs/measured.md), so that twenty leave at most one in 1,500 (95 %); the rest is what sets an application of several accounts apart, which the runbook asks for",
    policy=("rules.answers_reused", "rules.answer_memory_hours"),
    runbook=(
        "Look at what is done with the answers (solved, graded, cleaned, put together) and who was given them: one owner with an account for each step?",
        "Otherwise treat both sides as one pool and look for what else they share.",
    ),
    firing=Example(
        says="Twenty tasks that another account had the model write within ten minutes.",
        tallies=({"minute": 0, "calls": 10}, {"minute": 5, "calls": 10}),
        foreign=tuple(
            {"minute": 5 * (k % 2), "key": k, "issuer": "writer", "kind": "answer_pasted"} for k in range(20)
        ),
    ),
    silent=Example(
        says="A gateway among whose users' requests there are seven passages that others were answered.",
        tallies=tuple({"minute": 5 * t, "calls": 90} for t in range(6)),
        foreign=tuple({"minute": 5 * (k % 6), "key": k, "issuer": f"a{k}", "kind": "answer_pasted"} for k in range(7)),
    ),
)
