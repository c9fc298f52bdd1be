"""A day's feedback: from the day's windows, scores and findings to the snapshot of the next day."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from schemas.model import MODEL
from schemas.policy import Policy
from schemas.snapshot import EVERYONE, NEWCOMERS, PARTS, PEER, REFERENCE, Snapshot
from transforms.learning.drifts import drifts_after
from transforms.learning.group import GroupModel, learn_group, sampled
from transforms.learning.grouping import peers_after
from transforms.learning.guards import Marks, guards_after, left_out_of_reference, ruled

_BY_GROUP = ("ranks", "references", "trees", "reservoir")


@dataclass(frozen=True)
class Work:
    """One group's share of a day: the arguments of `learn_group`."""

    group: str
    windows: pl.DataFrame
    maxima: pl.DataFrame
    left_out: int


@dataclass(frozen=True)
class Plan:
    """What is decided before the groups learn: who belongs where, and who is left out.

    Attributes:
        peers: PEER rows for the next day.
        guards: GUARD rows as of the border.
        work: each group's share, sorted by group.
    """

    peers: pl.DataFrame
    guards: pl.DataFrame
    work: tuple[Work, ...]


def learn(
    previous: Snapshot,
    day: datetime,
    windows: pl.DataFrame,
    scores: pl.DataFrame,
    registry: pl.DataFrame,
    marks: Marks,
    policy: Policy,
) -> tuple[Snapshot, pl.DataFrame]:
    """The snapshot after a day, all in one process: `plan`, then `learn_group` and `drifts_after`, then `assemble`.

    Args:
        previous: the snapshot the day was scored with.
        day: its start, UTC.
        windows: its WINDOW rows, without provisional ones.
        scores: its SCORE rows.
        registry: REGISTRY, one row an account.
        marks: findings and verdicts so far.
        policy: `policy.learning`, `policy.evidence`.

    Returns:
        The snapshot, and its MODEL rows.
    """
    planned = plan(previous, day, windows, scores, registry, marks, policy)
    models = [
        learn_group(work.group, previous, day, work.windows, work.maxima, work.left_out, policy)
        for work in planned.work
    ]
    drifts = drifts_after(previous["drifts"], unguarded(windows, planned.guards), planned.peers["account_id"], policy)
    return assemble(day, planned, models, drifts, policy)


def learn_late(
    previous: Snapshot,
    day: datetime,
    windows: pl.DataFrame,
    scores: pl.DataFrame,
    registry: pl.DataFrame,
    marks: Marks,
    policy: Policy,
) -> Snapshot:
    """The snapshot with a quarantined day learned after all; arguments as for `learn`.

    Days after it may have been learned already. What is known of an account from a later day stays: its peer group, and the
    series watched for changes, which must be in order of time.
    """
    learned, _ = learn(previous, day, windows, scores, registry, marks, policy)
    is_last = previous.day is None or previous.day <= day
    later = previous["peers"].filter(pl.col("last_day") > day)
    older = learned["peers"].join(later, on="account_id", how="anti")
    parts = dict(learned.parts) | {"peers": PEER.conform(pl.concat([older, later]))}
    if not is_last:
        parts["drifts"] = previous["drifts"]
    return Snapshot(previous.snapshot_id, previous.day, parts)


def plan(
    previous: Snapshot,
    day: datetime,
    windows: pl.DataFrame,
    scores: pl.DataFrame,
    registry: pl.DataFrame,
    marks: Marks,
    policy: Policy,
) -> Plan:
    """Peer groups and guards after a day, and what each group has to learn from; arguments as for `learn`.

    A window is learned by the group its account belongs to on the next day, by everyone's, and by the newcomers' if the
    account was one on its own day. An account-day calibrates the group it was scored in, and everyone's.
    """
    peers = peers_after(previous["peers"], day, windows, registry, policy)
    hit = ruled(scores)
    guards = guards_after(previous["guards"], day, marks, hit, policy)
    named = windows.drop("peer_group").join(
        peers.select("account_id", "peer_group"), on="account_id", how="left", maintain_order="left"
    )
    newcomers = windows.filter(pl.col("peer_group") == NEWCOMERS)
    maxima = day_maxima(scores, day, left_out_of_reference(day, marks, hit))
    known = {group for name in _BY_GROUP for group in previous[name]["peer_group"].unique()}
    groups = known | set(peers["peer_group"]) | set(maxima["peer_group"]) | {EVERYONE, NEWCOMERS}

    def share(group: str) -> Work:
        if group == EVERYONE:
            all_of, scored = named, maxima.with_columns(peer_group=pl.lit(EVERYONE))
        else:
            all_of = newcomers if group == NEWCOMERS else named.filter(pl.col("peer_group") == group)
            scored = maxima.filter(pl.col("peer_group") == group)
        free = unguarded(all_of, guards)
        return Work(group, sampled(free, policy), scored, all_of.height - free.height)

    return Plan(peers, guards, tuple(share(group) for group in sorted(groups)))


