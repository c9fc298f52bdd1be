"""What a hunt reads of a lake, at pinned versions, and what it makes of it: HUNT rows."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from pipelines.cli.progress import Progress
from pipelines.detect_job import DEFAULT_GROUPS
from pipelines.lake.borders import floor_to_day
from pipelines.lake.files import group_range
from pipelines.lake.lake import Lake
from pipelines.lake.references import judged_with
from schemas.policy import Policy
from schemas.snapshot import Snapshot
from transforms import distribution
from transforms.detectors import cards, score, shapes
from transforms.findings import RESOLVES, Calibration, Judge, flags, rescored, suppressed
from transforms.hunting import SHOWN, Held, Hunt, Live, carried, gathered, holders, known_accounts

_DAY = timedelta(days=1)
_MOMENT = timedelta(microseconds=1)
_EVER = datetime.max.replace(tzinfo=UTC)
_READ = (
    "account_embeddings", "account_windows", "campaigns", "findings", "models", "registry", "traits", "verdicts",
)  # fmt: skip
"""Tables whose versions decide what a hunt finds."""


@dataclass(frozen=True)
class Quarry:
    """What is hunted through, fixed: the same gives the same rows.

    Attributes:
        lake: the lake.
        versions: version of every table to read.
        snapshot: name of the newest snapshot; None where nothing was learned yet.
        since: start of the days.
        until: end of the ticks.
        policy: what is judged by.
        reference: name of the reference that is pinned now; None for the snapshot's own.
    """

    lake: Lake
    versions: dict[str, int]
    snapshot: str | None
    since: datetime
    until: datetime
    policy: Policy
    reference: str | None = None

    @property
    def hunt_id(self) -> str:
        """Twelve hex digits of everything that the rows depend on."""
        asked: dict[str, Any] = {table: self.versions[table] for table in _READ}
        asked |= {"snapshot": self.snapshot, "since": self.since.isoformat(), "until": self.until.isoformat()}
        asked |= {"policy": self.policy.version}
        asked |= {} if self.reference is None else {"reference": self.reference}
        return hashlib.blake2b(json.dumps(asked, sort_keys=True).encode(), digest_size=6).hexdigest()

    def rows(self, table: str, wanted: pl.LazyFrame) -> pl.DataFrame:
        """The result of a query made from `scan`."""
        return self.lake.collect(table, wanted)

    def scan(self, table: str, column: str | None = None) -> pl.LazyFrame:
        """A table's rows; with a time column those of the period, a row of an hour or day counting where it ends."""
        after = _MOMENT if column == "window_end" else timedelta()
        between = None if column is None else (column, self.since + after, self.until + after)
        return self.lake.scan(table, self.versions[table], between)


def hunted(quarry: Quarry, progress: Progress) -> pl.DataFrame:
    """HUNT rows of a quarry.

    Raises:
        LakeError: something of the lake cannot be read.
    """
    lake, versions, policy = quarry.lake, quarry.versions, quarry.policy
    snapshot = judged_with(lake.root, quarry.snapshot, quarry.reference)
    registry = _latest(lake.read("registry", versions["registry"]), "holds_from")
    verdicts = lake.read("verdicts", versions["verdicts"])
    judged = dict(_latest(verdicts, "given_at").select("account_id", "verdict").iter_rows())
    hidden = suppressed(registry, policy)
    said = flags(lake.read("findings", versions["findings"]), (None, _EVER), hidden)
    hidden |= {account for account, verdict in judged.items() if verdict in RESOLVES}
    held = _held(quarry, verdicts, {account: row["kind"] for account, row in said.items()}, progress)
    hours = _flagged_hours(quarry, snapshot, registry, progress)
    progress.end()
    hunt = Hunt(
        quarry.hunt_id,
        quarry.since,
        quarry.until,
        policy.version,
        snapshot.snapshot_id,
        None if snapshot.day is None else snapshot.day + _DAY,
        policy.time.lateness,
    )
    return gathered(
        [one for one in held if one.account_id not in hidden],
        [hour for hour in hours if hour["account_id"] not in hidden],
        hunt,
        {account: Live(row["flagged_at"], row["tier"]) for account, row in said.items()},
        judged,
    )


def _latest(rows: pl.DataFrame, column: str) -> pl.DataFrame:
    return rows.sort("account_id", column).unique("account_id", keep="last", maintain_order=True)


# -- keys of those who are known


def _held(quarry: Quarry, verdicts: pl.DataFrame, kinds: dict[str, str], progress: Progress) -> list[Held]:
    """Accounts with keys of campaigns and of confirmed accounts."""
    campaigns = quarry.lake.read("campaigns", quarry.versions["campaigns"])
    known = known_accounts(campaigns, verdicts, kinds)
    if known.is_empty():
        progress.note("no campaign was found and no account was confirmed: there are no keys to look for")
        return []
    progress.begin(f"keys of {known['account_id'].n_unique():,} known accounts")
    accounts = known.lazy().select("account_id").unique()
    own = quarry.scan("traits").join(accounts, on="account_id", how="semi")
    keys = carried(quarry.rows("traits", _shown(own)), known, quarry.policy)
    wanted = keys.lazy().select("kind", "key").unique()
    progress.begin(f"who showed any of {wanted.collect().height:,} keys")
    showing = _shown(quarry.scan("traits", "tick").join(wanted, on=["kind", "key"], how="semi"))
    there = quarry.scan("account_windows", "window_end").select(pl.col("account_id").n_unique())
    population = quarry.rows("account_windows", there).item()
    return holders(quarry.rows("traits", showing), keys, known, population, quarry.policy)


