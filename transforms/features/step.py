"""The second stage that remembers: hours, days and keys of every account, and the windows made of them."""

from dataclasses import replace
from datetime import datetime

import polars as pl

from schemas.policy import Policy
from schemas.window import WINDOW
from transforms.features.hours import added_up, ticks_of, with_past
from transforms.features.keys import Shown, rows_of, shown_of
from transforms.features.state import HOUR, PAST, FeatureState, OpenHours, hour_number
from transforms.features.windows import Circumstances, windows_of


def step(
    state: FeatureState,
    tallies: pl.DataFrame,
    traits: pl.DataFrame,
    peers: pl.DataFrame,
    registry: pl.DataFrame,
    until: datetime,
    policy: Policy,
) -> tuple[FeatureState, pl.DataFrame]:
    """The state at `until`, and the WINDOW rows of the hours that ended, sorted by key.

    Args:
        state: as of the end of the last closed tick.
        tallies: TALLY rows of the ticks since then.
        traits: TRAIT rows of the same ticks.
        peers: PEER rows that hold today; accounts without one are newcomers.
        registry: REGISTRY rows, at most one an account.
        until: end of the last tick closed by this step.
        policy: how long an unseen account is remembered; what makes a search for a bypass.
    """
    border = until.replace(minute=0, second=0, microsecond=0)
    waiting = state.open
    if not (tallies.is_empty() and traits.is_empty()):
        waiting = OpenHours(
            hours=pl.concat([waiting.hours, ticks_of(tallies)]), keys=pl.concat([waiting.keys, shown_of(traits)])
        )
    if border == state.closed.border:
        return FeatureState(state.closed, waiting), WINDOW.empty()
    after, windows = _closed(FeatureState(state.closed, waiting), border, Circumstances(peers, registry), policy)
    kept = after.closed.at(border, policy.learning.forget_days)
    return FeatureState(kept, after.open), windows.with_columns(provisional=pl.lit(value=False))


def still_open(state: FeatureState, peers: pl.DataFrame, registry: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    """WINDOW rows, provisional, of the hour that has not ended; the state stays as it is."""
    last: datetime | None = state.open.hours["hour"].max()  # type: ignore[assignment]
    if last is None:
        return WINDOW.empty()
    windows = _closed(state, last + HOUR, Circumstances(peers, registry), policy)[1]
    return windows.with_columns(provisional=pl.lit(value=True))


def _closed(
    state: FeatureState, border: datetime, around: Circumstances, policy: Policy
) -> tuple[FeatureState, pl.DataFrame]:
    """The state once the hours up to `border` have closed, and their windows."""
    ends, keys_end = pl.col("hour") < border, pl.col("hour") < hour_number(border)
    ending = added_up(state.open.hours.filter(ends))
    if ending.is_empty():
        return state, WINDOW.empty()
    accounts = ending["account_id"].unique(maintain_order=True)
    number = ending["account_id"].rle_id()
    shown = Shown(state.closed.keys, state.open.keys.filter(keys_end), accounts)
    known, windows, keys = state.closed, [], [shown.others()]
    for low, high in shown.parts():
        part = ending.filter(number.is_between(low, high - 1))
        hours, added = with_past(known.hours, part), shown.by_kind(low, high)
        rows, after = windows_of(hours, added, known, around, policy)
        known = replace(known, days=after.days, accounts=after.accounts)
        windows.append(rows)
        keys.append(rows_of(added, accounts[low:high]))
    closed = replace(known, hours=pl.concat([known.hours, ending.select(PAST.names())]), keys=pl.concat(keys))
    after_them = OpenHours(state.open.hours.filter(~ends), state.open.keys.filter(~keys_end))
    return FeatureState(closed, after_them), pl.concat(windows)
