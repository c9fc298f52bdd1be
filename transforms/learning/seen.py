"""What a day's rows come to before anything is learned: small however many there are, and made part by part."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

import polars as pl

from schemas.snapshot import REFERENCE
from schemas.window import WINDOW
from transforms.learning.grouping import READ
from transforms.learning.guards import ruled

_LAST = pl.Schema({name: WINDOW.polars[name] for name in READ})


@dataclass(frozen=True)
class Seen:
    """What is known of the accounts of a day.

    Attributes:
        last: the last window of each account, the columns that `peers_after` reads.
        maxima: REFERENCE rows: each account's largest l1_score, in the group it was scored in.
        hit: ids for which a rule held.
    """

    last: pl.DataFrame
    maxima: pl.DataFrame
    hit: frozenset[str]

    @classmethod
    def of(cls, windows: pl.DataFrame, scores: pl.DataFrame, day: datetime) -> Self:
        """What some accounts' rows of a day come to.

        Args:
            windows: WINDOW rows, without provisional ones.
            scores: SCORE rows; provisional ones do not count.
            day: its start.
        """
        last = windows.select(READ).sort("account_id", "window_end")
        scored = (
            scores.filter(pl.col("l1_score").is_not_null() & ~pl.col("provisional"))
            .select("account_id", "window_end", "peer_group", "account_hash", "regime", "l1_score")
            .sort("account_id", "l1_score", "window_end", descending=[False, True, False])
            .unique("account_id", keep="first", maintain_order=True)
        )
        maxima = REFERENCE.conform(scored.with_columns(day=pl.lit(day), day_maximum="l1_score"))
        return cls(last.unique("account_id", keep="last", maintain_order=True), maxima, ruled(scores))

    @classmethod
    def together(cls, parts: Sequence[Self]) -> Self:
        """The same of all accounts, each of them in one part."""
        return cls(
            last=pl.concat([pl.DataFrame(schema=_LAST), *[part.last for part in parts]]),
            maxima=REFERENCE.conform(pl.concat([REFERENCE.empty(), *[part.maxima for part in parts]])),
            hit=frozenset[str]().union(*[part.hit for part in parts]),
        )