def _shown(traits: pl.LazyFrame) -> pl.LazyFrame:
    """TRAIT rows as SHOWN, in the order of its key."""
    by = ["account_id", "account_hash", "kind", "key"]
    tokens = pl.when(pl.col("output_tokens").is_not_null().any()).then(pl.col("output_tokens").sum())
    summed = traits.group_by(by).agg(
        calls=pl.col("count").sum(),
        output_tokens=tokens,
        first_seen=pl.col("first_time").min(),
        last_seen=pl.col("tick").max(),
    )
    return summed.select(SHOWN.names()).sort("account_id", "kind", "key")


# -- later models, today's rules


def _flagged_hours(
    quarry: Quarry, snapshot: Snapshot, registry: pl.DataFrame, progress: Progress
) -> list[dict[str, Any]]:
    """The hours that the newest models, or today's rules of windows, flag, with what the account took from a day before the first of them on."""
    if snapshot.snapshot_id is None:
        progress.note("nothing was learned yet: rules and shipped priors judge alone")
    judge = Judge(
        calibration=Calibration.of(snapshot["references"]),
        registry=registry,
        cards=cards(),
        policy=quarry.policy,
        snapshot_id=snapshot.snapshot_id,
        distances=Calibration.of(snapshot["distances"]),
    )
    days = list(_days(quarry))
    progress.begin("hours against the newest models and rules", total=len(days))
    parts = []
    for day in days:
        some = (group_range(part, DEFAULT_GROUPS) for part in range(DEFAULT_GROUPS))
        parts += [_rescored(quarry, day, hashes, snapshot, judge) for hashes in some]
        progress.advance(1, detail=f"{day:%Y-%m-%d}")
    found = [part for part in parts if part is not None and not part.is_empty()]
    if not found:
        return []
    flagged = pl.concat(found).sort("account_id", "window_end")
    return list(_with_damage(quarry, flagged).iter_rows(named=True))


def _days(quarry: Quarry) -> Iterator[datetime]:
    day = floor_to_day(quarry.since)
    while day < quarry.until:
        yield day
        day += _DAY


def _rescored(
    quarry: Quarry, day: datetime, hashes: tuple[int, int], snapshot: Snapshot, judge: Judge
) -> pl.DataFrame | None:
    """The hours of a day that the newest models, or today's rules of windows, flag, of some accounts; None where these have no hours."""
    lake, versions = quarry.lake, quarry.versions
    first, last = max(day, quarry.since), min(day + _DAY, quarry.until)
    ended = ("window_end", first + _MOMENT, last + _MOMENT)
    windows = lake.of_accounts("account_windows", versions["account_windows"], ended, hashes)
    windows = windows.filter(~pl.col("provisional")).sort("account_id", "window_end")
    if windows.is_empty():
        return None
    # Whoever was a newcomer then is compared with those it turned out to be like.
    peers = snapshot["peers"].select("account_id", known_group="peer_group")
    windows = windows.join(peers, on="account_id", how="left", maintain_order="left")
    windows = windows.with_columns(peer_group=pl.coalesce("known_group", "peer_group")).drop("known_group")
    looked = ("window_end", first - _DAY + _MOMENT, last + _MOMENT)
    past = lake.of_accounts("account_embeddings", versions["account_embeddings"], looked, hashes)
    asked = past.filter(pl.col("window_end") > first)
    tested = distribution.measured(distribution.trailing(past, asked), windows, snapshot, quarry.policy)
    hits = shapes.step(windows, quarry.policy)
    return rescored(score(windows, snapshot, quarry.policy), tested, hits, judge)


def _with_damage(quarry: Quarry, flagged: pl.DataFrame) -> pl.DataFrame:
    """With `first_seen`, `calls` and `output_tokens` from 24 hours before the account's first flagged hour on."""
    first = flagged.group_by("account_id").agg(first_hour=pl.col("window_end").min())
    windows = quarry.scan("account_windows", "window_end").filter(~pl.col("provisional"))
    totals = windows.join(first.lazy(), on="account_id").filter(pl.col("window_end") >= pl.col("first_hour"))
    at_first = pl.col("window_end") == pl.col("first_hour")

    def taken(total: str, day: str) -> pl.Expr:
        return pl.col(total).max() - pl.col(total).min() + pl.col(day).filter(at_first).first()

    summed = totals.group_by("account_id").agg(
        calls=taken("lifetime_calls", "calls_24h").cast(pl.Int64),
        output_tokens=taken("lifetime_output_tokens", "output_tokens_24h").cast(pl.Int64),
        first_seen=pl.max_horizontal(pl.col("first_hour") - _DAY, pl.col("first_seen")).min(),
    )
    return flagged.join(quarry.rows("account_windows", summed), on="account_id", how="left", maintain_order="left")
