"""All deterministic rules over an account's own activity, at every tick (L0)."""

from datetime import datetime

import polars as pl

from schemas.hit import HIT
from schemas.policy import Policy
from transforms.detectors import activity
from transforms.detectors.activity import RulesState
from transforms.detectors.registry import rules


def step(
    state: RulesState, tallies: pl.DataFrame, traits: pl.DataFrame, until: datetime, policy: Policy
) -> tuple[RulesState, pl.DataFrame]:
    """Ticks at whose end a rule holds over the last 24 hours, and in which the account did more of what it looks at.

    Args:
        state: the 23 hours before.
        tallies: TALLY rows of ticks before `until` not seen before, in any order.
        traits: TRAIT rows of the same ticks.
        until: border up to which ticks are closed.
        policy: the thresholds are `policy.rules`.

    Returns:
        The state, and HIT rows.
    """
    if tallies.is_empty() and traits.is_empty():
        return state.forget(until), HIT.empty()
    after, frame = activity.of_day(state, tallies, traits)
    hits = [HIT.empty()]
    if not frame.is_empty():
        asked = [
            (rule.changed & rule.holds(policy.rules)).fill_null(value=False).alias(rule.card.id) for rule in rules()
        ]
        answers = frame.select(asked)
        for rule in rules():
            is_held = answers[rule.card.id]
            if not is_held.any():
                continue
            held = frame.filter(is_held).select(
                *activity.ACCOUNT,
                "tick",
                rule=pl.lit(rule.card.id),
                observed=rule.observed.cast(pl.Float64),
                expected=pl.lit(rule.expected(policy.rules)),
                detail=rule.detail,
                linked_account_ids=pl.lit([], dtype=pl.List(pl.String)),
                sample_event_ids=pl.col("sample_event_ids"),
            )
            hits.append(HIT.conform(held))
    return after.forget(until), HIT.conform(pl.concat(hits))
