"""`rebuild`: back to the border before a day, then DETECT and LEARN day by day over the events that are in the lake."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.backfill import KEPT_PLANS
from pipelines.cli.progress import Progress
from pipelines.detect_job import groups_of
from pipelines.lake.borders import floor_to_day
from pipelines.lake.checkpoints import Checkpoint, reached
from pipelines.lake.closed import closed_until
from pipelines.lake.commit import PROVISIONAL
from pipelines.lake.keys import read_secret
from pipelines.lake.lake import Lake
from pipelines.lake.plan import abandon, forget_plans, last_policy, unfinished, waiting_plans
from pipelines.request import Request
from pipelines.rewind import REWOUND, Outlook, checkpoint_for, outlook, plan_rewind
from pipelines.rounds import Rounds
from pipelines.writer import Writer, writing
from schemas.errors import SourceMoved
from schemas.policy import Policy
from transforms.ingest.key import FingerprintKey

_TOLD = (*REWOUND, "findings")


@dataclass(frozen=True)
class RebuildRequest:
    """What a rebuild is asked for.

    Attributes:
        lake: folder of the lake.
        since: the first day to compute again; its midnight in UTC counts.
        policy: the configuration; None for the one of the last run.
        runner: name of the engine.
        beam_options: options of the engine.
        key_file: file of the fingerprint key; only used where an interrupted command was reading sources.
    """

    lake: Path
    since: datetime
    policy: Policy | None = None
    runner: str = "embedded"
    beam_options: tuple[str, ...] = ()
    key_file: Path | None = None


@dataclass(frozen=True)
class Rebuilt:
    """What a rebuild changed.

    Attributes:
        since: the border it started from, None for the beginning: the day asked for, or the last checkpoint before it.
        closed_until: end of the last closed tick.
        days: UTC days computed again.
        late: late events that were taken in.
        tables: definite rows before and after, by table.
        findings: revisions by what they did: created, changed, withdrawn.
        flagged: accounts that came onto the review list.
        unflagged: accounts that left it.
        quarantined: days that failed their audit.
        seconds: how long it took.
    """

    since: datetime | None
    closed_until: datetime | None
    days: int
    late: int
    tables: dict[str, tuple[int, int]]
    findings: dict[str, int]
    flagged: tuple[str, ...]
    unflagged: tuple[str, ...]
    quarantined: tuple[datetime, ...]
    seconds: float


def preview(request: RebuildRequest) -> Outlook:
    """What a rebuild would compute again; nothing is written.

    Raises:
        LakeError: it cannot start there; the sentence says why.
    """
    lake = Lake.open(request.lake)
    return outlook(lake, checkpoint_for(lake, floor_to_day(request.since)))


def rebuild(request: RebuildRequest, progress: Progress, after: Callable[[str], None] = lambda _: None) -> Rebuilt:
    """Computes the days since a border again, with today's program and policy and all events that are in the lake.

    Interrupted and repeated, it goes on where it was; so does any `backfill`.

    Args:
        request: since when, and how.
        progress: told what happens.
        after: called after each point at which a commit can be interrupted; tests interrupt there.

    Raises:
        StillwatchError: what a user can mend: the day, policy, key, lake, lease.
    """
    began = time.monotonic()
    lake = Lake.open(request.lake)
    with writing(lake, "rebuild", after) as writer:
        policy = last_policy(lake) if request.policy is None else request.policy
        run = _rounds(request, policy, progress, writer)
        _settle(run, progress)
        checkpoint = checkpoint_for(lake, floor_to_day(request.since))
        if _is_under_way(lake, checkpoint, policy):
            progress.note("going on with the rebuild that was interrupted")
        else:
            run.execute(plan_rewind(run.writer, checkpoint, policy))
        run.detect()
        run.show_open()
        forget_plans(lake, KEPT_PLANS)
        return _told(lake, run, time.monotonic() - began)


def _rounds(request: RebuildRequest, policy: Policy, progress: Progress, writer: Writer) -> Rounds:
    lake, key = writer.lake, None
    if any(path.stem.endswith(("-ingest", "-replay")) for _, path in waiting_plans(lake)):
        key = FingerprintKey(read_secret(lake.root, request.key_file, os.environ))
        Lake.open(lake.root, key.id)
    asked = Request(
        (),
        lake.root,
        policy=policy,
        runner=request.runner,
        beam_options=request.beam_options,
        groups=groups_of(lake),
        key_file=request.key_file,
    )
    return Rounds(asked, progress, writer, key)


def _settle(run: Rounds, progress: Progress) -> None:
    """Ends what interrupted commands left: reading and rewinding are finished, computing is dropped, for it comes again.

    So a run that cannot be finished, because a state is lost or damaged, does not stand in the way.
    """
    lake = run.lake
    while (plan := unfinished(lake)) is not None:
        if plan.pipeline in ("detect", "learn", "overlay"):
            progress.note(f"dropping run {plan.run_id}, which was interrupted: its ticks are computed again")
            abandon(lake, run.lease, plan.sequence)
        else:
            progress.note(f"finishing run {plan.run_id}, which was interrupted")
            try:
                run.execute(plan)
            except SourceMoved:
                if unfinished(lake) == plan:
                    raise


def _is_under_way(lake: Lake, checkpoint: Checkpoint, policy: Policy) -> bool:
    """Whether the last rewind went where this one would, nothing was read since, and what was closed is not closed again."""
    rewound = _last_rewind(lake)
    closed, ever = closed_until(lake), reached(lake.read("runs"))
    if rewound is None or ever is None or (closed is not None and closed >= ever):
        return False
    since = pl.col("sequence") > rewound["sequence"]
    came = lake.read("runs").filter(since & pl.col("pipeline").is_in(["ingest", "replay"]))
    same = (rewound["closed_until"], rewound["policy_version"]) == (checkpoint.border, policy.version)
    return same and came.is_empty()


def _last_rewind(lake: Lake) -> dict[str, Any] | None:
    rows = lake.read("runs").filter(pl.col("pipeline") == "rewind").sort("sequence")
    return None if rows.is_empty() else rows.row(-1, named=True)


def _told(lake: Lake, run: Rounds, seconds: float) -> Rebuilt:
    """What changed since before the last rewind."""
    runs = lake.read("runs").sort("sequence")
    rewound = _last_rewind(lake)
    assert rewound is not None  # noqa: S101 - a rebuild rewinds
    before = _versions(runs.filter(pl.col("sequence") < rewound["sequence"]))
    now = _versions(runs)
    were, are = (_listed(lake, versions["flagged_accounts"]) for versions in (before, now))
    again = runs.filter((pl.col("sequence") > rewound["sequence"]) & (pl.col("pipeline") == "detect"))
    days = again.select(pl.col("closed_until").dt.offset_by("-1us").dt.truncate("1d")).n_unique()
    rows = {table: (_rows(lake, table, before[table]), _rows(lake, table, now[table])) for table in _TOLD}
    return Rebuilt(
        since=rewound["closed_until"],
        closed_until=closed_until(lake),
        days=days,
        late=max(0, rows["too_late"][0] - rows["too_late"][1]),
        tables=rows,
        findings=_revisions(lake, before["findings"], now["findings"]),
        flagged=tuple(sorted(are - were)),
        unflagged=tuple(sorted(were - are)),
        quarantined=tuple(run.quarantined),
        seconds=seconds,
    )


def _versions(runs: pl.DataFrame) -> dict[str, int]:
    return {item["table"]: item["version"] for item in runs.row(-1, named=True)["tables"]}


def _rows(lake: Lake, table: str, version: int) -> int:
    return sum(entry.rows for entry in lake.files(table, version) if not entry.path.startswith(PROVISIONAL))


def _listed(lake: Lake, version: int) -> set[str]:
    rows = lake.read("flagged_accounts", version)
    return set(rows.filter(~pl.col("provisional"))["account_id"])


def _revisions(lake: Lake, before: int, now: int) -> dict[str, int]:
    key = ["finding_uid", "revision"]
    new = lake.read("findings", now).join(lake.read("findings", before).select(key), on=key, how="anti")
    withdrawn = new.filter(pl.col("activity") == "withdrawn").height
    created = new.filter((pl.col("revision") == 1) & (pl.col("activity") == "created")).height
    return {"created": created, "changed": new.height - created - withdrawn, "withdrawn": withdrawn}
