"""No day is kept out of learning by its audit."""

from collections.abc import Iterator

import polars as pl

from pipelines.doctor.case import Case
from pipelines.doctor.symptom import Symptom


def check(case: Case) -> Iterator[Symptom]:
    """Every quarantined day that nobody released, with the expectations that it failed."""
    models = case.read("models").filter(pl.col("quarantined"))
    quarantined = models.join(case.read("releases"), on="day", how="anti")["day"].unique().sort()
    failed = case.read("quality").filter(pl.col("is_gate") & ~pl.col("passed"))
    for day in quarantined:
        reasons = failed.filter(pl.col("day") == day).select("table", "expectation", "column").rows()
        told = "; ".join(f"{table}: {expectation} of {column}" for table, expectation, column in reasons[:3])
        problem = f"it failed its audit and is not learned from ({told or 'the audit is gone'})"
        fix = f"look at it, then `stillwatch release {day:%Y-%m-%d} --lake {case.root}`, or mend its sources and rebuild it"
        yield Symptom("warning", f"day {day:%Y-%m-%d}", problem, fix)
