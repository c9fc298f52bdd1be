"""`backtest`: what a changed policy would have flagged on the lake's history, against what was flagged."""

import time
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.cli.progress import Progress
from pipelines.detect_job import groups_of
from pipelines.lake.accounts_held import accounts_held
from pipelines.lake.borders import floor_to_day, floor_to_tick
from pipelines.lake.checkpoints import Checkpoint, reached, standing
from pipelines.lake.lake import Lake
from pipelines.lake.plan import last_policy
from pipelines.request import Request
from pipelines.rewind import checkpoint_for
from pipelines.rounds import Rounds
from pipelines.scratch import Scratch, scratch_lake
from pipelines.writer import Writer
from schemas.errors import LakeError, PolicyError
from schemas.policy import Change, Policy
from schemas.score import TIERS
from transforms.detectors import cards
from transforms.findings import by_finding, compared, compared_campaigns, flags, standing_revisions, suppressed


@dataclass(frozen=True)
class BacktestRequest:
    """What a backtest is asked for.

    Attributes:
        lake: folder of the lake; only read.
        policy: the changed policy.
        where: names the policy in errors.
        since: first day to compute; None for all days.
        until: end of what is compared; None for as far as ticks are closed.
        runner: name of the engine.
        scratch: folder in which the scratch lake is made; None for beside the lake.
    """

    lake: Path
    policy: Policy
    where: str = "policy"
    since: datetime | None = None
    until: datetime | None = None
    runner: str = "embedded"
    scratch: Path | None = None


@dataclass(frozen=True)
class Backtested:
    """In what two policies differ on the same events.

    Attributes:
        since: the border it started from, None for the beginning.
        until: end of the ticks compared.
        policy_versions: of the lake's last policy, and of the changed one.
        earlier_policies: versions of other policies with which some of these ticks were closed.
        changed: the keys in which the two differ.
        accounts: COMPARED rows.
        campaigns: COMPARED_CAMPAIGNS rows.
        flagged: accounts flagged in the period by tier: before and after.
        same: accounts that both flag alike.
        findings: findings created a day: day, before, after.
        quarantined: days that failed their audit.
        seconds: how long it took.
    """

    since: datetime | None
    until: datetime
    policy_versions: tuple[str, str]
    earlier_policies: tuple[str, ...]
    changed: tuple[Change, ...]
    accounts: pl.DataFrame
    campaigns: pl.DataFrame
    flagged: dict[str, tuple[int, int]]
    same: int
    findings: tuple[tuple[datetime, int, int], ...]
    quarantined: tuple[datetime, ...]
    seconds: float


def backtest(request: BacktestRequest, progress: Progress) -> Backtested:
    """Computes days of the lake again under another policy, in a scratch lake, and tells the difference.

    Nothing in the lake changes, and a writer of it is not held up. State as of the border before `since` is the lake's own: what
    accounts did before that was looked at with the lake's policy.

    Args:
        request: which policy, which days.
        progress: told what happens.

    Raises:
        PolicyError: a key changed that asks for reading the sources again.
        LakeError: nothing is closed in these days, or their events are no longer kept.
    """
    began = time.monotonic()
    lake = Lake.open(request.lake)
    old, new = last_policy(lake), request.policy
    changed = old.changes(new)
    _require_detectable(changed, request.where)
    start, until = _range(lake, request, changed)
    with scratch_lake(lake, start, until, _lean(new), request.scratch) as scratch:
        told = "the first event" if start.border is None else f"{start.border:%Y-%m-%d}"
        progress.note(f"computing everything from {told} until {until:%Y-%m-%d %H:%M} in {scratch.lake.root.parent}")
        run = _closed(lake, scratch, until, request, progress)
        period = (start.border, until)
        frames = [each.read("findings") for each in (lake, scratch.lake)]
        campaigns = [_campaigns(each, until + old.time.lateness) for each in (lake, scratch.lake)]
        accounts = accounts_held(lake, until)
    before, after = (
        flags(rows, period, suppressed(accounts, policy)) for rows, policy in zip(frames, (old, new), strict=True)
    )
    keys = [change.key for change in changed]
    differing = compared(before, after, keys, cards())
    return Backtested(
        since=start.border,
        until=until,
        policy_versions=(old.version, new.version),
        earlier_policies=_earlier_policies(lake, period, old.version),
        changed=tuple(changed),
        accounts=differing,
        campaigns=compared_campaigns(*campaigns),
        flagged={tier: (_count(before, tier), _count(after, tier)) for tier in TIERS},
        same=len({*before, *after}) - differing.height,
        findings=_a_day(frames[0], frames[1], period),
        quarantined=tuple(run.quarantined),
        seconds=time.monotonic() - began,
    )


