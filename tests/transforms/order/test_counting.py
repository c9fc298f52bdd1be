"""Tallies and traits by example: what counts, what does not, and which keys are kept."""

from datetime import timedelta
from typing import Any

import polars as pl
import pytest

from given_events import DAY, EVERYTHING, framed
from schemas.policy import Policy
from schemas.registry import REGISTRY
from schemas.trait import TRAIT_KINDS
from transforms.order import OrderState, step

TICK = timedelta(minutes=5)
US = timedelta(microseconds=1)


def _log(*rows: dict[str, Any]) -> pl.DataFrame:
    base = {
        "source": "a",
        "account_id": "acct",
        "account_basis": "account",
        "operation": "chat",
        "presence": EVERYTHING,
    }
    return framed([base | {"position": n, "event_id": f"e{n:05d}", "time": DAY} | row for n, row in enumerate(rows)])


def _ordered(*rows: dict[str, Any]) -> tuple[pl.DataFrame, pl.DataFrame]:
    made = step(OrderState.empty(), _log(*rows), REGISTRY.empty(), DAY + timedelta(days=1), Policy())[1]
    return made.tallies, made.traits


def _keys(kind: str, *rows: dict[str, Any]) -> list[tuple[int, int]]:
    return _ordered(*rows)[1].filter(kind=kind).select("key", "count").rows()


@pytest.mark.parametrize(("moment", "tick"), [(TICK - US, 0), (TICK, 1), (TICK + US, 1), (2 * TICK - US, 1)])
def test_a_call_on_the_border_belongs_to_the_tick_that_begins(moment: timedelta, tick: int) -> None:
    assert _ordered({"time": DAY + moment})[0]["tick"].to_list() == [DAY + tick * TICK]


def test_the_largest_counts_that_ingest_lets_through_do_not_overflow() -> None:
    most = {"input_tokens": 2**40, "output_tokens": 2**40, "latency_ms": 2**40, "bytes_out": 2**40}
    tallies, _ = _ordered(*[most] * 1000)
    assert [tallies[name].item() for name in most] == [1000 * 2**40] * 4


def test_sample_ids_are_those_of_the_first_three_calls() -> None:
    rows = [
        {"event_id": name, "time": DAY + timedelta(seconds=second)}
        for name, second in zip("dcba", (1, 2, 3, 4), strict=True)
    ]
    assert _ordered(*rows)[0]["sample_event_ids"].to_list() == [["d", "c", "b"]]


@pytest.mark.parametrize(
    ("tokens", "is_same"), [((100, 121), False), ((100, 109), True), ((0, 1), True), ((1, 2), False)]
)
def test_input_lengths_within_a_fifth_share_a_band(tokens: tuple[int, int], is_same: bool) -> None:
    rows = [{"input_tokens": number, "output_tokens": 1} for number in tokens]
    assert (len(_keys("length_band", *rows)) == 1) == is_same


def test_a_key_shown_twice_in_one_call_counts_once() -> None:
    assert _keys("line", {"line_keys": [7, 7, 8]}, {"line_keys": [7]}) == [(7, 2), (8, 1)]


@pytest.mark.parametrize(
    ("logged", "chars", "known", "reasoning"),
    [
        (700, 100, 1, 700),  # what is logged holds, whatever the text
        (None, 3000, 1, 400),  # 600 tokens at least were written
        (None, 9000, 1, 0),  # English has four characters a token, so more text than five a token is no contradiction
        (None, 2500, 1, 500),
        (None, 2495, 0, 0),  # cut short by the log, or mostly thought: nobody knows
        (None, None, 0, 0),
    ],
)
def test_reasoning_that_is_not_logged_is_what_the_text_leaves_of_the_output_at_most(
    logged: int | None, chars: int | None, known: int, reasoning: int
) -> None:
    answered = {"reasoning_tokens": logged, "response_chars": chars, "input_tokens": 50, "output_tokens": 1000}
    made = _ordered(answered)[0]
    assert made.select("reasoning_known", "reasoning_tokens").rows() == [(known, reasoning)]


def test_where_nothing_was_put_out_nothing_was_thought() -> None:
    made = _ordered({"input_tokens": 50, "output_tokens": 0}, {"output_tokens": 0})[0]
    assert made.select("tokens_known", "reasoning_known").rows() == [(1, 1)]


def test_parameters_are_one_key_whether_set_or_not() -> None:
    unset, zero, again = {"temperature": None}, {"temperature": 0.0}, {"temperature": -0.0}
    assert sorted(count for _, count in _keys("parameters", unset, zero, again)) == [1, 2]
    assert _keys("parameters", {"presence": 0}) == []


def test_shingles_of_the_chosen_slots_count_in_prompts_that_are_long_enough() -> None:
    slots = [slot * 2**60 + 5 for slot in range(8)] + [(slot - 16) * 2**60 + 5 for slot in range(8, 16)]
    shown = [key for key, _ in _keys("shingle", {"shingle_keys": slots, "prompt_chars": 60})]
    assert sorted((key % 2**64) >> 60 for key in shown) == Policy().traits.shingle_slots
    assert _keys("shingle", {"shingle_keys": slots, "prompt_chars": 59}) == []
    assert _keys("shingle", {"shingle_keys": slots}) == []


def test_an_undecided_language_is_no_trait() -> None:
    made = _ordered({"language": "und"}, {"language": "fr"})[1].filter(kind="language")
    assert made["label"].to_list() == ["fr"]


@pytest.mark.parametrize(
    "kind", [kind for kind in TRAIT_KINDS if kind.name in ("head", "payload")], ids=lambda k: k.name
)
def test_a_tick_keeps_the_keys_its_kind_says(kind: Any) -> None:
    column = {"head": "head_key", "payload": "prompt_digest"}[kind.name]
    numbers = list(range(kind.per_tick + 4))
    rows = [{column: number} for number in numbers for _ in range(2 if number >= 4 else 1)]
    kept = [key for key, _ in _keys(kind.name, *rows)]
    assert kept == (numbers[4:] if kind.keep == "most" else numbers[:-4])


def test_equally_common_keys_are_kept_from_the_smallest() -> None:
    assert [key for key, _ in _keys("head", *[{"head_key": -number} for number in range(40)])] == list(range(-39, -7))


def test_refused_calls_and_the_first_time_of_a_key_are_known() -> None:
    later = {"time": DAY + timedelta(seconds=9), "head_key": 3, "is_refused": True}
    row = _ordered({"head_key": 3, "is_refused": None}, later, {"head_key": 4, "is_refused": False})[1].filter(
        kind="head", key=3
    )
    assert row.select("count", "refused", "first_time").rows() == [(2, 1, DAY)]
