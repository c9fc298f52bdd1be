"""Random Fourier features of calls: exact sums, a kernel that falls as it should, nothing made of what is not known."""

from typing import Any

import numpy as np
import polars as pl
import pytest

from given_calls import EVERYTHING, calls
from schemas.embedding import EMBEDDING, MAPS, UNIT, WAVES
from schemas.event import Presence
from transforms.distribution.embedding import embed, features, table

PART = 2 * WAVES
PINNED = [-90, -81, 90, -98, 100, 127, 78, -68, -63, 107]
"""Vectors of lakes written before must still add to those of today."""


def _likeness(one: dict[str, Any], other: dict[str, Any], kernel: int) -> float:
    """Similarity of two calls under one kernel, as the fixed phases estimate it."""
    rows = features(calls([one, other]), "prompt").astype(np.int64)[:, kernel * PART : (kernel + 1) * PART]
    return float((rows[0] * rows[1]).sum()) / (WAVES * UNIT * UNIT)


def test_sums_are_those_of_the_calls_and_add_up_whatever_the_parts() -> None:
    rows = [
        {"second": 40 * n, "input_tokens": 17 * n, "head_key": n % 5, "shingle_keys": [n, n * n]} for n in range(180)
    ]
    log = calls(rows)
    whole = embed(log)
    EMBEDDING.check(whole)
    assert whole["calls"].to_list() == [90, 90]
    expected = features(log, "prompt").astype(np.int64)
    assert table(whole).tolist() == [expected[:90].sum(axis=0).tolist(), expected[90:].sum(axis=0).tolist()]
    for cut in (1, 30, 89, 179):
        parts = pl.concat([embed(log[:cut]), embed(log[cut:])])
        assert table(parts).sum(axis=0).tolist() == table(whole).sum(axis=0).tolist()
        assert parts["calls"].sum() == 180


def test_equal_calls_are_alike_and_likeness_falls_with_what_differs() -> None:
    base = {"head_key": 5, "tail_key": 6, "shingle_keys": [1 << 60, 2 << 60]}
    assert _likeness(base, base, 0) == pytest.approx(1.0, abs=0.01)
    near = _likeness(base, base | {"input_tokens": 360}, 0)
    far = _likeness(base, base | {"input_tokens": 30_000, "output_tokens": 4}, 0)
    assert near > 0.7 > far
    one_key, all_keys = base | {"tail_key": 77}, base | {"head_key": 9, "tail_key": 77, "shingle_keys": [3, 4]}
    assert _likeness(base, one_key, 1) > _likeness(base, all_keys, 1)
    assert _likeness(base, base | {"elicits_reasoning": True}, 2) < 0.95


def test_what_a_call_does_not_have_adds_nothing() -> None:
    bare = features(
        calls([{"language": None, "prompt_chars": None, "message_count": None, "max_tokens": None}]), "prompt"
    )
    assert bare[0, PART : 2 * PART].tolist() == [UNIT] * WAVES + [0] * WAVES  # no key, no phase
    assert bare[0, 2 * PART :].tolist() == [UNIT] * WAVES + [0] * WAVES


@pytest.mark.parametrize(
    ("presence", "seen"),
    [
        (EVERYTHING, ["prompt"]),
        (EVERYTHING & ~int(Presence.PROMPT), ["metadata"]),
        (EVERYTHING & ~int(Presence.TOOLS), ["metadata"]),
        (EVERYTHING & ~int(Presence.TOKENS), []),
    ],
)
def test_a_call_is_seen_by_the_first_map_whose_needs_its_source_carries(presence: int, seen: list[str]) -> None:
    assert embed(calls([{"presence": presence}]))["map"].to_list() == seen


def test_a_call_without_tokens_is_not_seen_as_one_of_zero_tokens() -> None:
    assert embed(calls([{"input_tokens": None}, {"output_tokens": None}])).is_empty()


def test_every_map_has_as_many_numbers_as_it_says_and_a_call_fits_into_bytes() -> None:
    for one in MAPS:
        rows = features(calls([{}, {"head_key": -(2**63), "input_tokens": 2**40, "output_tokens": 0}]), one.name)
        assert rows.shape == (2, one.size)
        assert rows.dtype == np.int8


def test_the_features_are_the_same_on_every_machine_and_in_every_version() -> None:
    rows = features(calls([{"head_key": 3, "shingle_keys": [7], "temperature": 0.0, "max_tokens": 9}]), "prompt")
    assert rows[0, [0, 1, 16, 17, 32, 33, 48, 64, 65, 80]].tolist() == PINNED
