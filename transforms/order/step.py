"""The first stage that remembers: events in, what each account did in each tick out."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

import polars as pl

from schemas.call import SAMPLED_CALL
from schemas.event import EVENT
from schemas.policy import Policy
from schemas.tally import TALLY
from schemas.trait import TRAIT
from transforms.order import identity, memory, sampled, shown, tally, traits
from transforms.order.sequence import in_order
from transforms.order.ticks import cut
from transforms.sketches.mix import I64
from transforms.sketches.packing import pack, unpack

_COLUMNS = sorted({*tally.COLUMNS, *shown.COLUMNS, *traits.COLUMNS, *identity.COLUMNS, *sampled.COLUMNS})
_LAYOUT = memory.LAYOUT | {"told": identity.LAYOUT}
_COUNTS = {"source": pl.String(), "accepted": pl.Int64(), "duplicates": pl.Int64()}
_VERSION = 2


@dataclass(frozen=True)
class OrderState:
    """What the next call of an account is compared with; everything older has been forgotten.

    Attributes:
        calls: account and time of its last call.
        refusals: account, exact prompt and time of its last refusal.
        walks: account, shape, number and time of its last numbered download of the shape.
        told: account, kind and key of what it was created and paid with, as far as shown today.
    """

    calls: pl.DataFrame
    refusals: pl.DataFrame
    walks: pl.DataFrame
    told: pl.DataFrame

    @classmethod
    def empty(cls) -> Self:
        """Nothing seen yet."""
        return cls(**{name: pl.DataFrame(schema=schema) for name, schema in _LAYOUT.items()})

    def to_bytes(self) -> bytes:
        """The state as versioned bytes."""
        return pack("order", _VERSION, {name: getattr(self, name) for name in _LAYOUT})

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """The inverse of `to_bytes`; raises ValueError on other bytes."""
        return cls(**unpack(data, "order", _VERSION))

    def rested(self, until: datetime) -> Self:
        """The state at `until` if no call came."""
        return type(self)(
            calls=memory.still_known(self.calls, until - memory.LONGEST_GAP),
            refusals=memory.still_known(self.refusals, until - memory.REFUSAL_MEMORY),
            walks=memory.still_known(self.walks, until - memory.WALK_MEMORY),
            told=identity.still_told(self.told, until),
        )


@dataclass(frozen=True)
class Ordered:
    """What the stage gives out.

    Attributes:
        tallies: TALLY rows.
        traits: TRAIT rows.
        calls: SAMPLED_CALL rows.
        counts: source, accepted, duplicates.
    """

    tallies: pl.DataFrame
    traits: pl.DataFrame
    calls: pl.DataFrame
    counts: pl.DataFrame


def step(
    state: OrderState, events: pl.DataFrame, registry: pl.DataFrame, until: datetime, policy: Policy
) -> tuple[OrderState, Ordered]:
    """The state at `until`, and the ticks of these events.

    Args:
        state: as of the end of the last closed tick.
        events: all events of some accounts from then until `until`, in any order.
        registry: REGISTRY rows, at most one an account.
        until: end of the last tick closed by this step.
        policy: length of a tick; which minhash slots become traits; campaigns.least_accounts; how many calls are sampled.
    """
    if events.is_empty():
        nothing = Ordered(TALLY.empty(), TRAIT.empty(), SAMPLED_CALL.empty(), pl.DataFrame(schema=_COUNTS))
        return state.rested(until), nothing
    sequenced = in_order(events)
    ticks = cut(sequenced, _gathered(events, sequenced.rows), policy.time.tick_minutes)
    answered, refusals = memory.answers(ticks, state.refusals)
    numbered, sequential, walks = memory.walks(ticks, state.walks)
    derived = tally.Derived(memory.gaps(ticks, state.calls), answered, numbered, sequential)
    identities = identity.identities(ticks, registry, state.told)
    payers = identity.payers(ticks, registry, policy.campaigns.least_accounts)
    after = OrderState(
        calls=memory.last_calls(ticks, state.calls, until),
        refusals=memory.last_refusals(state.refusals, refusals, until),
        walks=memory.last_walks(state.walks, walks, until),
        told=identity.told_until(ticks, identities, state.told, until),
    )
    counted = Ordered(
        tallies=tally.tally(ticks, derived),
        traits=traits.traits(ticks, derived.gap_ms, identities | payers, policy.traits),
        calls=sampled.sampled(ticks, policy.distribution.sampled_calls),
        counts=sequenced.counts,
    )
    return after, counted


def _gathered(events: pl.DataFrame, rows: I64) -> pl.DataFrame:
    """The columns that are read here, of these rows; no work for columns that hold nothing, of which a log has many."""
    filled = [name for name in _COLUMNS if events[name].null_count() < events.height]
    nothing = [pl.lit(None, EVENT.polars[name]).alias(name) for name in _COLUMNS if name not in filled]
    return events.select(filled)[rows].with_columns(nothing).select(_COLUMNS)
