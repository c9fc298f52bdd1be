"""What speaks for shared keys and what they would need, whether or not it is enough: why accounts that share something are no campaign."""

from dataclasses import replace
from datetime import datetime

import polars as pl

from schemas.policy import Policy
from schemas.shared import SHARED
from schemas.tie import TIE
from transforms.campaigns.agreeing import beside, needed
from transforms.campaigns.base import Base
from transforms.campaigns.judging import judged
from transforms.campaigns.ties import TieState, step, totals


def appraised(
    traits: pl.DataFrame, registry: pl.DataFrame, base: Base, until: datetime, policy: Policy
) -> pl.DataFrame:
    """The keys with enough accounts, customers and calls to be looked at at all, as of the end of the ticks.

    It counts from the given rows on, so that a key that was shared before them is told less of than the pipeline remembers.

    Args:
        traits: TRAIT rows of some keys, of all accounts that hold them; kinds that do not tie are ignored.
        registry: REGISTRY rows, at most one an account.
        base: what is ordinary.
        until: end of the last tick.
        policy: `policy.campaigns`, links.memory_days.

    Returns:
        TIE rows, one a key, with `needed` (decades that it takes alone) and `is_alike` (whether nearly all of its holders are
        young, or paid for together, or use it equally often).
    """
    held = traits.select(pl.col("account_hash").n_unique().over("kind", "key")).to_series()
    shared = traits.with_columns(holders=held.cast(pl.Int64), is_new=pl.lit(value=False), is_capped=pl.lit(value=False))
    after, _, _ = step(
        TieState.empty(), SHARED.conform(shared.filter(pl.col("holders") > 1)), registry, base, until, policy
    )
    sums = totals(after.holders, after.turns, base, policy).with_columns(tick=pl.lit(until - policy.time.tick))
    known = sums.select("kind", "key", was_tied=pl.lit(value=True))
    # What was tied before is told of for as long as it has sustain_decades: of these, whatever it has.
    anything = replace(policy, campaigns=replace(policy.campaigns, sustain_decades=0.0))
    found = TIE.conform(judged(sums.sort("kind", "key"), known, base, anything))
    own = policy.campaigns
    is_of_class = found.select(beside("signals") < own.beside_class).to_series().to_numpy()
    least = needed(found["kind"], found["accounts"].to_numpy(), is_of_class, own)
    found = found.with_columns(needed=pl.Series(least, dtype=pl.Float64))
    enough = (pl.col("points") >= pl.col("needed")) & (pl.col("families") >= own.least_signals)
    return found.with_columns(is_alike=~(enough & pl.col("is_sustained")))
