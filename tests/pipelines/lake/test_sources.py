"""The register of sources, and the watermark that follows from it."""

import random
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.lake.borders import floor_to_tick
from pipelines.lake.lake import Lake
from pipelines.lake.sources import (
    Done,
    after_run,
    latest_times,
    read_register,
    write_register,
)
from pipelines.lake.state import States
from pipelines.lake.times import from_micros, to_micros
from pipelines.lake.watermark import watermark
from pipelines.sources.boxes import EVER, Box
from pipelines.sources.known import Known, Sighting, ladder_of
from schemas.errors import LakeError
from schemas.policy import Policy

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
POLICY = Policy()


def source(name: str, *minutes: float) -> Known:
    latest = sorted(
        ((to_micros(NOON + timedelta(minutes=m)), f"{name}{n}") for n, m in enumerate(minutes)), reverse=True
    )
    return Known(name, (), "text", "canonical", "lines", latest=tuple(latest), events=len(minutes))


def test_without_events_there_is_no_watermark() -> None:
    assert watermark([], POLICY) is None
    assert watermark([source("a")], POLICY) is None


def test_the_tenth_latest_event_less_the_lateness_floored_to_a_tick_is_the_watermark() -> None:
    # Minutes 0 to 19: the tenth latest is 10; less five minutes of lateness; tick borders lie every five minutes.
    assert watermark([source("a", *range(20))], POLICY) == NOON + timedelta(minutes=5)
    assert watermark([source("a", *(m + 0.5 for m in range(20)))], POLICY) == NOON + timedelta(minutes=5)
    assert watermark([source("a", *(m - 0.5 for m in range(20)))], POLICY) == NOON


def test_nine_jumped_clocks_move_nothing_and_a_tenth_does() -> None:
    year = 60 * 24 * 365
    ordinary = list(range(20))
    assert watermark([source("a", *ordinary, *[year] * 9)], POLICY) == NOON + timedelta(minutes=10)
    assert watermark([source("a", *ordinary, *[year] * 10)], POLICY) > NOON + timedelta(days=300)  # type: ignore[operator]


def test_with_fewer_events_the_earliest_counts() -> None:
    assert watermark([source("a", 30, 47, 60)], POLICY) == NOON + timedelta(minutes=25)


def test_small_sources_are_taken_together_as_one() -> None:
    many = [source(f"s{n}", n) for n in range(20)]
    assert watermark(many, POLICY) == watermark([source("a", *range(20))], POLICY)


def test_the_furthest_source_counts() -> None:
    early, late = source("a", *range(20)), source("b", *range(100, 120))
    assert watermark([early, late], POLICY) == watermark([late], POLICY)


def test_a_repeated_event_counts_once() -> None:
    events = pl.DataFrame({"time": [NOON] * 30, "event_id": ["same"] * 30}).with_columns(
        pl.col("time").cast(pl.Datetime("us", "UTC"))
    )
    assert len(latest_times(events)) == 1


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 40)), max_size=300), st.integers(1, 6), st.integers(0, 9))
def test_latest_times_do_not_depend_on_how_events_were_divided(
    events: list[tuple[int, int]], parts: int, seed: int
) -> None:
    frame = pl.DataFrame(
        {"time": [t for t, _ in events], "event_id": [f"e{i}" for _, i in events]},
        schema={"time": pl.Int64, "event_id": pl.String},
    ).with_columns(pl.col("time").cast(pl.Datetime("us", "UTC")))
    shuffled = frame.sample(fraction=1, shuffle=True, seed=seed)
    done = [Done("a" * 16, 0, 9, (EVER,), 0, latest_times(shuffled[n::parts])) for n in range(parts)]
    random.Random(seed).shuffle(done)
    sighting = Sighting("a" * 16, "n", "text", "f", "lines", ladder_of(b"x"), 9, (1, "d"), 0, ((9, "r"),))
    register, _ = after_run({}, [sighting], done)
    assert register["a" * 16].latest == latest_times(frame)


@given(
    st.integers(to_micros(datetime(1999, 1, 1, tzinfo=UTC)), to_micros(datetime(2101, 1, 1, tzinfo=UTC))),
    st.sampled_from([1, 5, 15, 60]),
)
def test_ticks_begin_on_the_hour_and_hold_their_time(micros: int, minutes: int) -> None:
    time = from_micros(micros)
    start = floor_to_tick(time, timedelta(minutes=minutes))
    assert start <= time < start + timedelta(minutes=minutes)
    assert (start.minute % minutes, start.second, start.microsecond) == (0, 0, 0)


def test_the_register_is_stored_in_parts_and_only_changed_ones_are_written(lake: Lake) -> None:
    states = States(lake.root)
    ids = [f"{digit:x}" * 16 for digit in range(16)]
    register = {name: source(name, 1, 2, 3) for name in ids}
    manifest = write_register(states, "ingest-00000001", register, ids)
    assert len(manifest) == 16
    assert read_register(states, manifest) == register
    register[ids[3]] = source(ids[3], 9)
    changed = write_register(states, "ingest-00000002", register, [ids[3]])
    assert list(changed) == ["sources/3"]
    assert read_register(states, manifest | changed) == register
    assert read_register(states, {}) == {}


def test_a_damaged_part_of_the_register_is_refused(lake: Lake) -> None:
    states = States(lake.root)
    manifest = write_register(states, "ingest-00000001", {"a" * 16: source("a" * 16)}, ["a" * 16])
    states.write("sources", "a", "ingest-00000001", b"[{]")
    with pytest.raises(LakeError, match="does not decode"):
        read_register(states, manifest)


def test_only_what_changed_is_reported_as_changed() -> None:
    old = {"a" * 16: source("a" * 16, 1), "b" * 16: source("b" * 16, 1)}
    sighting = Sighting("b" * 16, "n", "text", "canonical", "lines", ladder_of(b"xy"), 2, (2, "d"), 0, ((2, "r"),))
    register, changed = after_run(old, [sighting], [Done("b" * 16, 0, 2, (EVER,), 1, ())])
    assert changed == {"b" * 16}
    assert register["b" * 16].taken == (Box(0, 2),)
    assert register["b" * 16].events == 2
    assert after_run(register, [sighting], [])[1] == set()


def test_an_unread_compressed_source_is_not_registered() -> None:
    sighting = Sighting("b" * 16, "n", "text", "canonical", "lines", ladder_of(b"xy"), None, None, 0, ((2, "r"),))
    assert after_run({}, [sighting], []) == ({}, set())
