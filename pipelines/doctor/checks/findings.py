"""Findings keep every revision, and the review list shows exactly the findings that are open."""

from collections.abc import Iterator

import polars as pl

from pipelines.doctor.case import Case
from pipelines.doctor.symptom import Symptom
from transforms.findings import open_findings

_COPY = "restore the table from a copy of the lake"


def check(case: Case) -> Iterator[Symptom]:
    """Missing revisions, and accounts on the list without an open finding."""
    findings = case.read("findings")
    where = str(case.lake.folder("findings"))
    by_uid = findings.group_by("finding_uid").agg(
        first=pl.col("revision").min(), last=pl.col("revision").max(), different=pl.col("revision").n_unique()
    )
    broken = by_uid.filter((pl.col("first") != 1) | (pl.col("last") != pl.col("different"))).sort("finding_uid")
    for row in broken.iter_rows(named=True):
        problem = f"finding {row['finding_uid']} has {row['different']} of the revisions 1 to {row['last']}"
        yield Symptom("error", where, problem, _COPY)
    listed = case.read("flagged_accounts").filter(~pl.col("provisional"))
    stray = listed.join(open_findings(findings), on=["account_id", "finding_uid"], how="anti").sort("account_id")
    if not stray.is_empty():
        first = stray["account_id"][0]
        yield Symptom(
            "error",
            str(case.lake.folder("flagged_accounts")),
            f"{stray.height:,} accounts are on the review list without an open finding, {first} for one",
            "run `stillwatch backfill`, whose next run makes the list anew from the findings",
        )
