"""Who decides: plans each run, has it executed, commits it; the same whether history or the present is read."""

import shutil
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import apache_beam as beam
import numpy as np
import polars as pl

from pipelines import detect, learn
from pipelines.ahead import Ahead
from pipelines.detect import DetectJob
from pipelines.lake.accounts_held import accounts_held
from pipelines.lake.checkpoints import reached, standing, to_keep
from pipelines.lake.commit import Committer, Outcome, Write
from pipelines.lake.events_index import EventsIndex
from pipelines.lake.files import scan
from pipelines.lake.lake import Lake
from pipelines.lake.lease import Lease
from pipelines.lake.plan import Plan, next_sequence, write_plan
from pipelines.lake.references import reference_at
from pipelines.lake.sources import Register, floor_to_tick, live_watermark, read_register, watermark
from pipelines.lake.state import Manifest, States
from pipelines.lake.times import from_micros, to_micros
from pipelines.lake.waiting import waiting
from pipelines.learn import LearnJob
from pipelines.manifests import is_reported, read_messages, staging
from pipelines.runners import run
from pipelines.wire import unpack
from schemas.catalogue import TABLES
from schemas.errors import StillwatchError
from schemas.event import EVENT
from schemas.policy import Policy
from transforms.findings import review_list

DEFAULT_GROUPS = 4
RUN_ROWS = 1_000_000
"""Events one DETECT run takes at most: bounds the memory of its workers whatever the length of a day (1.2 KB an event of
a quarter of them, measured); half as many would write the state of all accounts twice as often."""

_DAY = timedelta(days=1)
_PROVISIONAL = ("sessions", "account_windows", "account_scores")
_KEPT_RUNS = 3


@dataclass(frozen=True)
class Engine:
    """What executes pipelines."""

    runner: str = "embedded"
    options: tuple[str, ...] = ()

    @property
    def is_spread(self) -> bool:
        """Whether it has several workers."""
        return self.runner != "embedded"

    def execute(self, build: Callable[[beam.Pipeline], object]) -> None:
        """Builds the pipeline and runs it to its end."""
        run(build, self.runner, self.options)


@dataclass(frozen=True)
class Detected:
    """What a DETECT run did."""

    closed_until: datetime
    counts: tuple[dict[str, Any], ...]
    accounts: int
    account_days: int
    findings: int


