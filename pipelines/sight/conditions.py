"""What may keep a live host from seeing: functions of what is known and of the time, each condition with its sentence."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

import polars as pl

from pipelines.lake.sources import Register
from pipelines.lake.times import from_micros, to_micros
from pipelines.sources.idling import Growth
from pipelines.sources.known import Known
from schemas.policy import Policy

_HOUR, _DAY, _WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)
_ALL = "*"


@dataclass(frozen=True)
class Condition:
    """Something that holds now; columns as schemas.alert.ALERT."""

    kind: str
    subject: str
    name: str
    since: datetime
    message: str
    fix: str


def silent(
    register: Register, growth: Mapping[str, Growth], alarmed: Collection[str], now: datetime, policy: Policy
) -> list[Condition]:
    """Sources that were being written and are no more, for longer than they ever paused.

    A source is not silent if another file took its name (it was rotated), or went on where it stopped under a name that
    differs in digits only (`calls-2026-03-01.jsonl`, `calls-2026-03-02.jsonl`).

    Args:
        register: all sources.
        growth: when each of them last grew, and whether it was seen to.
        alarmed: ids of sources that are known to be silent, so that a restart does not forget it.
        now: the time by this machine's clock.
        policy: section alerts.
    """
    found = []
    for source, grown in sorted(growth.items()):
        known = register.get(source)
        if known is None or not known.names or not (_is_live(grown, policy) or source in alarmed):
            continue
        least = timedelta(minutes=policy.alerts.silent_minutes)
        longest = max(least, policy.alerts.silent_gaps * _longest_pause(known))
        is_known = source in alarmed or grown.was_seen
        if now - grown.at < longest or _goes_on_elsewhere(known, grown, register, growth, is_alarmed=is_known):
            continue
        message = f"nothing was written for {_told(now - grown.at)}; it never paused longer than {_told(_longest_pause(known))} in its last {len(known.latest)} calls"
        fix = "look whether its gateway works and its logs still reach this machine; nobody who calls through it is seen meanwhile"
        found.append(Condition("source_silent", source, known.names[-1], grown.at, message, fix))
    return found


def clock_ahead(register: Register, now: datetime, policy: Policy) -> list[Condition]:
    """Sources with several calls dated ahead of this machine's clock."""
    limit = now + timedelta(minutes=policy.alerts.ahead_minutes)
    found = []
    for source, known in sorted(register.items()):
        ahead = [time for time, _ in known.latest if time > to_micros(limit)]
        if len(ahead) < policy.alerts.ahead_events:
            continue
        at_least = "at least " if len(ahead) == len(known.latest) else ""
        furthest = from_micros(max(ahead))
        message = (
            f"{at_least}{len(ahead)} of its calls are dated ahead of this machine's clock, the furthest by {_told(furthest - now)} "
            f"({furthest:%Y-%m-%d %H:%M})"
        )
        fix = "set the clock of its writer, or this machine's; these calls wait until it is that time"
        found.append(Condition("clock_ahead", source, _name(known), now, message, fix))
    return found


def rejects_jumped(runs: pl.DataFrame, now: datetime, policy: Policy) -> list[Condition]:
    """Sources of which far more records are refused in the last hour than in the week before.

    Args:
        runs: the INGEST rows of RUN since a week ago.
        now: the time by this machine's clock.
        policy: section alerts.
    """
    counted = runs.select("started_at", "sources").explode("sources", empty_as_null=False).unnest("sources")
    is_new = pl.col("started_at") >= now - _HOUR
    sums = (
        counted.filter(pl.col("records") > 0)
        .group_by("source")
        .agg(
            pl.col("name").last(),
            pl.col("started_at").filter(is_new & (pl.col("rejects") > 0)).min().alias("since"),
            *[pl.col(name).filter(is_new).sum().alias(name) for name in ("records", "rejects")],
            *[pl.col(name).filter(~is_new).sum().alias(f"{name}_before") for name in ("records", "rejects")],
        )
    )
    found = []
    for row in sums.sort("source").iter_rows(named=True):
        share = row["rejects"] / row["records"] if row["records"] else 0.0
        before = row["rejects_before"] / row["records_before"] if row["records_before"] else 0.0
        limit = max(policy.alerts.rejects_share, policy.alerts.rejects_factor * before)
        if row["rejects"] < policy.alerts.rejects_least or share < limit:
            continue
        message = f"{row['rejects']:,} of its {row['records']:,} records of the last hour were refused ({share:.0%}; {before:.1%} in the week before)"
        fix = f"`stillwatch query` the table rejects by reason where source_name = '{row['name']}'; when it is mended, `stillwatch replay rejects` takes them in"
        found.append(Condition("rejects_jumped", row["source"], row["name"], row["since"], message, fix))
    return found


