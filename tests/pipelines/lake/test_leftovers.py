"""Leftovers of killed processes go, everything else stays."""

from collections.abc import Callable

import polars as pl

from pipelines.lake.commit import Committer, Outcome, Write
from pipelines.lake.lake import Lake
from pipelines.lake.lease import Lease
from pipelines.lake.leftovers import remove_half_written
from pipelines.lake.plan import Plan
from pipelines.lake.state import States
from schemas.catalogue import TABLES


def test_half_written_files_are_removed_and_whole_ones_kept(
    lake: Lake, lease: Lease, make_rows: Callable[..., pl.DataFrame]
) -> None:
    from datetime import UTC, datetime

    plan = Plan(1, "detect", datetime(2026, 1, 1, tzinfo=UTC), "{}", {})
    name = States(lake.root).write("order", "0", plan.run_id, b"x")
    rows = Write(rows=make_rows(TABLES["sessions"], 3))
    Committer(lake, lease).commit(plan, {"sessions": rows}, Outcome(0, 0, 0, "x"), {"order/0": name})
    (lake.root / "events" / ".ingest-00000002-00000.parquet.77.88.tmp").write_bytes(b"half")
    (lake.root / "_stillwatch" / "state" / "order" / "0" / ".detect-00000002.77.88.tmp").write_bytes(b"half")
    assert remove_half_written(lake, lease) == 2
    assert remove_half_written(lake, lease) == 0
    assert lake.read("sessions").height == 3
    assert States(lake.root).read(name) == b"x"
