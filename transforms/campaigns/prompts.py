"""Exact prompts that several accounts of a campaign sent: an evaluation asks the same questions again, a harvest others."""

from collections.abc import Iterable
from datetime import datetime
from typing import Self

import numpy as np
import polars as pl

from schemas.shared import SHARED
from schemas.trait import SAMPLED
from transforms.campaigns.state import PROMPTS
from transforms.sketches.mix import I64

_KEY = ["key", "account_hash"]


class Prompts:
    """A sample of the prompts that accounts have in common; rows are sorted once by account, and then taken by their places."""

    def __init__(self, known: pl.DataFrame) -> None:
        self._known = known
        ordered = known.sort("account_hash")
        self._keys: I64 = ordered["key"].to_numpy()
        self._first = ordered["first_tick"].to_numpy()
        accounts, starts, counts = np.unique(ordered["account_hash"].to_numpy(), return_index=True, return_counts=True)
        spans = zip(starts.tolist(), (starts + counts).tolist(), strict=True)
        self._rows = dict(zip(accounts.tolist(), spans, strict=True))

    @classmethod
    def after(cls, before: pl.DataFrame, prompts: pl.DataFrame) -> Self:
        """What is known after more ticks.

        Args:
            before: PROMPTS rows.
            prompts: SHARED rows of exact prompts (one in schemas.trait.SAMPLED).
        """
        fresh = SHARED.conform(prompts).select(*_KEY, last_tick="tick")
        return cls(
            pl.concat([before, fresh])
            .group_by(_KEY)
            .agg(first_tick=pl.col("last_tick").min(), last_tick=pl.col("last_tick").max())
            .sort(_KEY)
        )

    def repeated(self, accounts: Iterable[int], tick: datetime) -> int:
        """How many prompts of these accounts others of them had sent too by the end of a tick, estimated from the sample."""
        spans = [self._rows[account] for account in accounts if account in self._rows]
        if not spans:
            return 0
        places = np.concatenate([np.arange(start, end) for start, end in spans])
        by_then = self._first[places] <= np.datetime64(tick.replace(tzinfo=None), "us")
        _, counts = np.unique(self._keys[places[by_then]], return_counts=True)
        return int(counts[counts > 1].sum()) * SAMPLED

    def rows(self, oldest: datetime) -> pl.DataFrame:
        """PROMPTS rows of those sent since, sorted."""
        return self._known.filter(pl.col("last_tick") >= oldest).select(PROMPTS.names())
