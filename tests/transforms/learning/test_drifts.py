"""Change detection by account: replayed ADWIN equals an uninterrupted one, and the short cut never hides a change."""

from datetime import timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from river.drift import ADWIN

from given_accounts import DAY, HOUR, windows
from schemas.policy import Policy
from schemas.snapshot import DRIFT
from transforms.learning.drifts import CLOCK, MOST_VALUES, drifts_after, least_range

POLICY = Policy()
KEEP = pl.Series(["acc", "other"])


def series_of(
    values: list[float], first: int = 0, column: str = "template_share_24h", account: str = "acc"
) -> pl.DataFrame:
    return windows({"account_id": account, "hour": first + n, column: value} for n, value in enumerate(values))


def after(values: list[float], cuts: list[int] = ()) -> dict[str, Any]:  # type: ignore[assignment]
    rows, start = DRIFT.empty(), 0
    for stop in [*cuts, len(values)]:
        rows = drifts_after(rows, series_of(values[start:stop], start), KEEP, POLICY)
        start = stop
    return rows.row(0, named=True)


def uninterrupted(values: list[float]) -> list[int]:
    detector, changes = ADWIN(delta=POLICY.learning.adwin_delta, clock=CLOCK), []
    for place, value in enumerate(values):
        detector.update(value)
        if detector.drift_detected:
            changes.append(place)
    return changes


STEPS = [0.1] * 60 + [0.9] * 60


def test_a_step_is_seen_where_rivers_own_detector_sees_it() -> None:
    found = after(STEPS)
    assert found["changed_at"] == DAY + uninterrupted(STEPS)[-1] * HOUR
    assert found["before"] == pytest.approx(0.1)
    assert found["after"] == pytest.approx(0.9)


@settings(max_examples=30)
@given(st.integers(0, 10**6), st.lists(st.integers(1, 119), max_size=5, unique=True))
def test_days_replayed_equal_an_uninterrupted_detector(seed: int, cuts: list[int]) -> None:
    chance = np.random.default_rng(seed)
    levels = np.repeat(chance.choice([0.2, 0.3, 0.8], 4), 30)
    values = np.clip(levels + chance.normal(0, 0.05, 120), 0, 1).tolist()
    found, changes = after(values, sorted(cuts)), uninterrupted(values)
    assert found["changed_at"] == (DAY + changes[-1] * HOUR if changes else None)
    assert found["values"] == values[changes[-1] + 1 :] if changes else values


@settings(max_examples=60)
@given(st.integers(0, 10**6), st.integers(10, MOST_VALUES + 24), st.floats(0, 1))
def test_no_change_is_ever_seen_within_the_least_range(seed: int, length: int, where: float) -> None:
    """The worst case for the short cut: two flat halves as far apart as it allows."""
    split = max(1, min(length - 1, int(where * length)))
    high = 0.4 + least_range(POLICY) * 0.999
    values = [0.4] * split + [high] * (length - split)
    assert uninterrupted(values) == []
    noisy = np.random.default_rng(seed).uniform(0.4, high, length).tolist()
    assert uninterrupted(noisy) == []


def test_a_year_of_steady_hours_keeps_two_weeks() -> None:
    rows = DRIFT.empty()
    for day in range(20):
        rows = drifts_after(rows, series_of([0.5] * 24, 24 * day), KEEP, POLICY)
    assert rows["values"].list.len().to_list() == [MOST_VALUES]
    assert rows["changed_at"].to_list() == [None]


def test_the_ratio_is_watched_as_outputs_share_of_all_tokens() -> None:
    rows = drifts_after(DRIFT.empty(), series_of([1.0, 3.0], column="out_in_ratio_24h"), KEEP, POLICY)
    assert rows.select("series", "values").rows() == [("out_in_ratio", [0.5, 0.75])]


def test_unknown_values_are_passed_over() -> None:
    rows = windows({"hour": n, "template_share_24h": value} for n, value in enumerate([0.5, None, 0.6]))
    assert drifts_after(DRIFT.empty(), rows, KEEP, POLICY)["values"].to_list() == [[0.5, 0.6]]


def test_an_account_without_windows_keeps_its_row_and_a_forgotten_one_does_not() -> None:
    rows = drifts_after(DRIFT.empty(), series_of([0.5]), KEEP, POLICY)
    assert_frame_equal(drifts_after(rows, windows([]), KEEP, POLICY), rows)
    assert drifts_after(rows, windows([]), pl.Series(["other"]), POLICY).is_empty()


def test_a_change_is_remembered_until_the_next() -> None:
    rows = drifts_after(DRIFT.empty(), series_of(STEPS), KEEP, POLICY)
    changed = rows["changed_at"][0]
    rows = drifts_after(rows, series_of([0.9] * 24, 120), KEEP, POLICY)
    assert rows["changed_at"][0] == changed


def test_accounts_may_be_done_apart() -> None:
    one, other = series_of(STEPS), series_of(STEPS[::-1], account="other")
    together = drifts_after(DRIFT.empty(), pl.concat([one, other]), KEEP, POLICY)
    apart = pl.concat([drifts_after(DRIFT.empty(), part, KEEP, POLICY) for part in (one, other)])
    assert_frame_equal(DRIFT.conform(apart), together)
    assert together["changed_at"].null_count() == 0
    assert together["changed_at"].max() < DAY + timedelta(days=5)
