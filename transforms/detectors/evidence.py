"""Univariate evidence: how rare is each feature's value, and how rare is the rarest of each family.

A look's tail is the share of benign accounts at least as extreme: the shipped prior and the peers' rank, weighted by how
many peers there are. A family's tail is the chance that any of its looks were as extreme as the most extreme one: the sum
over looks of the largest tail each of them can have up to that (Bonferroni, less the looks that cannot reach so far: Tarone,
"A modified Bonferroni method for discrete data", Biometrics 1990). It holds whatever depends on what inside the family.
Points are -log10 of that, nothing from one half on.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from schemas.card import Card, Example
from schemas.event import Presence
from schemas.feature import FAMILIES
from schemas.policy import Policy
from transforms.detectors.looks import LOOKS, Look
from transforms.detectors.peers import Peers, Ranks
from transforms.sketches import percentile

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

CARD = Card(
    id="evidence",
    layer="L1",
    family="each feature's own",
    sees="Features of an account's last hour, day or week that are rare among benign accounts: against shipped priors, and against peers once there are enough.",
    blind_to="Pools whose accounts are each ordinary (linkage sees those); whatever all peers do; features the log cannot carry.",
    needs=Presence(0),
    techniques=("AML.T0024.002",),
    severity="low",
    kind="distillation",
    points=0.0,
    points_reason="each signal's points are -log10 of its own tail",
    policy=("evidence", "rates", "learning"),
    runbook=(
        "Read the signals from the top: each names the value seen, the peers' median and the value at which it would be nothing.",
        "Look at the example calls in the account's own logs: one template around payloads that never repeat?",
        "Check the contract: permitted synthetic-data generation looks exactly like this.",
    ),
    firing=Example(
        says="2,000 calls with one template, no payload twice, reasoning elicited, long answers, several calls in flight.",
        window={
            "calls_24h": 2000.0,
            "busy_share_1h": 4.5,
            "gap_entropy_24h": 2.4,
            "out_in_ratio_24h": 4.2,
            "output_per_call_24h": 2500.0,
            "template_share_24h": 0.98,
            "templated_novelty_24h": 0.97,
            "reasoning_elicited_share_24h": 0.97,
            "reasoning_tagged_share_24h": 0.9,
        },
    ),
    silent=Example(
        says="A nightly classification job: one template, no payload twice, several calls in flight, a few tokens out.",
        window={
            "calls_24h": 8000.0,
            "busy_share_1h": 5.0,
            "gap_entropy_24h": 2.4,
            "out_in_ratio_24h": 0.02,
            "output_per_call_24h": 12.0,
            "template_share_24h": 1.0,
            "templated_novelty_24h": 0.99,
            "reasoning_elicited_share_24h": 0.0,
            "rubric_share_24h": 0.0,
        },
    ),
)

HALF = 0.5
"""A value that every second benign account reaches says nothing."""


@dataclass(frozen=True)
class Judged:
    """Evidence of many windows; arrays have one row a window and one column a family of FAMILIES.

    Attributes:
        tail: corrected share of benign accounts at least as extreme, 1 where nothing could be judged.
        look: number of the deciding look in LOOKS, -1 where nothing could be judged.
        points: -log10(tail), 0 from one half on.
        prior_points: the same for what both the shipped priors and the peers support.
        ranks: percentile ranks by feature, folded and turned so that 1 is suspicious; NaN where null.
        is_judged: whether any look could be taken.
    """

    tail: F64
    look: I64
    points: F64
    prior_points: F64
    ranks: dict[str, F64]
    is_judged: npt.NDArray[np.bool_]


def judge(columns: dict[str, F64], rows: int, peers: Peers, policy: Policy) -> Judged:
    """Evidence of windows of one peer group.

    Args:
        columns: feature values, NaN for null; a missing feature counts as null.
        rows: number of windows.
        peers: whom they are compared with.
        policy: `policy.evidence`.
    """
    places = {name: _Place.of(values, peers.ranks[name]) for name, values in columns.items() if name in peers.ranks}
    mixed = {k: _tail(look, columns, places, policy) for k, look in enumerate(LOOKS) if look.name in columns}
    shape = (rows, len(FAMILIES))
    tail, prior_tail, look_of = np.ones(shape), np.ones(shape), np.full(shape, -1, dtype=np.int64)
    for family, name in enumerate(FAMILIES):
        of_family = {k: mixed[k] for k, look in enumerate(LOOKS) if look.feature.family == name and k in mixed}
        if not of_family:
            continue
        tail[:, family], look_of[:, family] = _strongest(of_family, peers, rows)
        shipped = {
            k: np.maximum(tails, LOOKS[k].prior(columns[LOOKS[k].name]))
            for k, tails in of_family.items()
            if len(LOOKS[k].values) and LOOKS[k].is_extraction
        }
        if shipped:
            prior_tail[:, family], _ = _strongest(shipped, None, rows)
    floor = policy.evidence.family_floor
    return Judged(
        tail=np.maximum(tail, floor),
        look=look_of,
        points=points_of(np.maximum(tail, floor)),
        prior_points=points_of(np.maximum(prior_tail, floor)),
        ranks=_suspicious_ranks(places, columns),
        is_judged=np.asarray((look_of >= 0).any(axis=1)),
    )


def boundary(number: int, peers: Peers, policy: Policy) -> float:
    """The value at which a look stops contributing, if all looks of its family can be taken; NaN where it never does."""
    look = LOOKS[number]
    steps = [peers.ranks[look.name].steps] if look.name in peers.ranks else []
    candidates = np.unique(np.concatenate([*steps, look.values]))
    if not len(candidates):
        return float("nan")
    places = {look.name: _Place.of(candidates, peers.ranks[look.name])} if look.name in peers.ranks else {}
    tails = _tail(look, {look.name: candidates}, places, policy)
    together = np.zeros(len(candidates))
    for other in LOOKS:
        if other.feature.family == look.feature.family:
            together += tails if other.name in peers.ranks else other.level(tails)
    speaking = candidates[np.maximum(tails, together) < HALF]
    if not len(speaking):
        return float("nan")
    return float(speaking.min() if look.side == "high" else speaking.max())


@dataclass(frozen=True)
class _Place:
    below: I64
    upto: I64
    count: int
    size: int

    @classmethod
    def of(cls, values: F64, ranks: Ranks) -> "_Place":
        below, upto = percentile.position(values, ranks.steps)
        return cls(below, upto, len(ranks.steps), ranks.size)


def _tail(look: Look, columns: dict[str, F64], places: dict[str, _Place], policy: Policy) -> F64:
    """Share of benign accounts at least as extreme; NaN where the feature is null or nothing is known of it."""
    values = columns[look.name]
    prior = look.prior(values) if len(look.values) else None
    if look.name not in places:
        tails = np.full(len(values), np.nan) if prior is None else prior
    else:
        place = places[look.name]
        if look.side == "high":
            tails = percentile.at_least(place.below, place.count, place.size)
        else:
            tails = percentile.at_most(place.upto, place.count, place.size)
        if prior is not None:
            weight = place.size / (place.size + policy.evidence.peer_weight)
            tails = (1.0 - weight) * prior + weight * tails
    return np.asarray(np.where(np.isnan(values), np.nan, tails))


def _strongest(tails: dict[int, F64], peers: Peers | None, rows: int) -> tuple[F64, I64]:
    """Corrected tail of the most extreme look (the first of equals), and its number; 1 and -1 where all are NaN."""
    least, winner = np.full(rows, np.inf), np.full(rows, -1, dtype=np.int64)
    for number, tail in tails.items():
        is_less = tail < least
        least, winner = np.where(is_less, tail, least), np.where(is_less, number, winner)
    least = np.where(winner < 0, 1.0, least)
    together = np.zeros(rows)
    for number, tail in tails.items():
        reach = least if peers is not None and LOOKS[number].name in peers.ranks else LOOKS[number].level(least)
        together += np.where(np.isnan(tail), 0.0, reach)
    return np.minimum(1.0, np.maximum(least, together)), winner


def points_of(tail: F64) -> F64:
    """-log10(tail) to six decimals, 0 from one half on; rounded, so that no processor's last bit decides.

    >>> points_of(np.array([0.001, 0.5])).tolist()
    [3.0, 0.0]
    """
    return np.asarray(np.where(tail < HALF, np.round(-np.log10(tail), 6), 0.0))


def _suspicious_ranks(places: dict[str, _Place], columns: dict[str, F64]) -> dict[str, F64]:
    turned = {}
    for look in LOOKS:
        if look.name not in places or look.name in turned:
            continue
        place = places[look.name]
        rank = percentile.middle_rank(place.below, place.upto, place.count)
        if look.feature.suspicious == "low":
            rank = 1.0 - rank
        elif look.feature.suspicious == "both":
            rank = np.abs(2.0 * rank - 1.0)
        turned[look.name] = np.where(np.isnan(columns[look.name]), np.nan, rank)
    return turned
