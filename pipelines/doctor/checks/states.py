"""Plans, manifests, states and snapshots are whole, as written, and of a version that this program reads."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import polars as pl

from pipelines.detect import STATES
from pipelines.doctor.case import Case
from pipelines.doctor.symptom import Symptom
from pipelines.lake.checkpoints import checkpoints
from pipelines.lake.plan import damaged_plans
from pipelines.lake.snapshots import read_snapshot
from pipelines.lake.state import Manifest, States
from schemas.errors import LakeError


def check(case: Case) -> Iterator[Symptom]:
    """Every sealed file that holds now, and those from which a rebuild may start."""
    yield from (Symptom.of(error) for error in damaged_plans(case.lake))
    states, now = States(case.root), None if case.last_run is None else case.last_run["run_id"]
    manifests: dict[str, Manifest] = {}
    for run_id in sorted({*states.run_ids(), *([] if now is None else [now])}):
        try:
            manifests[run_id] = states.read_manifest(run_id)
        except LakeError as error:
            yield Symptom.of(error) if run_id == now else _of_the_past(case, run_id, error)
    broken = {
        name: found
        for name in sorted({name for manifest in manifests.values() for name in manifest.values()})
        if (found := _error(case, states, name)) is not None
    }
    holds = set(manifests[now].values()) if now in manifests else set()
    since = _since(case, manifests, set(broken))
    for name, found in broken.items():
        if name in holds:
            yield _of_now(case, found, since)
        else:
            run_id = next(run_id for run_id, manifest in manifests.items() if name in manifest.values())
            yield _of_the_past(case, run_id, found)


def _error(case: Case, states: States, name: str) -> LakeError | None:
    stage = name.partition("/")[0]
    try:
        if stage == "snapshots":
            read_snapshot(case.root, name)
        elif stage in STATES:
            states.restore(name, STATES[stage])
        else:
            states.read(name)
    except LakeError as error:
        return error
    return None


def _of_now(case: Case, error: LakeError, since: datetime) -> Symptom:
    """Something that the next run needs; where a rebuild mends it, with the day from which one can start."""
    symptom = Symptom.of(error)
    if "stillwatch rebuild" not in symptom.mend:
        return symptom
    return replace(symptom, mend=f"run `stillwatch rebuild --lake {case.root} --since {since:%Y-%m-%d}`")


def _of_the_past(case: Case, run_id: str, error: LakeError) -> Symptom:
    """Something that only a rebuild from an earlier border needs."""
    manifest = case.root / "_stillwatch" / "manifests" / run_id
    mend = f"remove {manifest}: a rebuild then starts from the border before; the next run removes the states"
    return Symptom("warning", error.where, f"{error.problem}; only a rebuild from run {run_id} needs it", mend)


def _since(case: Case, manifests: dict[str, Manifest], broken: set[str]) -> datetime:
    """The last border whose states are whole, else the lake's first day."""
    whole = [
        border
        for border, run_id in checkpoints(case.runs).items()
        if run_id in manifests and not broken & set(manifests[run_id].values())
    ]
    if whole:
        return max(whole)
    first: datetime | None = case.scan("events").select(pl.col("time").min()).collect().item()
    return datetime(2001, 1, 1, tzinfo=UTC) if first is None else first
