"""The sample of an account's tick: bounded, blind to other ticks, the same however a log is cut."""

from datetime import timedelta

import polars as pl
from polars.testing import assert_frame_equal

from event_logs import event_log
from given_events import DAY
from schemas.call import SAMPLED_CALL
from schemas.policy import Distribution, Policy
from schemas.registry import REGISTRY
from transforms.order import OrderState, step

POLICY = Policy(distribution=Distribution(sampled_calls=3))
LOG = event_log(5, 4000, accounts=3, hours=6.0)


def _calls(log: pl.DataFrame, *borders: float) -> pl.DataFrame:
    state, parts, since = OrderState.empty(), [], DAY
    for hours in borders:
        until = DAY + timedelta(hours=hours)
        mine = log.filter((pl.col("time") >= since) & (pl.col("time") < until))
        state, made = step(state, mine, REGISTRY.empty(), until, POLICY)
        parts.append(made.calls)
        since = until
    return pl.concat(parts)


def test_a_tick_gives_at_most_as_many_calls_as_the_policy_says_and_all_if_it_has_fewer() -> None:
    made = step(OrderState.empty(), LOG, REGISTRY.empty(), DAY + timedelta(days=1), POLICY)[1]
    SAMPLED_CALL.check(made.calls)
    found = made.calls.group_by("account_id", "tick").len()
    held = made.tallies.select("account_id", "tick", "calls").join(found, on=["account_id", "tick"])
    assert held.height == made.tallies.height
    assert (held["len"] == held["calls"].clip(upper_bound=3)).all()
    assert (held["calls"] > 3).any()


def test_the_sample_does_not_depend_on_how_the_log_is_cut_or_ordered() -> None:
    whole = _calls(LOG, 6.0).sort("account_id", "time", "event_id")
    shuffled = LOG.sample(fraction=1.0, shuffle=True, seed=2)
    parts = _calls(shuffled, *[step / 12 for step in range(1, 73)]).sort("account_id", "time", "event_id")
    assert_frame_equal(parts, whole)


def test_the_sample_of_an_account_does_not_depend_on_other_accounts() -> None:
    alone = _calls(LOG.filter(account_id="acct-1"), 6.0)
    assert_frame_equal(alone, _calls(LOG, 6.0).filter(account_id="acct-1"))
