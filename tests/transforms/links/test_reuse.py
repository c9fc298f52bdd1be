"""Answers: given to one, sent in by another."""

from datetime import timedelta

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from given_accounts import DAY, at, traits
from schemas.policy import Policy
from transforms.links import AnswerState
from transforms.links.reuse import step

POLICY = Policy()
END = DAY + timedelta(days=4)
HOURS = 60 * POLICY.rules.answer_memory_hours


def row(kind: str, account: str, key: int, minute: float, second: float = 0) -> dict[str, object]:
    return {"account_id": account, "kind": kind, "key": key, "minute": minute, "second": second}


def answered(account: str, key: int, minute: float, second: float = 0) -> dict[str, object]:
    return row("answer_given", account, key, minute, second)


def pasted(account: str, key: int, minute: float, second: float = 0) -> dict[str, object]:
    return row("answer_pasted", account, key, minute, second)


def came_back(*rows: dict[str, object]) -> list[tuple[str, str, int, str]]:
    _, found = step(AnswerState.empty(), traits(rows), END, POLICY)
    return found.select("kind", "account_id", "key", "issuer").rows()


def test_an_answer_in_the_prompt_of_another_account_comes_back() -> None:
    assert came_back(answered("x", 1, 0), pasted("y", 1, 5)) == [("answer_pasted", "y", 1, "x")]


def test_a_conversation_that_goes_on_with_another_account_comes_back() -> None:
    assert came_back(answered("x", 1, 0), row("answer_carried", "y", 1, 5)) == [("answer_carried", "y", 1, "x")]


def test_what_is_both_brought_along_and_pasted_is_one_conversation() -> None:
    rows = [answered("x", 1, 0), pasted("y", 1, 5), row("answer_carried", "y", 1, 5)]
    assert came_back(*rows) == [("answer_carried", "y", 1, "x")]


def test_who_goes_on_from_its_own_answer_sends_in_nothing_of_others() -> None:
    assert came_back(answered("x", 1, 0), row("answer_carried", "x", 1, 5)) == []


def test_an_answer_that_two_were_given_is_nobodys() -> None:
    assert came_back(answered("x", 1, 0), answered("z", 1, 5), pasted("y", 1, 10)) == []
    assert came_back(answered("x", 1, 0), answered("y", 1, 5), pasted("y", 1, 10)) == []


def test_an_answer_of_which_a_second_one_is_given_later_had_come_back_before() -> None:
    assert came_back(answered("x", 1, 0), pasted("y", 1, 5), answered("z", 1, 6)) == [("answer_pasted", "y", 1, "x")]


def test_who_was_given_it_too_long_ago_does_not_count() -> None:
    rows = [answered("z", 1, 0), answered("x", 1, HOURS)]
    assert came_back(*rows, pasted("y", 1, HOURS)) == []
    assert came_back(*rows, pasted("y", 1, HOURS, 1)) == [("answer_pasted", "y", 1, "x")]


def test_an_answer_that_was_in_a_prompt_before_is_nobodys() -> None:
    rows = [answered("x", 1, 10), pasted("y", 1, 15)]
    assert came_back(pasted("z", 1, 0), *rows) == []
    assert came_back(pasted("x", 1, 0), *rows) == []
    assert came_back(pasted("x", 1, 10), *rows) == [("answer_pasted", "y", 1, "x")]


def test_an_answer_that_was_in_a_prompt_a_day_before_is_anothers() -> None:
    rows = [pasted("z", 1, 0), answered("x", 1, HOURS, 1), pasted("y", 1, HOURS + 10)]
    assert came_back(*rows) == [("answer_pasted", "y", 1, "x")]


def test_an_answer_given_again_is_still_anothers() -> None:
    rows = [answered("x", 1, 0), pasted("y", 1, 5), answered("x", 1, 10), pasted("z", 1, 15)]
    assert came_back(*rows) == [("answer_pasted", "y", 1, "x"), ("answer_pasted", "z", 1, "x")]


def test_an_answer_is_remembered_for_a_day_to_the_second() -> None:
    assert came_back(answered("x", 1, 0), pasted("y", 1, HOURS)) == [("answer_pasted", "y", 1, "x")]
    assert came_back(answered("x", 1, 0), pasted("y", 1, HOURS, 1)) == []


def test_what_is_sent_in_before_it_was_answered_is_nobodys() -> None:
    assert came_back(pasted("y", 1, 0), answered("x", 1, 5)) == []


def test_inside_a_tick_the_order_of_calls_decides() -> None:
    assert came_back(answered("x", 1, 0, 10), pasted("y", 1, 0, 20)) == [("answer_pasted", "y", 1, "x")]
    assert came_back(answered("x", 1, 0, 20), pasted("y", 1, 0, 10)) == []


def test_memory_is_given_up_when_nothing_can_need_it() -> None:
    state, _ = step(AnswerState.empty(), traits([answered("x", 1, 0)]), at(HOURS), POLICY)
    assert state.given.height == 1
    state, _ = step(state, traits([pasted("y", 2, HOURS)]), at(HOURS + 5), POLICY)
    assert state.given.is_empty()
    assert state.names.is_empty()
    state, _ = step(state, traits([]), at(2 * HOURS + 5), POLICY)
    assert state.pasted.is_empty()


def test_of_an_answer_that_a_million_are_given_one_row_is_remembered() -> None:
    state, _ = step(AnswerState.empty(), traits([answered(f"a{n}", 1, n % 60) for n in range(500)]), at(60), POLICY)
    assert state.given.height == 1


ROWS = st.lists(
    st.tuples(
        st.sampled_from(["answer_given", "answer_given", "answer_carried", "answer_pasted"]),
        st.sampled_from("abc"),
        st.integers(0, 3),
        st.integers(0, 40),
    ),
    max_size=40,
    unique=True,
)


@settings(max_examples=20)
@given(ROWS, st.integers(1, 20), st.integers(1, 3))
def test_neither_steps_nor_shards_nor_bytes_change_what_comes_back_or_is_remembered(
    rows: list[tuple[str, str, int, int]], ticks: int, shards: int
) -> None:
    every = traits([row(kind, account, key, 60 * hour, 60 * key) for kind, account, key, hour in rows])
    state, whole = step(AnswerState.empty(), every, END, POLICY)
    states, parts, since = [AnswerState.empty()] * shards, [], DAY
    while since < END:
        until = min(since + timedelta(hours=ticks), END)
        new = every.filter((pl.col("tick") >= since) & (pl.col("tick") < until))
        for shard in range(shards):
            mine = new.filter(pl.col("key") % shards == shard)
            after, found = step(states[shard], mine, until, POLICY)
            states[shard] = AnswerState.from_bytes(after.to_bytes())
            parts.append(found)
        since = until
    order = ["account_id", "tick", "key"]
    assert_frame_equal(pl.concat(parts).sort(order), whole.sort(order))
    for part in ("given", "pasted"):
        assert_frame_equal(pl.concat(getattr(one, part) for one in states).sort("key"), getattr(state, part))
    if shards == 1:
        assert states[0].to_bytes() == state.to_bytes()


def test_a_tick_without_text_leaves_the_state_as_it_is() -> None:
    state, _ = step(AnswerState.empty(), traits([answered("x", 1, 0), pasted("y", 2, 0)]), at(5), POLICY)
    assert step(state, traits([]), at(10), POLICY)[0] is state
    assert step(AnswerState.empty(), traits([]), at(10), POLICY)[0].given.is_empty()
