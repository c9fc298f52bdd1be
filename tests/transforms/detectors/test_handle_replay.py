"""Counting foreign handles per account."""

from datetime import timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from given_accounts import DAY, TICK, foreign, tallies
from schemas.policy import Policy
from transforms.detectors import ReplayState, handle_replay

POLICY = Policy()


def run(rows: pl.DataFrame, until_minutes: float = 3 * 1440) -> pl.DataFrame:
    made = tallies({"minute": m, "sample_event_ids": [f"e{m}"]} for m in range(0, 2880, 5))
    return handle_replay.step(ReplayState.empty(), rows, made, DAY + timedelta(minutes=until_minutes), POLICY)[1]


def test_the_third_foreign_handle_within_a_day_is_a_hit() -> None:
    hits = run(foreign({"minute": 10 * k, "key": k, "issuer": f"i{k}"} for k in range(4)))
    assert hits["tick"].to_list() == [DAY + 4 * TICK, DAY + 6 * TICK]
    assert hits["observed"].to_list() == [3.0, 4.0]
    assert hits["linked_account_ids"].to_list() == [["i0", "i1", "i2"], ["i0", "i1", "i2", "i3"]]
    assert hits["sample_event_ids"].to_list() == [["e20"], ["e30"]]
    assert hits["detail"][0] == "3 distinct reasoning handles redeemed in 24 h were issued to 3 other accounts"


def test_one_handle_redeemed_again_and_again_stays_one() -> None:
    assert run(foreign({"minute": 5 * k, "key": 1, "issuer": "i"} for k in range(50))).is_empty()


def test_issuers_of_more_than_a_day_ago_are_no_longer_named() -> None:
    rows = [{"minute": 0, "key": 0, "issuer": "old"}]
    rows += [{"minute": 24 * 60 + 5 * k, "key": k, "issuer": "new"} for k in range(1, 4)]
    assert run(foreign(rows))["linked_account_ids"].to_list() == [["new"]]


def test_at_most_twenty_issuers_are_named() -> None:
    hits = run(foreign({"minute": 0, "key": k, "issuer": f"i{k:02d}"} for k in range(30)))
    assert hits["linked_account_ids"].to_list() == [[f"i{k:02d}" for k in range(20)]]
    assert hits["detail"][0].endswith("30 other accounts")


@pytest.mark.parametrize("ticks_a_step", [1, 5, 100])
def test_one_step_gives_the_hits_of_many(ticks_a_step: int) -> None:
    rows = foreign({"minute": 35 * k, "key": k % 7, "issuer": f"i{k % 3}"} for k in range(80))
    made = tallies({"minute": 35 * k} for k in range(80))
    end = DAY + timedelta(days=2)
    state, whole = handle_replay.step(ReplayState.empty(), rows, made, end, POLICY)
    assert whole.height > 10
    stepped, parts, until = ReplayState.empty(), [], DAY
    while until < end:
        start, until = until, min(end, until + ticks_a_step * TICK)
        here = pl.col("tick").is_between(start, until, closed="left")
        stepped, hits = handle_replay.step(stepped, rows.filter(here), made.filter(here), until, POLICY)
        parts.append(hits)
    assert_frame_equal(pl.concat(parts).sort("account_id", "tick"), whole)
    assert_frame_equal(stepped.handles, state.handles)
