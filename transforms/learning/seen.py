"""What a day's rows come to before anything is learned: small however many there are, and made part by part."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

import polars as pl

from schemas.snapshot import DISTANCE, REFERENCE
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
        distances: DISTANCE rows: each account's largest l3_excess, likewise.
        hit: ids for which a rule held.
    """

    last: pl.DataFrame
    maxima: pl.DataFrame
    distances: pl.DataFrame
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
        return cls(
            last=last.unique("account_id", keep="last", maintain_order=True),
            maxima=REFERENCE.conform(_largest(scores, "l1_score", "regime", day)),
            distances=DISTANCE.conform(_largest(scores, "l3_excess", "l3_regime", day)),
            hit=ruled(scores),
        )

    @classmethod
    def together(cls, parts: Sequence[Self]) -> Self:
        """The same of all accounts, each of them in one part."""
        return cls(
            last=pl.concat([pl.DataFrame(schema=_LAST), *[part.last for part in parts]]),
            maxima=REFERENCE.conform(pl.concat([REFERENCE.empty(), *[part.maxima for part in parts]])),
            distances=DISTANCE.conform(pl.concat([DISTANCE.empty(), *[part.distances for part in parts]])),
            hit=frozenset[str]().union(*[part.hit for part in parts]),
        )


def _largest(scores: pl.DataFrame, score: str, regime: str, day: datetime) -> pl.DataFrame:
    """Each account's largest definite score of the day, the earliest of equal ones, as columns of REFERENCE."""
    return (
        scores.filter(pl.col(score).is_not_null() & ~pl.col("provisional"))
        .select("account_id", "window_end", "peer_group", "account_hash", regime=regime, day_maximum=score)
        .sort("account_id", "day_maximum", "window_end", descending=[False, True, False])
        .unique("account_id", keep="first", maintain_order=True)
        .with_columns(day=pl.lit(day))
    )
