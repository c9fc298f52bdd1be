"""How much of what the accounts of a campaign do is the campaign's, how it is answered, and how new what they send is.

Facts, as those of course.py: they add no points. A harvest puts one template around payloads that never repeat (threats.md 2.4 #21),
concentrates on what it came for, and may be mixed with the traffic of others (A1).
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import cached_property
from math import fsum
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from schemas.policy import Rules
from transforms.campaigns.kinds import ASKED
from transforms.campaigns.membership import Holding, Members
from transforms.sketches.mix import I64

_TIME = pl.Datetime("us", "UTC")
_DAY = timedelta(days=1)

DONE = pl.Schema(
    {
        "account_hash": pl.Int64(),
        "tick": _TIME,
        "asked": pl.Int64(),
        "other": pl.Int64(),
        "calls": pl.Int64(),
        "refused": pl.Int64(),
    }
)
"""All calls of an account in ticks after the one since which it has held a tied key. Its first row is of that tick, counts what is
remembered of later ones, and says with how many calls it had shown a key by that tick's end, out of prompts (`asked`) and of other
kinds (`other`); each of its other rows is of one tick more, and both are null."""

_BEFORE = ("asked", "other")

LATEST = pl.Schema(
    {
        "account_hash": pl.Int64(),
        "window_end": _TIME,
        "calls_24h": pl.Float64(),
        "payload_novelty_24h": pl.Float64(),
    }
)
"""Columns of WINDOW."""

ONE_TOKEN = (0.5, 1.5)
"""Mean output tokens of calls that ask for one token each: the shortest grades have five (threats.md 4.3), and embeddings none."""

GOES_ON = 0.5
"""As much of what makes calls a probing one is enough for those that were one: near the border a campaign does not change its kind tick by tick."""


class Counted(NamedTuple):
    """What an account did since the tick from which that counts.

    Attributes:
        since: start of that tick.
        asked: calls with a tied key out of prompts by its end.
        other: the same of other kinds of key.
        calls: all calls after it.
        refused: those that were refused; 0 where nobody says.
    """

    since: datetime
    asked: int
    other: int
    calls: int
    refused: int


class Done:
    """What the accounts that hold tied keys did; rows are sorted once by account, and then taken by their places."""

    def __init__(self, rows: pl.DataFrame) -> None:
        self.rows = rows

    def after(self, calls: pl.DataFrame, since: pl.DataFrame) -> "Done":
        """The same with more ticks.

        Args:
            calls: account_hash, tick, count, refused: of an account and tick several rows are added up.
            since: what habits.since_when gave; of those that are known it is known.
        """
        new = since.join(self.rows, on="account_hash", how="anti").drop_nulls("asked")
        nothing = pl.lit(0, dtype=pl.Int64)
        began = new.select("account_hash", tick="since", asked="asked", other="other", calls=nothing, refused=nothing)
        first = pl.concat([self.rows, began]).group_by("account_hash").agg(start=pl.col("tick").min())
        made = (
            calls.join(first, on="account_hash", how="inner")
            .filter(pl.col("tick") > pl.col("start"))
            .group_by("account_hash", "tick")
            .agg(calls=pl.col("count").sum(), refused=pl.col("refused").sum())
            .with_columns(pl.lit(None, dtype=pl.Int64).alias(name) for name in _BEFORE)
        )
        return Done(pl.concat([self.rows, began, made.select(DONE.names())]).sort("account_hash", "tick"))

    def remembered(self) -> pl.DataFrame:
        """The first row of each account, with all it did: what later ticks need."""
        of_account = self.rows.group_by("account_hash", maintain_order=True)
        return of_account.agg(pl.col("tick").min(), pl.col(_BEFORE).max(), pl.col("calls", "refused").sum())

    def counted(self, accounts: Iterable[int], tick: datetime) -> dict[int, Counted]:
        """What each of these accounts did up to and with a tick; those that are not known are left out."""
        ticks, asked, other, calls, refused = self._columns
        until = np.datetime64(tick.replace(tzinfo=None), "us")
        found = {}
        for account in accounts:
            start, end = self._spans.get(account, (0, 0))
            last = start + int(np.searchsorted(ticks[start:end], until, side="right"))
            if last > start:
                since = ticks[start].item().replace(tzinfo=tick.tzinfo)
                sums = (int(of[last] - of[start]) for of in (calls, refused))
                found[account] = Counted(since, int(asked[start]), int(other[start]), *sums)
        return found

    @cached_property
    def _columns(self) -> "tuple[np.ndarray[Any, Any], I64, I64, I64, I64]":
        calls, refused = (np.append(0, np.cumsum(self.rows[name].to_numpy())) for name in ("calls", "refused"))
        asked, other = (self.rows[name].fill_null(0).to_numpy() for name in _BEFORE)
        return self.rows["tick"].to_numpy(), asked, other, calls, refused

    @cached_property
    def _spans(self) -> dict[int, tuple[int, int]]:
        accounts, starts, sizes = np.unique(self.rows["account_hash"].to_numpy(), return_index=True, return_counts=True)
        spans = zip(starts.tolist(), (starts + sizes).tolist(), strict=True)
        return dict(zip(accounts.tolist(), spans, strict=True))


def latest(windows: pl.DataFrame) -> pl.DataFrame:
    """The last LATEST row of each account, sorted."""
    return windows.sort("account_hash", "window_end").unique("account_hash", keep="last", maintain_order=True)


def work(members: Members, done: Done, windows: pl.DataFrame, last_seen: datetime, end: datetime) -> dict[str, Any]:
    """Columns of CAMPAIGN about what its accounts did.

    Args:
        members: the accounts that it was counted against, with their holdings of its keys.
        done: what those do that hold tied keys.
        windows: LATEST rows of the same.
        last_seen: start of the tick at which the campaign was last seen.
        end: end of that tick.
    """
    counted = done.counted(members, last_seen)
    calls = sum(one.calls for one in counted.values())
    asked = [holding for account in counted for holding in members[account] if holding.kind in ASKED]
    of_prompts, of_keys = (
        sum(_since(members[account], one, kinds, end - last_seen) for account, one in counted.items())
        for kinds in (ASKED, None)
    )
    own = pl.Series("account_hash", list(members), dtype=pl.Int64).to_frame()
    of_day = windows.filter(pl.col("window_end") > end - _DAY, pl.col("window_end") <= end)
    return {
        "calls": calls if counted else None,
        "focus": round(of_keys / calls, 6) if calls else None,
        "template_share": round(of_prompts / calls, 6) if calls and asked else None,
        "payload_novelty": _novelty(latest(of_day.join(own, on="account_hash", how="semi"))),
        "refused_share": round(refused_share(counted), 6) if calls else None,
    }


def _since(holdings: Iterable[Holding], counted: Counted, kinds: tuple[str, ...] | None, tick: timedelta) -> int:
    """Calls with the key that an account showed most since what it does counts, among keys of these kinds (None: all).

    Of a key that it showed before only what is more than it had shown of any such key by then is sure to be later.
    """
    most = 0
    for holding in holdings:
        if kinds is None or holding.kind in kinds:
            before = counted.asked if holding.kind in ASKED else counted.other
            is_later = holding.first_time >= counted.since + tick
            most = max(most, holding.calls - (0 if is_later else before))
    return min(most, counted.calls)


def is_probing(members: Members, counted: Mapping[int, Counted], rules: Rules, *, was: bool) -> bool:
    """Whether a campaign's calls take the model apart: they ask for one token each, or most are refused.

    Args:
        members: its accounts, with their holdings of its keys.
        counted: what they did.
        rules: bypass_refusals, bypass_refusal_share.
        was: whether it was told to do so before.
    """
    least, most = ONE_TOKEN
    known = [
        max((holding.calls, holding.output_tokens) for holding in holdings if holding.output_tokens is not None)
        for holdings in members.values()
        if any(holding.output_tokens is not None for holding in holdings)
    ]
    calls, tokens = sum(calls for calls, _ in known), sum(tokens for _, tokens in known)
    ease = GOES_ON if was else 1.0
    if 2 * len(known) >= len(members) and ease * least * calls <= tokens <= most * calls / ease:
        return True
    refused = sum(one.refused for one in counted.values())
    return refused >= rules.bypass_refusals and refused_share(counted) >= ease * rules.bypass_refusal_share


def refused_share(counted: Mapping[int, Counted]) -> float:
    """Share of the calls that were refused; 0 without calls."""
    calls = sum(one.calls for one in counted.values())
    return sum(one.refused for one in counted.values()) / calls if calls else 0.0


def _novelty(windows: pl.DataFrame) -> float | None:
    """The mean over accounts, each by its calls of the day; rounded, and the same in whatever order they are added up."""
    rows = windows.drop_nulls(["payload_novelty_24h", "calls_24h"]).select("payload_novelty_24h", "calls_24h").rows()
    weight = fsum(calls for _, calls in rows)
    return round(fsum(share * calls for share, calls in rows) / weight, 6) if weight else None
