"""What a run is going to do, written down before it does it."""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipelines.lake.lake import Lake
from pipelines.lake.lease import Lease
from pipelines.lake.sealed import read_sealed, seal, write_whole
from schemas.errors import LakeError
from schemas.policy import Policy
from schemas.run import PIPELINES

PLAN_VERSION = 1
_FILE = re.compile(r"(\d{8,})-([a-z]+)\.plan")
_ABANDONED = ".abandoned"
_COPY = "restore the lake's _stillwatch/plans from a copy"


@dataclass(frozen=True)
class Plan:
    """One run, exactly: executed again after a crash, it does the same.

    Attributes:
        sequence: rises by one a run.
        pipeline: one of schemas.run.PIPELINES.
        created: wall clock at which it was planned.
        policy: the policy as JSON (Policy.to_json).
        work: ranges, ticks, names of states: plain JSON.
    """

    sequence: int
    pipeline: str
    created: datetime
    policy: str
    work: dict[str, Any]

    @property
    def run_id(self) -> str:
        """Pipeline and sequence number: names the run, its files and its states."""
        return f"{self.pipeline}-{self.sequence:08d}"


def planned(lake: Lake, lease: Lease, pipeline: str, work: dict[str, Any], policy: Policy) -> Plan:
    """The plan of a run with the next number, written down."""
    plan = Plan(next_sequence(lake), pipeline, datetime.now(UTC), policy.to_json(), work)
    write_plan(lake, lease, plan)
    return plan


def write_plan(lake: Lake, lease: Lease, plan: Plan) -> None:
    """Makes the plan durable; from here on the run is finished by whoever opens the lake next."""
    assert plan.pipeline in PIPELINES, plan.pipeline  # noqa: S101 - callers are this project's hosts
    lease.check()
    payload = json.dumps(
        {
            "sequence": plan.sequence,
            "pipeline": plan.pipeline,
            "created": plan.created.isoformat(),
            "policy": plan.policy,
            "work": plan.work,
        }
    ).encode()
    write_whole(_path(lake, plan.sequence, plan.pipeline), seal("plan", PLAN_VERSION, payload))


def next_sequence(lake: Lake) -> int:
    """A number no run and no plan of this lake ever had."""
    planned = max((sequence for sequence, _ in _plans(lake, abandoned=True)), default=0)
    return 1 + max(planned, lake.last_sequence())


def unfinished(lake: Lake) -> Plan | None:
    """The plan whose run is not in `runs`: it must be executed before anything else. Null where there is none.

    Raises:
        LakeError: the plan is damaged; the sentence names the command that drops it.
    """
    waiting = waiting_plans(lake)
    return None if not waiting else _read(waiting[0][1], _drop(lake, waiting[0][0]))


def waiting_plans(lake: Lake) -> list[tuple[int, Path]]:
    """Sequence number and file of every plan whose run is not in `runs`, the next one first; no plan is read."""
    last = lake.last_sequence()
    return sorted((sequence, path) for sequence, path in _plans(lake, abandoned=False) if sequence > last)


def damaged_plans(lake: Lake) -> list[LakeError]:
    """What is wrong with plans, each error naming one; those of finished runs say which policy held."""
    waiting = dict(waiting_plans(lake))
    found = []
    for sequence, path in _plans(lake, abandoned=False):
        try:
            _read(path, _drop(lake, sequence) if sequence in waiting else _COPY)
        except LakeError as error:
            found.append(error)
    return found


def last_policy(lake: Lake) -> Policy:
    """The policy of the last planned run; the default one before the first.

    Raises:
        LakeError: the plan is damaged.
    """
    plans = _plans(lake, abandoned=False)
    if not plans:
        return Policy()
    _, path = max(plans)
    return Policy.from_json(_read(path, _COPY).policy)


def last_plan_of(lake: Lake, pipeline: str) -> Plan | None:
    """The plan of the last finished run of a pipeline, as long as it is kept.

    Raises:
        LakeError: the plan is damaged.
    """
    last = lake.last_sequence()
    ending = f"-{pipeline}.plan"
    kept = [(s, path) for s, path in _plans(lake, abandoned=False) if s <= last and path.name.endswith(ending)]
    return _read(max(kept)[1], _COPY) if kept else None


def abandon(lake: Lake, lease: Lease, sequence: int) -> list[str]:
    """Undoes an unfinished run whose plan cannot be executed: every table goes back to the last complete run.

    Its number is never used again. Harmless when repeated or when the run committed nothing.

    Returns:
        Names of the tables that were put back.
    """
    back = []
    for table, version in lake.versions().items():
        lease.check()
        if lake.put_back(table, version):
            back.append(table)
    for number, path in _plans(lake, abandoned=False):
        if number == sequence and sequence > lake.last_sequence():
            path.rename(path.with_name(path.name + _ABANDONED))
    return back


def forget_plans(lake: Lake, keep: int) -> int:
    """Removes all but the newest plans of finished runs, and abandoned ones before them; returns how many went."""
    finished = sorted((s, path) for s, path in _plans(lake, abandoned=False) if s <= lake.last_sequence())
    old = finished[: max(0, len(finished) - max(1, keep))]
    abandoned = [(s, path) for s, path in _plans(lake, abandoned=True) if path.name.endswith(_ABANDONED)]
    old += [(s, path) for s, path in abandoned if s < lake.last_sequence()]
    for _, path in old:
        path.unlink(missing_ok=True)
    return len(old)


def _drop(lake: Lake, sequence: int) -> str:
    return (
        f"run `stillwatch doctor {lake.root} --abandon {sequence}`: it undoes what the run had committed; then run the "
        "same command again, which plans anew"
    )


def _read(path: Path, fix: str) -> Plan:
    data = json.loads(read_sealed(path, "plan", PLAN_VERSION, fix))
    return Plan(
        sequence=data["sequence"],
        pipeline=data["pipeline"],
        created=datetime.fromisoformat(data["created"]),
        policy=data["policy"],
        work=data["work"],
    )


def _path(lake: Lake, sequence: int, pipeline: str) -> Path:
    return lake.root / "_stillwatch" / "plans" / f"{sequence:08d}-{pipeline}.plan"


def _plans(lake: Lake, *, abandoned: bool) -> list[tuple[int, Path]]:
    found = []
    for path in sorted((lake.root / "_stillwatch" / "plans").glob("*")):
        match = _FILE.fullmatch(path.name.removesuffix(_ABANDONED))
        if match and (abandoned or not path.name.endswith(_ABANDONED)):
            found.append((int(match.group(1)), path))
    return found
