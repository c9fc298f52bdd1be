"""Reasoning handles: issued to one, redeemed by another, or by the one in another session."""

from datetime import timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from given_accounts import DAY, TICK, at, traits
from schemas.policy import Policy
from transforms.links import LinkState
from transforms.links.replay import step

POLICY = Policy()
END = DAY + timedelta(days=40)


def issued(account: str, key: int, minute: float, second: float = 0) -> dict[str, object]:
    return {"account_id": account, "kind": "handle_issued", "key": key, "minute": minute, "second": second}


def used(account: str, key: int, minute: float, second: float = 0) -> dict[str, object]:
    return {"account_id": account, "kind": "handle_used", "key": key, "minute": minute, "second": second}


def redeemed(*rows: dict[str, object]) -> list[tuple[str, int, str]]:
    _, found = step(LinkState.empty(), traits(rows), END, POLICY)
    return found.select("account_id", "key", "issuer").rows()


def test_a_handle_redeemed_by_another_account_is_foreign() -> None:
    assert redeemed(issued("x", 1, 0), used("y", 1, 5)) == [("y", 1, "x")]


def test_a_handle_redeemed_by_its_own_account_is_not() -> None:
    assert redeemed(issued("x", 1, 0), used("x", 1, 5)) == []


def test_a_handle_redeemed_before_it_was_issued_is_not() -> None:
    assert redeemed(used("y", 1, 0), issued("x", 1, 5)) == []


def test_inside_a_tick_the_order_of_calls_decides() -> None:
    assert redeemed(issued("x", 1, 0, 10), used("y", 1, 0, 20)) == [("y", 1, "x")]
    assert redeemed(issued("x", 1, 0, 20), used("y", 1, 0, 10)) == []
    assert redeemed(issued("x", 1, 0, 20), used("y", 1, 0, 20)) == [("y", 1, "x")]


def test_a_handle_never_seen_issued_is_not_foreign() -> None:
    assert redeemed(used("y", 1, 0)) == []


def test_a_handle_issued_to_both_is_nobodys_theft() -> None:
    assert redeemed(issued("x", 1, 0), issued("y", 1, 5), used("y", 1, 10)) == []


def test_the_latest_issuer_is_named_and_of_equals_the_first_by_name() -> None:
    assert redeemed(issued("a", 1, 0), issued("b", 1, 5), used("y", 1, 10)) == [("y", 1, "b")]
    assert redeemed(issued("b", 1, 0), issued("a", 1, 0), used("y", 1, 10)) == [("y", 1, "a")]


def test_a_handle_is_remembered_for_thirty_days_to_the_second() -> None:
    days = 30 * 1440
    assert redeemed(issued("x", 1, 0), used("y", 1, days)) == [("y", 1, "x")]
    assert redeemed(issued("x", 1, 0), used("y", 1, days, 1)) == []


def test_a_handle_issued_again_is_remembered_from_then() -> None:
    days = 25 * 1440
    assert redeemed(issued("x", 1, 0), issued("x", 1, days), used("y", 1, 2 * days)) == [("y", 1, "x")]


@pytest.mark.parametrize(("minutes", "is_another"), [(59, False), (60, True), (1440, True), (1441, False)])
def test_a_handle_of_its_own_that_an_account_redeems_an_hour_later_is_so_in_another_session(
    minutes: int, is_another: bool
) -> None:
    rows = [issued("x", 1, 0), used("x", 1, 5), used("x", 1, 5 + minutes)]
    assert redeemed(*rows) == [("x", 1, "x")] * is_another


def test_a_conversation_that_goes_on_the_next_morning_redeems_nothing_again() -> None:
    assert redeemed(issued("x", 1, 0), used("x", 1, 5), issued("x", 2, 5), used("x", 2, 600)) == []


def test_a_foreign_handle_redeemed_twice_is_foreign_twice() -> None:
    assert redeemed(issued("x", 1, 0), used("y", 1, 5), used("y", 1, 500)) == [("y", 1, "x")] * 2


def test_memory_is_given_up_when_nothing_can_need_it() -> None:
    state, _ = step(LinkState.empty(), traits([issued("x", 1, 0)]), at(30 * 1440), POLICY)
    assert state.issued.height == 1
    state, _ = step(state, traits([]), at(30 * 1440 + 5), POLICY)
    assert state.issued.is_empty()
    assert state.names.is_empty()


ROWS = st.lists(
    st.tuples(
        st.sampled_from(["handle_issued", "handle_used"]), st.sampled_from("abc"), st.integers(0, 5), st.integers(0, 60)
    ),
    max_size=40,
    unique=True,
)


@settings(max_examples=20)
@given(ROWS, st.integers(1, 20), st.integers(1, 3))
def test_neither_steps_nor_shards_nor_bytes_change_what_is_found(
    rows: list[tuple[str, str, int, int]], ticks_a_step: int, shards: int
) -> None:
    shown = traits(
        {"kind": kind, "account_id": account, "key": key, "minute": 5 * tick} for kind, account, key, tick in rows
    )
    _, whole = step(LinkState.empty(), shown, DAY + 61 * TICK, POLICY)
    parts = []
    for shard in range(shards):
        state, until = LinkState.empty(), DAY
        while until < DAY + 61 * TICK:
            start, until = until, until + ticks_a_step * TICK
            here = pl.col("tick").is_between(start, until, closed="left") & (pl.col("key") % shards == shard)
            state = LinkState.from_bytes(state.to_bytes())
            state, found = step(state, shown.filter(here), until, POLICY)
            parts.append(found)
    assert_frame_equal(pl.concat(parts).sort("account_id", "tick", "key"), whole)


@pytest.mark.parametrize("kind", ["head", "model"])
def test_other_kinds_of_trait_are_ignored(kind: str) -> None:
    rows = [{"account_id": "x", "kind": kind, "key": 1, "minute": 0}, used("y", 1, 5)]
    assert redeemed(*rows) == []
