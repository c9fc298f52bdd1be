"""`replay rejects`: refused records are read again, and what came of it is detected."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from pipelines.backfill import KEPT_PLANS
from pipelines.cli.progress import Progress
from pipelines.lake.borders import floor_to_day
from pipelines.lake.closed import closed_until
from pipelines.lake.keys import read_secret
from pipelines.lake.lake import Lake
from pipelines.lake.plan import forget_plans, last_policy
from pipelines.replaying import Found, ReplayRequest, plan_replay, search
from pipelines.request import Request
from pipelines.rounds import Rounds
from pipelines.writer import writing
from schemas.policy import Policy
from transforms.ingest.key import FingerprintKey

__all__ = ["ReplayRequest", "Replayed", "preview", "replay"]


@dataclass(frozen=True)
class Replayed:
    """What a replay did.

    Attributes:
        sources: refused records by source, as there were before.
        appended: records that became events.
        ignored: records that are left out by a stated rule now.
        rejects: rows of `rejects` that are left.
        too_late: events whose ticks had closed.
        rebuild_since: the first day of these; `rebuild` from there takes them in. None where there is none.
        seconds: how long it took.
    """

    sources: tuple[Found, ...]
    appended: int
    ignored: int
    rejects: int
    too_late: int
    rebuild_since: datetime | None
    seconds: float


def preview(request: ReplayRequest) -> tuple[Found, ...]:
    """Which records would be read again; nothing is written.

    Raises:
        LakeError: there is no such lake.
        SourceRefused: a source named in the request does not exist, or the format is unknown.
    """
    lake = Lake.open(request.lake)
    return search(lake, request, request.policy or last_policy(lake)).found


def replay(request: ReplayRequest, progress: Progress, after: Callable[[str], None] = lambda _: None) -> Replayed:
    """Reads refused records again; those that are taken now become events, exactly once.

    Args:
        request: which ones, and how.
        progress: told what happens.
        after: called after each point at which a commit can be interrupted; tests interrupt there.

    Raises:
        StillwatchError: what a user can mend: sources, policy, key, lake, lease.
    """
    began = time.monotonic()
    lake = Lake.open(request.lake)
    key = FingerprintKey(read_secret(request.lake, request.key_file, os.environ))
    lake = Lake.open(request.lake, key.id)
    with writing(lake, "replay", after) as writer:
        policy: Policy = request.policy or last_policy(lake)
        asked = Request(
            (),
            lake.root,
            policy=policy,
            runner=request.runner,
            beam_options=request.beam_options,
            key_file=request.key_file,
        )
        run = Rounds(asked, progress, writer, key)
        run.finish()
        late_before = _late(lake)
        searched = search(lake, request, policy)
        for found in searched.found:
            if found.why_not is not None:
                progress.warn(f"{found.name}: {found.rejects:,} refused records cannot be read: {found.why_not}")
        plan, closed = plan_replay(writer, searched, policy), closed_until(lake)
        if plan is not None:
            run.execute(plan)
            run.detect()
            run.show_open()
        forget_plans(lake, KEPT_PLANS)
        taken = run.replayed
        first = None if taken is None else taken.first
        is_late = first is not None and closed is not None and first < closed
        return Replayed(
            sources=searched.found,
            appended=0 if taken is None else taken.appended,
            ignored=0 if taken is None else taken.ignored,
            rejects=lake.scan("rejects").select(pl.len()).collect().item(),
            too_late=_late(lake) - late_before,
            rebuild_since=floor_to_day(first) if first is not None and is_late else None,
            seconds=time.monotonic() - began,
        )


def _late(lake: Lake) -> int:
    return int(lake.scan("too_late").select(pl.len()).collect().item())
