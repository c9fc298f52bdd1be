"""What LEARN publishes, as a folder of Arrow files that any reader opens, with a sealed list of their digests."""

import hashlib
import io
import json
from datetime import datetime
from pathlib import Path

import polars as pl

from pipelines.lake.sealed import DIGEST_BYTES, read_sealed, seal, write_whole
from schemas.errors import LakeError
from schemas.snapshot import PARTS, Snapshot

SNAPSHOT_VERSION = 1
_LOST = "run `stillwatch rebuild --since DAY`, DAY being the day before: it is learned again from the lake"


def write_snapshot(root: Path, run_id: str, snapshot: Snapshot) -> str:
    """The name under which `read_snapshot` finds the snapshot again: `snapshots/ID.RUN`.

    The run is part of the name, so that learning a day again (rebuild) leaves what earlier runs used untouched.

    Raises:
        LakeError: the snapshot has no id, or the lake is not writable.
    """
    if snapshot.snapshot_id is None:
        raise LakeError("snapshot", "nothing was learned yet", "publish only what LEARN returned")
    name = f"snapshots/{snapshot.snapshot_id}.{run_id}"
    folder = root / "_stillwatch" / name
    digests = {}
    for contract in PARTS:
        buffer = io.BytesIO()
        contract.conform(snapshot[contract.name]).write_ipc(buffer, compression="zstd")
        write_whole(folder / f"{contract.name}.arrow", buffer.getvalue())
        digests[contract.name] = _digest(buffer.getvalue())
    content = {
        "snapshot_id": snapshot.snapshot_id,
        "day": None if snapshot.day is None else snapshot.day.isoformat(),
        "parts": digests,
    }
    write_whole(folder / "snapshot.json", seal("snapshot", SNAPSHOT_VERSION, json.dumps(content, indent=1).encode()))
    return name


def read_snapshot(root: Path, name: str | None, parts: tuple[str, ...] | None = None) -> Snapshot:
    """The snapshot of that name; the empty one for None.

    Args:
        root: the lake.
        name: what `write_snapshot` returned.
        parts: names of the frames wanted, None for all; the others come empty.

    Raises:
        LakeError: missing, damaged, or of a newer version.
    """
    if name is None:
        return Snapshot.empty()
    folder = root / "_stillwatch" / name
    content = json.loads(read_sealed(folder / "snapshot.json", "snapshot", SNAPSHOT_VERSION, _LOST))
    frames: dict[str, pl.DataFrame] = {}
    for contract in PARTS:
        wanted = parts is None or contract.name in parts
        if not wanted or contract.name not in content["parts"]:
            frames[contract.name] = contract.empty()
            continue
        path = folder / f"{contract.name}.arrow"
        try:
            data = path.read_bytes()
        except OSError as error:
            raise LakeError(str(path), f"it cannot be read ({error.strerror})", _LOST) from error
        if _digest(data) != content["parts"][contract.name]:
            raise LakeError(str(path), "it was changed after it was written (checksum)", _LOST)
        frames[contract.name] = contract.shape(pl.read_ipc(io.BytesIO(data)))  # written in order
    day = None if content["day"] is None else datetime.fromisoformat(content["day"])
    return Snapshot(content["snapshot_id"], day, frames)


def snapshot_id(name: str | None) -> str | None:
    """The id of the snapshot of that name; None for None.

    >>> snapshot_id("snapshots/2026-03-02.learn-00000012")
    '2026-03-02'
    """
    return None if name is None else name.removeprefix("snapshots/").partition(".")[0]


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=DIGEST_BYTES).hexdigest()
