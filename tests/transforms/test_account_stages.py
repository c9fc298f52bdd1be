"""Order, sessions, features and rules: equal to the oracle, and the same however a log is cut, shuffled, repeated, grouped."""

from datetime import datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from account_stages import (
    CONTRACTS,
    Stages,
    assert_equal,
    by_oracle,
    redeemed,
    redeemed_by_oracle,
    run,
    together,
)
from event_logs import event_log
from given_events import DAY, crowded, logs
from oracle_order import in_order, with_memory
from oracle_sessions import sessions
from schemas.policy import Policy
from schemas.registry import REGISTRY
from schemas.snapshot import PEER

TICK = timedelta(minutes=5)
HOUR = timedelta(hours=1)
END = DAY + timedelta(days=2)
ROUNDING = 1e-12  # logarithms and sums of floats in another order

FILED = {
    "acct": {"payment_id": "card-1", "created_at": DAY - timedelta(days=3, minutes=1)},
    "zoë": {"signup_path": "edu", "payment_id": "card-9"},
    "nobody": {"payment_id": "card-1", "signup_path": "edu", "created_at": DAY},
    **{f"other-{n}": {"payment_id": "card-1"} for n in range(3)},
}


def registered(filed: dict[str, dict[str, object]]) -> pl.DataFrame:
    """REGISTRY rows of what the operator knows."""
    return REGISTRY.conform(
        pl.DataFrame([{"account_id": name, "holds_from": DAY} | row for name, row in filed.items()])
    )


@given(logs())
@settings(max_examples=12)  # many more are among the longer proofs
def test_every_frame_of_a_small_log_equals_the_oracle(events: pl.DataFrame) -> None:
    assert_equal(run(events, [END]), by_oracle(events, END), events, rel_tol=ROUNDING)


@given(logs(), st.integers(1, 20))
@settings(max_examples=12)
def test_windows_are_the_same_whatever_is_added_up_at_once(events: pl.DataFrame, rows: int) -> None:
    borders = [DAY + HOUR * number for number in (9, 24, 48)]
    whole = run(events, borders)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("transforms.features.keys.AT_ONCE", rows)
        assert_equal(run(events, borders), whole, events)


@given(logs())
@settings(max_examples=7)
def test_what_the_operator_knows_of_accounts_counts_before_what_is_logged(events: pl.DataFrame) -> None:
    made, expected = run(events, [END], registry=registered(FILED)), by_oracle(events, END, registry=FILED)
    assert_equal(made, expected, events, rel_tol=ROUNDING)


@pytest.mark.slow
@given(logs(max_events=40))
@settings(max_examples=4 * settings.default.max_examples)
def test_every_frame_of_many_more_logs_equals_the_oracle(events: pl.DataFrame) -> None:
    made = run(events, [END])
    assert_equal(made, by_oracle(events, END), events, rel_tol=ROUNDING)
    tallies, traits = made["tallies"], made["traits"]
    assert_equal(redeemed(tallies, traits, [END]), redeemed_by_oracle(tallies, traits), events)


@given(logs(max_events=40))
@settings(max_examples=6)  # many more are among the longer proofs
def test_redeemed_handles_of_a_small_log_equal_the_oracle(events: pl.DataFrame) -> None:
    made = run(events, [END])
    tallies, traits = made["tallies"], made["traits"]
    expected = redeemed_by_oracle(tallies, traits)
    assert_equal(redeemed(tallies, traits, [END]), expected, events)
    borders = [DAY + HOUR * number for number in (1, 11, 12, 24, 25, 48)]
    assert_equal(redeemed(tallies, traits, borders, shards=3), expected, events)


@pytest.mark.parametrize(
    ("seed", "events", "hours", "keys"), [(1, 400, 0.2, 40), (2, 700, 3, 60), (3, 500, 30, 200), (4, 900, 5, 300)]
)
def test_every_frame_of_a_log_with_more_keys_than_are_kept_equals_the_oracle(
    seed: int, events: int, hours: float, keys: int
) -> None:
    log = crowded(seed, events, hours, keys)
    assert_equal(run(log, [END]), by_oracle(log, END), log, rel_tol=ROUNDING)


def test_every_frame_of_a_dense_day_equals_the_oracle_with_what_is_known_of_accounts() -> None:
    log = event_log(5, 600, accounts=3, hours=26)
    filed = {
        "acct-0": {"plan": "enterprise", "created_at": DAY - timedelta(days=400), "payment_id": "card-7"},
        "acct-1": {"plan": None, "signup_path": "edu", "created_at": DAY - timedelta(days=40)},
    }
    registry = registered(filed)
    hashes = dict(log.select("account_id", "account_hash").unique().rows())
    peers = PEER.conform(
        pl.DataFrame({"account_id": ["acct-0"], "account_hash": [hashes["acct-0"]], "peer_group": ["pro/chat"]})
    )
    expected = by_oracle(log, END, {"acct-0": "pro/chat"}, filed)
    assert_equal(run(log, [END], peers=peers, registry=registry), expected, log, rel_tol=ROUNDING)
    assert set(expected["windows"]["peer_group"]) == {"pro/chat", "new"}


@pytest.mark.slow
@pytest.mark.parametrize("log", [event_log(1, 300, hours=26), crowded(6, 400, 26, 100)], ids=["mixed", "crowded"])
def test_one_run_equals_a_run_for_every_tick(log: pl.DataFrame) -> None:
    ticks = [*[DAY + TICK * number for number in range(1, 27 * 12 + 1)], END]
    one, many = run(log, [END]), run(log, ticks, as_bytes=True)
    assert one["windows"].height > 30
    assert_equal(one, many, log)


