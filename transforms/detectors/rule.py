"""A deterministic rule: a card, and expressions over what an account did in a tick and in the 24 hours up to it."""

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from schemas.card import Card
from schemas.policy import Rules


@dataclass(frozen=True)
class Rule:
    """One L0 rule over the frame that `activity.of_day` makes: one row an account and tick.

    Attributes:
        card: what it sees.
        changed: whether the tick added to what the rule looks at.
        holds: whether the rule holds at the tick's end.
        observed: the number it holds by.
        expected: the threshold of that number.
        detail: one sentence; numbers only, no text of users.
    """

    card: Card
    changed: pl.Expr
    holds: Callable[[Rules], pl.Expr]
    observed: pl.Expr
    expected: Callable[[Rules], float]
    detail: pl.Expr


def share(part: str, whole: str) -> pl.Expr:
    """Part of a whole, 0 where there is no whole."""
    return pl.when(pl.col(whole) > 0).then(pl.col(part) / pl.col(whole)).otherwise(0.0)
