"""What a failed comparison says: the first unequal row, what is unequal in it, and the calls it came from."""

from datetime import timedelta

import polars as pl
import pytest

from event_logs import DAY, event_log
from schemas.campaign import CAMPAIGN
from schemas.policy import Policy
from schemas.registry import REGISTRY
from schemas.session import SESSION
from schemas.tally import TALLY
from schemas.window import WINDOW
from shown_difference import assert_same_rows
from transforms import order
from transforms.order import OrderState

EVENTS = event_log(3, 60, accounts=2, hours=2.0)


@pytest.fixture(scope="module")
def tallies() -> pl.DataFrame:
    return order.step(OrderState.empty(), EVENTS, REGISTRY.empty(), DAY + timedelta(days=1), Policy())[1].tallies


def test_equal_rows_pass_in_any_order(tallies: pl.DataFrame) -> None:
    assert_same_rows(TALLY, tallies.reverse(), tallies, EVENTS)


def test_the_first_unequal_row_is_told_with_both_values_and_its_own_events(tallies: pl.DataFrame) -> None:
    place = 5
    row = tallies.row(place, named=True)
    wrong = tallies.with_columns(pl.col("calls") + (pl.int_range(pl.len()) >= place))
    with pytest.raises(AssertionError) as failure:
        assert_same_rows(TALLY, wrong, tallies, EVENTS)
    told = str(failure.value)
    assert f"calls: given {row['calls'] + 1}, expected {row['calls']}" in told
    assert repr(row["tick"]) in told
    mine = (pl.col("account_id") == row["account_id"]) & (pl.col("time").dt.truncate("5m") == row["tick"])
    shown = [event_id for event_id in EVENTS["event_id"] if f"'{event_id}'" in told]
    assert sorted(shown) == sorted(EVENTS.filter(mine)["event_id"])


def test_a_row_too_few_or_too_many_is_told(tallies: pl.DataFrame) -> None:
    with pytest.raises(AssertionError, match="missing in what was given"):
        assert_same_rows(TALLY, tallies[1:], tallies, EVENTS)
    with pytest.raises(AssertionError, match="missing in what was expected"):
        assert_same_rows(TALLY, tallies, tallies[:-1], EVENTS)
    with pytest.raises(AssertionError, match="missing in what was expected"):
        assert_same_rows(TALLY, pl.concat([tallies, tallies[:1]]), tallies, EVENTS)


def test_floats_differ_by_their_sign_of_zero_and_by_their_last_bit_unless_a_tolerance_is_given() -> None:
    def window(value: float | None) -> pl.DataFrame:
        return pl.DataFrame([{"account_id": "a", "window_end": DAY, "calls_1h": value}], schema=WINDOW.polars)

    for one, other in ((0.0, -0.0), (0.3, 0.1 + 0.2), (0.0, None)):
        with pytest.raises(AssertionError, match="calls_1h"):
            assert_same_rows(WINDOW, window(one), window(other), EVENTS)
    assert_same_rows(WINDOW, window(0.3), window(0.1 + 0.2), EVENTS, rel_tol=1e-12)


def test_the_events_of_a_campaign_are_those_of_its_accounts() -> None:
    members = {name: name for name in CAMPAIGN.columns if CAMPAIGN.polars[name] == pl.String}
    rows = pl.DataFrame([{**members, "account_ids": ["acct-1"], "exchanges": 1}], schema=CAMPAIGN.polars)
    with pytest.raises(AssertionError) as failure:
        assert_same_rows(CAMPAIGN, rows, rows.with_columns(exchanges=pl.lit(2, pl.Int64)), EVENTS)
    mine = EVENTS.filter(pl.col("account_id") == "acct-1")
    assert f"from {mine.height} events" in str(failure.value)


def test_the_events_of_a_session_are_those_of_its_account_from_its_start() -> None:
    start = EVENTS["time"].sort()[30]
    given = pl.DataFrame([{"account_id": "acct-0", "session_start": start, "calls": 1}], schema=SESSION.polars)
    with pytest.raises(AssertionError) as failure:
        assert_same_rows(SESSION, given, given.with_columns(calls=pl.lit(2, pl.Int64)), EVENTS)
    mine = EVENTS.filter((pl.col("account_id") == "acct-0") & (pl.col("time") >= start))
    assert f"from {mine.height} events" in str(failure.value)
