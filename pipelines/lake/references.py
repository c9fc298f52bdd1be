"""References of the distribution test as files: carried from lake to lake, and kept in each that is pinned to one."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa

from pipelines.lake.lake import Lake
from pipelines.lake.sealed import read_sealed, seal, unseal, write_whole
from pipelines.lake.snapshots import read_snapshot
from schemas.errors import LakeError, StillwatchError
from schemas.policy import Policy
from schemas.snapshot import Snapshot
from transforms.distribution import CarriedReference, fault_of, pinned, recipe
from transforms.distribution.carrying import CARRIED
from transforms.sketches.packing import head_of, pack

REFERENCE_VERSION = 1
MOST_BYTES = 2**28
"""A group's centre and nulls are 0.2 MB before compression: five hundred groups and their day maxima are less than this."""

ALWAYS = datetime(2001, 1, 1, tzinfo=UTC)
"""From when the first pin of a young lake holds: before any event (policy time.earliest)."""

_KIND = "reference"
_ABOUT = pl.Schema({"key_id": pl.String(), "recipe": pl.String(), "learned_day": pl.Datetime("us", "UTC")})
_AGAIN = "write it again with `stillwatch reference export`"
_LOST = "put the file back from a copy, or run `stillwatch reference thaw`, which holds from the next border on"
_NAME_BYTES = 8


@dataclass(frozen=True)
class ReferenceFile:
    """A reference as it travels.

    Attributes:
        key_id: id of the key that the prompts' fingerprints behind it were made with.
        recipe: how calls were turned into its vectors (`distribution.recipe`).
        reference: what it holds.
    """

    key_id: str
    recipe: str
    reference: CarriedReference

    def to_bytes(self) -> bytes:
        """Arrow streams behind a line with kind, version, length and checksum."""
        about = {"key_id": [self.key_id], "recipe": [self.recipe], "learned_day": [self.reference.learned_day]}
        parts = {"about": pl.DataFrame(about, schema=_ABOUT)} | self.reference.parts
        return seal(_KIND, REFERENCE_VERSION, pack(_KIND, REFERENCE_VERSION, parts))


def read_reference(path: Path) -> ReferenceFile:
    """What somebody names as a reference; it is trusted in nothing.

    Raises:
        LakeError: missing, too large, damaged, of another version, or not what LEARN makes.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise LakeError(str(path), f"it is larger than any reference ({MOST_BYTES:,} bytes)", _AGAIN)
        data = path.read_bytes()
    except OSError as error:
        raise LakeError(
            str(path), f"it cannot be read ({error.strerror})", "name a file of `reference export`"
        ) from error
    return _parsed(path, unseal(path, data, _KIND, REFERENCE_VERSION, _AGAIN))


def keep_reference(root: Path, file: ReferenceFile) -> str:
    """The name under which the lake keeps the reference from now on: a digest of what is in it.

    Raises:
        LakeError: the lake is not writable.
    """
    data = file.to_bytes()
    name = hashlib.blake2b(data, digest_size=_NAME_BYTES).hexdigest()
    if not kept_path(root, name).exists():
        write_whole(kept_path(root, name), data)
    return name


def kept_reference(root: Path, name: str) -> ReferenceFile:
    """The reference that the lake keeps under a name.

    Raises:
        LakeError: missing, damaged, or of another version.
    """
    path = kept_path(root, name)
    return _parsed(path, read_sealed(path, _KIND, REFERENCE_VERSION, _LOST))


def kept_path(root: Path, name: str) -> Path:
    """Where a lake keeps a reference."""
    return root / "_stillwatch" / "references" / name


def pin_at(lake: Lake, border: datetime) -> dict[str, Any] | None:
    """The row of `reference_pins` that holds from a border on; None where what the lake learns holds."""
    rows = lake.read("reference_pins").filter(pl.col("holds_from") <= border).sort("holds_from", "sequence")
    last = None if rows.is_empty() else rows.row(-1, named=True)
    return None if last is None or last["reference"] is None else last


def reference_at(lake: Lake, border: datetime, policy: Policy) -> str | None:
    """Name of the pinned reference that the day after a border is judged with; None for what the lake learns.

    One that was made by another recipe than the policy's compares nothing and does not hold.
    """
    pin = pin_at(lake, border)
    return None if pin is None or pin["recipe"] != recipe(policy) else str(pin["reference"])


def judged_with(
    root: Path, snapshot: str | None, reference: str | None, parts: tuple[str, ...] | None = None
) -> Snapshot:
    """The snapshot of a day as its accounts are judged with it: with the pinned reference, where there is one.

    Args:
        root: the lake.
        snapshot: its name; None before the first.
        reference: name of the pinned reference; None for the snapshot's own.
        parts: names of the frames wanted, None for all.

    Raises:
        LakeError: one of the two is missing, damaged, or of another version.
    """
    learned = read_snapshot(root, snapshot, parts)
    return learned if reference is None else pinned(learned, kept_reference(root, reference).reference, reference)


def _parsed(path: Path, payload: bytes) -> ReferenceFile:
    try:
        parts = _tables(payload)
        about = parts["about"].cast(_ABOUT, strict=True).row(0, named=True)
        frames = {each.name: each.conform(parts[each.name]) for each in CARRIED}
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
        pa.ArrowException,
        pl.exceptions.PolarsError,
        StillwatchError,
    ) as error:
        told = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise LakeError(str(path), f"it holds something else than a reference ({told})", _AGAIN) from error
    if any(value is None for value in about.values()):
        raise LakeError(str(path), "it does not say where it comes from", _AGAIN)
    reference = CarriedReference(about["learned_day"], frames)
    fault = fault_of(reference)
    if fault is not None:
        raise LakeError(str(path), f"it is no reference that was learned: {fault}", _AGAIN)
    return ReferenceFile(about["key_id"], about["recipe"], reference)


def _tables(payload: bytes) -> dict[str, pl.DataFrame]:
    """The frames of packed bytes, each looked at value by value before anything else reads it."""
    head, start = head_of(payload, _KIND, REFERENCE_VERSION)
    names, lengths = head["parts"], head["lengths"]
    if len(names) > len(CARRIED) + 1 or start + sum(lengths) != len(payload):
        raise ValueError("its parts are not as long as it says")
    found = {}
    for name, length in zip(names, lengths, strict=True):
        table = pa.ipc.open_stream(pa.py_buffer(payload[start : start + length])).read_all()
        table.validate(full=True)
        frame = pl.from_arrow(table)
        assert isinstance(frame, pl.DataFrame)  # noqa: S101 - of a table
        found[name] = frame
        start += length
    return found