def day_maxima(scores: pl.DataFrame, day: datetime, left_out: frozenset[str]) -> pl.DataFrame:
    """REFERENCE rows of a day: each account's largest l1_score, in the group it was scored in.

    Args:
        scores: SCORE rows of the day; provisional ones do not count.
        day: its start.
        left_out: ids whose day must not calibrate.
    """
    return REFERENCE.conform(
        scores.filter(
            pl.col("l1_score").is_not_null()
            & ~pl.col("provisional")
            & ~pl.col("account_id").is_in(pl.Series(sorted(left_out), dtype=pl.String).implode())
        )
        .sort("account_id", "l1_score", "window_end", descending=[False, True, False])
        .unique("account_id", keep="first", maintain_order=True)
        .select("peer_group", "account_id", "account_hash", "regime", day=pl.lit(day), day_maximum="l1_score")
    )


def unguarded(windows: pl.DataFrame, guards: pl.DataFrame) -> pl.DataFrame:
    """The windows that models may learn from."""
    return windows.join(guards.select("account_id"), on="account_id", how="anti", maintain_order="left")


def assemble(
    day: datetime, planned: Plan, models: Sequence[GroupModel], drifts: pl.DataFrame, policy: Policy
) -> tuple[Snapshot, pl.DataFrame]:
    """The snapshot of the next day and its MODEL rows.

    Args:
        day: start of the day learned from.
        planned: what `plan` decided.
        models: what `learn_group` gave for each of its groups, in any order.
        drifts: what `drifts_after` gave, for all accounts.
        policy: `policy.rates`.
    """
    parts = {contract.name: contract.empty() for contract in PARTS}
    parts |= {"peers": planned.peers, "guards": planned.guards, "drifts": drifts}
    for contract in PARTS:
        if contract.name in _BY_GROUP:
            rows = [model.parts[contract.name] for model in models]
            parts[contract.name] = contract.conform(pl.concat([contract.empty(), *rows]))
    snapshot = Snapshot(snapshot_id(day), day, parts)
    return snapshot, MODEL.conform(pl.DataFrame(list(_model_rows(day, models, policy)), schema=MODEL.polars))


def republish(previous: Snapshot, day: datetime) -> tuple[Snapshot, pl.DataFrame]:
    """The previous snapshot under the name of a day that failed its audit, and MODEL rows that say so."""
    groups = sorted(set(previous["ranks"]["peer_group"]) | {EVERYONE})
    empty = {
        "day": day,
        "snapshot_id": snapshot_id(day),
        "learned_windows": 0,
        "left_out_windows": 0,
        "review_threshold": None,
        "act_threshold": None,
        "quarantined": True,
    }
    rows = []
    for group in groups:
        parts = {name: previous[name].filter(pl.col("peer_group") == group) for name in _BY_GROUP}
        model = GroupModel(group, parts, 0, 0)
        rows.append(empty | {"peer_group": group} | _sizes(model) | {"state_digest": model.digest()})
    return Snapshot(snapshot_id(day), day, previous.parts), MODEL.conform(pl.DataFrame(rows, schema=MODEL.polars))


def snapshot_id(day: datetime) -> str:
    """Name of the snapshot learned from a day."""
    return f"day-{day:%Y-%m-%d}"


def threshold(reference: pl.DataFrame, rate: float) -> float | None:
    """The day_maximum above which (1 + worse) / (1 + n) is at most `rate`; None where n is too small for that.

    Args:
        reference: REFERENCE rows of one group; those scored like the latest day's are compared.
        rate: share of account-days.
    """
    latest = reference.filter(pl.col("day") == pl.col("day").max())
    regimes = latest.group_by("regime").len().sort("len", "regime", descending=[True, False])
    if regimes.is_empty():
        return None
    alike = reference.filter(pl.col("regime") == regimes["regime"][0])["day_maximum"].sort(descending=True)
    worse = int(rate * (1 + len(alike)) + 1e-9) - 1
    return None if worse < 0 else float(alike[min(worse, len(alike) - 1)])


def _model_rows(day: datetime, models: Sequence[GroupModel], policy: Policy) -> Iterator[dict[str, object]]:
    for model in models:
        reference = model.parts["references"]
        yield {
            "snapshot_id": snapshot_id(day),
            "peer_group": model.group,
            "day": day,
            "learned_windows": model.learned,
            "left_out_windows": model.left_out,
            "review_threshold": threshold(reference, policy.rates.review),
            "act_threshold": threshold(reference, policy.rates.act),
            "state_digest": model.digest(),
            "quarantined": False,
        } | _sizes(model)


def _sizes(model: GroupModel) -> dict[str, object]:
    return {"reference_size": model.parts["references"].height, "rank_size": model.parts["reservoir"].height}
