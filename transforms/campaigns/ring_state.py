"""What is remembered of rings: who sent in whose handles and answers lately, who is of a ring, and what was said of each last."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Self

import polars as pl

from schemas.campaign import CAMPAIGN
from transforms.sketches.packing import pack, unpack

_TIME = pl.Datetime("us", "UTC")
_DAY = timedelta(days=1)
_VERSION = 3

SEEN = pl.Schema({"account_hash": pl.Int64(), "how": pl.String(), "key": pl.Int64(), "hour": _TIME})
"""The last hour in which an account sent in a handle or answer of another, or (`gave`) another one of its handles; of the last 24."""

ACCOUNTS = pl.Schema(
    {
        "account_hash": pl.Int64(), "account_id": pl.String(), "last": _TIME, "acts": pl.Boolean(), "calls": pl.Int64(),
        "output_tokens": pl.Int64(),
    }
)  # fmt: skip
"""Accounts on either side: the last tick at which a rule over handles and answers of others hit it (null: never), whether for acting, and its
calls with what is others'."""

EDGES = pl.Schema(
    {
        "low": pl.Int64(), "high": pl.Int64(), "first": _TIME, "last": _TIME, "key": pl.Int64(), "passages": pl.Int64(),
        "is_tied": pl.Boolean(),
    }
)  # fmt: skip
"""Pairs of accounts, the smaller hash first, one of which sent in what was the other's: the first tick and key, and the last tick; answers within
prompts among them, and whether it is more than chance."""

TOLD = pl.Schema({"campaign_id": pl.String(), "account_hash": pl.Int64(), "hour": _TIME})
"""The last hour in which a ring was counted against an account."""

MARKS = pl.Schema({"campaign_id": pl.String(), "day": _TIME, "exchanges": pl.Int64()})
"""Exchanges before the first tick of a day in which anything came back; of the last two such days."""


@dataclass
class Account:
    """An account on either side: a row of ACCOUNTS."""

    name: str
    last: datetime | None = None
    acts: bool = False
    calls: int = 0
    output_tokens: int | None = None

    def take(self, calls: int, tokens: int | None) -> None:
        """Adds calls with what is others', and their output tokens if they are known."""
        self.calls += calls
        if tokens is not None:
            self.output_tokens = (self.output_tokens or 0) + tokens


@dataclass(frozen=True)
class Edge:
    """Two accounts one of which sent in what was the other's: a row of EDGES."""

    first: datetime
    last: datetime
    key: int
    passages: int = 0
    is_tied: bool = False

    def again(self, tick: datetime, passages: int | None, least: int) -> "Edge":
        """The pair seen once more, with so many new answers within prompts, of which `least` tie it, or (None) with what no chance explains."""
        every = self.passages + (passages or 0)
        return replace(self, last=tick, passages=every, is_tied=self.is_tied or passages is None or every >= least)


def spans_of(edges: Mapping[tuple[int, int], Edge], accounts: Collection[int]) -> list[tuple[datetime, datetime]]:
    """Of each of some accounts the first and the last tick at which one sent in what was the other's, as far as that is remembered."""
    found: dict[int, tuple[datetime, datetime]] = {}
    for pair, edge in edges.items():
        for one in pair if pair[0] in accounts and pair[1] in accounts else ():
            first, last = found.get(one, (edge.first, edge.last))
            found[one] = min(first, edge.first), max(last, edge.last)
    return [found[one] for one in sorted(found)]


@dataclass
class Union:
    """Which accounts are connected: a forest, each pointing towards one of its own."""

    parents: dict[int, int] = field(default_factory=dict)

    def find(self, one: int) -> int:
        """The account that stands for all that it is connected with."""
        while (parent := self.parents.setdefault(one, one)) != one:
            self.parents[one] = one = self.parents[parent]
        return one

    def join(self, one: int, other: int) -> None:
        """Connects two accounts; the smaller stands for both."""
        low, high = sorted((self.find(one), self.find(other)))
        self.parents[high] = low

    def groups(self) -> list[set[int]]:
        """The connected accounts, by the smallest of each."""
        found: dict[int, set[int]] = {}
        for one in sorted(self.parents):
            found.setdefault(self.find(one), set()).add(one)
        return [found[one] for one in sorted(found)]


