"""What a lake holds, for the benchmark: calls by account and day, refused lines, rows by table."""

import json
import sys
from pathlib import Path

import polars as pl

from pipelines.lake.lake import Lake


def main(folder: str, target: str) -> None:
    """Writes calls by account and day as CSV to `target`, and prints the rest as JSON."""
    lake = Lake.open(Path(folder))
    sessions = lake.read("sessions")
    day = pl.col("session_start").dt.date().alias("day")  # sessions are cut at midnight
    days = sessions.group_by("account_id", day).agg(pl.col("calls").sum()).sort("account_id", "day")
    days.write_csv(target)
    told = {
        "rejected": sorted(lake.read("rejects")["position"].to_list()),
        "windows": lake.scan("account_windows").select(pl.len()).collect().item(),
        "sessions": sessions.height,
        "megabytes": sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file()) / 1e6,
    }
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
