"""The rewind: the lake goes back to a day border, so that the days since can be detected and learned again.

One run, planned and committed like every other. Rows of the days since go by predicate, state goes back to the checkpoint
of the border, counts are taken back as negative numbers, and the border is where ticks are closed again. Events, rejects,
verdicts, what is known of accounts and of sources stay as they are; findings stay until they are reconsidered.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from pipelines.detecting import OVERLAID, reviewed
from pipelines.lake.checkpoints import Checkpoint, checkpoint_before, reached, standing
from pipelines.lake.closed import last_closing
from pipelines.lake.commit import Outcome, Write
from pipelines.lake.events_index import EventsIndex
from pipelines.lake.files import scan
from pipelines.lake.lake import Lake
from pipelines.lake.plan import Plan
from pipelines.lake.sources import named, register_of
from pipelines.lake.state import Manifest, States, manifest_of
from pipelines.writer import Writer
from schemas.catalogue import TABLES
from schemas.errors import LakeError
from schemas.event import EVENT
from schemas.policy import Policy

_MOMENT = timedelta(microseconds=1)

REWOUND = {
    "too_late": ("time", timedelta()),
    "traits": ("tick", timedelta()),
    "sessions": ("session_end", timedelta()),
    "account_windows": ("window_end", _MOMENT),
    "account_embeddings": ("window_end", _MOMENT),
    "account_scores": ("window_end", _MOMENT),
    "campaigns": ("first_seen", timedelta()),
    "campaign_tests": ("day", timedelta()),
    "quality": ("day", timedelta()),
    "models": ("day", timedelta()),
}
"""Table -> column and distance from the border from which rows go. A window belongs to the hour that ends with it; a session
is cut at midnight, so one that ended before the border was closed before it, and one that ended after it began after it."""


@dataclass(frozen=True)
class Outlook:
    """What a rewind would take back.

    Attributes:
        since: border to go back to; None for the beginning.
        until: end of what is closed again.
        events: events in between, as they are in the lake now.
        late: those of them that had come too late.
        earlier_late: events that came too late for days before the border, and stay out.
        rows: rows that go, by table.
    """

    since: datetime | None
    until: datetime
    events: int
    late: int
    earlier_late: int
    rows: dict[str, int]


def checkpoint_for(lake: Lake, day: datetime) -> Checkpoint:
    """Where a rebuild since a midnight starts: the latest checkpoint at or before it, else the beginning.

    Raises:
        LakeError: nothing is closed since then, or events since the checkpoint have gone.
    """
    runs = lake.read("runs")
    ever = reached(runs)
    if ever is None or day >= ever:
        end = "nothing is closed yet" if ever is None else f"ticks are closed until {ever:%Y-%m-%d %H:%M} only"
        raise LakeError(
            str(lake.root), f"there is nothing to rebuild since {day:%Y-%m-%d}: {end}", "name an earlier day"
        )
    found = checkpoint_before(runs, States(lake.root), day)
    gone = _events_gone(lake, runs, found.border)
    if gone:
        start = "the beginning" if found.border is None else f"{found.border:%Y-%m-%d}"
        raise LakeError(
            str(lake.root),
            f"a rebuild since {day:%Y-%m-%d} starts from {start}, and {gone:,} events since then are no longer kept",
            "name a later day, or read the sources into a new lake",
        )
    return found


def outlook(lake: Lake, checkpoint: Checkpoint) -> Outlook:
    """What a rewind to this checkpoint would take back."""
    ever, since = reached(lake.read("runs")), checkpoint.border
    assert ever is not None  # noqa: S101 - checkpoint_for asked
    rows = {table: _count(lake, table, since) for table in REWOUND}
    late = lake.scan("too_late").select(pl.len()).collect().item()
    return Outlook(since, ever, _events_between(lake, since, ever), rows["too_late"], late - rows["too_late"], rows)


def plan_rewind(writer: Writer, checkpoint: Checkpoint, policy: Policy) -> Plan:
    """The plan of a rewind to this checkpoint, written down."""
    work = {
        "since": None if checkpoint.border is None else checkpoint.border.isoformat(),
        "checkpoint": checkpoint.run_id,
    }
    return writer.plan("rewind", work, policy)


def execute_rewind(writer: Writer, plan: Plan) -> None:
    """Executes a rewind and commits it; repeated after a crash, it does the same."""
    lake, policy = writer.lake, Policy.from_json(plan.policy)
    since = None if plan.work["since"] is None else datetime.fromisoformat(plan.work["since"])
    last, ever = last_closing(lake), reached(lake.read("runs"))
    if last is None or ever is None:
        raise LakeError(str(lake.root), "nothing was closed that could be taken back", "run `stillwatch doctor` on it")
    writes: dict[str, Write] = {}
    for table, (column, distance) in REWOUND.items():
        if since is None:
            writes[table] = Write(overwrite=True)
        else:
            shown = TABLES[table].empty() if table in OVERLAID else None
            writes[table] = Write(replace_from=(column, since + distance), provisional=shown)
    flagged = reviewed(lake, lake.read("findings"), ever, policy)
    writes["flagged_accounts"] = Write(overwrite=True, rows=flagged)
    manifest = gone_back(manifest_of(lake), States(lake.root).read_manifest(plan.work["checkpoint"]))
    outcome = Outcome(
        accounts=0,
        windows=0,
        findings=0,
        policy_version=policy.version,
        sources=tuple(named(register_of(lake), _taken_back(lake, since))),
        closed_until=since,
        events_version=last["events_version"],
    )
    writer.commit(plan, writes, outcome, manifest)


def gone_back(now: Manifest, then: Manifest) -> Manifest:
    """The states of then, with the register of sources as it is now."""
    return {key: name for key, name in then.items() if not _is_register(key)} | {
        key: name for key, name in now.items() if _is_register(key)
    }


def _is_register(key: str) -> bool:
    return key.startswith("sources/")


def _taken_back(lake: Lake, since: datetime | None) -> list[dict[str, Any]]:
    """Counts by source, negative, of the events that DETECT will meet again."""
    names, zero = ("accepted", "duplicates", "too_late"), pl.lit(0, pl.Int64)
    counted = _counts_since(lake.read("runs"), since).select("source", "accepted", "duplicates", too_late=zero)
    late = _rows_since(lake, "too_late", since).group_by("source").agg(too_late=pl.len().cast(pl.Int64)).collect()
    both = pl.concat([counted, late.select("source", accepted=zero, duplicates=zero, too_late="too_late")])
    summed = both.group_by("source").agg(-pl.col(names).sum()).sort("source")
    return summed.filter(pl.any_horizontal(pl.col(names) != 0)).to_dicts()


def _counts_since(runs: pl.DataFrame, since: datetime | None) -> pl.DataFrame:
    """Counts by source of the standing DETECT runs after a border; one row a run and source."""
    is_after = pl.col("pipeline") == "detect"
    if since is not None:
        is_after = is_after & (pl.col("closed_until") > since)
    return standing(runs).filter(is_after).select(pl.col("sources").explode().drop_nulls()).unnest("sources")


def _events_gone(lake: Lake, runs: pl.DataFrame, since: datetime | None) -> int:
    """How many of the events that DETECT met since a border are no longer there."""
    met = _counts_since(runs, since)
    needed = int(met["accepted"].sum()) + int(met["duplicates"].sum()) + _count(lake, "too_late", since)
    met_by = runs.filter(pl.col("pipeline") == "detect").sort("sequence").row(-1, named=True)
    return max(0, needed - _events_between(lake, since, met_by["closed_until"], met_by["events_version"]))


def _events_between(lake: Lake, since: datetime | None, until: datetime, met: int | None = None) -> int:
    """Events in the lake with a time in [since, until); with `met`, only those that came by that version of `events`."""
    index = EventsIndex.of(lake.table("events", lake.versions()["events"]), lake.folder("events"))
    paths = set(index.holding(since, until).paths())
    if met is not None:
        paths -= set(index.new_since(met).paths())
    rows = scan(sorted(paths), EVENT).filter(pl.col("time") < until)
    if since is not None:
        rows = rows.filter(pl.col("time") >= since)
    return int(rows.select(pl.len()).collect().item())


def _rows_since(lake: Lake, table: str, since: datetime | None) -> pl.LazyFrame:
    """Definite rows of a table that a rewind to a border takes back."""
    column, distance = REWOUND[table]
    rows = lake.scan(table, None, None if since is None else (column, since + distance, None))
    return rows.filter(~pl.col("provisional")) if "provisional" in TABLES[table].columns else rows


def _count(lake: Lake, table: str, since: datetime | None) -> int:
    return int(_rows_since(lake, table, since).select(pl.len()).collect().item())
