"""The audit of a closed day: what it lets through, what it stops, and that nothing else moves it."""

import os
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from given_frames import frames
from schemas.catalogue import TABLES
from schemas.event import EVENT
from schemas.policy import Quality
from schemas.quality import QUALITY
from schemas.session import SESSION
from transforms.quality import audit, gate, is_fit_for_learning

DAY = datetime(2026, 3, 5, tzinfo=UTC)
POLICY = Quality(compare_least_rows=50, gap_least_events=100)


def events(count: int, day: datetime = DAY, **columns: Any) -> pl.DataFrame:
    """A day of `count` events spread evenly over it."""
    rows = [
        {
            "source": "s", "position": n, "event_id": f"e{n}", "time": day + timedelta(days=n / count), "account_id": "a",
            "account_hash": 1, "account_basis": "account", "operation": "chat", "presence": 3, "latency_ms": 5, **columns,
        }
        for n in range(count)
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=EVENT.polars)


def failures(quality: pl.DataFrame) -> dict[str, str]:
    """column -> expectation of all that failed."""
    return dict(quality.filter(~pl.col("passed")).select("column", "expectation").iter_rows())


@pytest.fixture(scope="module")
def history() -> pl.DataFrame:
    """Audits of three ordinary days of 200 events each."""
    past = QUALITY.empty()
    for back in (3, 2, 1):
        day = DAY - timedelta(days=back)
        past = pl.concat([past, audit(day, {"events": events(200, day)}, past, POLICY)])
    return past


def test_an_ordinary_day_passes_and_every_expectation_is_recorded(history: pl.DataFrame) -> None:
    quality = audit(DAY, {"events": events(190), "sessions": SESSION.empty()}, history, POLICY)
    QUALITY.check(quality)
    assert failures(quality) == {}
    assert is_fit_for_learning(quality)
    assert quality["suite"].str.contains(r"^(events|sessions)\.(v1|history)@[0-9a-f]{8}$").all()
    assert quality.filter(column="rows", table="events", expectation="expect_column_max_to_be_between")["observed"].to_list() == ["190.0"]  # fmt: skip


@pytest.mark.parametrize(
    ("spoil", "column", "expectation"),
    [
        (pl.lit(None, dtype=pl.String).alias("account_id"), "account_id", "expect_column_values_to_not_be_null"),
        (pl.lit(-1, dtype=pl.Int64).alias("latency_ms"), "latency_ms", "expect_column_values_to_be_between"),
        (pl.lit(600, dtype=pl.Int32).alias("http_status"), "http_status", "expect_column_values_to_be_between"),
        (pl.lit("knock").alias("operation"), "operation", "expect_column_values_to_be_in_set"),
        (pl.lit(0, dtype=pl.Int64).alias("position"), "*", "expect_compound_columns_to_be_unique"),
        (pl.lit("5").alias("seed"), "*", "expect_column_distinct_values_to_equal_set"),
    ],
)
def test_a_broken_promise_of_the_contract_quarantines_the_day(spoil: pl.Expr, column: str, expectation: str) -> None:
    one = pl.when(pl.int_range(pl.len()) < 2).then(spoil) if spoil.meta.output_name() != "seed" else spoil
    frame = events(200)
    if spoil.meta.output_name() != "seed":
        name = spoil.meta.output_name()
        frame = frame.with_columns(one.otherwise(pl.col(name)).alias(name))
    else:
        frame = frame.with_columns(spoil)
    quality = audit(DAY, {"events": frame}, QUALITY.empty(), POLICY)
    assert failures(quality) == {column: expectation}
    assert not is_fit_for_learning(quality)


@pytest.mark.parametrize("table", TABLES)
@settings(max_examples=2)
@given(data=st.data())
def test_rows_that_keep_their_contract_pass_its_suite(table: str, data: st.DataObject) -> None:
    # Times are drawn over a century, hence at most one row: the audit sees one day.
    frame = data.draw(frames(TABLES[table], max_rows=1))
    assert failures(audit(DAY, {table: frame}, QUALITY.empty(), POLICY)) == {}


def test_a_missing_column_is_named(history: pl.DataFrame) -> None:
    quality = audit(DAY, {"events": events(200).drop("seed")}, history, POLICY)
    shape = quality.filter(expectation="expect_column_distinct_values_to_equal_set").row(0, named=True)
    assert (shape["passed"], shape["observed"]) == (False, "missing seed: Int64")


def test_ten_times_the_usual_volume_quarantines_the_day(history: pl.DataFrame) -> None:
    assert failures(audit(DAY, {"events": events(2000)}, history, POLICY)) == {}
    assert failures(audit(DAY, {"events": events(2001)}, history, POLICY)) == {
        "rows": "expect_column_max_to_be_between"
    }


