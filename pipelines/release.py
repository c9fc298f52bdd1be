"""`release`: a day that failed its audit may be learned from after all; by whom and why is kept."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.lake.borders import floor_to_day, midnight_after
from pipelines.lake.checkpoints import reached
from pipelines.lake.commit import Outcome, Write
from pipelines.lake.lake import Lake
from pipelines.lake.plan import Plan, last_policy, unfinished
from pipelines.writer import Writer, writing
from schemas.errors import LakeError
from schemas.policy import Policy
from schemas.release import RELEASE


@dataclass(frozen=True)
class ReleaseRequest:
    """What is to be released.

    Attributes:
        lake: folder of the lake.
        day: start of the quarantined UTC day.
        given_by: who decides it.
        why: why.
    """

    lake: Path
    day: datetime
    given_by: str
    why: str


@dataclass(frozen=True)
class Released:
    """What was recorded.

    Attributes:
        day: start of the day.
        holds_from: the border whose LEARN takes the day first.
        failed: what had failed in its audit, as `table: expectation of column`.
        given_by: who.
        why: why.
    """

    day: datetime
    holds_from: datetime
    failed: tuple[str, ...]
    given_by: str
    why: str


def preview(request: ReleaseRequest) -> Released:
    """What a release would record; nothing is written.

    Raises:
        LakeError: the day is not quarantined, or was released before.
    """
    return _decide(Lake.open(request.lake), request)


def release(request: ReleaseRequest, after: Callable[[str], None] = lambda _: None) -> Released:
    """Records that a quarantined day is released: the LEARN of the next open border takes it first.

    Args:
        request: which day, who, why.
        after: called after each point at which a commit can be interrupted; tests interrupt there.

    Raises:
        LakeError: the day is not quarantined or was released before, or another command was interrupted.
        LeaseHeld: the lake is being written.
    """
    lake = Lake.open(request.lake)
    with writing(lake, "release", after) as writer:
        plan = unfinished(lake)
        if plan is not None and (
            plan.pipeline != "release" or plan.work["day"] != floor_to_day(request.day).isoformat()
        ):
            raise LakeError(
                str(lake.root), f"run {plan.run_id} is unfinished", "repeat the command that was interrupted"
            )
        decided = _decide(lake, request)
        if plan is None:
            work = {name: getattr(decided, name) for name in ("given_by", "why")}
            work |= {"day": decided.day.isoformat(), "holds_from": decided.holds_from.isoformat()}
            plan = writer.plan("release", work, last_policy(lake))
        execute_release(writer, plan)
        return decided


def execute_release(writer: Writer, plan: Plan) -> None:
    """Executes a release and commits it; repeated after a crash, it does the same."""
    row: dict[str, Any] = {
        "day": datetime.fromisoformat(plan.work["day"]),
        "holds_from": datetime.fromisoformat(plan.work["holds_from"]),
        "given_at": plan.created,
        "given_by": plan.work["given_by"],
        "why": plan.work["why"],
    }
    rows = RELEASE.conform(pl.DataFrame([row], schema=RELEASE.polars))
    outcome = Outcome(accounts=0, windows=0, findings=0, policy_version=Policy.from_json(plan.policy).version)
    writer.commit(plan, {"releases": Write(rows=rows)}, outcome)


def _decide(lake: Lake, request: ReleaseRequest) -> Released:
    day, ever = floor_to_day(request.day), reached(lake.read("runs"))
    quarantined = lake.read("models").filter(pl.col("quarantined"))["day"].unique().sort().to_list()
    if day not in quarantined or ever is None:
        there = ", ".join(f"{each:%Y-%m-%d}" for each in quarantined)
        known = f"name one that is: {there}" if there else "no day of this lake is; there is nothing to release"
        raise LakeError(str(lake.root), f"{day:%Y-%m-%d} is not quarantined", known)
    before = lake.read("releases").filter(pl.col("day") == day)
    if not before.is_empty():
        row = before.row(0, named=True)
        told = f"{day:%Y-%m-%d} was released before, by {row['given_by']} from {row['holds_from']:%Y-%m-%d} on"
        raise LakeError(str(lake.root), told, "wait for the next border, or run `stillwatch rebuild`")
    failed = lake.read("quality").filter((pl.col("day") == day) & pl.col("is_gate") & ~pl.col("passed"))
    told_failed = [f"{t}: {e} of {c}" for t, e, c in failed.select("table", "expectation", "column").iter_rows()]
    return Released(day, midnight_after(ever), tuple(told_failed), request.given_by, request.why)
