"""Vectors of hours and of 24 hours: however a day is cut into runs, through bytes, and by a second way of counting."""

from datetime import timedelta

import numpy as np
import polars as pl
from polars.testing import assert_frame_equal

from given_calls import DAY, calls
from schemas.embedding import EMBEDDING
from transforms.distribution import ClosedVectors, DistributionState, OpenVectors, step
from transforms.distribution.embedding import features

HOUR = timedelta(hours=1)
CHANCE = np.random.default_rng(3)
LOG = calls(
    {
        "account_id": f"a{CHANCE.integers(4)}",
        "second": int(CHANCE.integers(0, 40 * 3600)),
        "input_tokens": int(CHANCE.integers(1, 9000)),
        "head_key": int(CHANCE.integers(9)),
        "presence": int(CHANCE.choice([2**22 - 1, 2**22 - 1 - 512])),
    }
    for _ in range(700)
)


def _run(*borders: timedelta) -> tuple[DistributionState, pl.DataFrame, pl.DataFrame]:
    state, since, hours, days = DistributionState.empty(), DAY, [EMBEDDING.empty()], [EMBEDDING.empty()]
    for border in borders:
        until = DAY + border
        mine = LOG.filter((pl.col("tick") >= since) & (pl.col("tick") < until))
        state, ended, trailing = step(_through_bytes(state), mine, until)
        hours.append(ended)
        days.append(trailing)
        since = until
    return state, EMBEDDING.conform(pl.concat(hours)), EMBEDDING.conform(pl.concat(days))


def _through_bytes(state: DistributionState) -> DistributionState:
    return DistributionState(
        ClosedVectors.from_bytes(state.closed.to_bytes()), OpenVectors.from_bytes(state.open.to_bytes())
    )


def test_one_run_over_days_gives_what_a_run_a_tick_gives() -> None:
    whole = _run(41 * HOUR + timedelta(minutes=25))
    ticks = _run(*[timedelta(minutes=5 * number) for number in range(1, 41 * 12 + 6)])
    assert_frame_equal(ticks[1], whole[1])
    assert_frame_equal(ticks[2], whole[2])
    assert ticks[0].closed.to_bytes() == whole[0].closed.to_bytes()
    assert ticks[0].open.to_bytes() == whole[0].open.to_bytes()


def test_a_vector_of_24_hours_is_the_sum_over_the_calls_of_these_hours() -> None:
    _, hours, days = _run(41 * HOUR)
    assert hours.height == days.height > 100
    for row in days[::7].iter_rows(named=True):
        mine = LOG.filter(
            (pl.col("account_id") == row["account_id"])
            & (pl.col("tick") < row["window_end"])
            & (pl.col("tick") >= row["window_end"] - 24 * HOUR)
            & ((pl.col("presence") == 2**22 - 1) == (row["map"] == "prompt"))
        )
        assert row["calls"] == mine.height
        assert row["vector"] == features(mine, row["map"]).astype(np.int64).sum(axis=0).tolist()


def test_what_no_later_test_reaches_back_to_is_forgotten() -> None:
    state, _, _ = _run(41 * HOUR)
    assert state.closed.rows["window_end"].min() > DAY + 18 * HOUR - HOUR / 2
    after, ended, _ = step(state, LOG.clear(), DAY + 80 * HOUR)
    assert ended.is_empty()
    assert after.closed.rows.is_empty()


def test_within_an_hour_only_the_open_hour_of_the_state_changes() -> None:
    before, _, _ = _run(9 * HOUR)
    mine = LOG.filter((pl.col("tick") >= DAY + 9 * HOUR) & (pl.col("tick") < DAY + 9.5 * HOUR))
    after, ended, _ = step(before, mine, DAY + 9.5 * HOUR)
    assert not mine.is_empty()
    assert ended.is_empty()
    assert after.closed is before.closed
    assert sum(after.open.rows["calls"]) > 0
