"""One call over a day equals a call a tick: the stages that remember do not see how a day is cut into runs."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from event_logs import DAY, event_log
from schemas.policy import Policy
from schemas.registry import REGISTRY
from schemas.session import SESSION
from schemas.snapshot import PEER
from schemas.tally import TALLY
from schemas.trait import TRAIT
from schemas.window import WINDOW
from transforms import features, order, sessions

POLICY = Policy()
TICK = timedelta(minutes=5)


def _run(events: pl.DataFrame, borders: Sequence[datetime], *, as_bytes: bool = False) -> dict[str, pl.DataFrame]:
    ordered, walked, counted = order.OrderState.empty(), sessions.SessionState.empty(), features.FeatureState.empty()
    out: dict[str, list[pl.DataFrame]] = {name: [] for name in ("tallies", "traits", "counts", "sessions", "windows")}
    since = datetime.min.replace(tzinfo=DAY.tzinfo)
    for until in borders:
        mine = events.filter((pl.col("time") >= since) & (pl.col("time") < until))
        ordered, made = order.step(ordered, mine, until, POLICY)
        walked, closed = sessions.step(walked, made.tallies, until, POLICY)
        counted, windows = features.step(
            counted, made.tallies, made.traits, PEER.empty(), REGISTRY.empty(), until, POLICY
        )
        if as_bytes:
            ordered = order.OrderState.from_bytes(ordered.to_bytes())
            walked = sessions.SessionState.from_bytes(walked.to_bytes())
            counted = features.FeatureState.from_bytes(counted.to_bytes())
        for name, frame in zip(out, (made.tallies, made.traits, made.counts, closed, windows), strict=True):
            out[name].append(frame)
        since = until
    counts = pl.concat(out.pop("counts")).group_by("source").sum().sort("source")
    contracts = {"tallies": TALLY, "traits": TRAIT, "sessions": SESSION, "windows": WINDOW}
    return {name: contracts[name].conform(pl.concat(frames)) for name, frames in out.items()} | {"counts": counts}


def _equal(one: dict[str, pl.DataFrame], other: dict[str, pl.DataFrame]) -> None:
    for name, frame in one.items():
        assert_frame_equal(frame, other[name], check_exact=True)


def _every_tick(days: int) -> list[datetime]:
    return [DAY + TICK * (number + 1) for number in range(288 * days)]


@pytest.mark.parametrize("seed", [1, 2])
def test_one_run_over_two_days_equals_a_run_for_every_tick(seed: int) -> None:
    events = event_log(seed, 400, hours=30)
    whole = _run(events, [DAY + timedelta(days=1), DAY + timedelta(days=2)])
    assert whole["windows"].height > 50
    assert whole["sessions"].height > 20
    _equal(whole, _run(events, _every_tick(2), as_bytes=True))


@given(st.integers(0, 10_000), st.lists(st.integers(1, 287), max_size=4, unique=True))
@settings(max_examples=15, deadline=None)
def test_any_split_of_a_day_gives_the_same_rows(seed: int, cuts: list[int]) -> None:
    events = event_log(seed, 150, accounts=3)
    end = DAY + timedelta(days=2)
    _equal(_run(events, [end]), _run(events, [*[DAY + TICK * cut for cut in sorted(cuts)], end]))


@given(st.integers(0, 10_000), st.integers(0, 99))
@settings(max_examples=10, deadline=None)
def test_order_of_arrival_and_repeated_records_change_nothing_but_the_count_of_duplicates(
    seed: int, shuffle: int
) -> None:
    events = event_log(seed, 120, accounts=3)
    end = [DAY + timedelta(days=2)]
    again = events.head(30).with_columns(pl.col("position") + 7)
    mixed = pl.concat([again, events]).sample(fraction=1.0, shuffle=True, seed=shuffle)
    once, twice = _run(events, end), _run(mixed, end)
    assert twice["counts"]["duplicates"].sum() == 30
    assert twice["counts"]["accepted"].sum() == once["counts"]["accepted"].sum() == 120
    _equal({k: v for k, v in once.items() if k != "counts"}, {k: v for k, v in twice.items() if k != "counts"})


def test_accounts_apart_give_the_same_rows_as_accounts_together() -> None:
    events = event_log(7, 300)
    end = [DAY + timedelta(days=2)]
    together = _run(events, end)
    apart = [_run(part, end) for _, part in sorted(events.group_by("account_id"))]
    for name, contract in {"tallies": TALLY, "traits": TRAIT, "sessions": SESSION, "windows": WINDOW}.items():
        assert_frame_equal(
            together[name], contract.conform(pl.concat([part[name] for part in apart])), check_exact=True
        )
