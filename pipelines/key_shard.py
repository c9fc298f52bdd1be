"""What DETECT does for one shard of trait keys: what comes back from other accounts, shared keys and ties, and the state they keep."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

import polars as pl

from pipelines.lake.state import Manifest, Remembered, States
from schemas.foreign import FOREIGN
from schemas.policy import Policy
from transforms.campaigns import Base, TieState, but_among_customers, tie
from transforms.links import (
    COME_BACK,
    AnswerState,
    Compact,
    LinkState,
    Names,
    PostingState,
    Segment,
    Table,
    postings,
    replay,
    reuse,
)
from transforms.links.postings import Piece

STATES: dict[str, type[Remembered]] = {
    "links": LinkState,
    "answers": AnswerState,
    "postings": Table,
    "segments": Segment,
    "names": Names,
    "ties": TieState,
}
"""What is remembered of a shard, by the stage's name; of the index some entries: `segments/shard-003-20261101-000`."""

_PIECES: dict[str, type[Piece]] = {"postings": Table, "segments": Segment, "names": Names}
_HANDLES = ("handle_issued", "handle_used")


@dataclass(frozen=True)
class ShardState:
    """What the stages of one shard remember."""

    handles: LinkState
    answers: AnswerState
    index: PostingState
    ties: TieState

    @classmethod
    def read(cls, states: States, manifest: Manifest, key: str) -> Self:
        """The shard's state after the run that wrote the manifest; empty where it has none."""
        pieces = {
            piece: states.restore(manifest[entry], _PIECES[piece.partition("-")[0]])
            for entry, piece in _entries(manifest, key).items()
        }
        return cls(
            handles=states.restore(manifest.get(f"links/{key}"), LinkState),
            answers=states.restore(manifest.get(f"answers/{key}"), AnswerState),
            index=PostingState.of(pieces),
            ties=states.restore(manifest.get(f"ties/{key}"), TieState),
        )

    def write(self, before: Self, states: States, key: str, run_id: str) -> tuple[Manifest, list[str]]:
        """Stores what is not as it was before; returns its entries for the run's manifest, and the entries that go."""
        written = {f"links/{key}": states.store("links", key, run_id, self.handles)}
        if self.answers is not before.answers:
            written[f"answers/{key}"] = states.store("answers", key, run_id, self.answers)
        if self.ties is not before.ties:
            written[f"ties/{key}"] = states.store("ties", key, run_id, self.ties)
        was, now = before.index.pieces(), self.index.pieces()
        for piece, of in now.items():
            if was.get(piece) is not of:
                stage, rest = _stage_and_rest(piece, key)
                written[f"{stage}/{rest}"] = states.store(stage, rest, run_id, of)
        return written, ["/".join(_stage_and_rest(piece, key)) for piece in was if piece not in now]


@dataclass(frozen=True)
class ShardRows:
    """What the stages of one shard give out.

    Attributes:
        foreign: FOREIGN rows.
        ties: TIE rows.
        tied: TIED rows.
        prompts: SHARED rows of exact prompts.
    """

    foreign: pl.DataFrame
    ties: pl.DataFrame
    tied: pl.DataFrame
    prompts: pl.DataFrame


def step(
    state: ShardState, traits: Compact, registry: pl.DataFrame, base: Base, until: datetime, policy: Policy
) -> tuple[ShardState, ShardRows]:
    """The shard's state at `until`, and the rows of the ticks closed since.

    Args:
        state: as of the end of the last closed tick.
        traits: those of the shard's keys, of all accounts, from then until `until`.
        registry: REGISTRY rows, at most one an account.
        base: what is ordinary; frozen for the day.
        until: end of the last tick closed by this step.
        policy: the configuration.
    """
    handles, redeemed = replay.step(state.handles, traits.traits(_HANDLES), until, policy)
    answers, came_back = reuse.step(state.answers, traits.traits(COME_BACK), until, policy)
    foreign = but_among_customers(FOREIGN.conform(pl.concat([redeemed, came_back])), registry, policy.campaigns)
    index, shared = postings.step(state.index, traits.but(COME_BACK), until, policy)
    held, ties, tied = tie(state.ties, shared, registry, base, until, policy)
    prompts = shared.filter(pl.col("kind") == "payload")
    return ShardState(handles, answers, index, held), ShardRows(foreign, ties, tied, prompts)


def _entries(manifest: Manifest, key: str) -> dict[str, str]:
    """Entries of the shard's index, and the pieces they are of."""
    found = {}
    for entry in manifest:
        stage, _, rest = entry.partition("/")
        if stage in _PIECES and (rest == key or rest.startswith(f"{key}-")):
            found[entry] = stage + rest.removeprefix(key)
    return found


def _stage_and_rest(piece: str, key: str) -> tuple[str, str]:
    """Stage and key of a piece's state."""
    stage, dash, rest = piece.partition("-")
    return stage, key + dash + rest
