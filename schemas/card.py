"""What a detector says about itself: what it sees, what it cannot see, what to do when it fires."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from schemas.event import Presence
from schemas.policy import Rules

Row = Mapping[str, Any]

CARD_OF_FAMILY = {"joint": "joint", "change": "change"}
CARD_OF_LAYER = {"L1": "evidence", "L2": "campaign", "L3": "distribution"}
"""Whose card a signal belongs to: the name of an L0 signal begins with the rule's id, up to a dot; else its family decides, else its layer."""


@dataclass(frozen=True)
class Example:
    """Small data on which a detector fires or stays silent; columns left out are zero, false or empty.

    Attributes:
        says: one sentence: who this is.
        tallies: rows of TALLY; `minute` (since midnight) stands for the tick.
        traits: rows of TRAIT of the same account, likewise.
        foreign: rows of FOREIGN, likewise.
        window: features of one WINDOW row.
        peers: features of the WINDOW rows the peer group has shown before, each as often as its `times` says.
        calls: SAMPLED_CALL rows of the account, each as often as its `times` says; columns left out are ordinary.
        shared: rows of SHARED of several accounts, likewise.
        accounts: what is on file of them: account_id, `age_days` for the time of creation, payment_id, signup_path.
        change: (series, hours since the change was seen) of one DRIFT row, if any.
    """

    says: str
    tallies: tuple[Row, ...] = ()
    traits: tuple[Row, ...] = ()
    foreign: tuple[Row, ...] = ()
    window: Row | None = None
    peers: tuple[Row, ...] = ()
    calls: tuple[Row, ...] = ()
    shared: tuple[Row, ...] = ()
    accounts: tuple[Row, ...] = ()
    change: tuple[str, int] | None = None


@dataclass(frozen=True)
class Card:
    """One detector's card.

    Attributes:
        id: stable id; the `signal` of its signals, except where it speaks for many features.
        layer: L0 (rule), L1 (model), L2 (campaign) or L3 (distribution test).
        family: family of its signals; evidence is counted once a family.
        sees: what it sees, one sentence.
        blind_to: what it cannot see or mistakes, one sentence.
        needs: fields without which it cannot look.
        techniques: MITRE ATLAS ids.
        severity: how bad a hit is before any damage is counted.
        kind: what a hit looks like.
        points: decades a hit adds to the score: -log10 of the share of benign accounts its threshold leaves.
        points_reason: where that share comes from.
        policy: keys of the policy, or whole sections, that decide when it fires.
        runbook: two or three steps for the analyst.
        firing: data on which it fires.
        silent: the closest look-alike, on which it does not.
        act: the observed value from which a hit may be acted on without a look; None where none justifies that.
        act_reason: why, "" where `act` is None.
    """

    id: str
    layer: str
    family: str
    sees: str
    blind_to: str
    needs: Presence
    techniques: tuple[str, ...]
    severity: str
    kind: str
    points: float
    points_reason: str
    policy: tuple[str, ...]
    runbook: tuple[str, ...]
    firing: Example
    silent: Example
    act: Callable[[Rules], float] | None = None
    act_reason: str = ""
