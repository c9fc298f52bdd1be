"""Nothing is lost: the counts in `runs` add up, source by source, and the tables hold as many rows as they say."""

from collections.abc import Iterator

import polars as pl

from pipelines.doctor.case import Case
from pipelines.doctor.symptom import Symptom
from schemas.errors import LakeError

_TABLES = {"appended": "events", "rejects": "rejects", "too_late": "too_late"}
_COPY = "restore the lake from a copy"
_REBUILD = "run `stillwatch rebuild` from the first day that is in doubt"


def check(case: Case) -> Iterator[Symptom]:
    """What does not add up, by source."""
    counted = case.runs.select(pl.col("sources").explode(empty_as_null=False)).unnest("sources")
    names = ("records", "appended", "ignored", "rejects", "accepted", "duplicates", "too_late")
    totals = counted.group_by("source").agg(pl.col("name").last(), pl.col(names).sum()).sort("source")
    for row in totals.iter_rows(named=True):
        yield from _adding_up(row)
    gone = case.runs.select(pl.col("removed").explode(empty_as_null=False)).drop_nulls().unnest("removed")
    for count, table in _TABLES.items():
        removed = gone.filter(pl.col("table") == table).group_by("source").agg(removed=pl.col("rows").sum())
        left = totals.join(removed, on="source", how="left").with_columns(pl.col("removed").fill_null(0))
        try:
            yield from _rows_held(case, table, left.select("source", "name", counted=pl.col(count) - pl.col("removed")))
        except LakeError as error:
            yield Symptom.of(error)


def _adding_up(row: dict[str, object]) -> Iterator[Symptom]:
    n = {name: value for name, value in row.items() if isinstance(value, int)}
    where = f"source {row['name']}"
    if n["records"] != n["appended"] + n["ignored"] + n["rejects"]:
        parts = f"{n['appended']:,} appended, {n['ignored']:,} ignored, {n['rejects']:,} rejects"
        yield Symptom("error", where, f"{n['records']:,} records are not the sum of {parts}", _COPY)
    waiting = n["appended"] - n["accepted"] - n["duplicates"] - n["too_late"]
    if waiting < 0 or min(n.values()) < 0:
        parts = f"{n['accepted']:,} accepted, {n['duplicates']:,} duplicates, {n['too_late']:,} too late"
        yield Symptom("error", where, f"{n['appended']:,} events were appended but {parts}", _REBUILD)


def _rows_held(case: Case, table: str, totals: pl.DataFrame) -> Iterator[Symptom]:
    held = case.scan(table).group_by("source").agg(held=pl.len().cast(pl.Int64)).collect()
    joined = totals.join(held, on="source", how="full", coalesce=True).with_columns(
        pl.col("counted", "held").fill_null(0), pl.col("name").fill_null(pl.col("source"))
    )
    for row in joined.filter(pl.col("counted") != pl.col("held")).sort("source").iter_rows(named=True):
        problem = f"source {row['name']}: {row['held']:,} rows where the runs count {row['counted']:,}"
        yield Symptom("error", str(case.lake.folder(table)), problem, _COPY)
