"""Who moves on to a new network each day: days in their order, each account for itself."""

from datetime import timedelta
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from given_accounts import DAY, traits
from schemas.policy import Policy
from schemas.snapshot import MOVE
from transforms.learning import NETWORK, SHOWN, moves_after, networks_of
from transforms.learning.moves import MOST_NETWORKS

POLICY = Policy()

Calls = list[tuple[int, int, int]]
"""Hour of the day, network, number of calls."""


def shown(day: int, calls: Calls, account: str = "acc") -> pl.DataFrame:
    rows = [
        {"account_id": account, "minute": 1440 * day + 60 * hour, "kind": NETWORK, "key": network, "count": count}
        for hour, network, count in calls
    ]
    return traits(rows).select(SHOWN.names())


def after(days: list[Calls]) -> dict[str, Any]:
    moves = MOVE.empty()
    for day, calls in enumerate(days):
        moves = moves_after(moves, DAY + timedelta(days=day), [networks_of(shown(day, calls))], POLICY)
    return moves.row(0, named=True) if moves.height else {}


def counted(days: list[Calls]) -> tuple[int, int]:
    row = after(days)
    return row["days"], row["moved"]


def all_day(network: int) -> Calls:
    return [(1, network, 5), (20, network, 5)]


def test_a_pool_behind_a_residential_proxy_moves_every_day() -> None:
    assert counted([all_day(network) for network in range(4)]) == (3, 3)


def test_who_comes_home_has_not_moved() -> None:
    assert counted([all_day(1), all_day(2), all_day(1), all_day(2)]) == (3, 1)


def test_the_first_day_tells_nothing() -> None:
    assert counted([all_day(1)]) == (0, 0)


def test_a_nightly_job_on_a_fresh_machine_tells_nothing() -> None:
    assert counted([[(3, network, 50), (4, network, 50)] for network in range(4)]) == (0, 0)


def test_a_nightly_job_beside_work_at_home_is_no_move() -> None:
    assert counted([[*all_day(1), (3, network, 50), (4, network, 50)] for network in range(2, 6)]) == (3, 0)


def test_another_exit_for_each_call_is_a_move() -> None:
    days = [[(hour, 24 * day + hour, 1) for hour in range(0, 24, 3)] for day in range(3)]
    assert counted(days) == (2, 2)


def test_a_few_calls_from_elsewhere_do_not_make_a_move() -> None:
    assert counted([all_day(1), [*all_day(1), (12, 9, 1)]]) == (1, 0)


def test_networks_of_the_latest_days_are_remembered() -> None:
    days = [all_day(network) for network in range(MOST_NETWORKS + 3)]
    assert after(days)["networks"] == list(range(MOST_NETWORKS + 2, 2, -1))


def test_an_account_unseen_for_long_is_forgotten() -> None:
    silent: Calls = []
    days = [all_day(1), *[silent] * (POLICY.learning.forget_days - 1)]
    assert after(days)["networks"] == [1]
    assert after([*days, silent]) == {}


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 23), st.integers(0, 3), st.integers(1, 9)), max_size=40))
def test_accounts_may_be_learned_apart(calls: list[tuple[int, int, int, int]]) -> None:
    parts = [networks_of(shown(1, [call[1:] for call in calls if call[0] == one], f"a{one}")) for one in range(6)]
    together = networks_of(
        pl.concat([shown(1, [call[1:] for call in calls if call[0] == one], f"a{one}") for one in range(6)])
    )
    day = DAY + timedelta(days=1)
    apart, whole = (moves_after(MOVE.empty(), day, given_parts, POLICY) for given_parts in (parts, [together]))
    assert_frame_equal(apart.sort("account_id"), whole.sort("account_id"))
