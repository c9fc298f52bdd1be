"""A deferred state is loaded when something of it is asked for that is not known, and once."""

from dataclasses import dataclass, replace

import pytest

from transforms.sketches.deferring import Deferred


@dataclass(frozen=True)
class State(Deferred):
    rows: list[int]
    until: int


def loading(calls: list[str]) -> State:
    def load() -> State:
        calls.append("loaded")
        return State([1, 2], 5)

    return State.later(load, until=5)


def test_what_is_known_is_told_without_loading_and_the_rest_is_loaded_once() -> None:
    calls: list[str] = []
    state = loading(calls)
    assert (state.until, calls) == (5, [])
    assert (state.rows, state.rows, state.until) == ([1, 2], [1, 2], 5)
    assert calls == ["loaded"]


def test_a_deferred_state_equals_and_is_replaced_like_one_that_was_always_there() -> None:
    assert loading([]) == State([1, 2], 5)
    assert replace(loading([]), until=6) == State([1, 2], 6)


def test_what_is_no_field_is_missing_and_loads_nothing() -> None:
    calls: list[str] = []
    assert not hasattr(loading(calls), "border")
    assert calls == []


def test_who_asks_for_what_cannot_be_loaded_gets_the_reason_each_time() -> None:
    def fails() -> State:
        raise ValueError("damaged")

    state = State.later(fails, until=5)
    for _ in range(2):
        with pytest.raises(ValueError, match="damaged"):
            _ = state.rows
