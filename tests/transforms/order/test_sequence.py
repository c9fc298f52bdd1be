"""Each call once, in one order, whichever of its records arrives first."""

from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from given_events import DAY, framed, logs
from oracle_order import in_order as slowly
from transforms.order import in_order
from transforms.order.sequence import content_digests

BASE: dict[str, Any] = {
    "source": "a",
    "position": 0,
    "event_id": "e1",
    "time": DAY,
    "account_id": "acct",
    "account_basis": "account",
    "operation": "chat",
    "presence": 0,
}


def _log(*rows: dict[str, Any]) -> pl.DataFrame:
    return framed([BASE | {"position": place} | row for place, row in enumerate(rows)])


def _kept(events: pl.DataFrame) -> pl.DataFrame:
    return events[in_order(events).rows]


@given(logs())
def test_the_calls_that_stay_are_those_of_the_oracle(events: pl.DataFrame) -> None:
    expected = pl.DataFrame(slowly(events), schema=events.schema)
    assert_frame_equal(_kept(events), expected)


def test_a_record_read_from_two_sources_stays_once_under_the_smaller_source() -> None:
    twice = _log({"source": "b"}, {"source": "a"})
    assert _kept(twice)["source"].to_list() == ["a"]
    counts = in_order(twice).counts
    assert counts.rows() == [("a", 1, 0), ("b", 0, 1)]


def test_of_one_id_with_other_content_the_smaller_digest_stays_wherever_it_lies() -> None:
    first = _log({"http_status": 200, "source": "a"}, {"http_status": 500, "source": "b"})
    second = _log({"http_status": 200, "source": "b"}, {"http_status": 500, "source": "a"})
    assert _kept(first)["http_status"].to_list() == _kept(second)["http_status"].to_list()
    smaller = first[content_digests(first).arg_sort()[0]]["http_status"].item()
    assert _kept(first)["http_status"].item() == smaller


def test_content_is_everything_but_where_a_record_lay() -> None:
    records = _log({}, {"source": "b"}, {"logit_bias_keys": [1]}, {"logit_bias_keys": []}, {"temperature": 0.5})
    digests = content_digests(records).to_list()
    assert digests[0] == digests[1]
    assert len(set(digests[1:])) == 4


@pytest.mark.parametrize("other", [{"event_id": "e2"}, {"account_id": "acct-2"}, {"time": DAY.replace(microsecond=1)}])
def test_calls_that_differ_in_id_account_or_time_both_stay(other: dict[str, Any]) -> None:
    assert _kept(_log({}, other)).height == 2


def test_calls_of_one_moment_are_in_the_order_of_their_ids() -> None:
    events = _log({"event_id": "e10"}, {"event_id": "e9"}, {"event_id": "e1"})
    assert _kept(events)["event_id"].to_list() == ["e1", "e10", "e9"]


def test_accounts_whose_hashes_collide_are_kept_apart() -> None:
    events = _log({"account_id": "b", "event_id": "e2"}, {"account_id": "a", "event_id": "e1"}, {"account_id": "b"})
    events = events.with_columns(pl.lit(7, pl.Int64).alias("account_hash"))
    assert _kept(events)["account_id"].to_list() == ["a", "b", "b"]


@given(logs(), st.randoms(use_true_random=False))
@settings(max_examples=30)
def test_what_stays_does_not_depend_on_the_order_of_arrival(events: pl.DataFrame, random: Any) -> None:
    places = list(range(events.height))
    random.shuffle(places)
    shuffled = events[places]
    assert_frame_equal(_kept(shuffled), _kept(events))
    assert_frame_equal(in_order(shuffled).counts, in_order(events).counts)


@given(logs())
def test_every_record_is_accepted_or_a_duplicate(events: pl.DataFrame) -> None:
    counts = in_order(events).counts
    assert counts["accepted"].sum() + counts["duplicates"].sum() == events.height
    assert counts["accepted"].sum() == len(in_order(events).rows)
