"""What is known of an account itself: since when, how much in all, on which plan, among whom."""

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import polars as pl

from schemas.snapshot import NEWCOMERS
from transforms.features.hours import Hours
from transforms.features.state import DAY_SUMS, HOUR
from transforms.features.trailing import HOUR_US

_NEVER = datetime(9999, 1, 1, tzinfo=UTC)
_COLUMNS = (
    "account_id", "account_hash", "hour", "first_time", "calls", "output_tokens", "plan", "account_created_at",
    "is_weak_account", "sample_event_ids",
)  # fmt: skip


@dataclass(frozen=True)
class Known:
    """What windows say of their accounts.

    Attributes:
        rows: WINDOW columns that are no features, one row a window, and `age_days` (null where not known).
        accounts: `ClosedHours.accounts` with the ending hours.
        days: `ClosedHours.days` with the ending hours.
    """

    rows: pl.DataFrame
    accounts: pl.DataFrame
    days: pl.DataFrame


def known_of(
    hours: Hours, accounts: pl.DataFrame, days: pl.DataFrame, peers: pl.DataFrame, registry: pl.DataFrame
) -> Known:
    """What is known of the windows' accounts at each window's end.

    Args:
        hours: the windows.
        accounts: `ClosedHours.accounts` before them.
        days: `ClosedHours.days` before them.
        peers: PEER rows that hold today.
        registry: REGISTRY rows, at most one an account.
    """
    by = "account_id"
    was = accounts.select(by, pl.exclude(by).name.prefix("was_"))
    on_file = registry.select(by, registry_plan="plan", registry_created="created_at")
    joined = hours.ending.select(_COLUMNS).with_columns(pl.Series("account", hours.account))
    for frame in (was, peers.select(by, "peer_group"), on_file):
        joined = joined.join(frame, on=by, how="left", maintain_order="left")
    earliest = pl.col("account_created_at").fill_null(_NEVER).cum_min().over("account")
    logged = pl.min_horizontal("was_created_at", earliest)
    running = joined.select(
        by,
        "hour",
        first_seen=pl.coalesce("was_first_seen", pl.col("first_time").first().over("account")),
        lifetime_calls=pl.col("was_lifetime_calls").fill_null(0) + pl.col("calls").cum_sum().over("account"),
        lifetime_output_tokens=pl.col("was_lifetime_output_tokens").fill_null(0)
        + pl.col("output_tokens").cum_sum().over("account"),
        created_at=pl.when(logged < _NEVER).then(logged),
        plan=pl.coalesce(pl.col("plan").forward_fill().over("account"), "was_plan"),
    )
    end = pl.col("hour") + HOUR
    since = (end - pl.coalesce("registry_created", running["created_at"])).dt.total_microseconds()
    # numpy divides; Polars multiplies by the inverse of a literal, but not in a frame of one row: other last bits.
    days_old = pl.Series(joined.select(since.fill_null(-1)).to_series().to_numpy() / (24 * HOUR_US))
    rows = joined.select(
        by,
        "account_hash",
        end.alias("window_end"),
        pl.col("peer_group").fill_null(NEWCOMERS),
        pl.coalesce("registry_plan", running["plan"]).alias("plan"),
        pl.Series("presence", hours.presence),
        running["lifetime_calls"],
        running["lifetime_output_tokens"],
        running["first_seen"],
        "is_weak_account",
        "sample_event_ids",
        days_old.set(days_old < 0, None).alias("age_days"),
    )
    last = np.append(np.flatnonzero(np.diff(hours.account)), len(hours.account) - 1)
    after = running[last].rename({"hour": "last_seen"}).select(accounts.columns)
    return Known(
        rows,
        pl.concat([accounts.join(after.select(by), on=by, how="anti", maintain_order="left"), after]).sort(by),
        _days(days, hours.ending),
    )


def _days(days: pl.DataFrame, ending: pl.DataFrame) -> pl.DataFrame:
    came = ending.select("account_id", pl.col("hour").dt.truncate("1d").alias("day"), *DAY_SUMS)
    return (
        pl.concat([days, came])
        .group_by("account_id", "day")
        .agg(pl.col(DAY_SUMS).sum())
        .select(days.columns)
        .sort("account_id", "day")
    )
