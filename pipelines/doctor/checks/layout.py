"""The folder is a lake of a format this program knows, and all its tables are there."""

from collections.abc import Iterator

from pipelines.doctor.case import Case
from pipelines.doctor.symptom import Symptom
from pipelines.lake.lake import Lake


def check(case: Case) -> Iterator[Symptom]:
    """What opening the lake refuses."""
    Lake.open(case.root)
    yield from ()
