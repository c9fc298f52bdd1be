"""Plans, manifests, states and snapshots are whole, as written, and of a version that this program reads."""

from collections.abc import Iterator

from pipelines.account_group import STATES
from pipelines.doctor.case import Case
from pipelines.doctor.symptom import Symptom
from pipelines.lake.plan import damaged_plans
from pipelines.lake.snapshots import read_snapshot
from pipelines.lake.state import States
from schemas.errors import LakeError


def check(case: Case) -> Iterator[Symptom]:
    """Every sealed file that holds now, or from which a rebuild may start."""
    yield from (Symptom.of(error) for error in damaged_plans(case.lake))
    states = States(case.root)
    last = None if case.last_run is None else case.last_run["run_id"]
    needed: dict[str, str] = {}
    for run_id in [*([] if last is None else [last]), *states.run_ids()]:
        try:
            needed |= {name: key for key, name in states.read_manifest(run_id).items()}
        except LakeError as error:
            yield Symptom.of(error)
    for name in sorted(needed):
        try:
            if name.startswith("snapshots/"):
                read_snapshot(case.root, name)
            elif name.partition("/")[0] in STATES:
                states.restore(name, STATES[name.partition("/")[0]])
            else:
                states.read(name)
        except LakeError as error:
            yield Symptom.of(error)
