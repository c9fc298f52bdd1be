"""Nothing lies in the lake that nothing refers to: half-written files, data files of no version, copies of streams."""

from collections.abc import Iterator

from pipelines.doctor.case import Case
from pipelines.doctor.symptom import Symptom
from pipelines.lake.leftovers import forgotten_files, half_written, spent_folders, unreferenced_states
from pipelines.lake.plan import waiting_plans


def check(case: Case) -> Iterator[Symptom]:
    """Leftovers by kind, unless a writer is at work or a run is unfinished: they may be needed then."""
    if case.writer is not None or waiting_plans(case.lake):
        return
    mend = f"run `stillwatch upkeep {case.root}`: it removes them"
    for what, paths in (
        ("half-written files", half_written(case.lake)),
        ("data files that no version of their table names", forgotten_files(case.lake)),
        ("folders of runs that are over", spent_folders(case.lake)),
        ("states and snapshots that no run needs", unreferenced_states(case.lake)),
    ):
        if paths:
            example = f", {paths[0].relative_to(case.root)} for one"
            yield Symptom("warning", str(case.root), f"{len(paths):,} {what}{example}", mend)
