"""No source was refused by the last run that read sources."""

from collections.abc import Iterator

import polars as pl

from pipelines.doctor.case import Case
from pipelines.doctor.symptom import Symptom


def check(case: Case) -> Iterator[Symptom]:
    """Every refused source with its reason."""
    read = case.runs.filter(pl.col("pipeline") == "ingest").tail(1)
    sources = read.select(pl.col("sources").explode(empty_as_null=False)).unnest("sources")
    for row in sources.filter(pl.col("refused_because").is_not_null()).sort("name").iter_rows(named=True):
        fix = f"do as the reason says, then `stillwatch backfill {row['name']} --lake {case.root}`"
        yield Symptom("warning", f"source {row['name']}", f"it was refused: {row['refused_because']}", fix)
