"""Old versions of tables: until when they can be read, and the removal of what only they need."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import polars as pl

from pipelines.lake.delta_log import log_files, log_path, named_since
from pipelines.lake.lake import Lake
from pipelines.lake.lease import Lease
from schemas.catalogue import TABLES
from schemas.policy import Policy


def kept_versions(runs: pl.DataFrame, policy: Policy, since_sequence: int) -> dict[str, int]:
    """The oldest version of every table that stays readable; nothing for tables that no run recorded.

    Kept are versions after the run with which the week (policy retention.versions_days) before the end of closed time
    began, after run `since_sequence`, and what the last DETECT run read of `events`: the next one looks for what came since.

    Args:
        runs: RUN rows.
        policy: `policy.retention`.
        since_sequence: the last run before the command under way: whoever reads now reads at its versions.
    """
    moved = runs.filter(pl.col("pipeline").is_in(CLOSING)).sort("sequence")
    closed = moved.filter(pl.col("closed_until").is_not_null())
    if runs.is_empty() or closed.is_empty():
        return {}
    last: datetime = closed["closed_until"][-1]
    begin = last - timedelta(days=policy.retention.versions_days)
    earlier = closed.filter(pl.col("closed_until") <= begin)["sequence"].to_list()
    first = min(earlier[-1] if earlier else 0, since_sequence)
    until_then = runs.filter(pl.col("sequence") <= first).sort("sequence")
    if until_then.is_empty():
        return {}
    row = until_then.row(-1, named=True)
    versions: dict[str, int] = {item["table"]: item["version"] for item in row["tables"]}
    seen = moved["events_version"].drop_nulls()
    if not seen.is_empty() and "events" in versions:
        versions["events"] = min(versions["events"], int(seen[-1]))
    return versions


CLOSING = ("detect", "rewind")
"""Pipelines that move the end of closed time."""


def forget_versions(lake: Lake, lease: Lease, versions: Mapping[str, int]) -> int:
    """Removes data files and log entries that no version from these on needs; returns how many files went.

    No run may be unfinished. Harmless when repeated, and when it dies in between.
    """
    gone = 0
    for name in TABLES:
        if name not in versions:
            continue
        lease.check()
        folder = lake.folder(name)
        needed = named_since(folder, versions[name])
        for path in sorted(folder.glob("*.parquet")):
            if path.name not in needed:
                path.unlink(missing_ok=True)
                gone += 1
        gone += _forget_log(lake, name, versions[name])
    return gone


def _forget_log(lake: Lake, name: str, version: int) -> int:
    """Log entries before the last checkpoint that the version can be read from."""
    folder, found = lake.folder(name), log_files(lake.folder(name))
    checkpoints = [number for number in found["checkpoint.parquet"] if number <= version]
    if not checkpoints:
        return 0
    old = [(number, kind) for kind, numbers in found.items() for number in numbers if number < checkpoints[-1]]
    for number, kind in sorted(old):
        log_path(folder, number, kind).unlink(missing_ok=True)
    return len(old)
