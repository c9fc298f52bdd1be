"""How far an account's calls lie from those of its peers, and how many benign accounts lie as far."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import polars as pl

from schemas.embedding import MAPS, UNIT, WAVES, EmbeddingMap
from schemas.policy import Policy
from schemas.snapshot import EVERYONE, RANK_STEPS, Snapshot
from schemas.tested import TESTED
from transforms.distribution.embedding import table
from transforms.sketches import percentile
from transforms.sketches.mix import I64
from transforms.sketches.whitening import Centre, alike

F64 = npt.NDArray[np.float64]

TYPICAL_MOST = 0.95
"""The share of benign accounts that lie nearer than an excess of 1: the threshold of the published test (threats.md 3.1)."""

_ORDER = {one.name: place for place, one in enumerate(MAPS)}


@dataclass(frozen=True)
class Null:
    """How far benign accounts lie from the centre with some number of calls.

    Attributes:
        steps: quantiles of distances, ascending.
        size: account-days behind them.
    """

    steps: F64
    size: int

    def at(self, share: float) -> float:
        """The distance that this share of benign accounts stays below."""
        return float(self.steps[round(share * RANK_STEPS)])

    def tails(self, distances: F64) -> F64:
        """Share of benign accounts at least as far away."""
        below, _ = percentile.position(distances, self.steps)
        return percentile.at_least(below, len(self.steps), self.size)


@dataclass(frozen=True)
class Reference:
    """What a peer group's accounts look like as one map sees them.

    Attributes:
        group: whose it is.
        accounts: account-days behind the centre.
        centre: what means are compared with.
        alike: median similarity of two calls of one account.
        alone: nulls of single accounts by number of calls, ascending.
        together: nulls of so many accounts taken together, ascending.
        origin: name of the pinned reference that it is part of; None where it was learned from day to day.
    """

    group: str
    accounts: int
    centre: Centre
    alike: float
    alone: dict[int, Null]
    together: dict[int, Null]
    origin: str | None = None

    @property
    def regime(self) -> str:
        """Only excesses made alike are compared: with one group's centre, of as many accounts to the next power of two.

        Those made with a pinned centre are compared among themselves.
        """
        own = f"{self.group}:{self.accounts.bit_length()}"
        return own if self.origin is None else f"{self.origin}/{own}"

    def judged(self, distances: F64, calls: I64) -> tuple[F64, F64, F64]:
        """Tail, benign median and excess of distances of single accounts, between two numbers of calls by the logarithm.

        With fewer calls than any null the first one holds, with more the last one: more calls only bring benign accounts
        nearer.
        """
        rungs = np.array(list(self.alone))
        tail, median, most = np.empty(len(calls)), np.empty(len(calls)), np.empty(len(calls))
        place = np.clip(np.searchsorted(rungs, calls, side="right") - 1, 0, len(rungs) - 1)
        for low, high in [*pairwise(range(len(rungs))), (len(rungs) - 1, len(rungs) - 1)]:
            here = np.flatnonzero(place == low)
            one, other = self.alone[int(rungs[low])], self.alone[int(rungs[high])]
            reach = max(np.log(rungs[high] / rungs[low]), 1e-9)
            share = np.clip(np.round(np.log(np.maximum(calls[here], 1) / rungs[low]) / reach, 6), 0.0, 1.0)
            tail[here] = (1 - share) * one.tails(distances[here]) + share * other.tails(distances[here])
            median[here] = (1 - share) * one.at(0.5) + share * other.at(0.5)
            most[here] = (1 - share) * one.at(TYPICAL_MOST) + share * other.at(TYPICAL_MOST)
        return tail, median, np.round(distances / np.maximum(most, 1e-6), 6)


def references(snapshot: Snapshot) -> dict[tuple[str, str], Reference]:
    """The references of a snapshot by (peer group, map)."""
    nulls: dict[tuple[str, str], list[tuple[int, int, Null]]] = {}
    for row in snapshot["nulls"].sort("heads", "calls").iter_rows(named=True):
        null = Null(np.array(row["quantiles"]), row["size"])
        nulls.setdefault((row["peer_group"], row["map"]), []).append((row["heads"], row["calls"], null))
    found = {}
    for row in snapshot["centres"].iter_rows(named=True):
        at = (row["peer_group"], row["map"])
        size = len(row["mean"])
        whitener = np.array(row["whitener"], dtype=np.int64).reshape(size, size)
        centre = Centre(np.array(row["mean"], dtype=np.int64), whitener, row["scale"])
        alone = {calls: null for heads, calls, null in nulls.get(at, []) if heads == 1}
        together = {heads: null for heads, _, null in nulls.get(at, []) if heads > 1}
        if alone:
            found[at] = Reference(
                row["peer_group"], row["accounts"], centre, row["alike"], alone, together, row["origin"]
            )
    return found


def measured(trailing: pl.DataFrame, windows: pl.DataFrame, snapshot: Snapshot, policy: Policy) -> pl.DataFrame:
    """How far windows lie from their peers; those that cannot be told have the reason.

    An account is compared with its peer group's centre, with everyone's where the group has none. Of two maps the one that
    saw more calls speaks.

    Args:
        trailing: EMBEDDING rows, sums over 24 hours.
        windows: WINDOW rows of the same accounts and hours.
        snapshot: what was learned up to the last feedback border.
        policy: rates.l1_least_calls, distribution.least_accounts.

    Returns:
        TESTED rows.
    """
    if trailing.is_empty():
        return TESTED.empty()
    known = references(snapshot)
    named = trailing.join(windows.select("account_id", "window_end", "peer_group"), on=["account_id", "window_end"])
    speaking = (
        named.with_columns(order=pl.col("map").replace_strict(_ORDER, return_dtype=pl.Int64))
        .sort("account_id", "window_end", "calls", "order", descending=[False, False, True, False])
        .unique(["account_id", "window_end"], keep="first", maintain_order=True)
    )
    parts = [TESTED.empty()]
    for (group, name), rows in speaking.group_by("peer_group", "map", maintain_order=True):
        one = next(each for each in MAPS if each.name == name)
        reference = known.get((str(group), one.name), known.get((EVERYONE, one.name)))
        parts.append(_measured(rows, one, reference, policy))
    return TESTED.conform(pl.concat(parts))


def _measured(rows: pl.DataFrame, one: EmbeddingMap, reference: Reference | None, policy: Policy) -> pl.DataFrame:
    least = policy.rates.l1_least_calls
    if reference is None:
        needed = 2 * policy.distribution.least_accounts
        why = f"what peers' calls look like is not known yet: that takes {needed} accounts with {least} calls in a day"
        return TESTED.shape(rows.with_columns(abstained_because=pl.lit(why)))
    few = rows.filter(pl.col("calls") < least).with_columns(
        abstained_because=pl.lit(f"fewer than {least} calls whose distribution could be compared")
    )
    enough = rows.filter(pl.col("calls") >= least)
    if enough.is_empty():
        return TESTED.shape(few)
    sums, calls = table(enough), enough["calls"].to_numpy()
    distances = reference.centre.distances(sums, calls)
    tail, median, excess = reference.judged(distances, calls)
    told = enough.with_columns(
        distance=pl.Series(distances),
        median=pl.Series(median),
        excess=pl.Series(excess),
        tail=pl.Series(tail),
        alike=pl.Series(np.round(alike(sums, calls, WAVES * UNIT * UNIT * len(one.kernels)), 6)),
        peers_alike=pl.lit(reference.alike),
        regime=pl.lit(reference.regime),
        origin=pl.lit(reference.origin, pl.String),
    )
    return pl.concat([TESTED.shape(few), TESTED.shape(told)])


def pooled(vectors: I64, calls: I64, reference: Reference) -> tuple[float, float]:
    """Distance of some accounts taken together, and the share of benign groups of as many that lie as far: (distance, tail).

    The tail is that of groups drawn at random. Customers of one application lie further apart from everyone than that, so it
    is evidence about a campaign that other evidence has tied together, and none that its accounts belong together.

    Args:
        vectors: sums of the accounts' features under the reference's map, one row an account.
        calls: how many calls each is the sum of.
        reference: everyone's.

    Returns:
        Distance, and a tail: that of the largest drawn size up to the number of accounts, which is not too small for more.
    """
    distance = reference.centre.distances(vectors.sum(axis=0)[None], np.array([calls.sum()]))
    sizes = [size for size in reference.together if size <= len(calls)]
    if not sizes:
        tail, _, _ = reference.judged(distance, np.array([calls.sum()]))
        return float(distance[0]), float(tail[0])
    return float(distance[0]), float(reference.together[max(sizes)].tails(distance)[0])
