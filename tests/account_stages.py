"""Order, sessions and features of a log in one run or in many, and the same by the oracle."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import polars as pl
from polars.testing import assert_frame_equal

import oracle_features
import oracle_order
import oracle_sessions
from given_events import DAY
from schemas.policy import Policy
from schemas.registry import REGISTRY
from schemas.session import SESSION
from schemas.snapshot import PEER
from schemas.tally import TALLY
from schemas.trait import TRAIT
from schemas.window import WINDOW
from transforms import features, order, sessions

POLICY = Policy()
TICK = timedelta(minutes=5)
CONTRACTS = {"tallies": TALLY, "traits": TRAIT, "sessions": SESSION, "windows": WINDOW}
Frames = dict[str, pl.DataFrame]


class Stages:
    """The three stages with their states.

    Args:
        peers: PEER rows.
        registry: REGISTRY rows.
    """

    def __init__(self, peers: pl.DataFrame | None = None, registry: pl.DataFrame | None = None) -> None:
        self.peers = PEER.empty() if peers is None else peers
        self.registry = REGISTRY.empty() if registry is None else registry
        self.order = order.OrderState.empty()
        self.sessions = sessions.SessionState.empty()
        self.features = features.FeatureState.empty()

    def step(self, events: pl.DataFrame, until: datetime) -> Frames:
        self.order, made = order.step(self.order, events, until, POLICY)
        self.sessions, closed = sessions.step(self.sessions, made.tallies, until, POLICY)
        self.features, windows = features.step(
            self.features, made.tallies, made.traits, self.peers, self.registry, until, POLICY
        )
        return {
            "tallies": made.tallies,
            "traits": made.traits,
            "sessions": closed,
            "windows": windows,
            "counts": made.counts,
        }

    def through_bytes(self) -> None:
        """The states written and read back."""
        self.order = order.OrderState.from_bytes(self.order.to_bytes())
        self.sessions = sessions.SessionState.from_bytes(self.sessions.to_bytes())
        self.features = features.FeatureState.from_bytes(self.features.to_bytes())

    def still_open(self) -> Frames:
        return {
            "sessions": sessions.still_open(self.sessions, POLICY),
            "windows": features.still_open(self.features, self.peers, self.registry, POLICY),
        }


def run(events: pl.DataFrame, borders: Sequence[datetime], *, as_bytes: bool = False, **known: pl.DataFrame) -> Frames:
    """What all runs up to each of the borders give together."""
    stages, since = Stages(**known), DAY - timedelta(days=9000)
    out: list[Frames] = []
    for until in borders:
        mine = events.filter((pl.col("time") >= since) & (pl.col("time") < until)) if len(borders) > 1 else events
        out.append(stages.step(mine, until))
        if as_bytes:
            stages.through_bytes()
        since = until
    return together(out)


def together(parts: Sequence[Frames]) -> Frames:
    """The rows of several runs or groups as one."""
    frames = {name: contract.conform(pl.concat(p[name] for p in parts)) for name, contract in CONTRACTS.items()}
    counts = pl.concat(p["counts"] for p in parts)
    return frames | {"counts": counts.group_by("source").agg(pl.col("accepted", "duplicates").sum()).sort("source")}


def by_oracle(
    events: pl.DataFrame,
    until: datetime,
    peers: dict[str, str] | None = None,
    registry: dict[str, dict[str, Any]] | None = None,
) -> Frames:
    """The same in plain Python."""
    calls = oracle_order.with_memory(oracle_order.in_order(events), POLICY)
    return {
        "tallies": oracle_order.tallies(calls, POLICY.time.tick),
        "traits": oracle_order.traits(calls, POLICY),
        "sessions": oracle_sessions.sessions(calls, until, POLICY),
        "windows": oracle_features.windows(calls, until, POLICY, peers, registry),
    }


def assert_equal(one: Frames, other: Frames, *, rel_tol: float | None = None) -> None:
    """Every frame of the second is in the first, and equal; to the last bit where no tolerance is given."""
    for name, frame in other.items():
        if rel_tol is None:
            assert_frame_equal(one[name], frame, check_exact=True)
        else:
            assert_frame_equal(one[name], frame, rel_tol=rel_tol)