Sightings = dict[tuple[int, str], dict[int, datetime]]


@dataclass(frozen=True)
class RingState:
    """State of all rings: frames of SEEN, ACCOUNTS, EDGES, TOLD, MARKS, and CAMPAIGN rows of all rings there ever were."""

    rings: pl.DataFrame
    seen: pl.DataFrame
    accounts: pl.DataFrame
    edges: pl.DataFrame
    told: pl.DataFrame
    marks: pl.DataFrame

    @classmethod
    def empty(cls) -> Self:
        """No ring yet."""
        return cls.of(CAMPAIGN.empty(), {}, {}, {}, {}, {})

    @classmethod
    def of(
        cls,
        rings: pl.DataFrame,
        seen: Mapping[tuple[int, str], Mapping[int, datetime]],
        accounts: Mapping[int, Account],
        edges: Mapping[tuple[int, int], Edge],
        told: Mapping[str, Mapping[int, datetime]],
        marks: Mapping[str, Mapping[datetime, int]],
    ) -> Self:
        """The state of these, each sorted by its key."""
        parts: dict[str, list[tuple[Any, ...]]] = {
            "seen": [(*of, key, hour) for of, keys in sorted(seen.items()) for key, hour in sorted(keys.items())],
            "accounts": [
                (one, a.name, a.last, a.acts, a.calls, a.output_tokens) for one, a in sorted(accounts.items())
            ],
            "edges": [
                (*pair, edge.first, edge.last, edge.key, edge.passages, edge.is_tied)
                for pair, edge in sorted(edges.items())
            ],
            "told": [(name, *row) for name, of in sorted(told.items()) for row in sorted(of.items())],
            "marks": [(name, *row) for name, of in sorted(marks.items()) for row in sorted(of.items())],
        }
        frames = {name: pl.DataFrame(rows, schema=_LAYOUT[name], orient="row") for name, rows in parts.items()}
        return cls(rings=rings, **frames)

    def rested(self, until: datetime) -> Self:
        """The state at `until` if nothing came back."""
        after = until.replace(minute=0, second=0, microsecond=0) - _DAY
        return self if self.seen.is_empty() else replace(self, seen=self.seen.filter(pl.col("hour") > after))

    def sightings(self) -> Sightings:
        """SEEN: by account and how it has to do with them, the last hour of each handle and answer."""
        found: Sightings = {}
        for account, how, key, hour in self.seen.iter_rows():
            found.setdefault((account, how), {})[key] = hour
        return found

    def accounts_by_hash(self) -> dict[int, Account]:
        """ACCOUNTS, by hash."""
        return {one: Account(*rest) for one, *rest in self.accounts.iter_rows()}

    def edges_by_pair(self) -> dict[tuple[int, int], Edge]:
        """EDGES, by pair."""
        return {(low, high): Edge(*rest) for low, high, *rest in self.edges.iter_rows()}

    def told_by_ring(self) -> dict[str, dict[int, datetime]]:
        """TOLD, by ring and account."""
        found: dict[str, dict[int, datetime]] = {}
        for name, account, hour in self.told.iter_rows():
            found.setdefault(name, {})[account] = hour
        return found

    def marks_by_ring(self) -> dict[str, dict[datetime, int]]:
        """MARKS, by ring and day."""
        found: dict[str, dict[datetime, int]] = {}
        for name, day, exchanges in self.marks.iter_rows():
            found.setdefault(name, {})[day] = exchanges
        return found

    def to_bytes(self) -> bytes:
        """The state as versioned bytes."""
        return pack("rings", _VERSION, {name: getattr(self, name) for name in ("rings", *_LAYOUT)})

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """The inverse of `to_bytes`; raises ValueError on other bytes."""
        parts = unpack(data, "rings", _VERSION)
        return cls(**parts | {"rings": CAMPAIGN.conform(parts["rings"])})


_LAYOUT = {"seen": SEEN, "accounts": ACCOUNTS, "edges": EDGES, "told": TOLD, "marks": MARKS}
