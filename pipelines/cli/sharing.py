"""What an account shares with few others, read from the lake's `traits`: its own keys alone, and no more rows than a person waits for."""

from datetime import datetime, timedelta

import polars as pl

from pipelines.cli.circles import FEW, KINDS, Shared
from pipelines.lake.accounts_held import accounts_held
from pipelines.lake.borders import floor_to_day
from pipelines.lake.lake import Lake, may_hold
from pipelines.lake.snapshots import read_snapshot
from pipelines.lake.state import manifest_of
from pipelines.lake.times import from_micros
from schemas.policy import Policy
from schemas.snapshot import Snapshot
from transforms.campaigns import base_of, facts
from transforms.campaigns.appraising import appraised
from transforms.campaigns.kinds import TIES

MOST_ROWS = 20_000_000
"""Rows of `traits` that are looked through: two seconds on two cores. Where more lie within the memory, fewer days are looked at."""

MOST_READ = 200_000
"""Rows of the account's keys that are read, those with the fewest holders first: a second."""

MOST_KEYS = 64
"""Keys of a kind that are asked for, those that most of the account's calls show."""

_KEY = ["kind", "key"]
_DAY = timedelta(days=1)


def shared_by(lake: Lake, account: str, account_hash: int, policy: Policy) -> Shared | None:
    """What the account shares with few others within links.memory_days; None where it showed nothing in that time.

    Raises:
        LakeError: the lake is damaged.
    """
    version = lake.versions()["traits"]
    until = _end(lake, version, policy)
    if until is None:
        return None
    since = _since(lake, version, until, policy)
    own = lake.of_accounts("traits", version, ("tick", since, until), (account_hash, account_hash + 1))
    own = own.filter(pl.col("account_id") == account)
    calls = int(own.filter(pl.col("kind") == "operation")["count"].sum())
    keys = (
        own.filter(pl.col("kind").is_in(KINDS))
        .group_by(_KEY)
        .agg(pl.col("count").sum())
        .sort("count", *_KEY, descending=[True, False, False])
        .group_by("kind", maintain_order=True)
        .head(MOST_KEYS)
    )
    if keys.is_empty() or not calls:
        return None
    rows = lake.scan("traits", version, ("tick", since, until))
    few = _held_by_few(lake, rows, keys.select(_KEY))
    traits = lake.collect("traits", _of_keys(rows, few))
    registry = accounts_held(lake, until)
    known = facts(registry)
    border = floor_to_day(until - policy.time.tick)
    held = (
        traits.group_by(*_KEY, "account_id")
        .agg(calls=pl.col("count").sum(), label=pl.col("label").first())
        .sort(*_KEY, "account_id")
    )
    names = held.select(pl.col("account_id").unique()).to_series()
    # Of a million accounts that takes a fifth of a second, and is asked of keys alone that could tie.
    learned = _learned(lake) if traits["kind"].is_in(list(TIES)).any() else Snapshot.empty()
    return Shared(
        account_id=account,
        calls=calls,
        since=since,
        held=held,
        cards=dict(known.select("account_id", "card").drop_nulls().iter_rows()),
        appraised=appraised(
            traits,
            registry,
            base_of(known, border, policy.campaigns, learned),
            until,
            policy,
        ),
        campaigns=_campaigns(lake, names),
    )


def _learned(lake: Lake) -> Snapshot:
    """Where accounts call from and when, and whose days look like a harvest, as learned at the last border."""
    return read_snapshot(lake.root, manifest_of(lake).get("snapshot"), ("moves", "nights", "leanings"))


def _end(lake: Lake, version: int, policy: Policy) -> datetime | None:
    """End of the last tick that any trait was shown in."""
    ticks = [entry.most["tick"] for entry in lake.files("traits", version) if "tick" in entry.most]
    return from_micros(max(ticks)) + policy.time.tick if ticks else None


def _since(lake: Lake, version: int, until: datetime, policy: Policy) -> datetime:
    """The days to look through, from the memory down to one until they hold no more rows than MOST_ROWS."""
    files = lake.files("traits", version)
    for days in range(policy.links.memory_days, 1, -1):
        since = until - days * _DAY
        if sum(entry.rows for entry in files if may_hold(entry, "tick", since, None)) <= MOST_ROWS:
            return since
    return until - _DAY


def _held_by_few(lake: Lake, rows: pl.LazyFrame, keys: pl.DataFrame) -> pl.DataFrame:
    """Those of the keys that two accounts or more hold, and few: the fewest first, as far as they are read."""
    counted = _of_keys(rows, keys).group_by(_KEY)
    sizes = lake.collect("traits", counted.agg(holders=pl.col("account_hash").n_unique(), rows=pl.len()))
    few = sizes.filter(pl.col("holders").is_between(2, FEW)).sort("holders", *_KEY)
    return few.filter(pl.col("rows").cum_sum() <= MOST_READ).select(_KEY)


def _of_keys(rows: pl.LazyFrame, keys: pl.DataFrame) -> pl.LazyFrame:
    """The rows of these keys; asked of the number first, for which Parquet need not read the other columns."""
    wanted = rows.filter(pl.col("key").is_in(keys["key"].implode()))
    return wanted.join(keys.lazy(), on=_KEY, how="semi")


def _campaigns(lake: Lake, accounts: pl.Series) -> dict[str, list[str]]:
    listed = lake.scan("campaigns").filter(pl.col("merged_into").is_null()).select("campaign_id", "account_ids")
    found = lake.collect(
        "campaigns", listed.explode("account_ids").filter(pl.col("account_ids").is_in(accounts.implode()))
    )
    grouped = found.group_by("campaign_id").agg(pl.col("account_ids").sort()).sort("campaign_id")
    return dict(grouped.iter_rows())
