"""Joint evidence: a window whose features are rare together, by half-space trees over percentile ranks.

River's HalfSpaceTrees learn once a day (the learning room); here they only score. A null feature has rank 0.5, the middle
of its peers, so that it pulls neither way; two-sided features are folded, features that are suspicious when low are turned.
"""

import numpy as np
import numpy.typing as npt

from schemas.card import Card, Example
from schemas.event import Presence
from schemas.policy import Policy
from transforms.detectors.peers import Peers
from transforms.sketches import percentile
from transforms.sketches.forest import NEUTRAL

F64 = npt.NDArray[np.float64]

_MIDDLE = {"calls_24h": 300.0, "template_share_24h": 0.2, "output_per_call_24h": 200.0, "out_in_ratio_24h": 0.2}
_BELOW = {"calls_24h": 200.0, "template_share_24h": 0.1, "output_per_call_24h": 100.0, "out_in_ratio_24h": 0.1}
_ABOVE = {"calls_24h": 400.0, "template_share_24h": 0.3, "output_per_call_24h": 300.0, "out_in_ratio_24h": 0.3}
_FAR = {"calls_24h": 9000.0, "template_share_24h": 1.0, "output_per_call_24h": 5000.0, "out_in_ratio_24h": 9.0}
_CROWD = tuple(window | {"times": 150} for window in (_BELOW, _MIDDLE, _ABOVE))
"""Peers that the examples are compared with."""

CARD = Card(
    id="joint",
    layer="L1",
    family="joint",
    sees="Windows in a corner of the peer group's feature space where hardly any other window lies (HalfSpaceTrees on percentile ranks, learned by River).",
    blind_to="What is rare but harmless: it counts for the rate among peers, never as evidence by itself. Thieves who are many in one corner.",
    needs=Presence(0),
    techniques=("AML.T0024.002",),
    severity="low",
    kind="unknown",
    points=0.0,
    points_reason="points are -log10 of the share of the peers' own tree scores that are at least as high",
    policy=("evidence", "rates", "learning"),
    runbook=(
        "Look at the univariate signals first: they name features, the trees cannot.",
        "Compare the window with the account's own earlier windows.",
    ),
    firing=Example(
        says="High on everything that peers are low on.",
        window=_FAR,
        peers=(*_CROWD, _FAR | {"times": 1}),
    ),
    silent=Example(
        says="In the middle of its peers.",
        window=_MIDDLE,
        peers=_CROWD,
    ),
)


def tree_scores(ranks: dict[str, F64], rows: int, peers: Peers) -> F64:
    """HalfSpaceTrees scores of windows given their ranks; NaN while the group has no forest with a full window."""
    if peers.forest is None:
        return np.full(rows, np.nan)
    return peers.forest.score({name: np.where(np.isnan(rank), NEUTRAL, rank) for name, rank in ranks.items()}, rows)


def tails(scores: F64, peers: Peers, policy: Policy) -> F64:
    """Share of the peers' own tree scores at least as high; 1 where there is no score or too few to compare with."""
    if peers.trees is None:
        return np.ones(len(scores))
    below, _ = percentile.position(scores, peers.trees.steps)
    share = percentile.at_least(below, len(peers.trees.steps), peers.trees.size)
    return np.asarray(np.where(np.isnan(scores), 1.0, np.maximum(share, policy.evidence.family_floor)))