class Host:
    """Runs over one lake under one lease.

    Args:
        lake: the lake.
        lease: its lease.
        engine: what executes pipelines.
        after: see Committer: the seam at which tests interrupt.

    Attributes:
        committer: what commits its runs.
    """

    def __init__(self, lake: Lake, lease: Lease, engine: Engine, after: Callable[[str], None] = lambda _: None) -> None:
        self._lake = lake
        self._lease = lease
        self._engine = engine
        self.committer = Committer(lake, lease, after)
        self._ahead = Ahead(lake)

    # -- what is known

    def manifest(self) -> Manifest:
        """States that hold now."""
        last = self._lake.last_run()
        return States(self._lake.root).read_manifest(None if last is None else last["run_id"])

    def last_detect(self) -> dict[str, Any] | None:
        """The row of the last run that moved the end of the closed ticks: DETECT forth, a rewind back."""
        runs = self._lake.read("runs").filter(pl.col("pipeline").is_in(["detect", "rewind"])).sort("sequence")
        return None if runs.is_empty() else runs.row(-1, named=True)

    def closed_until(self) -> datetime | None:
        """End of the last closed tick."""
        last = self.last_detect()
        return None if last is None else last["closed_until"]

    def reached(self) -> datetime | None:
        """The furthest end that closed ticks ever had; later than `closed_until` while a rebuild is under way."""
        return reached(self._lake.read("runs"))

    def watermark(self, policy: Policy, *, is_complete: bool) -> datetime | None:
        """The time up to which ticks may close now; with `is_complete` the end of the last event's day, at most a day on.

        What was closed once is closed again after a rewind, whatever lateness or `--complete` let it close.
        """
        register = self.register()
        mark = watermark(register.values(), policy)
        if mark is not None and is_complete:
            last = max(known.latest[0][0] for known in register.values() if known.latest)
            furthest = floor_to_tick(mark + policy.time.lateness + _DAY, policy.time.tick)
            mark = min(midnight_after(from_micros(last)), furthest)
        known_ends = [end for end in (mark, self.reached()) if end is not None]
        return max(known_ends, default=None)

    def register(self) -> Register:
        """What was read of every source."""
        return read_register(States(self._lake.root), self.manifest())

    def live_watermark(
        self, policy: Policy, register: Register, idle: Collection[str], ahead: timedelta = timedelta()
    ) -> datetime | None:
        """The time up to which ticks may close while sources are being written; see `sources.live_watermark`."""
        mark = live_watermark(register.values(), policy, idle, datetime.now(UTC), ahead)
        return max((end for end in (mark, self.reached()) if end is not None), default=None)

    def next_border(self, closed: datetime | None, mark: datetime, policy: Policy) -> datetime | None:
        """Until where the next DETECT run goes: a tick whose work is done, the day's end, the watermark, or as far as its rows allow.

        None where nothing is to be closed.
        """
        if closed is not None and mark <= closed:
            return None
        done = self._ahead.until(closed)
        if done is not None and done <= mark:
            return done
        index = self._events(self._events_version())
        first = _first_event(index, closed, mark)
        if closed is not None and closed != floor_to_day(closed):
            until = min(midnight_after(closed), mark)
        elif first is None:
            return mark
        else:
            until = min(midnight_after(first), mark)
        held = index.holding(closed, until)
        if held.rows <= RUN_ROWS:
            return until
        early = _earliest(held, closed, until, RUN_ROWS + 1)
        if len(early) <= RUN_ROWS:
            return until
        crowded = floor_to_tick(from_micros(int(early[-1])), policy.time.tick)
        least = floor_to_tick(from_micros(int(early[0])), policy.time.tick) + policy.time.tick
        return min(until, max(crowded, least))

    # -- runs

    def plan_detect(
        self,
        closed: datetime | None,
        until: datetime,
        groups: int | None,
        policy: Policy,
        idle: Mapping[str, datetime] | None = None,
    ) -> Plan:
        """The plan of the DETECT run that closes the ticks up to `until`, written down with the sources not waited for."""
        work = self._detect_work(closed, until, groups, policy)
        work["idle"] = [[source, since.isoformat()] for source, since in sorted((idle or {}).items())]
        done = None
        if self._ahead.has_work:
            job = self._job("", policy.to_json(), work, provisional=False)
            done = self._ahead.fitting(job, self._events(work["events_version"]))
        if done is not None:
            work["ahead"] = done.job.label
        plan = self.write_plan("detect", work, policy)
        if done is not None:
            self._ahead.hand_over(done, plan.run_id)
        return plan

    def work_ahead(self, soon: datetime, groups: int | None, policy: Policy) -> bool:
        """Does the work of the tick that is next to be closed, and commits nothing; the run that closes it takes it if it still fits.

        Args:
            soon: what all sources have passed, and the watermark has not.
            groups: account groups.
            policy: the configuration.

        Returns:
            Whether work was done.
        """
        closed = self.closed_until()
        if closed is None or closed + policy.time.tick > soon or closed != self.reached():
            return False
        until = closed + policy.time.tick
        if not self._ahead.is_worth(until):
            return False
        self._lease.check()
        work = self._detect_work(closed, until, groups, policy)
        name = f"ahead-{self._lake.last_sequence():08d}"
        job = replace(self._job(name, policy.to_json(), work, provisional=False), late_files=())
        self._ahead.do(job, work["events_version"], self._execute)
        return True

    def drop_ahead(self) -> None:
        """Removes the work of a tick that will not be closed by this process."""
        self._ahead.drop()

    def _detect_work(
        self, closed: datetime | None, until: datetime, groups: int | None, policy: Policy
    ) -> dict[str, Any]:
        """What the ticks up to `until` are closed from."""
        last = self.last_detect()
        width = self._groups(groups)
        version, ever = self._events_version(), self.reached()
        is_again = ever is not None and (closed is None or closed < ever)
        return {
            "closed_from": None if closed is None else closed.isoformat(),
            "closed_until": until.isoformat(),
            "events_version": version,
            "seen_version": None if last is None else last["events_version"],
            "groups": width,
            "registry_version": self._lake.versions()["registry"],
            "reconsiders": self._lake.versions()["findings"] if is_again else None,
            "reference": self._reference(until, policy),
        }

    def plan_learn(self, day: datetime, policy: Policy) -> Plan:
        """The plan of the LEARN run over a closed day, and before it over the days released since the border before."""
        last = self.last_detect()
        work = {
            "day": day.isoformat(),
            "versions": self._lake.versions(),
            "seen_version": None if last is None else last["events_version"],
            "released": [released.isoformat() for released in self.released_for(day + _DAY)],
            "reference": self._reference(day + _DAY, policy),
        }
        return self.write_plan("learn", work, policy)

    def plan_overlay(self, closed: datetime | None, until: datetime, groups: int | None, policy: Policy) -> Plan:
        """The plan of a run that shows what is still open up to `until`, in provisional rows."""
        work = {
            "closed_from": None if closed is None else closed.isoformat(),
            "closed_until": until.isoformat(),
            "events_version": self._events_version(),
            "groups": self._groups(groups),
            "registry_version": self._lake.versions()["registry"],
            "reference": self._reference(until, policy),
        }
        return self.write_plan("overlay", work, policy)

    def detect(self, plan: Plan) -> Detected:
        """Executes a DETECT plan and commits it; repeated after a crash, it does the same."""
        job = self._job(plan.run_id, plan.policy, plan.work, provisional=False)
        messages = self._done(job, plan.work.get("ahead"))
        files = detect.entries(messages)
        found = [self._lake.folder("findings") / entry.path for entry in files.get("findings", ())]
        findings = pl.concat([self._lake.read("findings"), scan(found, TABLES["findings"]).collect()])
        policy = Policy.from_json(plan.policy)
        writes = {table: Write(files=entries) for table, entries in files.items()}
        for table in _PROVISIONAL:
            writes[table] = replace(writes.get(table, Write()), provisional=TABLES[table].empty())
        writes["campaigns"] = replace(writes.get("campaigns", Write()), overwrite=True)
        writes["flagged_accounts"] = Write(overwrite=True, rows=self.review(findings, job.closed_until, policy))
        counts = self.named(_summed(messages))
        accounts = sum(message.get("accounts", 0) for message in messages)
        outcome = Outcome(
            accounts=accounts,
            windows=sum(message.get("windows", 0) for message in messages),
            findings=sum(message.get("findings", 0) for message in messages),
            policy_version=policy.version,
            sources=tuple(counts),
            closed_from=job.closed_from,
            closed_until=job.closed_until,
            events_version=plan.work["events_version"],
            snapshot_id=_snapshot_id(job.snapshot),
            registry_version=job.registry_version,
        )
        states = {key: name for message in messages for key, name in message.get("states", {}).items()}
        gone = {key for message in messages for key in message.get("gone", ())}
        kept = {key: name for key, name in self.manifest().items() if key not in gone}
        self.committer.commit(plan, writes, outcome, kept | states)
        self.tidy(plan)
        days = sum(message.get("account_days", 0) for message in messages)
        return Detected(job.closed_until, tuple(counts), accounts, days, outcome.findings)

    def learn(self, plan: Plan) -> bool:
        """Executes a LEARN plan and commits it; whether the day passed its audit."""
        day = datetime.fromisoformat(plan.work["day"])
        manifest = self.manifest()
        events = self._events(plan.work["versions"]["events"])
        # What came since the day was closed is late: whether it came before LEARN or behind it says nothing of the day.
        seen = plan.work.get("seen_version")
        job = LearnJob(
            root=str(self._lake.root),
            run_id=plan.run_id,
            policy=plan.policy,
            day=day,
            versions=plan.work["versions"],
            snapshot=manifest.get("snapshot"),
            event_files=tuple(str(path) for path in events.seen_at(seen).holding(day, day + _DAY).paths()),
            groups=self._groups(None),
            released=tuple(datetime.fromisoformat(released) for released in plan.work["released"]),
            reference=plan.work.get("reference"),
        )
        self._engine.execute(lambda pipeline: learn.build(job, pipeline))
        (message,) = read_messages(self._lake.root, plan.run_id)
        writes = {table: Write(files=entries) for table, entries in detect.entries([message]).items()}
        outcome = Outcome(
            accounts=0,
            windows=0,
            findings=0,
            policy_version=Policy.from_json(plan.policy).version,
            closed_until=day + _DAY,
            snapshot_id=message["snapshot_id"],
        )
        self.committer.commit(plan, writes, outcome, manifest | message["states"])
        self.tidy(plan)
        return not message["quarantined"]

    def overlay(self, plan: Plan) -> None:
        """Executes an overlay plan: provisional rows take the place of the former ones; no state, no finding changes."""
        job = self._job(plan.run_id, plan.policy, plan.work, provisional=True)
        self._execute(job)
        policy = Policy.from_json(plan.policy)
        writes = {table: Write(provisional=self._staged(plan, table)) for table in _PROVISIONAL}
        definite = self.review(self._lake.read("findings"), job.closed_until, policy)
        shown = self._staged(plan, "flagged_accounts").join(definite.select("account_id"), on="account_id", how="anti")
        writes["flagged_accounts"] = Write(overwrite=True, rows=pl.concat([definite, shown]))
        outcome = Outcome(accounts=0, windows=0, findings=0, policy_version=policy.version)
        self.committer.commit(plan, writes, outcome, self.manifest())
        self.tidy(plan)

    def has_windows(self, day: datetime) -> bool:
        """Whether the day has anything to learn from."""
        moment = timedelta(microseconds=1)
        rows = self._lake.scan("account_windows", None, ("window_end", day + moment, day + _DAY + moment))
        one = rows.filter(~pl.col("provisional")).select("account_id").head(1)
        return not self._lake.collect("account_windows", one).is_empty()

    def is_learned(self, day: datetime) -> bool:
        """Whether a snapshot was published for the day."""
        learned = (pl.col("pipeline") == "learn") & (pl.col("closed_until") == day + _DAY)
        return not standing(self._lake.read("runs")).filter(learned).is_empty()

    def released_for(self, border: datetime) -> list[datetime]:
        """Quarantined days whose release holds from this border, or from one at which nothing was learned since."""
        learned = standing(self._lake.read("runs")).filter(pl.col("pipeline") == "learn")
        before = learned.filter(pl.col("closed_until") < border)["closed_until"].max()
        due = self._lake.read("releases").filter(pl.col("holds_from") <= border)
        due = due if before is None else due.filter(pl.col("holds_from") > before)
        quarantined = self._lake.scan("models").filter("quarantined").select("day").unique()
        models = self._lake.collect("models", quarantined)
        return due.join(models, on="day", how="semi")["day"].sort().to_list()

    def has_unseen_events(self) -> bool:
        """Whether events came that no DETECT run has looked at: all of them late, or too far ahead."""
        last = self.last_detect()
        return last is not None and last["events_version"] != self._events_version()

    def end_of_open(self, policy: Policy) -> datetime | None:
        """End of the tick of the last event that is not further than a day ahead; None without events."""
        register = self.register()
        mark = watermark(register.values(), policy)
        if mark is None:
            return None
        last = from_micros(max(known.latest[0][0] for known in register.values() if known.latest))
        return min(floor_to_tick(last, policy.time.tick) + policy.time.tick, mark + _DAY)

    def waiting(self) -> int:
        """Events in the lake whose tick has not closed."""
        return waiting(self._lake)

    # -- parts

    def _groups(self, wanted: int | None) -> int:
        there = sum(1 for name in self.manifest() if name.startswith("order/"))
        if there and wanted is not None and wanted != there:
            raise StillwatchError("--groups", f"this lake keeps its state in {there} groups", f"use --groups {there}")
        return there or wanted or DEFAULT_GROUPS

    def _reference(self, until: datetime, policy: Policy) -> str | None:
        """Name of the pinned reference that the ticks before a time are judged with; no run closes ticks of two days."""
        return reference_at(self._lake, floor_to_day(until - timedelta(microseconds=1)), policy)

    def _events_version(self) -> int:
        return self._lake.versions()["events"]

    def write_plan(self, pipeline: str, work: dict[str, Any], policy: Policy) -> Plan:
        """The plan of a run with the next number, written down."""
        plan = Plan(next_sequence(self._lake), pipeline, datetime.now(UTC), policy.to_json(), work)
        write_plan(self._lake, self._lease, plan)
        return plan

    def _job(self, run_id: str, policy: str, work: dict[str, Any], *, provisional: bool) -> DetectJob:
        manifest = self.manifest()
        closed = None if work["closed_from"] is None else datetime.fromisoformat(work["closed_from"])
        until = datetime.fromisoformat(work["closed_until"])
        index = self._events(work["events_version"])
        late: list[Path] = []
        if closed is not None and not provisional:
            late = index.new_since(work["seen_version"]).holding(None, closed).paths()
        return DetectJob(
            root=str(self._lake.root),
            run_id=run_id,
            policy=policy,
            closed_from=closed,
            closed_until=until,
            files=tuple(str(path) for path in index.holding(closed, until).paths()),
            late_files=tuple(str(path) for path in late),
            groups=work["groups"],
            manifest=manifest,
            snapshot=manifest.get("snapshot"),
            registry_version=work["registry_version"],
            reconsiders=work.get("reconsiders"),
            provisional=provisional,
            reference=work.get("reference"),
        )

    def _execute(self, job: DetectJob) -> None:
        self._engine.execute(lambda pipeline: detect.build(job, pipeline, is_spread=self._engine.is_spread))

    def _done(self, job: DetectJob, ahead: str | None) -> list[dict[str, Any]]:
        """What the workers of a DETECT run report, after they have done what is not done yet."""
        if ahead is None:
            self._execute(job)
            return read_messages(self._lake.root, job.run_id)
        if not is_reported(self._lake.root, job.run_id):
            self._execute(replace(job, ahead=ahead, late_files=()))
        return [*read_messages(self._lake.root, job.run_id), *detect.late_messages(job)]

    def _events(self, version: int) -> EventsIndex:
        return EventsIndex.of(self._lake.opened("events", version), self._lake.folder("events"))

    def review(self, findings: pl.DataFrame, until: datetime, policy: Policy) -> pl.DataFrame:
        """The review list that these findings give, with the accounts file as it holds before a time."""
        return review_list(findings, self._lake.read("verdicts"), accounts_held(self._lake, until), policy)

    def _staged(self, plan: Plan, table: str) -> pl.DataFrame:
        contract = TABLES[table]
        paths = sorted(staging(self._lake.root, plan.run_id).glob(f"{table}-*.arrow"))
        return contract.conform(pl.concat([contract.empty(), *[unpack(path.read_bytes()) for path in paths]]))

    def named(self, counts: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Counts of events by source (accepted, duplicates, too_late) as the table `runs` has them."""
        register = self.register()
        rows = []
        for count in counts:
            known = register.get(count["source"])
            name = known.names[-1] if known is not None and known.names else count["source"]
            zeros = dict.fromkeys(("records", "appended", "ignored", "rejects"), 0)
            told = None if known is None else known.format
            rows.append(zeros | dict(count) | {"name": name, "format": told, "refused_because": None})
        return rows

    def tidy(self, plan: Plan) -> None:
        """Removes what the finished run no longer needs."""
        shutil.rmtree(staging(self._lake.root, plan.run_id), ignore_errors=True)
        runs = self._lake.read("runs").sort("sequence")
        kept = to_keep(runs, Policy.from_json(plan.policy).retention.checkpoint_days)
        last = runs["run_id"].to_list()[-_KEPT_RUNS:]
        States(self._lake.root).collect([*kept, *last], self._ahead.states)


def _first_event(index: EventsIndex, closed: datetime | None, mark: datetime) -> datetime | None:
    """The first event time in [closed, mark); only files that begin before it are opened, however much is still ahead."""
    held = index.holding(closed, mark)
    since = None if closed is None else to_micros(closed)
    begins = pl.col("time_least").is_not_null() & (True if since is None else pl.col("time_least") >= since)
    ahead: int | None = held.files.filter(begins)["time_least"].min()  # type: ignore[assignment]
    astride = EventsIndex(held.folder, held.version, held.files.filter(~begins))
    inside = _times(astride, closed, mark).min().collect().item() if astride.rows else None
    known = [time for time in (inside, None if ahead is None else from_micros(ahead)) if time is not None]
    return min(known, default=None)


def _earliest(index: EventsIndex, since: datetime | None, until: datetime, count: int) -> "np.ndarray[Any, Any]":
    """The `count` earliest event times in [since, until), ascending, in microseconds; all of them if they are fewer.

    Only files that begin early enough are opened: where the earliest-ending ones hold enough, what begins after their
    end is too late.
    """
    begins = pl.col("time_least") >= (0 if since is None else to_micros(since))
    whole = index.files.filter(begins & pl.col("time_most").is_not_null()).sort("time_most")
    enough = whole.filter(pl.col("rows").cum_sum() >= count)
    if not enough.is_empty():
        until = min(until, from_micros(enough["time_most"][0] + 1))
    times = _times(index.holding(since, until), since, until).collect().to_series().to_physical().to_numpy()
    if len(times) > count:
        times = np.partition(times, count - 1)[:count]
    return np.sort(times)


def _times(index: EventsIndex, since: datetime | None, until: datetime) -> pl.LazyFrame:
    """Event times in [since, until)."""
    rows = scan(index.paths(), EVENT).filter(pl.col("time") < until)
    return (rows if since is None else rows.filter(pl.col("time") >= since)).select("time")


def floor_to_day(time: datetime) -> datetime:
    """The midnight (UTC) at or before a time."""
    return time.replace(hour=0, minute=0, second=0, microsecond=0)


def midnight_after(time: datetime) -> datetime:
    """The first midnight (UTC) after a time."""
    return floor_to_day(time) + _DAY


def _summed(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    totals: dict[str, dict[str, int]] = {}
    for message in messages:
        for count in message.get("counts", []):
            total = totals.setdefault(count["source"], {"accepted": 0, "duplicates": 0, "too_late": 0})
            for name in total:
                total[name] += count[name]
    return [{"source": source, **total} for source, total in sorted(totals.items())]


def _snapshot_id(name: str | None) -> str | None:
    return None if name is None else name.removeprefix("snapshots/").partition(".")[0]
