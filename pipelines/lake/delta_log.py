"""What a table's Delta log says about files, version by version."""

import json
import re
from pathlib import Path
from typing import Any

from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from schemas.errors import LakeError

_ENTRY = re.compile(r"(\d{20})\.(json|checkpoint\.parquet)")


def log_files(folder: Path) -> dict[str, list[int]]:
    """Versions of a table that have a log entry (`json`), and those with a checkpoint (`checkpoint.parquet`), rising."""
    found: dict[str, list[int]] = {"json": [], "checkpoint.parquet": []}
    for path in sorted((folder / "_delta_log").glob("*")):
        match = _ENTRY.fullmatch(path.name)
        if match:
            found[match.group(2)].append(int(match.group(1)))
    return found


def log_path(folder: Path, version: int, kind: str = "json") -> Path:
    """Where the log entry (or the checkpoint) of a version lies."""
    return folder / "_delta_log" / f"{version:020d}.{kind}"


def oldest_version(folder: Path) -> int:
    """The oldest version that can still be opened: the first entry, or the checkpoint that everything earlier went into.

    Raises:
        LakeError: there is neither.
    """
    found = log_files(folder)
    if found["json"] and found["json"][0] == 0:
        return 0
    if not found["checkpoint.parquet"]:
        raise LakeError(str(folder), "its log has no beginning", "restore the table's _delta_log from a copy")
    return found["checkpoint.parquet"][0]


def read_entry(folder: Path, version: int) -> list[dict[str, Any]]:
    """The actions of one version.

    Raises:
        LakeError: the entry is gone or damaged.
    """
    path = log_path(folder, version)
    try:
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except OSError as error:
        fix = "run `stillwatch rebuild` from that day"
        raise LakeError(str(path), f"the log entry cannot be read ({error.strerror})", fix) from error
    except ValueError as error:
        raise LakeError(str(path), "the log entry is damaged", "restore it from a copy of the lake") from error


def paths_at(folder: Path, version: int) -> set[str]:
    """Names of a table's data files at a version.

    Raises:
        LakeError: the version cannot be opened.
    """
    if version == 0 and log_path(folder, 0).exists():  # nothing is older, and the table need not be opened
        return _added(folder, 0)
    try:
        actions = DeltaTable(folder, version=version).get_add_actions(flatten=True)
    except (DeltaError, OSError, ValueError) as error:
        first = str(error).strip().splitlines()[0]
        fix = "restore the table's _delta_log from a copy"
        raise LakeError(str(folder), f"its version {version} cannot be read ({first})", fix) from error
    return set(actions.column("path").to_pylist())


def named_since(folder: Path, version: int) -> set[str]:
    """Names of all data files that some version from this one on holds."""
    named = paths_at(folder, version)
    for number in log_files(folder)["json"]:
        if number > version:
            named |= _added(folder, number)
    return named


def _added(folder: Path, version: int) -> set[str]:
    return {action["add"]["path"] for action in read_entry(folder, version) if "add" in action}