_CUTS = st.lists(st.integers(1, 2 * 288 - 1), max_size=6, unique=True).map(
    lambda ticks: [*[DAY + TICK * tick for tick in sorted(ticks)], END]
)


@given(logs(), _CUTS)
@settings(max_examples=7)
def test_any_cut_of_a_small_log_gives_the_same_rows(events: pl.DataFrame, borders: list[datetime]) -> None:
    known = registered(FILED)
    assert_equal(run(events, [END], registry=known), run(events, borders, as_bytes=True, registry=known), events)


@given(st.integers(0, 10_000), _CUTS)
@settings(max_examples=3)
def test_any_cut_of_a_crowded_log_gives_the_same_rows(seed: int, borders: list[datetime]) -> None:
    log = crowded(seed, 300, 28, 80)
    assert_equal(run(log, [END]), run(log, borders, as_bytes=True), log)


def test_a_run_a_day_over_nine_days_equals_one_run() -> None:
    log = event_log(4, 500, accounts=3, hours=9 * 24)
    days = [DAY + timedelta(days=number) for number in range(1, 10)]
    one, many = run(log, days[-1:]), run(log, days, as_bytes=True)
    assert_equal(one, many, log)
    assert_equal(one, by_oracle(log, days[-1]), log, rel_tol=ROUNDING)


@given(logs(), st.randoms(use_true_random=False))
@settings(max_examples=6)
def test_order_of_arrival_and_chunks_change_nothing(events: pl.DataFrame, random) -> None:
    places = list(range(events.height))
    random.shuffle(places)
    cut = random.randint(0, events.height)
    shuffled = events[places]
    chunked = pl.concat([shuffled[:cut], shuffled[cut:]], rechunk=False)
    assert_equal(run(events, [END]), run(chunked, [END]), events)


@given(logs(), st.lists(st.integers(0, 24), max_size=8))
@settings(max_examples=6)
def test_records_read_twice_change_nothing_but_the_count_of_duplicates(events: pl.DataFrame, places: list[int]) -> None:
    again = events[[place for place in places if place < events.height]]
    again = again.with_columns(pl.lit("again").alias("source"), pl.int_range(pl.len()).alias("position"))
    once, twice = run(events, [END]), run(pl.concat([again, events]), [END])
    assert twice["counts"]["accepted"].sum() == once["counts"]["accepted"].sum()
    assert twice["counts"]["duplicates"].sum() == once["counts"]["duplicates"].sum() + again.height
    assert_equal(once, {name: frame for name, frame in twice.items() if name != "counts"}, events)


@given(st.integers(0, 10_000), st.integers(2, 4))
@settings(max_examples=3)
def test_the_number_of_account_groups_does_not_matter(seed: int, groups: int) -> None:
    log = event_log(seed, 150, accounts=7, hours=30)
    group = pl.col("account_hash") % groups  # floors: also of negative hashes
    apart = [run(log.filter(group == number), [DAY + HOUR * 13, END]) for number in range(groups)]
    assert_equal(run(log, [DAY + HOUR * 13, END]), together(apart), log)


@given(logs(), st.integers(1, 2 * 288))
@settings(max_examples=7)
def test_what_is_open_is_shown_as_the_oracle_counts_it_so_far_and_changes_nothing(
    events: pl.DataFrame, ticks: int
) -> None:
    until = DAY + TICK * ticks
    stages, seen = Stages(), events.filter(pl.col("time") < until)
    stages.step(seen, until)
    before = stages.features.closed.to_bytes(), stages.features.open.to_bytes(), stages.sessions.to_bytes()
    shown = stages.still_open()
    calls = with_memory(in_order(seen), Policy())
    assert_frame_equal(shown["sessions"], sessions(calls, until, Policy(), still_open=True))
    definite = by_oracle(seen, until)["windows"]
    so_far = by_oracle(seen, until + HOUR)["windows"].join(definite, on=["account_id", "window_end"], how="anti")
    expected = so_far.with_columns(provisional=pl.lit(value=True))
    assert_frame_equal(shown["windows"], expected, rel_tol=ROUNDING)
    assert (stages.features.closed.to_bytes(), stages.features.open.to_bytes(), stages.sessions.to_bytes()) == before


def test_an_empty_log_gives_empty_frames_and_empty_states() -> None:
    stages = Stages()
    frames = stages.step(event_log(1, 3).clear(), END)
    assert all(frame.is_empty() for frame in frames.values())
    assert all(frame.is_empty() for frame in stages.still_open().values())


def test_states_of_accounts_that_fell_silent_are_forgotten() -> None:
    stages, nothing = Stages(), event_log(1, 3).clear()
    stages.step(event_log(1, 300, hours=24), DAY + timedelta(days=1))
    assert stages.features.closed.keys.height > 100
    for day in (2, 9, 93):
        stages.step(nothing, DAY + timedelta(days=day))
    states = (stages.order, stages.sessions, stages.features.closed, stages.features.open, stages.rules)
    assert {name for state in states for name, frame in vars(state).items() if frame.height} == {"until"}


@given(logs())
@settings(max_examples=4)
def test_every_frame_keeps_its_contract_and_is_sorted_by_key(events: pl.DataFrame) -> None:
    frames = Stages().step(events, END)
    for name, contract in CONTRACTS.items():
        contract.check(frames[name])
        assert_frame_equal(frames[name], contract.conform(frames[name]))
