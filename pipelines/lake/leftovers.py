"""What killed processes and finished runs leave behind, and its removal."""

import shutil
from pathlib import Path

from pipelines.lake.delta_log import named_since, oldest_version
from pipelines.lake.lake import Lake, creation_marker
from pipelines.lake.lease import Lease
from pipelines.lake.plan import waiting_plans
from pipelines.lake.state import States
from schemas.catalogue import TABLES


def half_written(lake: Lake) -> list[Path]:
    """Temporary files that were never moved into place, and the mark of a creation that ended, sorted."""
    folders = [lake.folder(name) for name in TABLES] + [lake.root / "_stillwatch"]
    temporary = [path for folder in folders for path in folder.rglob(".*.tmp") if path.is_file()]
    return sorted(temporary + [path for path in [creation_marker(lake.root)] if path.exists()])


def forgotten_files(lake: Lake) -> list[Path]:
    """Data files that no version of their table names, sorted; those of a run at work are among them.

    Raises:
        LakeError: a table's log is damaged: what it names is not known.
    """
    found = []
    for name in TABLES:
        folder = lake.folder(name)
        if not (folder / "_delta_log").is_dir():
            continue
        there = {path.name: path for path in folder.glob("*.parquet")}
        if there:
            found += [there[path] for path in there.keys() - named_since(folder, oldest_version(folder))]
    return sorted(found)


def spent_folders(lake: Lake) -> list[Path]:
    """Staging folders of runs that are over, and copies of streams that no plan reads, sorted."""
    inside, waiting = lake.root / "_stillwatch", waiting_plans(lake)
    running = {path.name.partition("-")[0].lstrip("0") for _, path in waiting}
    staged = [
        path for path in (inside / "staging").glob("*") if path.name.rpartition("-")[2].lstrip("0") not in running
    ]
    spool = inside / "spool"
    return sorted([*staged, *([spool] if spool.exists() and not waiting else [])])


def unreferenced_states(lake: Lake) -> list[Path]:
    """State files and snapshots that no recorded run needs, sorted."""
    return States(lake.root).unreferenced()


def remove_half_written(lake: Lake, lease: Lease) -> int:
    """Deletes half-written files and the folders of runs that ended before they could; returns how many there were.

    No worker of this lake may be running: hosts call it after taking the lease, before the first run.
    """
    lease.check()
    return _remove([*half_written(lake), *spent_folders(lake)])


def remove_leftovers(lake: Lake, lease: Lease) -> int:
    """Deletes everything that nothing refers to; returns how many files and folders there were.

    No run may be unfinished: its files are named by no version yet.
    """
    lease.check()
    paths = [*half_written(lake), *forgotten_files(lake), *spent_folders(lake), *unreferenced_states(lake)]
    return _remove(paths)


def _remove(paths: list[Path]) -> int:
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    return len(paths)
