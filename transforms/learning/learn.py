"""A day's feedback: from the day's windows, scores and findings to the snapshot of the next day."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import polars as pl

from schemas.embedding import EMBEDDING
from schemas.model import MODEL
from schemas.policy import Policy
from schemas.snapshot import DRIFT, EVERYONE, NEWCOMERS, PARTS, PEER, Snapshot
from schemas.window import WINDOW
from transforms.learning.distributions import candidates, learn_distributions
from transforms.learning.drifts import drifts_after
from transforms.learning.group import GroupModel, Work, learn_group, sampled
from transforms.learning.grouping import peers_after
from transforms.learning.guards import Marks, guards_after, left_out_of_reference
from transforms.learning.hours_called import CALLED, hours_of, nights_after
from transforms.learning.leaning import leanings_after, likeness_of
from transforms.learning.moves import NETWORK, SHOWN, moves_after, networks_of
from transforms.learning.seen import Seen

_BY_GROUP = ("ranks", "references", "trees", "distances", "reservoir")


@dataclass(frozen=True)
class Hours:
    """What is known of the hours of some accounts of a day.

    Attributes:
        windows: WINDOW rows without provisional ones.
        embeddings: EMBEDDING rows.
        shown: moves.SHOWN rows of kinds moves.NETWORK and nights.CALLED.
    """

    windows: pl.DataFrame
    embeddings: pl.DataFrame = field(default_factory=EMBEDDING.empty)
    shown: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=SHOWN))


@dataclass(frozen=True)
class Share:
    """What one group may learn of some accounts' windows.

    Attributes:
        windows: a sample of them, with its hash.
        left_out: how many of the group's windows models must not learn from.
    """

    windows: pl.DataFrame
    left_out: int


@dataclass(frozen=True)
class Plan:
    """What is decided before the groups learn: who belongs where, and who is left out.

    Attributes:
        peers: PEER rows for the next day.
        guards: GUARD rows as of the border.
        maxima: REFERENCE rows of the day.
        distances: DISTANCE rows of the day.
        groups: peer groups, sorted.
    """

    peers: pl.DataFrame
    guards: pl.DataFrame
    maxima: pl.DataFrame
    distances: pl.DataFrame
    groups: tuple[str, ...]

    def share(self, group: str, windows: pl.DataFrame, policy: Policy) -> Share:
        """What a group may learn of some accounts' windows.

        A window is learned by the group its account belongs to on the next day, by everyone's, and by the newcomers' if
        the account was one on its own day.
        """
        if group == NEWCOMERS:
            windows = windows.filter(pl.col("peer_group") == NEWCOMERS)
        elif group != EVERYONE:
            members = self.peers.filter(pl.col("peer_group") == group)
            windows = windows.join(members.select("account_id"), on="account_id", how="semi", maintain_order="left")
        free = unguarded(windows, self.guards)
        return Share(sampled(free, policy), windows.height - free.height)

    def calibration(self, group: str) -> tuple[pl.DataFrame, pl.DataFrame]:
        """REFERENCE and DISTANCE rows of the day for a group: those scored in it; for everyone's, all of them."""
        if group == EVERYONE:
            everyone = pl.lit(EVERYONE).alias("peer_group")
            return self.maxima.with_columns(everyone), self.distances.with_columns(everyone)
        mine = pl.col("peer_group") == group
        return self.maxima.filter(mine), self.distances.filter(mine)


def learn(
    previous: Snapshot,
    day: datetime,
    windows: pl.DataFrame,
    scores: pl.DataFrame,
    registry: pl.DataFrame,
    marks: Marks,
    policy: Policy,
    embeddings: pl.DataFrame | None = None,
) -> tuple[Snapshot, pl.DataFrame]:
    """The snapshot after a day of which all rows are at hand; see `learn_parts`.

    Args:
        previous: the snapshot the day was scored with.
        day: its start, UTC.
        windows: its WINDOW rows, without provisional ones.
        scores: its SCORE rows.
        registry: REGISTRY, one row an account.
        marks: findings and verdicts so far.
        policy: `policy.learning`, `policy.evidence`, `policy.distribution`.
        embeddings: its EMBEDDING rows, None where no distributions are learned.
    """
    hours = Hours(windows, EMBEDDING.empty() if embeddings is None else embeddings)
    return learn_parts(previous, day, Seen.of(windows, scores, day), [hours], registry, marks, policy)


