"""Which runs stand after rewinds, and which states a rebuild may start from."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

from pipelines.lake.checkpoints import Checkpoint, checkpoint_before, checkpoints, reached, standing, to_keep
from pipelines.lake.state import States
from schemas.run import RUN

DAY = datetime(2026, 3, 2, tzinfo=UTC)


def runs(*given: tuple[str, float | None]) -> pl.DataFrame:
    """Pipeline and days from the first midnight until which it closed."""
    rows = [
        {
            "run_id": f"{pipeline}-{number}",
            "sequence": number,
            "pipeline": pipeline,
            "closed_until": None if days is None else DAY + timedelta(days=days),
        }
        for number, (pipeline, days) in enumerate(given, 1)
    ]
    return RUN.conform(pl.DataFrame([dict.fromkeys(RUN.columns) | row for row in rows], schema=RUN.polars))


WEEK = runs(
    ("ingest", None), ("detect", 1), ("learn", 1), ("detect", 1.5), ("detect", 2), ("learn", 2), ("overlay", None)
)


def test_a_checkpoint_is_the_last_run_at_a_midnight() -> None:
    assert checkpoints(WEEK) == {DAY + timedelta(days=1): "learn-3", DAY + timedelta(days=2): "learn-6"}


def test_a_rewind_takes_back_what_was_closed_and_learned_after_its_border() -> None:
    rewound = pl.concat([WEEK, runs(("rewind", 1)).with_columns(sequence=pl.lit(8, pl.Int64))])
    assert standing(rewound)["sequence"].to_list() == [1, 2, 3, 7, 8]
    assert checkpoints(rewound) == {DAY + timedelta(days=1): "learn-3"}
    assert reached(rewound) == DAY + timedelta(days=2)


def test_what_is_closed_after_a_rewind_stands_again() -> None:
    after = runs(("detect", 1), ("detect", 2), ("rewind", 1), ("detect", 1.5), ("rewind", None), ("detect", 1))
    assert standing(after)["sequence"].to_list() == [3, 5, 6]
    assert checkpoints(after) == {DAY + timedelta(days=1): "detect-6"}


def test_a_rebuild_starts_from_the_last_border_whose_state_is_kept_else_from_the_beginning(tmp_path: Path) -> None:
    states = States(tmp_path)
    states.write_manifest("learn-3", {})
    noon = DAY + timedelta(days=2)
    assert checkpoint_before(WEEK, states, noon) == Checkpoint(DAY + timedelta(days=1), "learn-3")
    assert checkpoint_before(WEEK, states, DAY) == Checkpoint(None, None)
    states.write_manifest("learn-6", {})
    assert checkpoint_before(WEEK, states, noon) == Checkpoint(noon, "learn-6")


def test_checkpoints_are_kept_for_so_many_days_before_the_last_border() -> None:
    assert to_keep(WEEK, 1) == ["learn-3", "learn-6"]
    assert to_keep(WEEK, 0) == ["learn-6"]
    assert to_keep(runs(("ingest", None)), 9) == []
