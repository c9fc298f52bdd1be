"""What a backfill is asked for, what it would do, and what it did."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from pipelines.sources.brokers import KafkaConfig
from schemas.policy import Policy


@dataclass(frozen=True)
class Request:
    """What a backfill is asked for.

    Attributes:
        sources: files, globs, folders, `-` for stdin, addresses of topics.
        lake: folder of the lake; made if it does not exist.
        input_format: name of an adapter, or `auto`.
        policy: the whole configuration.
        accounts: the operator's file about its accounts.
        since: only records completed from then on.
        until: only records completed before.
        is_complete: nothing more will come.
        runner: name of the engine.
        beam_options: options of the engine.
        groups: account groups; None for as many as suit the machine.
        key_file: file of the fingerprint key; None for the environment or the default file.
        spooled: the file that standard input is being copied to, which `-` then means; None to copy it first.
        kafka: how brokers of topics are reached.
        accepts_gaps: what topics no longer hold unread is recorded and passed over.
    """

    sources: tuple[str, ...]
    lake: Path
    input_format: str = "auto"
    policy: Policy = field(default_factory=Policy)
    accounts: Path | None = None
    since: datetime | None = None
    until: datetime | None = None
    is_complete: bool = False
    runner: str = "embedded"
    beam_options: tuple[str, ...] = ()
    groups: int | None = None
    key_file: Path | None = None
    spooled: Path | None = None
    kafka: KafkaConfig = field(default_factory=KafkaConfig)
    accepts_gaps: bool = False


@dataclass(frozen=True)
class SourceCounts:
    """What became of one source in this backfill; names as in the table `runs`.

    records = appended + ignored + rejects, and over the life of a lake appended = accepted + duplicates + too_late +
    what still waits.
    """

    name: str
    format: str | None
    records: int = 0
    appended: int = 0
    ignored: int = 0
    rejects: int = 0
    accepted: int = 0
    duplicates: int = 0
    too_late: int = 0
    refused_because: str | None = None


COUNTS = ("records", "appended", "ignored", "rejects", "accepted", "duplicates", "too_late")
"""Fields of SourceCounts that add up over runs."""


@dataclass(frozen=True)
class Summary:
    """What a backfill did.

    Attributes:
        sources: counts by source, in the order listed; sources that were known and have not grown are left out.
        waiting: events in the lake whose tick has not closed.
        closed_until: end of the last closed tick; None if none was closed.
        days: UTC days closed in whole or in part by this backfill.
        accounts: accounts with a call in the closed ticks of this backfill.
        account_days: pairs of account and UTC day with a call in them.
        flagged: accounts on the review list after it, by tier.
        newly_flagged: those of them that were flagged by this backfill, by tier.
        quarantined: days that failed their audit.
        scored_alike: account-days of the largest reference: models give a rate where it is large enough.
        least_alike: by tier, how many it takes for a rate as small as the tier's budget.
        seconds: how long it took.
    """

    sources: tuple[SourceCounts, ...]
    waiting: int
    closed_until: datetime | None
    days: int
    accounts: int
    account_days: int
    flagged: dict[str, int]
    newly_flagged: dict[str, int]
    quarantined: tuple[datetime, ...]
    scored_alike: int
    least_alike: dict[str, int]
    seconds: float


@dataclass(frozen=True)
class SourceEstimate:
    """What reading one source would take; bytes as stored, records estimated from its beginning."""

    name: str
    format: str | None
    bytes: int
    records: int
    why: str


@dataclass(frozen=True)
class Estimate:
    """What a backfill would do (--dry-run); nothing was written.

    Attributes:
        sources: by source; refused ones without a format, `why` saying so.
        seconds: estimated time.
        disk_bytes: estimated growth of the lake.
    """

    sources: tuple[SourceEstimate, ...]
    seconds: float
    disk_bytes: int
