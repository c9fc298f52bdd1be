"""Features of when an account calls."""

import numpy as np
import polars as pl

from schemas.feature import FEATURE
from schemas.tally import GAP_COLUMNS
from transforms.features.hours import Hours, hour_numbers, numbers_of
from transforms.features.measure import Measure, count, divided
from transforms.features.state import DAY_SUMS
from transforms.features.trailing import places, sums
from transforms.sketches.grouping import order_of
from transforms.sketches.mix import I64

_QUIET = 6


def rhythm(hours: Hours) -> dict[str, Measure]:
    """Features of gaps between calls and of the hours of the day."""
    day = hours.day
    known = day["gaps_known"]
    mean = divided(day["gap_ms"], known)
    variance = np.maximum(divided(day["gap_squared"] * 1000.0, known) - mean**2, 0.0)
    return {
        "gap_entropy_24h": _entropy(hours),
        "gap_cv_24h": Measure(divided(np.sqrt(variance), mean), known),
        "active_hours_24h": count((hours.calls > 0).sum(axis=1), day["calls"]),
        "quiet_6h_share_24h": _quiet(hours),
    }


def weeks(hours: Hours, days: pl.DataFrame, first_seen: I64) -> dict[str, Measure]:
    """Sums over today so far and the six UTC days before.

    Args:
        hours: the windows.
        days: sums of earlier days and of today's hours before these windows (`ClosedHours.days`).
        first_seen: microseconds since 1970 of each window's account's first call.
    """
    ids = hours.ending["account_id"].unique(maintain_order=True)
    past = days.join(ids.to_frame(), on="account_id", how="semi", maintain_order="left")
    account = np.concatenate([numbers_of(past["account_id"], ids), hours.account])
    hour = np.concatenate([hour_numbers(past["day"]), hours.hour])
    order = order_of(account, hour)  # a day's earlier hours stand at its begin, before its windows: rows do
    spots = places(account, hour)[order]
    last = np.flatnonzero(order >= past.height)
    day = hours.hour // 24
    today = np.searchsorted(spots, places(hours.account, day * 24))
    week = np.searchsorted(spots, places(hours.account, (day - 6) * 24))
    columns = {name: np.concatenate([past[name].to_numpy(), hours.one[name]])[order] for name in DAY_SUMS}
    total = {name: sums(values, week, last) for name, values in columns.items()}
    share = divided(sums(columns["calls"], today, last), total["calls"])
    is_first_day = first_seen // 86_400_000_000 == day
    return {
        "calls_7d": count(total["calls"], total["calls"]),
        "output_tokens_7d": count(total["output_tokens"], total["tokens_known"]),
        "cost_usd_7d": Measure(total["cost_micro_usd"] / 1e6, total["cost_known"]),
        "day_share_of_week": Measure(np.where(is_first_day, np.nan, share), total["calls"]),
    }


def _entropy(hours: Hours) -> Measure:
    known = hours.day["gaps_known"]
    rows = np.flatnonzero(known >= FEATURE["gap_entropy_24h"].least_calls)
    bands = np.stack([hours.day[name][rows] for name in GAP_COLUMNS], axis=1).astype(np.float64)
    portions = bands / known[rows, None]
    logs = np.log2(portions, out=np.zeros_like(portions), where=portions > 0)
    value = np.full(len(known), np.nan)
    value[rows] = 0.0 - (portions * logs).sum(axis=1)
    return Measure(value, known)


def _quiet(hours: Hours) -> Measure:
    """The smallest share of the day's calls in any six hours on end, the day taken as a circle."""
    calls = hours.day["calls"]
    rows = np.flatnonzero(calls >= FEATURE["quiet_6h_share_24h"].least_calls)
    circle = np.concatenate([hours.calls[rows], hours.calls[rows, : _QUIET - 1]], axis=1)
    total = np.zeros((len(rows), circle.shape[1] + 1), dtype=np.int64)
    np.cumsum(circle, axis=1, out=total[:, 1:])
    value = np.full(len(calls), np.nan)
    value[rows] = (total[:, _QUIET:] - total[:, :-_QUIET]).min(axis=1) / calls[rows]
    return Measure(value, calls)