def volume_collapsed(calls: Mapping[datetime, int], hour: datetime, policy: Policy) -> list[Condition]:
    """Whether an hour has far fewer calls than the same hour of each of the seven days before but one.

    Args:
        calls: calls by end of the hour; hours without any are left out.
        hour: end of a closed hour.
        policy: section alerts.
    """
    first = min(calls, default=hour)
    before = sorted(calls.get(hour - days * _DAY, 0) for days in range(1, 8))
    usual = before[1]
    if hour - first < _WEEK or usual < policy.alerts.volume_least_calls:
        return []
    now = calls.get(hour, 0)
    if now >= policy.alerts.volume_share * usual:
        return []
    message = f"{now:,} calls in the hour to {hour:%Y-%m-%d %H:%M}; on the seven days before, that hour had at least {usual:,} (one day left out)"
    fix = "look whether a gateway is down, or its logs no longer arrive; what is not logged is not seen"
    return [Condition("volume_collapsed", _ALL, "all sources", hour - _HOUR, message, fix)]


def abstentions_jumped(
    shares: Mapping[datetime, Mapping[str, float]], accounts: Mapping[datetime, int], hour: datetime, policy: Policy
) -> list[Condition]:
    """Reasons for which far more accounts abstain in an hour than in any of the 24 hours before.

    Args:
        shares: share of the accounts by end of the hour and reason.
        accounts: accounts with calls by end of the hour.
        hour: end of a closed hour.
        policy: section alerts.
    """
    least = policy.alerts.abstaining_least_accounts
    before = [h for h in accounts if hour - _DAY <= h < hour and accounts[h] >= least]
    if accounts.get(hour, 0) < least or not before:
        return []
    found = []
    for reason, share in sorted(shares.get(hour, {}).items()):
        highest = max(shares.get(h, {}).get(reason, 0.0) for h in before)
        if share - highest < policy.alerts.abstaining_rise:
            continue
        message = f"{share:.0%} of {accounts[hour]:,} accounts abstain in the hour to {hour:%Y-%m-%d %H:%M} because: {reason} (at most {highest:.0%} in the day before)"
        fix = "look whether a gateway's log format changed; `stillwatch query` the table account_scores, column abstained_because"
        found.append(Condition("abstentions_jumped", reason, reason, hour - _HOUR, message, fix))
    return found


def quarantined(days: Collection[datetime]) -> list[Condition]:
    """Days that failed their audit and that nobody released."""
    fix = "`stillwatch doctor` says what failed; then `stillwatch release` the day, or mend its sources and `stillwatch rebuild`"
    return [
        Condition(
            "day_quarantined",
            f"{day:%Y-%m-%d}",
            f"{day:%Y-%m-%d}",
            day,
            "the day failed its audit: nothing was learned from it, later days are scored with the models before it",
            fix,
        )
        for day in sorted(days)
    ]


def _is_live(grown: Growth, policy: Policy) -> bool:
    """Whether a source is being written, or was shortly before it was first met."""
    return grown.was_seen or grown.met - grown.found_at < timedelta(hours=policy.alerts.known_hours)


def _longest_pause(known: Known) -> timedelta:
    """The longest time between two of its last calls."""
    times = (time for time, _ in known.latest)
    return timedelta(microseconds=max((later - earlier for later, earlier in pairwise(times)), default=0))


def _goes_on_elsewhere(
    known: Known, grown: Growth, register: Register, growth: Mapping[str, Growth], *, is_alarmed: bool
) -> bool:
    """Whether another source took its name since, or went on under a new name that differs in digits only.

    Of files that were there already when the process began, it is not known which of them began later; where no alarm
    was raised before, one that grew later is taken for one that goes on.
    """
    for source, other in register.items():
        theirs = growth.get(source)
        if source == known.source or theirs is None or not other.names:
            continue
        name, grew_later = other.names[-1], theirs.at > grown.at
        if name in known.names and grew_later:
            return True
        is_alike = name not in known.names and _shape(name) == _shape(known.names[-1])
        began_later = theirs.met > grown.at and not theirs.was_there
        if is_alike and not _is_reused(name, source, register) and (began_later or (grew_later and not is_alarmed)):
            return True
    return False


def _is_reused(name: str, source: str, register: Register) -> bool:
    """Whether a name was another source's before: a log that is rotated, whose new file is no news."""
    return any(name in known.names for other, known in register.items() if other != source)


def _shape(name: str) -> str:
    return re.sub(r"\d+", "#", name)


def _name(known: Known) -> str:
    return known.names[-1] if known.names else known.source


def _told(span: timedelta) -> str:
    """A length of time for people.

    >>> _told(timedelta(minutes=90)), _told(timedelta(days=3)), _told(timedelta(seconds=20))
    ('90 minutes', '3.0 days', '20 seconds')
    """
    if span < timedelta(minutes=2):
        return f"{span / timedelta(seconds=1):.0f} seconds"
    if span < timedelta(hours=3):
        return f"{span / timedelta(minutes=1):.0f} minutes"
    if span < timedelta(days=2):
        return f"{span / _HOUR:.0f} hours"
    return f"{span / _DAY:.1f} days"
