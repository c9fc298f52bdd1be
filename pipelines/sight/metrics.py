"""Every metric that a watch shows, in one table: names, kinds, labels, and what they say."""

from dataclasses import dataclass
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

PREFIX = "stillwatch"

Kind = Literal["counter", "gauge", "histogram"]


@dataclass(frozen=True)
class Metric:
    """One metric.

    Attributes:
        name: without the prefix; counters end in `_total`, and units are seconds and bytes, as Prometheus wants it.
        kind: counters are since the process began.
        about: the help text.
        labels: names of its labels; none of them names an account, a key or anything else out of a log.
        buckets: upper bounds, of histograms only.
    """

    name: str
    kind: Kind
    about: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()

    @property
    def full_name(self) -> str:
        """As it is scraped."""
        return f"{PREFIX}_{self.name}"


METRICS: tuple[Metric, ...] = (
    Metric("build_info", "gauge", "1, with the version that runs.", ("version",)),
    Metric("ingested_records_total", "counter", "Records read, by what became of them.", ("outcome",)),
    Metric("ingested_bytes_total", "counter", "Bytes of log read; of compressed logs estimated."),
    Metric("rejected_records_total", "counter", "Records that were refused, by reason.", ("reason",)),
    Metric("detected_events_total", "counter", "Events whose tick was closed, by what was decided.", ("outcome",)),
    Metric("waiting_events", "gauge", "Events in the lake whose tick is not closed."),
    Metric("backlog_bytes", "gauge", "Bytes of log that were seen and are not read yet."),
    Metric("backlog_records", "gauge", "Records in them, estimated from the bytes a record had since the process began."),
    Metric("watermark_timestamp_seconds", "gauge", "Event time up to which ticks may close; 0 before the first call."),
    Metric("closed_timestamp_seconds", "gauge", "Event time up to which ticks are closed; 0 before the first."),
    Metric("lag_seconds", "gauge", "This machine's clock less the end of the last closed tick; 0 before the first."),
    Metric("sources", "gauge", "Sources, by whether time waits for them.", ("state",)),
    Metric("run_duration_seconds", "histogram", "How long runs took, by pipeline.", ("pipeline",),
           (0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800)),
    Metric("stage_seconds_total", "counter", "Where the supervisor's time went.", ("stage",)),
    Metric("last_commit_timestamp_seconds", "gauge", "When the last run was committed; 0 before the first."),
    Metric("state_bytes", "gauge", "Bytes of the states that hold now."),
    Metric("flagged_accounts", "gauge", "Accounts on the review list, by tier.", ("tier",)),
    Metric("finding_revisions_total", "counter", "Revisions of findings that were made."),
    Metric("alerts_open", "gauge", "Alerts that hold, by kind.", ("kind",)),
    Metric("quarantined_days", "gauge", "Days that failed their audit and were not released."),
    Metric("ready", "gauge", "1 once what was interrupted is finished."),
)  # fmt: skip
"""Dashboards and alert rules name these and no others."""


class Meters:
    """The metrics of one process, ready to be set."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._held: dict[str, Counter | Gauge | Histogram] = {}
        for metric in METRICS:
            self._held[metric.name] = _made(metric, self.registry)

    def set(self, name: str, value: float, **labels: str) -> None:
        """Sets a gauge."""
        found = self._labelled(name, labels)
        assert isinstance(found, Gauge)  # noqa: S101 - names are of the table above
        found.set(value)

    def add(self, name: str, value: float, **labels: str) -> None:
        """Adds to a counter; what a rewind takes back (below 0) is left out, for a counter only rises."""
        found = self._labelled(name, labels)
        assert isinstance(found, Counter)  # noqa: S101 - names are of the table above
        found.inc(max(value, 0))

    def observe(self, name: str, value: float, **labels: str) -> None:
        """Adds an observation to a histogram."""
        found = self._labelled(name, labels)
        assert isinstance(found, Histogram)  # noqa: S101 - names are of the table above
        found.observe(value)

    def _labelled(self, name: str, labels: dict[str, str]) -> Counter | Gauge | Histogram:
        held = self._held[name]
        return held.labels(**labels) if labels else held


def _made(metric: Metric, registry: CollectorRegistry) -> Counter | Gauge | Histogram:
    if metric.kind == "counter":
        return Counter(metric.full_name, metric.about, metric.labels, registry=registry)
    if metric.kind == "gauge":
        return Gauge(metric.full_name, metric.about, metric.labels, registry=registry)
    return Histogram(metric.full_name, metric.about, metric.labels, buckets=metric.buckets, registry=registry)
