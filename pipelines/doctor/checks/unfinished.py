"""No run was begun and not ended."""

from collections.abc import Iterator

from pipelines.doctor.case import Case
from pipelines.doctor.symptom import Symptom
from pipelines.lake.plan import waiting_plans


def check(case: Case) -> Iterator[Symptom]:
    """Every plan whose run is not in `runs`, unless a writer is at work on it."""
    if case.writer is not None:
        return
    for sequence, path in waiting_plans(case.lake):
        problem = f"run {path.stem.partition('-')[2]}-{sequence:08d} was interrupted"
        fix = (
            "repeat the command that was interrupted, which finishes it, or undo it with "
            f"`stillwatch doctor {case.root} --abandon {sequence}`"
        )
        yield Symptom("warning", str(path), problem, fix)
