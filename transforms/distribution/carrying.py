"""A reference that is carried from one lake to another, or from one day to all that follow: what is in it, and what it replaces.

It holds centres, nulls and the day maxima that excesses are calibrated with, and names no account. Vectors stay behind: they
are what a lake goes on learning from, and a pinned reference learns nothing.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import polars as pl

from schemas.embedding import MAPS, UNIT
from schemas.errors import ContractViolation
from schemas.policy import Policy
from schemas.snapshot import CENTRE, DISTANCE, NULL, RANK_STEPS, Snapshot
from transforms.distribution.embedding import tables
from transforms.distribution.measuring import references
from transforms.sketches.whitening import FINE, LARGEST

CARRIED = (CENTRE, NULL, DISTANCE)

_SIZES = {one.name: one.size for one in MAPS}
_GROUP_LENGTH = 64


@dataclass(frozen=True)
class CarriedReference:
    """A reference by itself.

    Attributes:
        learned_day: start of the last day behind it.
        parts: frames of the contracts CARRIED, by name; `distances` have numbers in place of accounts.
    """

    learned_day: datetime
    parts: dict[str, pl.DataFrame]


def recipe(policy: Policy) -> str:
    """Digest of how calls become vectors: two references with another one compare nothing with each other.

    Args:
        policy: distribution.sampled_calls, time.tick.
    """
    digest = hashlib.blake2b(digest_size=8)
    for table in tables():
        digest.update(table.tobytes())
    said = [(one.name, int(one.needs), one.kernels) for one in MAPS]
    digest.update(repr((said, policy.distribution.sampled_calls, int(policy.time.tick.total_seconds()))).encode())
    return digest.hexdigest()


def carried_by(snapshot: Snapshot) -> CarriedReference | None:
    """What can be carried of a snapshot; None where no reference was learned yet.

    Of the day maxima those go along that were made with centres like these; whose they were stays behind.

    Args:
        snapshot: with all parts, as LEARN published it.
    """
    known = references(snapshot)
    if snapshot.day is None or not known:
        return None
    alike = sorted({reference.regime for reference in known.values()})
    maxima = snapshot["distances"].filter(pl.col("regime").is_in(alike)).sort("peer_group", "regime", "day_maximum")
    numbered = maxima.drop("account_id", "account_hash", "day").with_row_index("number")
    distances = numbered.with_columns(
        account_id=pl.format("day maximum {}", pl.col("number").cast(pl.String).str.zfill(7)),
        account_hash=pl.col("number").cast(pl.Int64),
        day=pl.lit(snapshot.day),
    )
    whole = pl.DataFrame(list(known), schema={"peer_group": pl.String, "map": pl.String}, orient="row")
    parts = {
        "centres": snapshot["centres"].join(whole, on=["peer_group", "map"], how="semi"),
        "nulls": snapshot["nulls"].join(whole, on=["peer_group", "map"], how="semi"),
        "distances": distances,
    }
    return CarriedReference(snapshot.day, {each.name: each.conform(parts[each.name]) for each in CARRIED})


def pinned(snapshot: Snapshot, reference: CarriedReference, name: str) -> Snapshot:
    """The snapshot with the reference in place of its own; everything else is as it was.

    Args:
        snapshot: what was learned up to the last feedback border; the empty one before the first.
        reference: what is compared with instead.
        name: of the reference; becomes part of the regimes, so that scores made with it are compared with no others.
    """
    replaced = {
        "centres": reference.parts["centres"].with_columns(origin=pl.lit(name)),
        "nulls": reference.parts["nulls"],
        "distances": reference.parts["distances"].with_columns(regime=pl.concat_str(pl.lit(f"{name}/"), "regime")),
    }
    return Snapshot(snapshot.snapshot_id, snapshot.day, snapshot.parts | replaced)


def fault_of(reference: CarriedReference) -> str | None:
    """Why a reference is none that LEARN could have made, as one clause; None where it is sound.

    What passes cannot overflow, divide by zero or speak in a group's name twice, whoever made the file.
    """
    try:
        for contract in CARRIED:
            contract.check(reference.parts[contract.name])
    except ContractViolation as error:
        return f"{error.where}: {error.problem}"
    centres, nulls = reference.parts["centres"], reference.parts["nulls"]
    if centres.is_empty():
        return "it has no centre"
    if (centres["peer_group"].str.len_chars() > _GROUP_LENGTH).any():
        return "the name of a peer group is too long"
    faults = [_of_centre(row) for row in centres.iter_rows(named=True)]
    faults += [_of_null(row) for row in nulls.iter_rows(named=True)]
    found = [fault for fault in faults if fault is not None]
    if found:
        return found[0]
    key = ["peer_group", "map"]
    if not nulls.join(centres, on=key, how="anti").is_empty():
        return "a null has no centre"
    alone = nulls.filter(pl.col("heads") == 1)
    if not centres.join(alone, on=key, how="anti").is_empty():
        return "a centre has no null"
    if not reference.parts["distances"]["day_maximum"].is_finite().all():
        return "a day maximum is no number"
    return None


def _of_centre(row: dict[str, Any]) -> str | None:
    size = _SIZES.get(row["map"])
    if size is None:
        return f"map {row['map']} is not known here"
    if row["origin"] is not None:
        return f"the centre of {row['peer_group']} belongs to a pinned reference"
    if not _fits(row["mean"], size, UNIT * FINE) or not _fits(row["whitener"], size * size, LARGEST):
        return f"the centre of {row['peer_group']} has other numbers than a centre of map {row['map']}"
    if not 0 < row["scale"] < float("inf"):
        return f"the centre of {row['peer_group']} has no scale"
    return None


def _of_null(row: dict[str, Any]) -> str | None:
    steps = row["quantiles"]
    if len(steps) != RANK_STEPS + 1 or any(value is None for value in steps) or not _ascending(steps):
        return f"a null of {row['peer_group']} is no ascending list of {RANK_STEPS + 1} distances"
    return f"a null of {row['peer_group']} has no account behind it" if row["size"] < 1 else None


def _fits(values: list[int | None], size: int, most: int) -> bool:
    if len(values) != size or any(value is None for value in values):
        return False
    numbers = np.array(values, dtype=np.int64)
    return bool((numbers >= -most).all() and (numbers <= most).all())


def _ascending(steps: list[float]) -> bool:
    numbers = np.array(steps)
    return bool(np.isfinite(numbers).all() and (numbers >= 0).all() and (np.diff(numbers) >= 0).all())
