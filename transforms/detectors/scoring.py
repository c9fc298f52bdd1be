"""The L1 score of account windows: evidence of their own features, of all features together, and of change."""

import numpy as np
import numpy.typing as npt
import polars as pl

from schemas import signals
from schemas.feature import FAMILIES
from schemas.policy import Policy
from schemas.scored import SCORED
from schemas.snapshot import Snapshot
from transforms.detectors import change, evidence, joint, patterns
from transforms.detectors.abstaining import reasons
from transforms.detectors.looks import LOOKS
from transforms.detectors.peers import TREES, Peers, peers_of

F64 = npt.NDArray[np.float64]

_ROWS_AT_ONCE = 65_536
"""Bounds memory: a hundred arrays of this length are 50 MB; no window is scored otherwise for it."""

_FEATURES = tuple(dict.fromkeys(look.name for look in LOOKS))
_JOINT, _CHANGE = len(FAMILIES), len(FAMILIES) + 1
_SOURCES = [
    *[signals.Source(look.name, look.feature.family, look.feature.why) for look in LOOKS],
    signals.Source(TREES, joint.CARD.family, "All features together lie where hardly any window of the peers lies."),
    *[
        signals.Source(f"{name}_changed", change.CARD.family, f"The {says} changed.")
        for name, says in sorted(change.SAYS.items())
    ],
]
_TREES_SOURCE = len(LOOKS)
_CHANGE_SOURCE = {name: len(LOOKS) + 1 + place for place, name in enumerate(sorted(change.SAYS))}


def score(windows: pl.DataFrame, snapshot: Snapshot, policy: Policy) -> pl.DataFrame:
    """L1 evidence of windows; the snapshot is read, never changed, and no window influences another.

    Windows with fewer than `rates.l1_least_calls` calls in 24 hours, and those of which no feature can be judged, get
    null scores and the reason.

    Args:
        windows: WINDOW rows in any order; features may be missing (null) and unknown columns are ignored.
        snapshot: what was learned up to the last feedback border.
        policy: `policy.evidence`, `policy.rates`.

    Returns:
        SCORED rows.
    """
    if windows.is_empty():
        return SCORED.empty()
    numbered = windows.with_row_index("row")
    changes = change.recent(numbered, snapshot["drifts"], policy)
    parts = [SCORED.empty()]
    for (group,), rows in numbered.group_by("peer_group", maintain_order=True):
        peers = peers_of(snapshot, str(group), policy)
        parts += [
            _scored(part, peers, changes, snapshot.snapshot_id, policy) for part in rows.iter_slices(_ROWS_AT_ONCE)
        ]
    return SCORED.conform(pl.concat(parts))


def _scored(
    rows: pl.DataFrame, peers: Peers, changes: pl.DataFrame, snapshot_id: str | None, policy: Policy
) -> pl.DataFrame:
    names = [name for name in _FEATURES if name in rows.columns]
    columns = {name: rows[name].cast(pl.Float64).to_numpy() for name in names}
    judged = evidence.judge(columns, rows.height, peers, policy)
    trees = joint.tree_scores(judged.ranks, rows.height, peers)
    slots = _slots(columns, judged, trees, rows, changes, peers, policy)
    calls = rows["calls_24h"].fill_null(0).cast(pl.Int64).to_numpy()
    speaks = judged.is_judged & (calls >= policy.rates.l1_least_calls)
    slots.points[~speaks] = 0.0
    prior = np.where(speaks[:, None], judged.prior_points, 0.0)
    harvest, families = patterns.harvest(prior)
    users = rows["end_users_24h"].to_numpy() if "end_users_24h" in rows.columns else np.full(rows.height, np.nan)
    kept = ("account_id", "account_hash", "window_end", "peer_group", "presence", "sample_event_ids", "provisional")
    said = pl.Series(speaks)
    return SCORED.conform(
        rows.select(
            *kept,
            calls_24h=pl.Series(calls),
            l1_score=pl.when(said).then(pl.Series(signals.total(slots))),
            prior_points=pl.when(said).then(pl.Series(_added(prior))),
            harvest_points=pl.when(said).then(pl.Series(harvest)),
            families=pl.Series(families),
            pattern=pl.Series(patterns.patterns(prior, users, policy).tolist(), dtype=pl.String),
            trees=pl.Series(trees).fill_nan(None),
            regime=pl.lit(peers.regime),
            abstained_because=reasons(rows["presence"].to_numpy(), calls, peers, policy),
            signals=signals.lists(slots, _SOURCES),
            snapshot_id=pl.lit(snapshot_id, pl.String),
        )
    )


def _slots(
    columns: dict[str, F64],
    judged: evidence.Judged,
    trees: F64,
    rows: pl.DataFrame,
    changes: pl.DataFrame,
    peers: Peers,
    policy: Policy,
) -> signals.Slots:
    shape = (rows.height, len(FAMILIES) + 2)
    slots = signals.Slots(np.zeros(shape, dtype=np.int64), np.zeros(shape), *(np.full(shape, np.nan) for _ in range(4)))
    families = slice(0, len(FAMILIES))
    slots.source[:, families] = np.maximum(judged.look, 0)
    slots.points[:, families], slots.tail[:, families] = judged.points, judged.tail
    for family in range(len(FAMILIES)):
        for number in np.unique(judged.look[judged.points[:, family] > 0, family]):
            here = judged.look[:, family] == number
            name = LOOKS[number].name
            slots.observed[here, family] = columns[name][here]
            slots.expected[here, family] = evidence.boundary(int(number), peers, policy)
            slots.peers[here, family] = peers.ranks[name].median if name in peers.ranks else np.nan
    tails = joint.tails(trees, peers, policy)
    slots.source[:, _JOINT], slots.points[:, _JOINT] = _TREES_SOURCE, evidence.points_of(tails)
    slots.tail[:, _JOINT], slots.observed[:, _JOINT] = tails, trees
    if peers.trees is not None:
        slots.expected[:, _JOINT] = slots.peers[:, _JOINT] = peers.trees.median
    here = rows.select("row").join(changes, on="row", how="left", maintain_order="left")
    changed = here["series"].is_not_null().to_numpy()
    source = here["series"].replace_strict(_CHANGE_SOURCE, default=_TREES_SOURCE, return_dtype=pl.Int64)
    slots.source[:, _CHANGE] = source.fill_null(_TREES_SOURCE).to_numpy()
    slots.points[:, _CHANGE] = np.where(changed, policy.evidence.change_points, 0.0)
    slots.observed[:, _CHANGE], slots.expected[:, _CHANGE] = here["after"].to_numpy(), here["before"].to_numpy()
    return slots


def _added(points: F64) -> F64:
    total = np.zeros(len(points))
    for family in range(points.shape[1]):
        total += points[:, family]
    return total
