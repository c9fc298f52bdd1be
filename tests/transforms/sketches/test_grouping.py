"""Rows brought together by a group and a key equal a plain sort, whatever the ranges."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.sketches.grouping import lengths_of, order_of, ranks_of, starts_of

KEYS = st.integers(-(2**63), 2**63 - 1) | st.integers(-3, 3) | st.sampled_from([-(2**63), 2**63 - 1, 2**62, 2**62 + 1])


@given(st.lists(st.tuples(st.integers(0, 3) | st.integers(0, 2**40), KEYS), max_size=40))
def test_rows_are_sorted_by_group_key_and_row(pairs: list[tuple[int, int]]) -> None:
    groups = np.array([group for group, _ in pairs], dtype=np.int64)
    keys = np.array([key for _, key in pairs], dtype=np.int64)
    expected = sorted(range(len(pairs)), key=lambda row: (*pairs[row], row))
    assert order_of(groups, keys).tolist() == expected


@pytest.mark.parametrize("groups", [1, 2, 2**20, 2**62])
@pytest.mark.parametrize("step", [1, 2**20, 2**44])
def test_keys_that_differ_only_below_the_packed_bits_are_told_apart(groups: int, step: int) -> None:
    rng = np.random.default_rng(0)
    group = rng.integers(0, groups, 5000) // (groups // 2 + 1) * (groups // 2 + 1)
    key = rng.integers(-4, 4, 5000) * 2**60 + rng.integers(0, 5, 5000) * step
    before = group.copy(), key.copy()
    assert order_of(group, key).tolist() == np.lexsort((np.arange(5000), key, group)).tolist()
    assert (group == before[0]).all()
    assert (key == before[1]).all()


def test_runs_know_their_starts_lengths_and_ranks() -> None:
    column = np.array([4, 4, 9, 9, 9, 1])
    starts = starts_of(column)
    assert starts.tolist() == [0, 2, 5]
    assert lengths_of(starts, 6).tolist() == [2, 3, 1]
    assert ranks_of(starts, 6).tolist() == [0, 1, 0, 1, 2, 0]
    assert starts_of(np.empty(0, dtype=np.int64)).tolist() == []
