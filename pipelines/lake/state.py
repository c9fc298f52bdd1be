"""What a stage remembers between two runs: sealed bytes by (stage, key, run), and which of them hold after a run."""

import contextlib
import json
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, Self, TypeVar

import polars as pl

from pipelines.lake.lake import Lake
from pipelines.lake.recent import RECENT
from pipelines.lake.sealed import read_sealed, read_sealed_head, seal, write_whole
from schemas.errors import LakeError
from transforms.sketches.deferring import Deferred
from transforms.sketches.packing import HEAD_BYTES, OtherVersion

STATE_VERSION = 1
MANIFEST_VERSION = 1
_LOST = "run `stillwatch rebuild --since DAY`, DAY being the day before: state is computed again from the events table"
_OLD = (
    "run `stillwatch rebuild --since` the lake's first day: states of this version are computed from the events; "
    "or use the stillwatch that wrote it"
)
_ONLY_COPY = "restore it from a copy of the lake; without one, read the sources into a new lake"
"""What was read of every source can be computed from nothing in the lake."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")

Manifest = dict[str, str]
"""What holds after a run: (`stage/key`) -> name of the state (`stage/key/run_id`) or snapshot. Carried on from run to
run, so that a key that did not change keeps the file of the run that wrote it last."""


class Remembered(Protocol):
    """What a stage remembers: the shape of all its states."""

    @classmethod
    def empty(cls) -> Self:
        """Before the first event."""
        ...

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """The state that was stored; OtherVersion where its layout is of another version."""
        ...

    def to_bytes(self) -> bytes:
        """What `from_bytes` reads."""
        ...


class Deferrable(Remembered, Protocol):
    """A state that need not be read at once."""

    @classmethod
    def later(cls, load: Callable[[], Self], **known: Any) -> Self:
        """The state that `load` gives, which is called where more is asked for than is known."""
        ...

    @staticmethod
    def require(head: bytes) -> None:
        """As `from_bytes`, for the first bytes alone."""
        ...

    @staticmethod
    def closed_with(until: datetime) -> dict[str, pl.DataFrame]:
        """What is known of it after a run until then."""
        ...


Kind = TypeVar("Kind", bound=Remembered)
Late = TypeVar("Late", bound=Deferrable)


@dataclass(frozen=True)
class States:
    """State files of one lake; workers write and read them by name, nothing is listed.

    Attributes:
        root: the lake.
    """

    root: Path

    def write(self, stage: str, key: str, run_id: str, payload: bytes) -> str:
        """The name under which the payload can be read again; a repeated run writes the same name again.

        Raises:
            LakeError: a part of the name is not made of letters, digits, `.`, `_`, `-`; or the lake is not writable.
        """
        name = state_name(stage, key, run_id)
        write_whole(self._path(name), seal("state", STATE_VERSION, payload))
        return name

    def store(self, stage: str, key: str, run_id: str, state: Remembered) -> str:
        """As `write`, of a state's bytes; a process that keeps recent states need not read this one back."""
        name = self.write(stage, key, run_id, state.to_bytes())
        if not isinstance(state, Deferred):
            RECENT.keep(self._path(name), state)
        return name

    def read(self, name: str) -> bytes:
        """The payload written under this name.

        Raises:
            LakeError: missing, damaged, or of a newer version.
        """
        fix = _ONLY_COPY if name.startswith("sources/") else _LOST
        return read_sealed(self._path(name), "state", STATE_VERSION, fix)

    def restore(self, name: str | None, kind: type[Kind]) -> Kind:
        """The state of that name, the empty one for None.

        Raises:
            LakeError: missing, damaged, or of another version.
        """
        if name is None:
            return kind.empty()
        kept = RECENT.found(self._path(name))
        if isinstance(kept, kind):
            return kept
        data = self.read(name)
        with self._decoding(name):
            state = kind.from_bytes(data)
        if not isinstance(state, Deferred):
            RECENT.keep(self._path(name), state)
        return state

    def let_go(self, name: str) -> None:
        """Frees the state of that name, of which nothing is left in the manifest; its file stays for who goes back to a run before."""
        RECENT.forget(self._path(name))

    def later(self, name: str, kind: type[Late], **known: pl.DataFrame) -> Late:
        """The state of that name, of which only the beginning is read now: its kind, version and length.

        Args:
            name: as `write` gave it.
            kind: what it is.
            known: fields that are known; the rest is read when it is asked for, which may raise as `restore` does.

        Raises:
            LakeError: missing, cut short, or of another version; when it is read, also changed, or not what is known of it.
        """
        head = read_sealed_head(self._path(name), "state", STATE_VERSION, _LOST, HEAD_BYTES)
        with self._decoding(name):
            kind.require(head)

        def load() -> Late:
            state = self.restore(name, kind)
            for field, frame in known.items():
                if not frame.equals(getattr(state, field)):
                    problem = f"its {field} is not that of the run after which it holds"
                    raise LakeError(str(self._path(name)), problem, _LOST)
            return state

        return kind.later(load, **known)

    @contextlib.contextmanager
    def _decoding(self, name: str) -> Iterator[None]:
        """Whatever is wrong with the bytes of a state becomes one sentence about its file."""
        where = str(self._path(name))
        try:
            yield
        except OtherVersion as error:
            fix = _OLD if error.found < error.known else "use a newer stillwatch"
            raise LakeError(where, f"it is {error}", fix) from error
        except (ValueError, LookupError, TypeError, pl.exceptions.PolarsError) as error:
            raise LakeError(where, f"the state does not decode ({error})", _LOST) from error

    def write_manifest(self, run_id: str, manifest: Mapping[str, str]) -> None:
        """Records what holds after this run; it counts once the run's row is in `runs`."""
        payload = json.dumps(dict(manifest), sort_keys=True, indent=0).encode()
        write_whole(self._manifest(run_id), seal("manifest", MANIFEST_VERSION, payload))

    def read_manifest(self, run_id: str | None) -> Manifest:
        """What held after a run; empty before the first (None).

        Raises:
            LakeError: missing, damaged, or of a newer version.
        """
        if run_id is None:
            return {}
        data = read_sealed(self._manifest(run_id), "manifest", MANIFEST_VERSION, _ONLY_COPY)
        return {str(key): str(name) for key, name in json.loads(data).items()}

    def run_ids(self) -> list[str]:
        """Runs of which it is recorded what held after them, sorted."""
        return sorted(path.name for path in self._folder("manifests").glob("*") if _NAME.fullmatch(path.name))

    def unreferenced(self) -> list[Path]:
        """State files and snapshot folders that no recorded manifest names, sorted.

        Raises:
            LakeError: a manifest is damaged: what it names is not known.
        """
        needed = {name for run_id in self.run_ids() for name in self.read_manifest(run_id).values()}
        files = [file for file in self._folder("state").glob("*/*/*") if _NAME.fullmatch(file.name)]
        gone = [file for file in files if "/".join(file.parts[-3:]) not in needed]
        folders = [folder for folder in self._folder("snapshots").glob("*") if f"snapshots/{folder.name}" not in needed]
        return sorted(gone + folders)

    def size(self, names: Iterable[str]) -> int:
        """Bytes of the states and snapshots of these names; one that is removed meanwhile counts as none."""
        total = 0
        for name in set(names):
            path = self._folder("snapshots" if name.startswith("snapshots/") else "state") / name.removeprefix(
                "snapshots/"
            )
            files = path.glob("**/*") if path.is_dir() else [path]
            for file in files:
                with contextlib.suppress(OSError):
                    total += file.stat().st_size if file.is_file() else 0
        return total

    def has_manifest(self, run_id: str) -> bool:
        """Whether what held after this run is still known."""
        return self._manifest(run_id).exists()

    def has(self, names: Iterable[str]) -> bool:
        """Whether the states of all these names are there."""
        return all(self._path(name).is_file() for name in names)

    def remove(self, run_id: str) -> None:
        """Removes what was written under the name of a run that no manifest names."""
        for file in self._folder("state").glob(f"*/*/{run_id}"):
            file.unlink(missing_ok=True)
            RECENT.forget(file)

    def collect(self, keep: Iterable[str], besides: Iterable[str] = ()) -> int:
        """Removes states, snapshots and manifests that none of the kept runs needs.

        Args:
            keep: run ids: the last few runs, and the checkpoints that `rebuild` may start from (`checkpoints.to_keep`);
                those without a manifest are passed over. No run may be under way.
            besides: names of states that no run names yet.

        Returns:
            Number of states and snapshots removed.
        """
        kept_runs = {run_id for run_id in keep if self.has_manifest(run_id)}
        needed = {name for run_id in kept_runs for name in self.read_manifest(run_id).values()}.union(besides)
        gone = 0
        for file in self._folder("state").glob("*/*/*"):
            if "/".join(file.parts[-3:]) not in needed:
                file.unlink(missing_ok=True)
                RECENT.forget(file)
                gone += 1
        for folder in self._folder("state").glob("*/*"):
            if not any(folder.iterdir()):  # keys that name a day come and go
                folder.rmdir()
        for folder in self._folder("snapshots").glob("*"):
            if f"snapshots/{folder.name}" not in needed:
                shutil.rmtree(folder)
                gone += 1
        for file in self._folder("manifests").glob("*"):
            if file.name not in kept_runs:
                file.unlink(missing_ok=True)
        return gone

    def _folder(self, name: str) -> Path:
        return self.root / "_stillwatch" / name

    def _path(self, name: str) -> Path:
        if len(name.split("/")) != 3:
            raise LakeError(name, "it is no name of a state", "use the name that States.write returned")
        return self._folder("state") / state_name(*name.split("/"))

    def _manifest(self, run_id: str) -> Path:
        return self._folder("manifests") / run_id


def manifest_of(lake: Lake) -> Manifest:
    """The states that hold in a lake now: those that its last run names; none before the first."""
    last = lake.last_run()
    return States(lake.root).read_manifest(None if last is None else last["run_id"])


def state_name(stage: str, key: str, run_id: str) -> str:
    """The name of a state.

    >>> state_name("order", "group-007", "detect-00000012")
    'order/group-007/detect-00000012'
    """
    for part in (stage, key, run_id):
        if not _NAME.fullmatch(part):
            raise LakeError("state", f"{part!r} cannot be part of a name", "use letters, digits, '.', '_' and '-'")
    return f"{stage}/{key}/{run_id}"
