"""What DETECT does for one account group: the rooms in the order of the data, and the state they keep."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

import polars as pl

from pipelines.lake.state import Kind, Late, Manifest, Remembered, States
from schemas.hit import HIT
from schemas.policy import Policy
from schemas.snapshot import Snapshot
from transforms import distribution, features, order, sessions
from transforms.detectors import ReplayState, RulesState, rules, score, shapes
from transforms.distribution import ClosedVectors, DistributionState, OpenVectors
from transforms.features import ClosedHours, FeatureState, OpenHours
from transforms.findings import FindingsState
from transforms.order import OrderState
from transforms.sessions import SessionState

STATES: dict[str, type[Remembered]] = {
    "order": OrderState,
    "sessions": SessionState,
    "features": ClosedHours,
    "open_features": OpenHours,
    "rules": RulesState,
    "distribution": ClosedVectors,
    "open_distribution": OpenVectors,
    "replay": ReplayState,
    "findings": FindingsState,
}
"""What each stage of DETECT remembers of an account group, by the stage's name."""


@dataclass(frozen=True)
class GroupState:
    """What the stages of one account group remember."""

    order: OrderState
    sessions: SessionState
    features: FeatureState
    rules: RulesState
    distribution: DistributionState

    @classmethod
    def read(cls, states: States, manifest: Manifest, key: str, until: datetime | None = None) -> Self:
        """The group's state after the run that wrote the manifest; empty where it has none.

        Args:
            states: the lake's states.
            manifest: which of them hold.
            key: the group.
            until: end of the last tick that is closed. With it, what is remembered of closed hours is read when somebody asks for it:
                most of a lake's state, which a tick that closes no hour leaves alone.
        """

        def restored(stage: str, kind: type[Kind]) -> Kind:
            return states.restore(manifest.get(f"{stage}/{key}"), kind)

        def closed(stage: str, kind: type[Late]) -> Late:
            name = manifest.get(f"{stage}/{key}")
            if name is None or until is None:
                return states.restore(name, kind)
            return states.later(name, kind, **kind.closed_with(until))

        return cls(
            order=restored("order", OrderState),
            sessions=restored("sessions", SessionState),
            features=FeatureState(closed("features", ClosedHours), restored("open_features", OpenHours)),
            rules=restored("rules", RulesState),
            distribution=DistributionState(
                closed("distribution", ClosedVectors), restored("open_distribution", OpenVectors)
            ),
        )

    def write(self, before: Self, states: States, key: str, run_id: str) -> Manifest:
        """Stores what is not as it was before; returns its entries for the run's manifest."""
        was, now = before.pieces(), self.pieces()
        return {
            f"{stage}/{key}": states.store(stage, key, run_id, piece)
            for stage, piece in now.items()
            if piece is not was[stage]
        }

    def pieces(self) -> dict[str, Remembered]:
        """What the state is stored as, by stage; what did not change between two states is the same object."""
        return {
            "order": self.order,
            "sessions": self.sessions,
            "features": self.features.closed,
            "open_features": self.features.open,
            "rules": self.rules,
            "distribution": self.distribution.closed,
            "open_distribution": self.distribution.open,
        }


@dataclass(frozen=True)
class GroupRows:
    """What the stages of one account group give out.

    Attributes:
        counts: source, accepted, duplicates.
        tallies: TALLY rows.
        traits: TRAIT rows.
        sessions: SESSION rows that closed.
        windows: WINDOW rows of hours that ended.
        scored: SCORED rows of the same windows.
        embeddings: EMBEDDING rows of hours that ended.
        tested: TESTED rows of the windows of these hours.
        hits: HIT rows of rules and shapes over an account's own calls.
    """

    counts: pl.DataFrame
    tallies: pl.DataFrame
    traits: pl.DataFrame
    sessions: pl.DataFrame
    windows: pl.DataFrame
    scored: pl.DataFrame
    embeddings: pl.DataFrame
    tested: pl.DataFrame
    hits: pl.DataFrame


def step(
    state: GroupState,
    events: pl.DataFrame,
    snapshot: Snapshot,
    registry: pl.DataFrame,
    until: datetime,
    policy: Policy,
) -> tuple[GroupState, GroupRows]:
    """The group's state at `until`, and the rows of the ticks closed since.

    Args:
        state: as of the end of the last closed tick.
        events: EVENT rows of the group's accounts from then until `until`.
        snapshot: what holds on the day; frozen.
        registry: REGISTRY rows, at most one an account.
        until: end of the last tick closed by this step.
        policy: the configuration.
    """
    ordered_state, ordered = order.step(state.order, events, registry, until, policy)
    session_state, closed = sessions.step(state.sessions, ordered.tallies, until, policy)
    feature_state, windows = features.step(
        state.features, ordered.tallies, ordered.traits, snapshot["peers"], registry, until, policy
    )
    rule_state, hits = rules.step(state.rules, ordered.tallies, ordered.traits, until, policy)
    seen_state, embeddings, trailing = distribution.step(state.distribution, ordered.calls, until)
    after = GroupState(ordered_state, session_state, feature_state, rule_state, seen_state)
    return after, GroupRows(
        counts=ordered.counts,
        tallies=ordered.tallies,
        traits=ordered.traits,
        sessions=closed,
        windows=windows,
        scored=score(windows, snapshot, policy),
        embeddings=embeddings,
        tested=distribution.measured(trailing, windows, snapshot, policy),
        hits=HIT.conform(pl.concat([hits, shapes.step(windows, policy)])),
    )


def still_open(
    state: GroupState, snapshot: Snapshot, registry: pl.DataFrame, policy: Policy
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Provisional SESSION, WINDOW and SCORED rows of what the state holds open, TESTED and HIT rows of these windows."""
    windows = features.still_open(state.features, snapshot["peers"], registry, policy)
    tested = distribution.measured(distribution.still_open(state.distribution), windows, snapshot, policy)
    open_sessions = sessions.still_open(state.sessions, policy)
    return open_sessions, windows, score(windows, snapshot, policy), tested, shapes.step(windows, policy)
