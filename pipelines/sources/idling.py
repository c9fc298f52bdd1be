"""Which sources have stopped growing: time does not wait for them.

The wall clock enters here, and only here: what it decides is written into the plan of the run that relies on it.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pipelines.sources.known import Known

_Size = tuple[int, int, int]


@dataclass(frozen=True)
class Growth:
    """How a source was seen to grow.

    Attributes:
        at: when it last grew, or more of it was read, as far as is known.
        met: when it was first seen.
        found_at: when it had last grown before that.
        was_there: it was there already at the first look.
        was_seen: it grew while it was looked at.
    """

    at: datetime
    met: datetime
    found_at: datetime
    was_there: bool
    was_seen: bool = False


class Idling:
    """Watches sources grow.

    Args:
        after: how long a source must not have grown to be idle.
    """

    def __init__(self, after: timedelta) -> None:
        self._after = after
        self._seen: dict[str, tuple[_Size, Growth]] = {}
        self._topics: set[str] = set()

    def see(self, register: Mapping[str, Known], now: datetime) -> None:
        """Takes note of how large sources are; of one met for the first time, the file tells when it last grew."""
        is_first = not self._seen
        self._topics = {source for source, known in register.items() if known.container == "topic"}
        for source, known in register.items():
            size = (known.length, known.left, known.events)
            there = self._seen.get(source)
            if there is None:
                at = self._last_written(known, now, is_first=is_first)
                self._seen[source] = (size, Growth(at, now, at, was_there=is_first))
            elif there[0] != size:
                has_grown = there[1].was_seen or sum(size[:2]) > sum(there[0][:2])
                self._seen[source] = (size, replace(there[1], at=now, was_seen=has_grown))

    def growth(self) -> dict[str, Growth]:
        """How each source was seen to grow, by id."""
        return {source: growth for source, (_, growth) in self._seen.items()}

    def wake(self, now: datetime) -> None:
        """Brokers that could not be asked answer again: what their writers hold back is still to come."""
        self._seen = {
            source: (size, replace(growth, at=now) if source in self._topics else growth)
            for source, (size, growth) in self._seen.items()
        }

    def idle(self, register: Mapping[str, Known], now: datetime) -> dict[str, datetime]:
        """Sources that are not waited for, and since when they have not grown.

        Those are sources that have not grown for long, and those whose name another one has taken that grew since: a
        rotated log is complete.
        """
        holders: dict[str, list[str]] = defaultdict(list)
        for source, known in register.items():
            if known.names and source in self._seen:
                holders[known.names[-1]].append(source)
        found = {}
        for source, known in register.items():
            if source not in self._seen:
                continue
            grown = self._seen[source][1].at
            later = (other for name in known.names for other in holders[name] if other != source)
            if now - grown >= self._after or any(self._seen[other][1].at > grown for other in later):
                found[source] = grown
        return found

    def _last_written(self, known: Known, now: datetime, *, is_first: bool) -> datetime:
        """When a source was last written, as far as can be known.

        Of the partition of a topic it is not known that it rests; the standard input of an earlier command is over.
        """
        name = known.names[-1] if known.names else ""
        if "://" in name or (name == "-" and not is_first):
            return now
        try:
            return min(now, datetime.fromtimestamp(Path(name).stat().st_mtime, UTC))
        except OSError:
            return now - self._after