def test_the_stump_of_a_last_day_is_noted_and_may_be_learned(history: pl.DataFrame) -> None:
    stump = events(2).with_columns(latency_ms=pl.lit(None, dtype=pl.Int64))
    quality = audit(DAY, {"events": stump}, history, POLICY)
    assert failures(quality) == {"rows": "expect_column_min_to_be_between"}
    assert is_fit_for_learning(quality)


def test_a_column_that_lost_its_producer_quarantines_the_day(history: pl.DataFrame) -> None:
    half = events(200).with_columns(latency_ms=pl.when(pl.col("position") % 2 == 0).then("latency_ms"))
    assert failures(audit(DAY, {"events": half}, history, POLICY)) == {}
    gone = half.with_columns(latency_ms=pl.when(pl.col("position") % 4 == 0).then("latency_ms"))
    quality = audit(DAY, {"events": gone}, history, POLICY)
    assert failures(quality) == {"null_rate:latency_ms": "expect_column_max_to_be_between"}
    assert not is_fit_for_learning(quality)


def test_a_long_silence_inside_a_busy_day_quarantines_it_and_inside_a_small_day_does_not() -> None:
    with_gap = events(400).filter(~pl.col("time").dt.hour().is_between(5, 17))
    assert failures(audit(DAY, {"events": with_gap}, QUALITY.empty(), POLICY)) == {
        "largest_gap_hours": "expect_column_max_to_be_between"
    }
    assert failures(audit(DAY, {"events": with_gap.head(100)}, QUALITY.empty(), POLICY)) == {}


@pytest.mark.parametrize("count", [0, 1])
def test_a_day_of_one_event_or_none_passes_and_says_how_many(count: int, history: pl.DataFrame) -> None:
    quality = audit(DAY, {"events": events(count)}, history, POLICY)
    assert failures(quality) == {"rows": "expect_column_min_to_be_between"}
    assert is_fit_for_learning(quality)


@pytest.mark.parametrize("is_first", [True, False])
def test_a_day_without_fault_is_recorded_as_if_every_expectation_had_been_asked_alone(
    is_first: bool, history: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    past = history.clear() if is_first else history
    frames = {"events": events(190), "sessions": SESSION.empty()}
    noted = audit(DAY, frames, past, POLICY)
    monkeypatch.setattr(gate, "_holds", lambda *_: False)
    assert_frame_equal(noted, audit(DAY, frames, past, POLICY))


def test_great_expectations_has_the_last_word_on_what_was_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "broken_in_facts", lambda _, expectations: [None] * len(expectations))
    asked = []
    monkeypatch.setattr(gate, "_results", lambda each: asked.append(each.about) or [])
    audit(DAY, {"events": events(10)}, QUALITY.empty(), POLICY)
    assert asked == ["shape", "rows", "facts"]


def test_two_earlier_days_are_no_history(history: pl.DataFrame) -> None:
    recent = history.filter(pl.col("day") >= DAY - timedelta(days=2))
    assert recent["day"].n_unique() == 2
    assert failures(audit(DAY, {"events": events(5000)}, recent, POLICY)) == {}


def test_later_days_and_days_without_events_do_not_count_as_history(history: pl.DataFrame) -> None:
    later = history.with_columns(day=pl.col("day") + timedelta(days=30))
    empty = audit(DAY - timedelta(days=4), {"events": events(0)}, QUALITY.empty(), POLICY)
    assert failures(audit(DAY, {"events": events(5000)}, later, POLICY)) == {}
    assert_frame_equal(
        audit(DAY, {"events": events(200)}, pl.concat([history, empty]), POLICY),
        audit(DAY, {"events": events(200)}, history, POLICY),
    )


def test_the_audit_does_not_depend_on_the_order_of_rows_and_reads_only_a_sample(history: pl.DataFrame) -> None:
    frame, policy = events(500), Quality(audit_rows=60)
    quality = audit(DAY, {"events": frame}, history, policy)
    assert_frame_equal(audit(DAY, {"events": frame.sample(fraction=1, shuffle=True, seed=3)}, history.reverse(), policy), quality)  # fmt: skip
    unique = quality.filter(expectation="expect_compound_columns_to_be_unique")["observed"].item()
    assert unique == "0 of 60 rows"


def test_no_value_of_a_row_reaches_the_quality_table() -> None:
    frame = events(300, operation="hunter2-secret", account_basis="hunter2-secret")
    quality = audit(DAY, {"events": frame}, QUALITY.empty(), POLICY)
    assert failures(quality).keys() == {"operation", "account_basis"}
    assert "hunter2" not in quality.write_csv()


def test_the_audit_is_silent_and_sends_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    audit(DAY, {"events": events(100)}, QUALITY.empty(), POLICY)
    written = capfd.readouterr()
    assert (written.out, written.err) == ("", "")
    assert os.environ["GX_ANALYTICS_ENABLED"] == "false"
