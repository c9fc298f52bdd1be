"""What LEARN makes of a day's vectors: each peer group's centre, and how far benign accounts lie from it.

The account-days of a group are parted by their hash: one half makes the centre, the other says how far benign accounts lie
from it that it was not made of, as a new account's would. An account-day gives one vector for each number of calls of
RUNGS that it reached, so that nulls of few calls come from the same accounts as those of many.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from schemas.embedding import MAPS, UNIT, WAVES, EmbeddingMap
from schemas.policy import Policy
from schemas.snapshot import CENTRE, EVERYONE, NEWCOMERS, NULL, RANK_STEPS, VECTOR, Snapshot
from transforms.learning.sampling import sampling_hash, smallest
from transforms.sketches.mix import I64, mix
from transforms.sketches.percentile import quantiles
from transforms.sketches.whitening import Centre, alike

RUNGS = (20, 50, 100, 200, 500, 1000, 1500)
"""Numbers of calls at which benign accounts are measured: from the fewest that are scored to those of the published test."""

HEADS = (3, 10, 30, 100, 300)
"""Numbers of accounts taken together for the nulls of campaigns; published pools have hundreds (threats.md 4.1). Campaigns
cross peer groups: only everyone's reference has them."""

DRAWS = 1000
"""Groups of accounts drawn for each of them: one in a thousand can be told."""

_BY = ["peer_group", "map", "rung"]
_KEY = ["account_id", "day"]


def candidates(
    embeddings: pl.DataFrame, windows: pl.DataFrame, peers: pl.DataFrame, day: datetime, policy: Policy
) -> pl.DataFrame:
    """VECTOR rows that a day's accounts offer, at most as many a group as are kept.

    Args:
        embeddings: EMBEDDING rows of some accounts' hours of the day, of those that models may learn from.
        windows: account_id and peer_group of the day, for who was a newcomer.
        peers: PEER rows for the next day.
        day: its start.
        policy: distribution.
    """
    parts = [VECTOR.empty()]
    new = windows.filter(pl.col("peer_group") == NEWCOMERS).select("account_id").unique()
    for one in MAPS:
        rungs = _rungs(embeddings.filter(pl.col("map") == one.name), day)
        groups = [
            rungs.join(peers.select("account_id", "peer_group"), on="account_id"),
            rungs.with_columns(peer_group=pl.lit(EVERYONE)),
            rungs.join(new, on="account_id", how="semi").with_columns(peer_group=pl.lit(NEWCOMERS)),
        ]
        parts += [VECTOR.shape(group) for group in groups]
    return kept(parts, policy)


def kept(parts: Sequence[pl.DataFrame], policy: Policy) -> pl.DataFrame:
    """VECTOR rows: of each group, map and rung the account-days with the smallest hash."""
    rows = pl.concat([VECTOR.empty(), *parts])
    groups = rows.partition_by(_BY, maintain_order=True) if not rows.is_empty() else []
    return VECTOR.conform(
        pl.concat([VECTOR.empty(), *[smallest(group, policy.distribution.reference_size, _KEY) for group in groups]])
    )


def learn_distributions(
    previous: Snapshot, day: datetime, offered: Iterable[pl.DataFrame], policy: Policy
) -> dict[str, pl.DataFrame]:
    """The parts `vectors`, `centres` and `nulls` after a day.

    Args:
        previous: the snapshot before.
        day: start of the day.
        offered: what `candidates` gave, part by part.
        policy: distribution, learning.reference_days.
    """
    oldest = day - timedelta(days=policy.learning.reference_days)
    vectors = kept([previous["vectors"].filter(pl.col("day") > oldest), *offered], policy)
    centres, nulls = [CENTRE.empty()], [NULL.empty()]
    for (group, name), rows in vectors.group_by("peer_group", "map", maintain_order=True):
        learned = _learned(str(group), next(one for one in MAPS if one.name == name), rows, policy)
        if learned is not None:
            centres.append(learned[0])
            nulls.append(learned[1])
    return {
        "vectors": vectors,
        "centres": CENTRE.conform(pl.concat(centres)),
        "nulls": NULL.conform(pl.concat(nulls)),
    }