def learn_parts(
    previous: Snapshot,
    day: datetime,
    seen: Seen,
    parts: Iterable[Hours],
    registry: pl.DataFrame,
    marks: Marks,
    policy: Policy,
) -> tuple[Snapshot, pl.DataFrame]:
    """The snapshot after a day whose hours come part by part: memory is that of one part.

    Args:
        previous: the snapshot the day was scored with.
        day: its start, UTC.
        seen: what all accounts of the day come to.
        parts: its hours, each account's in one part.
        registry: REGISTRY, one row an account.
        marks: findings and verdicts so far.
        policy: `policy.learning`, `policy.evidence`.

    Returns:
        The snapshot, and its MODEL rows.
    """
    planned = plan(previous, day, seen, registry, marks, policy)
    shares: dict[str, list[Share]] = {group: [] for group in planned.groups}
    known = planned.peers["account_id"]
    idle = previous["drifts"].join(seen.last, on="account_id", how="anti", maintain_order="left")
    drifts = [drifts_after(idle, WINDOW.empty(), known, policy)]
    offered, networks, called, likeness = [], [], [], []
    for hours in parts:
        windows = hours.windows
        for group in planned.groups:
            shares[group].append(planned.share(group, windows, policy))
        before = previous["drifts"].join(windows, on="account_id", how="semi", maintain_order="left")
        drifts.append(drifts_after(before, unguarded(windows, planned.guards), known, policy))
        free = unguarded(hours.embeddings, planned.guards)
        offered.append(candidates(free, windows, planned.peers, day, policy))
        networks.append(networks_of(hours.shown.filter(pl.col("kind") == NETWORK)))
        called.append(hours_of(hours.shown.filter(pl.col("kind") == CALLED)))
        likeness.append(likeness_of(windows, policy))
        del hours, windows  # before the next part is read
    models = [
        learn_group(group, previous, day, _work(planned, group, shares[group]), policy) for group in planned.groups
    ]
    learned = learn_distributions(previous, day, offered, policy)
    learned["drifts"] = DRIFT.conform(pl.concat(drifts))
    learned["moves"] = moves_after(previous["moves"], day, networks, policy)
    learned["nights"] = nights_after(previous["nights"], day, called, policy)
    learned["leanings"] = leanings_after(previous["leanings"], day, likeness, policy)
    return assemble(day, planned, models, learned, policy)


def learn_late(
    previous: Snapshot,
    day: datetime,
    seen: Seen,
    parts: Iterable[Hours],
    registry: pl.DataFrame,
    marks: Marks,
    policy: Policy,
) -> Snapshot:
    """The snapshot with a quarantined day learned after all; arguments as for `learn_parts`.

    Days after it may have been learned already. What is known of an account from a later day stays: its peer group, and the
    series watched for changes, its networks, its nights and its leaning, which must be in order of time.
    """
    learned, _ = learn_parts(previous, day, seen, parts, registry, marks, policy)
    is_last = previous.day is None or previous.day <= day
    later = previous["peers"].filter(pl.col("last_day") > day)
    older = learned["peers"].join(later, on="account_id", how="anti")
    frames = dict(learned.parts) | {"peers": PEER.conform(pl.concat([older, later]))}
    if not is_last:
        frames |= {name: previous[name] for name in ("drifts", "moves", "nights", "leanings")}
    return Snapshot(previous.snapshot_id, previous.day, frames)


def plan(previous: Snapshot, day: datetime, seen: Seen, registry: pl.DataFrame, marks: Marks, policy: Policy) -> Plan:
    """Peer groups, guards and the day's reference rows; arguments as for `learn_parts`."""
    peers = peers_after(previous["peers"], day, seen.last, registry, policy)
    left_out = pl.Series(sorted(left_out_of_reference(day, marks, seen.hit)), dtype=pl.String)
    counts = ~pl.col("account_id").is_in(left_out.implode())
    maxima, distances = seen.maxima.filter(counts), seen.distances.filter(counts)
    known = {group for name in _BY_GROUP for group in previous[name]["peer_group"].unique()}
    groups = known | set(peers["peer_group"]) | set(maxima["peer_group"]) | {EVERYONE, NEWCOMERS}
    return Plan(
        peers, guards_after(previous["guards"], day, marks, seen.hit, policy), maxima, distances, tuple(sorted(groups))
    )


def _work(planned: Plan, group: str, shares: Sequence[Share]) -> Work:
    windows = pl.concat([share.windows for share in shares]) if shares else sampled(WINDOW.empty(), Policy())
    return Work(windows, *planned.calibration(group), sum(share.left_out for share in shares))


def unguarded(windows: pl.DataFrame, guards: pl.DataFrame) -> pl.DataFrame:
    """The windows that models may learn from."""
    return windows.join(guards.select("account_id"), on="account_id", how="anti", maintain_order="left")


def assemble(
    day: datetime, planned: Plan, models: Sequence[GroupModel], learned: dict[str, pl.DataFrame], policy: Policy
) -> tuple[Snapshot, pl.DataFrame]:
    """The snapshot of the next day and its MODEL rows.

    Args:
        day: start of the day learned from.
        planned: what `plan` decided.
        models: what `learn_group` gave for each of its groups, in any order.
        learned: parts that are learned for all groups at once: what `learn_distributions` gave, the drifts, moves, nights and leanings of all accounts.
        policy: `policy.rates`.
    """
    parts = {contract.name: contract.empty() for contract in PARTS}
    parts |= {"peers": planned.peers, "guards": planned.guards} | learned
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
