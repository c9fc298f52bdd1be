"""What `backfill`, `rebuild` and `replay` share: the runs they are made of, in the order in which these depend on each other."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from pipelines.cli.progress import Progress
from pipelines.host import Detected, Engine, Host, floor_to_day, midnight_after
from pipelines.ingest import execute_ingest, plan_ingest
from pipelines.lake.lake import Lake
from pipelines.lake.lease import Lease
from pipelines.lake.plan import Plan, unfinished
from pipelines.release import execute_release
from pipelines.replaying import Taken, execute_replay
from pipelines.request import Request, SourceCounts, Summary
from pipelines.rewind import execute_rewind
from pipelines.upkeep import execute_upkeep
from schemas.score import TIERS
from transforms.ingest.key import FingerprintKey

_ALWAYS = datetime(2001, 1, 1, tzinfo=UTC)
"""From when the first accounts file holds: before any event (policy time.earliest)."""


class Rounds:
    """The runs of one command over a lake, and what they did.

    Args:
        request: what to read, and how.
        progress: told what happens.
        lake: the lake.
        lease: its lease.
        key: what fingerprints are keyed with; None where nothing is read from sources.
        after: called after each point at which a commit can be interrupted; tests interrupt there.

    Attributes:
        host: who plans and commits the runs.
        days: UTC days closed in whole or in part.
        quarantined: days that failed their audit.
        replayed: what a replay took, if there was one.
    """

    def __init__(
        self,
        request: Request,
        progress: Progress,
        lake: Lake,
        lease: Lease,
        key: FingerprintKey | None,
        after: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._request = request
        self._progress = progress
        self._lake = lake
        self._lease = lease
        self._key = key
        self._after = after
        self.host = Host(lake, lease, Engine(request.runner, request.beam_options), after)
        self._sources: list[SourceCounts] = []
        self._detected: list[Detected] = []
        self.days: set[datetime] = set()
        self.quarantined: list[datetime] = []
        self.replayed: Taken | None = None

    def finish(self) -> None:
        """Executes the plans that interrupted commands left behind.

        Usually one at most; two where the entry of a run was lost from the log of `runs` while the next was at work,
        whose rows are in some tables already.
        """
        while (plan := unfinished(self._lake)) is not None:
            self._progress.note(f"finishing run {plan.run_id}, which was interrupted")
            self.execute(plan)

    def ingest(self) -> None:
        """Takes in what the sources have that the lake has not."""
        closed = self.host.reached()
        holds_from = _ALWAYS if closed is None else closed
        if closed is not None and closed != floor_to_day(closed):
            holds_from = midnight_after(closed)
        plan = plan_ingest(self._lake, self._lease, self._request, self._the_key(), self._progress, holds_from)
        if plan is not None:
            self.execute(plan)

    def detect(self) -> None:
        """Closes what the watermark has passed."""
        mark = self.host.watermark(self._request.policy, is_complete=self._request.is_complete)
        if mark is None:
            return
        closed = self.host.closed_until()
        self.close(mark)
        if closed is not None and closed == self.host.closed_until() and self.host.has_unseen_events():
            self.execute(self.host.plan_detect(closed, closed, self._request.groups, self._request.policy))

    def close(self, mark: datetime, first: datetime | None = None) -> None:
        """Closes the ticks up to a time, a day (or as many rows as a run may take) at a time, and learns each closed day.

        Args:
            mark: until when.
            first: when the events begin, to tell the time left where no tick is closed yet.
        """
        policy, host = self._request.policy, self.host
        closed = host.closed_until()
        if closed is not None and closed == floor_to_day(closed):
            self._learn(closed - timedelta(days=1))
        told = closed or first or mark
        self._progress.begin("detect", total=int((mark - told).total_seconds()))
        while (until := host.next_border(closed, mark, policy)) is not None:
            self.execute(host.plan_detect(closed, until, self._request.groups, policy))
            if until == floor_to_day(until):
                self._learn(until - timedelta(days=1))
            self._progress.advance(
                max(0, int((until - told).total_seconds())), detail=f"closed until {until:%Y-%m-%d %H:%M}"
            )
            closed, told = until, max(told, until)

    def show_open(self) -> None:
        """Evaluates what is still open, in provisional rows that the next run replaces."""
        host = self.host
        until = host.end_of_open(self._request.policy)
        closed = host.closed_until()
        if until is not None and (closed is None or until > closed):
            self._progress.begin("show what is still open")
            self.execute(host.plan_overlay(closed, until, self._request.groups, self._request.policy))

    def flagged(self) -> set[tuple[str, str]]:
        """Accounts on the review list and their tiers."""
        listed = self._lake.scan("flagged_accounts").select("account_id", "tier")
        rows = self._lake.collect("flagged_accounts", listed)
        return set(rows.iter_rows())

    def summary(self, flagged_before: set[tuple[str, str]], seconds: float) -> Summary:
        """What was done."""
        now = self.flagged()
        known_before = {account for account, _ in flagged_before}
        seen = self._lake.scan("account_windows").select("account_id").unique()
        accounts = self._lake.collect("account_windows", seen).height
        return Summary(
            sources=tuple(_joined(self._sources, self._detected)),
            waiting=self.host.waiting(),
            closed_until=self.host.closed_until(),
            days=len(self.days),
            accounts=accounts,
            account_days=sum(one.account_days for one in self._detected),
            flagged={tier: sum(1 for _, t in now if t == tier) for tier in TIERS},
            newly_flagged={tier: sum(1 for a, t in now if t == tier and a not in known_before) for tier in TIERS},
            quarantined=tuple(self.quarantined),
            seconds=seconds,
        )

    def _learn(self, day: datetime) -> None:
        if self.host.has_windows(day) and not self.host.is_learned(day):
            plan = self.host.plan_learn(day, self._request.policy)
            for released in plan.work["released"]:
                self._progress.note(f"learning {released[:10]}, which was released, before {day:%Y-%m-%d}")
            self.execute(plan)

    def execute(self, plan: Plan) -> None:
        """Executes a plan, whatever it is of, and commits it."""
        if plan.pipeline == "ingest":
            self._sources += execute_ingest(
                self._lake,
                self._lease,
                plan,
                self._the_key(),
                self._request.runner,
                self._request.beam_options,
                self._progress,
                self._after,
            )
        elif plan.pipeline == "replay":
            self.replayed = execute_replay(
                self._lake,
                self._lease,
                plan,
                self._the_key(),
                self._request.runner,
                self._request.beam_options,
                self._progress,
                self._after,
            )
        elif plan.pipeline == "detect":
            detected = self.host.detect(plan)
            self._detected.append(detected)
            self.days.add(floor_to_day(detected.closed_until - timedelta(microseconds=1)))
        elif plan.pipeline == "learn":
            if not self.host.learn(plan):
                self.quarantined.append(datetime.fromisoformat(plan.work["day"]))
        elif plan.pipeline == "rewind":
            execute_rewind(self._lake, self.host, plan)
        elif plan.pipeline == "release":
            execute_release(self.host, plan)
        elif plan.pipeline == "upkeep":
            execute_upkeep(self._lake, self._lease, plan, self._after)
        else:
            self.host.overlay(plan)

    def _the_key(self) -> FingerprintKey:
        assert self._key is not None, "sources are read with a key"  # noqa: S101 - callers are this project's hosts
        return self._key


def _joined(sources: Iterable[SourceCounts], detected: Iterable[Detected]) -> list[SourceCounts]:
    """Counts by name of the source, of reading and of detecting together."""
    found: dict[str, SourceCounts] = {}
    for source in sources:
        found[source.name] = source
    for count in (count for one in detected for count in one.counts):
        there = found.get(count["name"], SourceCounts(count["name"], count["format"]))
        found[count["name"]] = replace(
            there,
            accepted=there.accepted + count["accepted"],
            duplicates=there.duplicates + count["duplicates"],
            too_late=there.too_late + count["too_late"],
        )
    return list(found.values())