def _require_detectable(changed: list[Change], where: str) -> None:
    bound = [change.key for change in changed if change.bound == "ingest"]
    if bound:
        problem = f"{', '.join(bound)} decide how records are read, and a backtest reads no record again"
        raise PolicyError(where, problem, "leave them as they are in the lake, or read the sources into a new lake")


def _range(lake: Lake, request: BacktestRequest, changed: list[Change]) -> tuple[Checkpoint, datetime]:
    """Where the computation starts, and until when it goes."""
    ever, first = reached(lake.read("runs")), _first_day(lake)
    if ever is None or first is None:
        raise LakeError(str(lake.root), "nothing is closed yet that could be computed again", "run `backfill` first")
    since = first if request.since is None else request.since
    if any(change.key == "time.tick_minutes" for change in changed):
        since = first  # what is remembered at a border is made of ticks of one length
    start = checkpoint_for(lake, floor_to_day(since))
    until = floor_to_tick(ever if request.until is None else min(request.until, ever), request.policy.time.tick)
    if until <= (start.border or first):
        raise LakeError(str(lake.root), "no tick lies between the two days", "name a later --until")
    return start, until


def _first_day(lake: Lake) -> datetime | None:
    first = lake.scan("events").select(pl.col("time").min()).collect().item()
    return None if first is None else floor_to_day(first)


def _lean(policy: Policy) -> Policy:
    """The policy without what only costs space in a lake that is soon removed; its version is the same."""
    return replace(policy, retention=replace(policy.retention, checkpoint_days=0))


def _closed(lake: Lake, scratch: Scratch, until: datetime, request: BacktestRequest, progress: Progress) -> Rounds:
    """Closes and learns the days in the scratch lake."""
    asked = Request((), scratch.lake.root, policy=_lean(request.policy), runner=request.runner, groups=groups_of(lake))
    run = Rounds(asked, progress, Writer(scratch.lake, scratch.lease), None)
    run.close(until, scratch.first)
    progress.end()
    return run


def _campaigns(lake: Lake, known_by: datetime) -> pl.DataFrame:
    return lake.read("campaigns").filter(pl.col("flagged_at") <= known_by)


def _earlier_policies(lake: Lake, period: tuple[datetime | None, datetime], version: str) -> tuple[str, ...]:
    since, until = period
    runs = standing(lake.read("runs")).filter((pl.col("pipeline") == "detect") & (pl.col("closed_until") <= until))
    runs = runs if since is None else runs.filter(pl.col("closed_until") > since)
    return tuple(sorted({*runs["policy_version"]} - {version}))


def _count(said: dict[str, dict[str, Any]], tier: str) -> int:
    return sum(1 for row in said.values() if row["tier"] == tier)


def _a_day(
    before: pl.DataFrame, after: pl.DataFrame, period: tuple[datetime | None, datetime]
) -> tuple[tuple[datetime, int, int], ...]:
    """Findings created a day that stand, by the day of their first deciding tick."""
    since, until = period
    counts: dict[datetime, list[int]] = {}
    for side, findings in enumerate((before, after)):
        for rows in by_finding(findings).values():
            stands = standing_revisions(rows)
            tick = stands[0]["tick"] if stands else None
            if tick is not None and tick < until and (since is None or tick >= since):
                counts.setdefault(floor_to_day(tick), [0, 0])[side] += 1
    return tuple((day, *counts[day]) for day in sorted(counts))  # type: ignore[misc]
