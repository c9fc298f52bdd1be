"""Looks from time to time whether anything keeps the host from seeing, at what each condition needs and no more."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import polars as pl

from pipelines.lake.closed import closed_until
from pipelines.lake.sources import Register
from pipelines.sight import conditions
from pipelines.sight.alerts import execute_alerts, plan_alerts, updated
from pipelines.sight.facts import quarantined_days
from pipelines.sources.idling import Growth
from pipelines.writer import Writer
from schemas.alert import ALERTS
from schemas.policy import Policy
from schemas.presence import LACKS

_HOUR, _DAY, _WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)
_EACH_TIME = frozenset({"source_silent", "rejects_jumped", "clock_ahead", "day_quarantined"})
"""Kinds that are judged at every look; the others once for each hour that closed since the one before."""

_EACH_HOUR = frozenset(ALERTS) - _EACH_TIME


class Lookout:
    """What one host remembers between two looks: calls and reasons of the hours that closed lately, so that each is read once.

    Args:
        writer: of the lake.
        policy: section alerts.
    """

    def __init__(self, writer: Writer, policy: Policy) -> None:
        self._lake, self._writer, self._policy = writer.lake, writer, policy
        self._looked: datetime | None = None
        self._hour: datetime | None = None
        self._first = self._closed_hour()
        self._calls: dict[datetime, int] = {}
        self._accounts: dict[datetime, int] = {}
        self._shares: dict[datetime, dict[str, float]] = defaultdict(dict)

    def look(self, register: Register, growth: Mapping[str, Growth], now: datetime) -> pl.DataFrame | None:
        """ALERT rows that were raised or cleared just now, and are in the lake; None where it was too early or nothing was.

        Args:
            register: all sources.
            growth: how each of those was seen to grow that may be silent.
            now: the time by this machine's clock.
        """
        if self._looked is not None and now - self._looked < timedelta(seconds=self._policy.alerts.look_seconds):
            return None
        self._looked = now
        rows, policy = self._lake.read("alerts"), self._policy
        is_open = pl.col("cleared_at").is_null() & (pl.col("kind") == "source_silent")
        alarmed = set(rows.filter(is_open)["subject"])
        found = [
            *conditions.silent(register, growth, alarmed, now, policy),
            *conditions.clock_ahead(register, now, policy),
            *conditions.rejects_jumped(self._ingested(now), now, policy),
            *conditions.quarantined(quarantined_days(self._lake)),
        ]
        after = updated(rows, found, _EACH_TIME, now, policy)
        hours = self._hours_to_judge()
        if hours:
            self._remember(hours)
        for hour in hours:
            found = [
                *conditions.volume_collapsed(self._calls, hour, policy),
                *conditions.abstentions_jumped(self._shares, self._accounts, hour, policy),
            ]
            changed = updated(rows if after is None else after, found, _EACH_HOUR, now, policy)
            after = after if changed is None else changed
            self._hour = hour
        if after is None:
            return None
        execute_alerts(self._writer, plan_alerts(self._writer, after, policy))
        return after.filter((pl.col("raised_at") == now) | (pl.col("cleared_at") == now))

    def _ingested(self, now: datetime) -> pl.DataFrame:
        """The INGEST rows of RUN of the last week."""
        runs = self._lake.scan("runs", None, ("started_at", now - _WEEK, None))
        wanted = runs.filter(pl.col("pipeline") == "ingest").sort("sequence").select("started_at", "sources")
        return self._lake.collect("runs", wanted)

    def _closed_hour(self) -> datetime | None:
        """End of the last hour of which all ticks are closed."""
        closed = closed_until(self._lake)
        return None if closed is None else closed.replace(minute=0, second=0, microsecond=0)

    def _hours_to_judge(self) -> list[datetime]:
        """Ends of the hours that closed since the last look, in order: those of a day at most.

        At the first look that is the hour which had closed last when this host began, and those that closed since: whoever
        wrote before may have been killed before it looked.
        """
        last = self._closed_hour()
        if last is None or last == self._hour:
            return []
        judged = self._hour
        if judged is None:
            judged = None if self._first is None else self._first - _HOUR
        if judged is not None and judged >= last:  # time was put back, for a rebuild
            return [last]
        first = last - _DAY if judged is None else max(judged, last - _DAY)
        return [first + n * _HOUR for n in range(1, (last - first) // _HOUR + 1)]

    def _remember(self, hours: Sequence[datetime]) -> None:
        """Reads what is needed to judge these hours and was not read yet: calls of eight days, abstentions of one before."""
        first, last = hours[0], hours[-1]
        since = first - 8 * _DAY
        if self._hour is not None and self._hour < first:
            since = max(self._hour, since)
        moment = timedelta(microseconds=1)
        span = ("window_end", since + moment, last + moment)
        windows = self._lake.scan("account_windows", None, span).filter(~pl.col("provisional"))
        calls = windows.group_by("window_end").agg(pl.col("calls_1h").sum().cast(pl.Int64))
        self._calls.update(self._lake.collect("account_windows", calls).iter_rows())
        self._remember_abstentions(max(since, first - _DAY - _HOUR), last)
        for held in (self._calls, self._accounts, self._shares):
            for old in [end for end in held if end < last - 8 * _DAY]:
                del held[old]

    def _remember_abstentions(self, since: datetime, until: datetime) -> None:
        """Shares of accounts by reason, of the hours that ended in (since, until].

        What calls do not show is taken from the calls of the hour itself: a score looks back over 24 hours, and would miss a
        field only a day after it was last written.
        """
        moment = timedelta(microseconds=1)
        ends = (pl.col("time").dt.truncate("1h") + _HOUR).alias("window_end")
        events = self._lake.scan("events", None, ("time", since, until))
        shown = events.group_by(ends, "account_id").agg(pl.col("presence").bitwise_or())
        lacks = [(pl.col("presence") & int(group) == 0).mean().alias(line) for group, line in LACKS.items()]
        by_hour = shown.group_by("window_end").agg(pl.len().alias("accounts"), *lacks)
        for row in self._lake.collect("events", by_hour).iter_rows(named=True):
            end = row.pop("window_end")
            self._accounts[end], self._shares[end] = row.pop("accounts"), row
        span = ("window_end", since + moment, until + moment)
        scores = self._lake.scan("account_scores", None, span).filter(~pl.col("provisional"))
        others = pl.col("abstained_because").list.set_difference(list(LACKS.values()))
        scores = scores.select("window_end", others)
        scored = dict(self._lake.collect("account_scores", scores.group_by("window_end").len()).iter_rows())
        reasons = scores.explode("abstained_because").drop_nulls().group_by("window_end", "abstained_because").len()
        for end, reason, count in self._lake.collect("account_scores", reasons).iter_rows():
            self._shares[end][reason] = count / scored[end]
