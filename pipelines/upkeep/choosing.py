"""Which data files are rewritten: small ones together, those with old rows without these."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pipelines.lake.borders import floor_to_day
from pipelines.lake.commit import PROVISIONAL
from pipelines.lake.files import FileEntry
from pipelines.lake.times import to_micros
from schemas.policy import Policy, Upkeep

TIME_OF = {
    "events": "time", "too_late": "time", "traits": "tick", "sessions": "session_start", "account_windows": "window_end",
    "account_embeddings": "window_end", "account_scores": "window_end",
}  # fmt: skip
"""Tables whose old rows go, and the time that says how old a row is. Rejects have none and are a few bytes each."""

DAYS_OF = {
    "events": "events_days", "too_late": "events_days", "traits": "traits_days", "sessions": "results_days",
    "account_windows": "results_days", "account_embeddings": "results_days",
    "account_scores": "results_days",
}  # fmt: skip
"""Which number of policy.retention holds for them."""


@dataclass(frozen=True)
class Choice:
    """What is rewritten in one table.

    Attributes:
        together: groups of files; each group becomes one file.
        old: files of which the rows before `before` are left out, each on its own.
        before: None where `old` is empty.
    """

    together: tuple[tuple[str, ...], ...] = ()
    old: tuple[str, ...] = ()
    before: datetime | None = None


def keep_from(table: str, closed: datetime | None, policy: Policy) -> datetime | None:
    """Before when rows of a table are too old, always a UTC midnight; None where none is.

    Args:
        table: its name.
        closed: end of the closed ticks; None before the first.
        policy: `policy.retention`.
    """
    if closed is None or table not in TIME_OF:
        return None
    midnight = floor_to_day(closed)
    try:
        return midnight - timedelta(days=getattr(policy.retention, DAYS_OF[table]))
    except OverflowError:
        return None  # kept since before there were calendars


def choose(
    table: str,
    entries: Sequence[FileEntry],
    allowed: Collection[str],
    before: datetime | None,
    policy: Upkeep,
    least: int,
) -> Choice:
    """The files of a table to be rewritten.

    Args:
        table: its name.
        entries: its data files.
        allowed: names of those that may be touched.
        before: from `keep_from`.
        policy: what is small.
        least: small files below which they are left as they are.
    """
    own = [e for e in entries if e.path in allowed and not e.path.startswith(PROVISIONAL)]
    column = TIME_OF.get(table)
    old = [e for e in own if column and before and e.least.get(column, to_micros(before)) < to_micros(before)]
    names = {e.path for e in old}
    small = [e for e in own if e.path not in names and e.rows < policy.small_rows]
    groups = _together(small, policy.file_rows) if len(small) >= max(2, least) else []
    return Choice(tuple(groups), tuple(sorted(names)), before if old else None)


def _together(small: list[FileEntry], most: int) -> list[tuple[str, ...]]:
    """Groups of at least two files that follow on each other in time, with at most so many rows."""
    groups: list[list[FileEntry]] = [[]]
    for entry in sorted(small, key=_when):
        if sum(e.rows for e in groups[-1]) + entry.rows > most:
            groups.append([])
        groups[-1].append(entry)
    return [tuple(e.path for e in group) for group in groups if len(group) > 1]


def _when(entry: FileEntry) -> tuple[int, int, str]:
    times = [value for column, value in entry.least.items() if column not in ("account_hash", "position")]
    return min(times, default=0), max(entry.most.values(), default=0), entry.path
