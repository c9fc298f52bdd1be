"""What one peer group learns in a day: ranks, trees and the reference; groups are independent of each other."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b

import numpy as np
import numpy.typing as npt
import polars as pl

from schemas.feature import FEATURES
from schemas.policy import Policy
from schemas.snapshot import DISTANCE, RANK, RANK_STEPS, REFERENCE, RESERVOIR, TREE, Snapshot
from transforms.learning.sampling import sampling_hash, smallest
from transforms.learning.trees import learn_trees
from transforms.sketches.forest import NEUTRAL, from_rows
from transforms.sketches.percentile import quantiles, suspicious_rank

F64 = npt.NDArray[np.float64]
TREES = "trees"

LOOKED_AT = {feature.name: feature.suspicious for feature in FEATURES if feature.suspicious != "none"}
"""Feature -> direction; what has ranks."""

_MEASURE = "calls_24h"


@dataclass(frozen=True)
class GroupModel:
    """One peer group's part of a snapshot.

    Attributes:
        group: the peer group.
        parts: RANK, TREE, REFERENCE, DISTANCE and RESERVOIR rows of the group, by contract name.
        learned: windows fed to River.
        left_out: windows of the day that models must not learn from.
    """

    group: str
    parts: dict[str, pl.DataFrame]
    learned: int
    left_out: int

    def digest(self) -> str:
        """Sixteen hex digits of the content, whatever the frames' memory looks like."""
        state = blake2b(digest_size=8)
        for name, frame in sorted(self.parts.items()):
            lists = [column for column, kind in frame.schema.items() if isinstance(kind, pl.List)]
            flat = frame.explode(lists) if lists else frame
            state.update(name.encode() + flat.write_csv().encode())
        return state.hexdigest()


@dataclass(frozen=True)
class Work:
    """What one peer group learns from.

    Attributes:
        windows: WINDOW rows of the day that its models may learn from, sampled, with their `sample` hash; in any order.
        maxima: REFERENCE rows of the day: one a group's account with an L1 score.
        distances: DISTANCE rows of the day: one a group's account whose distribution was tested.
        left_out: windows of the group that models must not learn from, for the record.
    """

    windows: pl.DataFrame
    maxima: pl.DataFrame
    distances: pl.DataFrame
    left_out: int


def learn_group(group: str, previous: Snapshot, day: datetime, work: Work, policy: Policy) -> GroupModel:
    """One group's models after a day.

    Args:
        group: the peer group.
        previous: the snapshot before (only the group's own rows of ranks, trees, references, distances and reservoir are read).
        day: start of the day.
        work: the day's windows and reference rows.
        policy: `policy.learning`, evidence.least_peers.
    """
    of_group = pl.col("peer_group") == group
    before = {
        contract.name: previous[contract.name].filter(of_group)
        for contract in (RANK, TREE, REFERENCE, DISTANCE, RESERVOIR)
    }
    windows = smallest(work.windows, _most(policy), ["account_id", "window_end"])
    reservoir = _reservoir(before, group, day, windows, policy)
    ranks = _ranks(reservoir, group)
    fed = smallest(windows, policy.learning.learn_windows, ["account_id", "window_end"]).sort(
        "window_end", "account_id"
    )
    sizes = dict(zip(ranks["feature"], ranks["size"], strict=True))
    if sizes.get(_MEASURE, 0) >= policy.evidence.least_peers and fed.height:
        names, table = _rank_table(fed, ranks, policy)
        trees = learn_trees(before["trees"], group, names, table, policy)
    else:
        fed, trees = fed.clear(), before["trees"]
    parts = {
        "ranks": RANK.conform(ranks),
        "trees": TREE.conform(trees),
        "references": REFERENCE.conform(_reference(before["references"], work.maxima, day, policy)),
        "distances": DISTANCE.conform(_reference(before["distances"], work.distances, day, policy)),
        "reservoir": RESERVOIR.conform(reservoir),
    }
    return GroupModel(group, parts, fed.height, work.left_out)


