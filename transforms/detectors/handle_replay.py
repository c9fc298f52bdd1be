"""Handle replay: reasoning handles issued to one account are redeemed by another, both sides of it; counted in replays.py.

A call is told by the last handle that it brings (order/shown.py): a conversation that goes on elsewhere counts once, however long it is.
"""

from schemas.card import Card, Example
from schemas.event import Presence

CARD = Card(
    id="handle_replay",
    layer="L0",
    family="identity",
    sees="Conversations that go on with another account, within 24 hours and told by the last reasoning handle (thinking signature) of each call, on the side of who redeems them, and of who gave them away if it is young or the only one that the other takes from.",
    blind_to="Two accounts of one customer that hand conversations to each other; customers who signed a contract, among themselves (campaigns.signed_contracts); handles issued before the log begins; foreign handles put before one of the caller's own; who gives them to accounts that take from many, unless it is young: it may be a victim.",
    needs=Presence.HANDLES,
    techniques=("AML.T0008.005", "AML.T0024.002"),
    severity="high",
    kind="relay",
    points=4.0,
    points_reason="the benign rate is near zero (threats.md 2.4 #32); one in 10,000 leaves room for customers with two accounts",
    policy=("rules.handle_replays", "rules.handle_act", "rules.handle_partners", "rules.handle_memory_days"),
    runbook=(
        "Look at the issuing accounts: one owner, one payment, one contract? Then it is failover between a customer's own keys.",
        "Otherwise treat issuers and redeemers as one pool and look for what else they share.",
        "Bind handles to the issuing account.",
    ),
    firing=Example(
        says="Five handles of two other accounts redeemed within ten minutes.",
        tallies=({"minute": 0, "calls": 3}, {"minute": 5, "calls": 4}),
        foreign=tuple({"minute": 5 * (k % 2), "key": k, "issuer": f"other-{k % 2}"} for k in range(5)),
    ),
    silent=Example(
        says="One conversation continued on a colleague's account: a single foreign handle, redeemed in every turn.",
        tallies=tuple({"minute": 5 * t, "calls": 4} for t in range(6)),
        foreign=tuple({"minute": 5 * t, "key": 1, "issuer": "colleague"} for t in range(6)),
    ),
    act=lambda rules: float(rules.handle_act),
    act_reason="ten times what a shared conversation explains: conversations are moved between accounts on an industrial scale",
)
