"""`hunt`: past days looked at with what is known now; kept in a table of its own.

Everything is read at the versions of the last complete run, without the lease, so that a writer is not held up for as long as the
search takes. Only the rows found are committed, as a run: they are staged before its plan is written, so that whoever
opens the lake after a kill finishes the run without searching again.
"""

import io
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl

from pipelines.cli.progress import Progress
from pipelines.hunting import Quarry, hunted
from pipelines.lake.borders import floor_to_day, midnight_after
from pipelines.lake.checkpoints import reached
from pipelines.lake.commit import Outcome, Write
from pipelines.lake.lake import Lake
from pipelines.lake.plan import Plan, last_policy, next_sequence
from pipelines.lake.references import reference_at
from pipelines.lake.sealed import read_sealed, seal, write_whole
from pipelines.lake.snapshots import snapshot_id
from pipelines.lake.state import manifest_of
from pipelines.manifests import staging
from pipelines.writer import Writer, writing
from schemas.errors import LakeError
from schemas.hunt import HUNT
from schemas.policy import Policy

_STAGED = 1
"""Version of the staged rows."""


@dataclass(frozen=True)
class HuntRequest:
    """What a hunt is asked for.

    Attributes:
        lake: folder of the lake.
        since: first UTC day to look at.
        until: end of what is looked at; None for as far as ticks are closed.
        is_recorded: whether the rows are kept in the lake; False only reads it.
    """

    lake: Path
    since: datetime
    until: datetime | None = None
    is_recorded: bool = True


@dataclass(frozen=True)
class Hunted:
    """What a hunt found.

    Attributes:
        hunt_id: names its rows in `hunts`.
        since: start of the days looked at.
        until: end of the ticks looked at.
        policy_version: of the policy judged by.
        snapshot_id: the newest snapshot; None where nothing was learned yet.
        rows: HUNT rows.
        recorded: `now`, `before` (the same hunt over the same lake had been kept), or None: nothing is kept.
        seconds: how long it took.
    """

    hunt_id: str
    since: datetime
    until: datetime
    policy_version: str
    snapshot_id: str | None
    rows: pl.DataFrame
    recorded: str | None
    seconds: float


def hunt(request: HuntRequest, progress: Progress, after: Callable[[str], None] = lambda _: None) -> Hunted:
    """Looks at past days with the newest models and with the keys of everybody known by now.

    Args:
        request: which days.
        progress: told what happens.
        after: called after each point at which a commit can be interrupted; tests interrupt there.

    Raises:
        LakeError: nothing is closed in these days, something of the lake cannot be read, or another command was interrupted.
        LeaseHeld: the rows are to be kept, and the lake is being written.
    """
    began = time.monotonic()
    lake = Lake.open(request.lake)
    quarry = _quarry(lake, request)
    rows = hunted(quarry, progress)
    recorded = None
    if request.is_recorded and not rows.is_empty():
        recorded = _record(request, quarry, rows, after)
    return Hunted(
        hunt_id=quarry.hunt_id,
        since=quarry.since,
        until=quarry.until,
        policy_version=quarry.policy.version,
        snapshot_id=snapshot_id(quarry.snapshot),
        rows=rows,
        recorded=recorded,
        seconds=time.monotonic() - began,
    )


def execute_hunt(writer: Writer, plan: Plan) -> None:
    """Commits the rows that were staged for a plan; repeated after a crash, it does the same."""
    lake = writer.lake
    path = _staged(lake, plan.run_id)
    fix = f"run `stillwatch doctor {lake.root} --abandon {plan.sequence}`, then hunt again"
    rows = HUNT.conform(pl.read_ipc(io.BytesIO(read_sealed(path, "hunt", _STAGED, fix))))
    outcome = Outcome(accounts=rows.height, windows=0, findings=0, policy_version=Policy.from_json(plan.policy).version)
    writer.commit(plan, {"hunts": Write(rows=rows)}, outcome)


def _quarry(lake: Lake, request: HuntRequest) -> Quarry:
    ever = reached(lake.read("runs"))
    if ever is None:
        raise LakeError(str(lake.root), "nothing is closed yet that could be hunted through", "run `backfill` first")
    since = floor_to_day(request.since)
    until = ever if request.until is None else min(request.until, ever)
    if until <= since:
        told = f"nothing is closed between {since:%Y-%m-%d} and {until:%Y-%m-%d %H:%M}"
        raise LakeError(str(lake.root), told, f"name an earlier --since, or an --until up to {ever:%Y-%m-%d %H:%M}")
    policy = last_policy(lake)
    reference = reference_at(lake, midnight_after(ever), policy)
    return Quarry(lake, lake.versions(), manifest_of(lake).get("snapshot"), since, until, policy, reference)


def _record(request: HuntRequest, quarry: Quarry, rows: pl.DataFrame, after: Callable[[str], None]) -> str:
    """Keeps the rows in the lake, unless the same hunt is there."""
    lake = Lake.open(request.lake)
    with writing(lake, "hunt", after) as writer:
        fix = "repeat the command that was interrupted, then hunt again; or add --dry-run, which keeps nothing"
        writer.settle("hunt", execute_hunt, fix)
        there = lake.collect("hunts", lake.scan("hunts").filter(pl.col("hunt_id") == quarry.hunt_id).select("hunt_id"))
        if not there.is_empty():
            return "before"
        buffer = io.BytesIO()
        rows.write_ipc(buffer)
        # Staged under the number that the plan is about to have: the plan must never be without its rows.
        run_id = f"hunt-{next_sequence(lake):08d}"
        write_whole(_staged(lake, run_id), seal("hunt", _STAGED, buffer.getvalue()))
        after("staged")
        work = {"hunt_id": quarry.hunt_id, "since": quarry.since.isoformat(), "until": quarry.until.isoformat()}
        execute_hunt(writer, writer.plan("hunt", work, quarry.policy))
        return "now"


def _staged(lake: Lake, run_id: str) -> Path:
    return staging(lake.root, run_id) / "rows"