def _rungs(rows: pl.DataFrame, day: datetime) -> pl.DataFrame:
    """One row an account and rung reached: the account's hours of the day up to the one in which it was reached."""
    rows = rows.sort("account_id", "window_end")
    if rows.is_empty():
        return VECTOR.empty().drop("peer_group")
    account = rows["account_id"].rle_id().to_numpy()
    starts = np.flatnonzero(np.diff(account, prepend=-1))
    begins = np.repeat(starts, np.diff(starts, append=len(account)))
    vectors, counts = _table(rows), np.cumsum(rows["calls"].to_numpy())
    np.cumsum(vectors, axis=0, out=vectors)

    def so_far(total: I64, at: I64) -> I64:
        """Of each of these rows the sum over its account's rows up to it."""
        before = total[begins[at] - 1]
        before[begins[at] == 0] = 0
        return np.asarray(total[at] - before)

    calls = so_far(counts, np.arange(len(account)))
    parts = []
    for rung in RUNGS:
        reached = np.flatnonzero(calls >= rung)
        first = reached[np.flatnonzero(np.diff(account[reached].astype(np.int64), prepend=-1))]
        parts.append(
            rows.select("account_id", "account_hash", "map")[first].with_columns(
                rung=pl.lit(rung, pl.Int64),
                day=pl.lit(day, VECTOR.polars["day"]),
                calls=pl.Series(calls[first]),
                vector=pl.Series(so_far(vectors, first).astype(np.int32)).arr.to_list(),
            )
        )
    found = pl.concat(parts)
    return found.with_columns(sample=sampling_hash(found["account_hash"], found["day"])).drop("account_hash")


def _learned(
    group: str, one: EmbeddingMap, rows: pl.DataFrame, policy: Policy
) -> tuple[pl.DataFrame, pl.DataFrame] | None:
    """CENTRE and NULL rows of a group and map; None where there are too few accounts.

    An account-day stands for itself in the centre by its longest vector.
    """
    makes_centre = pl.col("sample") % 2 == 0
    longest = rows.sort("account_id", "day", "rung").unique(_KEY, keep="last", maintain_order=True)
    inside, outside = longest.filter(makes_centre), longest.filter(~makes_centre)
    least = policy.distribution.least_accounts
    if inside["account_id"].n_unique() < least or outside["account_id"].n_unique() < least:
        return None
    sums, counts = _table(inside), inside["calls"].to_numpy()
    centre = Centre.of(sums, counts, policy.distribution.ridge)
    similarity = alike(sums, counts, WAVES * UNIT * UNIT * len(one.kernels))
    said = {
        "peer_group": group,
        "map": one.name,
        "accounts": inside.height,
        "mean": centre.mean.tolist(),
        "whitener": centre.whitener.reshape(-1).tolist(),
        "scale": centre.scale,
        "alike": round(float(np.median(similarity)), 6),
    }
    measured = []
    for rung in RUNGS:
        at = rows.filter((pl.col("rung") == rung) & ~makes_centre)
        if at.height >= least:
            measured.append((1, rung, at.height, centre.distances(_table(at), at["calls"].to_numpy())))
    table, calls = _table(outside), outside["calls"].to_numpy()
    for heads in HEADS if group == EVERYONE else ():
        if outside.height >= heads:
            drawn = _drawn(table, calls, heads)
            measured.append((heads, RUNGS[0], outside.height, centre.distances(*drawn)))
    nulls = [
        {"peer_group": group, "map": one.name, "heads": heads, "calls": calls, "size": size}
        | {"quantiles": quantiles(distances, RANK_STEPS).tolist()}
        for heads, calls, size, distances in measured
    ]
    return pl.DataFrame([said], schema=CENTRE.polars), pl.DataFrame(nulls, schema=NULL.polars)


def _drawn(table: I64, calls: I64, heads: int) -> tuple[I64, I64]:
    """Sums of DRAWS groups of so many rows, drawn by a fixed mixing of numbers.

    A row may be drawn twice: groups without repetition that are a large part of all rows are too much alike.
    """
    sums, counts = np.empty((DRAWS, table.shape[1]), dtype=np.int64), np.empty(DRAWS, dtype=np.int64)
    for draw in range(DRAWS):
        first = np.uint64(draw * heads + heads * 2**40)
        rows = (mix(first + np.arange(heads, dtype=np.uint64)) % np.uint64(len(table))).astype(np.int64)
        sums[draw], counts[draw] = table[rows].sum(axis=0), calls[rows].sum()
    return sums, counts


def _table(rows: pl.DataFrame) -> I64:
    size = len(rows["vector"][0]) if rows.height else 0
    return rows["vector"].explode().to_numpy().reshape(rows.height, size).astype(np.int64)