def sampled(windows: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    """The windows a group can use at most, with their `sample` hash: those with enough calls to be scored.

    Args:
        windows: WINDOW rows of one group.
        policy: rates.l1_least_calls, learning.rank_windows, learning.learn_windows.
    """
    enough = windows.filter(pl.col(_MEASURE) >= policy.rates.l1_least_calls)
    hashed = enough.with_columns(sample=sampling_hash(enough["account_hash"], enough["window_end"]))
    return smallest(hashed, _most(policy), ["account_id", "window_end"])


def _reference(before: pl.DataFrame, of_day: pl.DataFrame, day: datetime, policy: Policy) -> pl.DataFrame:
    """Account-days up to `day`, as many as are kept."""
    oldest = day - timedelta(days=policy.learning.reference_days)
    rows = pl.concat([before.filter(pl.col("day") > oldest), REFERENCE.conform(of_day)])
    rows = rows.with_columns(sample=sampling_hash(rows["account_hash"], rows["day"]))
    return smallest(rows, policy.learning.reference_size, ["account_id", "day"])


def _most(policy: Policy) -> int:
    return max(policy.learning.rank_windows, policy.learning.learn_windows)


def _reservoir(
    before: dict[str, pl.DataFrame], group: str, day: datetime, windows: pl.DataFrame, policy: Policy
) -> pl.DataFrame:
    scored = windows.with_columns(
        peer_group=pl.lit(group), trees=pl.Series(_tree_scores(windows, before, policy)).fill_nan(None)
    )
    oldest = day - timedelta(days=policy.learning.reference_days) + timedelta(days=1)
    kept = before["reservoir"].filter(pl.col("window_end") > oldest)
    both = pl.concat([kept, RESERVOIR.conform(scored)])
    return smallest(both, policy.learning.rank_windows, ["account_id", "window_end"])


def _tree_scores(windows: pl.DataFrame, before: dict[str, pl.DataFrame], policy: Policy) -> F64:
    """The windows' tree scores under the group's models of the border before, as they were scored on their own day."""
    rows = before["trees"]
    if rows.is_empty() or int(rows["learned"][0]) < policy.learning.tree_window:
        return np.full(windows.height, np.nan)
    number = {name: rows[name].cast(pl.Int64).to_numpy() for name in ("tree", "node", "r_mass", "l_mass")}
    forest = from_rows(
        number["tree"],
        number["node"],
        rows["feature"].to_list(),
        rows["threshold"].to_numpy(),
        number["r_mass"],
        number["l_mass"],
        int(rows["learned"][0]),
        policy.learning.tree_window,
    )
    names, table = _rank_table(windows, before["ranks"], policy)
    return forest.score({name: table[:, place] for place, name in enumerate(names)}, windows.height)


def _rank_table(windows: pl.DataFrame, ranks: pl.DataFrame, policy: Policy) -> tuple[list[str], F64]:
    """Names of the features with enough peers, and their suspicious ranks; null is NEUTRAL."""
    large = ranks.filter((pl.col("size") >= policy.evidence.least_peers) & (pl.col("feature") != TREES))
    steps = dict(zip(large["feature"], large["quantiles"], strict=True))
    names = [name for name in LOOKED_AT if name in steps]
    columns = [
        suspicious_rank(windows[name].cast(pl.Float64).to_numpy(), steps[name].to_numpy(), LOOKED_AT[name])
        for name in names
    ]
    table = np.stack(columns, axis=1) if columns else np.empty((windows.height, 0))
    return names, np.where(np.isnan(table), NEUTRAL, table)


def _ranks(reservoir: pl.DataFrame, group: str) -> pl.DataFrame:
    rows = []
    for name in (*LOOKED_AT, TREES):
        values = reservoir[name].drop_nulls().to_numpy()
        if len(values):
            steps = quantiles(values, RANK_STEPS)
            rows.append({"peer_group": group, "feature": name, "size": len(values), "quantiles": steps.tolist()})
    return RANK.conform(pl.DataFrame(rows, schema=RANK.polars))
