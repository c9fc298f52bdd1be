"""What is remembered of campaigns: their keys, the accounts that hold those, what was said of each last."""

from dataclasses import dataclass
from typing import Self

import polars as pl

from schemas.campaign import CAMPAIGN
from schemas.tie import TIED
from transforms.campaigns.habits import Record
from transforms.sketches.packing import pack, unpack

_TIME = pl.Datetime("us", "UTC")

KEYS = pl.Schema({"kind": pl.String(), "key": pl.Int64(), "since": _TIME, "last_tick": _TIME})
"""Tied keys, and such as were so nearly: the first tick at which each was tied (null: never yet), and the last of a tie."""

TOLD = pl.Schema({"campaign_id": pl.String(), "account_hash": pl.Int64(), "hour": _TIME})
"""The last hour in which a campaign was counted against an account."""

MARKS = pl.Schema({"campaign_id": pl.String(), "day": _TIME, "exchanges": pl.Int64()})
"""Exchanges before the first tick of a day in which the campaign was seen; of the last two such days."""

PROMPTS = pl.Schema({"key": pl.Int64(), "account_hash": pl.Int64(), "last_tick": _TIME})
"""Exact prompts that several accounts sent, of a sample of one in schemas.trait.SAMPLED."""

_VERSION = 4
_HABITS = ("used", "blocks", "models", "visited", "done", "windows")


@dataclass(frozen=True)
class CampaignState:
    """State of all campaigns.

    Attributes:
        keys: tied keys (KEYS).
        held: latest TIED row of each key and account.
        campaigns: CAMPAIGN rows as of the last tick at which each was seen; of all there ever were, findings speak of them.
        told: TOLD rows.
        marks: MARKS rows.
        prompts: PROMPTS rows.
        habits: what the accounts that hold tied keys do beside.
    """

    keys: pl.DataFrame
    held: pl.DataFrame
    campaigns: pl.DataFrame
    told: pl.DataFrame
    marks: pl.DataFrame
    prompts: pl.DataFrame
    habits: Record

    @classmethod
    def empty(cls) -> Self:
        """No campaign yet."""
        return cls(
            keys=pl.DataFrame(schema=KEYS),
            held=TIED.empty(),
            campaigns=CAMPAIGN.empty(),
            told=pl.DataFrame(schema=TOLD),
            marks=pl.DataFrame(schema=MARKS),
            prompts=pl.DataFrame(schema=PROMPTS),
            habits=Record.empty(),
        )

    def to_bytes(self) -> bytes:
        """The state as versioned bytes."""
        parts = {name: getattr(self, name) for name in ("keys", "held", "campaigns", "told", "marks", "prompts")}
        return pack("campaigns", _VERSION, parts | {name: getattr(self.habits, name) for name in _HABITS})

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """The inverse of `to_bytes`; raises ValueError on other bytes."""
        parts = unpack(data, "campaigns", _VERSION)
        habits = Record(**{name: parts.pop(name) for name in _HABITS})
        shaped = {"campaigns": CAMPAIGN.conform(parts["campaigns"]), "held": TIED.conform(parts["held"])}
        return cls(**parts | shaped, habits=habits)
