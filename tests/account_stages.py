"""Order, sessions, features and rules of a log in one run or in many, and the same by the oracle."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import polars as pl
from polars.testing import assert_frame_equal

import oracle_features
import oracle_order
import oracle_rules
import oracle_sessions
from given_events import DAY
from schemas.foreign import FOREIGN
from schemas.hit import HIT
from schemas.policy import Policy, Rules
from schemas.registry import REGISTRY
from schemas.session import SESSION
from schemas.snapshot import PEER
from schemas.tally import TALLY
from schemas.trait import TRAIT
from schemas.window import WINDOW
from shown_difference import assert_same_rows
from transforms import features, links, order, sessions
from transforms.detectors import ReplayState, RulesState, replays, rules

LOW = Rules(
    handle_replays=1,
    handles_again=1,
    conversations_moved=1,
    answers_reused=2,
    sweep_tokens=2,
    sweep_calls=2,
    sweep_act_tokens=3,
    fresh_calls=1,
    logprob_calls=1,
    wide_logprob_calls=2,
    bypass_refusals=2,
    download_objects=2,
    download_breadth=3,
    download_least_numbered=2,
    system_prompt_asks=2,
)
"""Thresholds that a log of a few calls can reach."""

POLICY = replace(Policy(), rules=LOW)
TICK = timedelta(minutes=5)
CONTRACTS = {"tallies": TALLY, "traits": TRAIT, "sessions": SESSION, "windows": WINDOW, "hits": HIT}
Frames = dict[str, pl.DataFrame]


class Stages:
    """The four stages of an account group with their states.

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
        self.rules = RulesState.empty()

    def step(self, events: pl.DataFrame, until: datetime) -> Frames:
        self.order, made = order.step(self.order, events, self.registry, until, POLICY)
        self.sessions, closed = sessions.step(self.sessions, made.tallies, until, POLICY)
        self.features, windows = features.step(
            self.features, made.tallies, made.traits, self.peers, self.registry, until, POLICY
        )
        self.rules, hits = rules.step(self.rules, made.tallies, made.traits, until, POLICY)
        return {
            "tallies": made.tallies,
            "traits": made.traits,
            "sessions": closed,
            "windows": windows,
            "hits": hits,
            "counts": made.counts,
        }

    def through_bytes(self) -> None:
        """The states written and read back."""
        self.order = order.OrderState.from_bytes(self.order.to_bytes())
        self.sessions = sessions.SessionState.from_bytes(self.sessions.to_bytes())
        self.features = features.FeatureState(
            features.ClosedHours.from_bytes(self.features.closed.to_bytes()),
            features.OpenHours.from_bytes(self.features.open.to_bytes()),
        )
        self.rules = RulesState.from_bytes(self.rules.to_bytes())

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
    tallies, traits = oracle_order.tallies(calls, POLICY.time.tick), oracle_order.traits(calls, POLICY, registry)
    return {
        "tallies": tallies,
        "traits": traits,
        "sessions": oracle_sessions.sessions(calls, until, POLICY),
        "hits": oracle_rules.hits(tallies, traits, POLICY),
        "windows": oracle_features.windows(calls, until, POLICY, peers, registry),
    }


def redeemed(tallies: pl.DataFrame, traits: pl.DataFrame, borders: Sequence[datetime], shards: int = 1) -> Frames:
    """What the stages that look across accounts at handles and answers make of a log, in as many runs and shards."""
    linked = [links.LinkState.empty()] * shards
    answered = [links.AnswerState.empty()] * shards
    replayed, since = ReplayState.empty(), DAY - timedelta(days=9000)
    found: list[pl.DataFrame] = [FOREIGN.empty()]
    hits: list[pl.DataFrame] = [HIT.empty()]
    for until in borders:
        new = (pl.col("tick") >= since) & (pl.col("tick") < until)
        rows = traits.filter(new)
        parts = [
            links.replay.step(state, rows.filter(pl.col("key") % shards == n), until, POLICY)
            for n, state in enumerate(linked)
        ]
        linked = [links.LinkState.from_bytes(state.to_bytes()) for state, _ in parts]
        backs = [
            links.reuse.step(state, rows.filter(pl.col("key") % shards == n), until, POLICY)
            for n, state in enumerate(answered)
        ]
        answered = [links.AnswerState.from_bytes(state.to_bytes()) for state, _ in backs]
        came = FOREIGN.conform(pl.concat(part for _, part in [*parts, *backs]))
        given = came.filter(pl.col("kind") == "handle_used")
        replayed, held = replays.step(replayed, came, given, tallies.filter(new), until, POLICY)
        replayed = ReplayState.from_bytes(replayed.to_bytes())
        found.append(came)
        hits.append(held)
        since = until
    return {"foreign": FOREIGN.conform(pl.concat(found)), "replays": HIT.conform(pl.concat(hits))}


def redeemed_by_oracle(tallies: pl.DataFrame, traits: pl.DataFrame) -> Frames:
    """The same in plain Python."""
    foreign = oracle_rules.foreign(traits, POLICY)
    return {"foreign": foreign, "replays": oracle_rules.replays(foreign, tallies, POLICY)}


def assert_equal(one: Frames, other: Frames, events: pl.DataFrame, *, rel_tol: float = 0.0) -> None:
    """Every frame of the second is in the first, and equal; to the last bit where no tolerance is given.

    A failure shows the first unequal row and those of `events` it came from.
    """
    for name, frame in other.items():
        if name == "counts":
            assert_frame_equal(one[name], frame)
        else:
            assert_same_rows(_KINDS[name], one[name], frame, events, rel_tol)


_KINDS = CONTRACTS | {"foreign": FOREIGN, "replays": HIT}
