"""Data files are written once, with their bounds, and read back as slices."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from given_frames import frames
from pipelines.lake.commit import Committer, Outcome, Write
from pipelines.lake.events_index import EventsIndex
from pipelines.lake.files import FileEntry, group_range, read_events, write_frame
from pipelines.lake.lake import Lake
from pipelines.lake.lease import Lease
from pipelines.lake.plan import Plan, next_sequence
from pipelines.lake.times import from_micros, to_micros
from schemas.catalogue import TABLES
from schemas.errors import ContractViolation, LakeError
from schemas.event import EVENT

MakeRows = Callable[..., pl.DataFrame]
START = datetime(2026, 1, 1, tzinfo=UTC)
ORDER = ["account_hash", "time", "source", "position"]


@pytest.fixture(scope="module")
def spread(make_rows: MakeRows) -> pl.DataFrame:
    """600 events over all account hashes and ten hours."""
    hashes = [(n * 7046029254386353131 + 2**63) % 2**64 - 2**63 for n in range(600)]
    times = [START + timedelta(minutes=n) for n in range(600)]
    return make_rows(EVENT, 600, account_hash=hashes, time=times)


@pytest.fixture(scope="module")
def written(spread: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("events")
    for number in range(3):
        write_frame(folder, EVENT, f"{number}.parquet", spread[number::3], row_group_rows=32)
    return sorted(folder.iterdir())


def test_events_lie_in_a_file_by_account_hash_and_time(written: list[Path]) -> None:
    for path in written:
        frame = pl.read_parquet(path)
        assert_frame_equal(frame, frame.sort(ORDER))


@pytest.mark.parametrize("groups", [1, 2, 7, 64, 256])
def test_account_groups_partition_the_events(written: list[Path], spread: pl.DataFrame, groups: int) -> None:
    slices = [read_events(written, group_range(group, groups)) for group in range(groups)]
    for group, part in enumerate(slices):
        low, high = group_range(group, groups)
        assert part["account_hash"].is_between(low, high - 1).all()
    assert_frame_equal(pl.concat(slices).sort(ORDER), spread.sort(ORDER))


@given(st.integers(1, 1000))
def test_group_ranges_cover_every_hash_once(groups: int) -> None:
    ranges = [group_range(group, groups) for group in range(groups)]
    assert ranges[0][0] == -(2**63)
    assert ranges[-1][1] == 2**63
    assert all(before[1] == after[0] for before, after in pairwise(ranges))
    assert all(low < high for low, high in ranges)


def test_the_largest_hash_belongs_to_the_last_group(make_rows: MakeRows, tmp_path: Path) -> None:
    rows = make_rows(EVENT, 2, account_hash=[2**63 - 1, -(2**63)])
    write_frame(tmp_path, EVENT, "a.parquet", rows)
    paths = [tmp_path / "a.parquet"]
    assert read_events(paths, group_range(255, 256))["account_hash"].to_list() == [2**63 - 1]
    assert read_events(paths, group_range(0, 256))["account_hash"].to_list() == [-(2**63)]


def test_time_ranges_are_half_open(written: list[Path], spread: pl.DataFrame) -> None:
    border = START + timedelta(minutes=200)
    before, after = read_events(written, times=(None, border)), read_events(written, times=(border, None))
    assert before["time"].max() == border - timedelta(minutes=1)
    assert after["time"].min() == border
    assert before.height + after.height == spread.height


def test_only_the_columns_asked_for_are_read(written: list[Path]) -> None:
    assert read_events(written, columns=["time", "account_id"]).columns == ["time", "account_id"]


def test_no_files_hold_no_events() -> None:
    assert_frame_equal(read_events([]), EVENT.empty())


def test_a_damaged_event_file_is_named(written: list[Path], tmp_path: Path) -> None:
    bad = tmp_path / "bad.parquet"
    bad.write_bytes(written[0].read_bytes()[:-8])
    with pytest.raises(LakeError, match=r"bad\.parquet: the data file is damaged"):
        read_events([written[1], bad])


@pytest.mark.parametrize("name", ["events", "sessions", "runs", "flagged_accounts", "models"])
@given(data=st.data())
def test_any_frame_of_a_contract_survives_the_file(
    name: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    contract = TABLES[name]
    frame = contract.conform(data.draw(frames(contract, min_rows=1)))
    folder = tmp_path_factory.mktemp(name)
    entry = write_frame(folder, contract, "a.parquet", frame)
    assert entry is not None
    back = contract.conform(pl.read_parquet(folder / "a.parquet"))
    assert_frame_equal(back.sort(contract.columns), frame.sort(contract.columns))
    assert FileEntry.from_json(entry.to_json()) == entry


def test_equal_frames_give_equal_bytes(spread: pl.DataFrame, tmp_path: Path) -> None:
    write_frame(tmp_path / "a", EVENT, "x.parquet", spread)
    write_frame(tmp_path / "b", EVENT, "x.parquet", spread.sample(fraction=1, shuffle=True, seed=3))
    assert (tmp_path / "a" / "x.parquet").read_bytes() == (tmp_path / "b" / "x.parquet").read_bytes()


def test_a_column_without_a_value_is_left_out_and_read_back_as_null(make_rows: MakeRows, tmp_path: Path) -> None:
    whole = make_rows(EVENT, 2, event_id=["a", "b"], latency_ms=[5, 7], account_hash=[1, 2])
    bare = whole.with_columns(latency_ms=pl.lit(None, dtype=pl.Int64), event_id=pl.Series(["c", "d"]))
    write_frame(tmp_path, EVENT, "0.parquet", whole)
    write_frame(tmp_path, EVENT, "1.parquet", bare)
    assert "latency_ms" not in pq.read_schema(tmp_path / "1.parquet").names
    back = read_events(sorted(tmp_path.glob("*.parquet"))).select("event_id", "latency_ms")
    assert dict(back.iter_rows()) == {"a": 5, "b": 7, "c": None, "d": None}


def test_a_key_that_is_there_twice_is_not_written(make_rows: MakeRows, tmp_path: Path) -> None:
    session = TABLES["sessions"]
    twice = make_rows(session, 3, account_id=["a", "b", "a"], session_start=[START] * 3)
    with pytest.raises(ContractViolation, match="is not unique"):
        write_frame(tmp_path, session, "a.parquet", twice)
    assert list(tmp_path.iterdir()) == []


def test_a_frame_without_rows_is_no_file(tmp_path: Path) -> None:
    assert write_frame(tmp_path, EVENT, "x.parquet", EVENT.empty()) is None
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_is_there_is_not_written_again(spread: pl.DataFrame, tmp_path: Path) -> None:
    first = write_frame(tmp_path, EVENT, "x.parquet", spread)
    before = (tmp_path / "x.parquet").stat()
    assert write_frame(tmp_path, EVENT, "x.parquet", spread) == first
    assert (tmp_path / "x.parquet").stat().st_mtime_ns == before.st_mtime_ns


def test_a_torn_file_of_the_name_is_written_again(spread: pl.DataFrame, tmp_path: Path) -> None:
    (tmp_path / "x.parquet").write_bytes(b"PAR1torn")
    write_frame(tmp_path, EVENT, "x.parquet", spread)
    assert pq.read_metadata(tmp_path / "x.parquet").num_rows == spread.height


def test_a_frame_that_breaks_its_contract_is_not_written(spread: pl.DataFrame, tmp_path: Path) -> None:
    with pytest.raises(ContractViolation, match="http_status"):
        write_frame(tmp_path, EVENT, "x.parquet", spread.with_columns(http_status=pl.lit(9, dtype=pl.Int32)))
    assert list(tmp_path.iterdir()) == []


def test_bounds_in_the_log_are_those_of_the_rows(lake: Lake, lease: Lease, spread: pl.DataFrame) -> None:
    entry = write_frame(lake.folder("events"), EVENT, "x.parquet", spread)
    assert entry is not None
    plan = Plan(next_sequence(lake), "ingest", START, "{}", {})
    Committer(lake, lease).commit(plan, {"events": Write(files=(entry,))}, Outcome(0, 0, 0, "x"), {})
    assert lake.files("events") == [entry]
    assert entry.least["time"] == to_micros(START)
    assert entry.most["time"] == to_micros(START + timedelta(minutes=599))
    # Readers of the Delta log prune by these bounds: a bound that is too narrow would hide rows.
    last = START + timedelta(minutes=599)
    found = DeltaTable(lake.folder("events")).to_pyarrow_table(filters=[("time", ">=", last)])
    assert found.num_rows == 1


@given(st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - st adds UTC
def test_times_survive_as_microseconds(time: datetime) -> None:
    assert from_micros(to_micros(time)) == time


def append(lake: Lake, lease: Lease, frame: pl.DataFrame) -> int:
    plan = Plan(next_sequence(lake), "ingest", START, "{}", {})
    entry = write_frame(lake.folder("events"), EVENT, f"{plan.run_id}-00000.parquet", frame)
    assert entry is not None
    return Committer(lake, lease).commit(plan, {"events": Write(files=(entry,))}, Outcome(0, 0, 0, "x"), {})["events"]


def test_the_index_knows_which_files_are_new_and_which_hold_a_time(
    lake: Lake, lease: Lease, spread: pl.DataFrame
) -> None:
    first = append(lake, lease, spread[:300])
    second = append(lake, lease, spread[300:])
    index = EventsIndex.of(lake.table("events", second), lake.folder("events"))
    assert index.rows == 600
    assert [p.name for p in index.new_since(first).paths()] == ["ingest-00000002-00000.parquet"]
    assert index.new_since(second).paths() == []
    assert [p.name for p in index.seen_at(first).paths()] == ["ingest-00000001-00000.parquet"]
    assert index.seen_at(second).paths() == index.seen_at(None).paths() == index.paths()
    assert index.new_since(None).paths() == index.paths()
    border = START + timedelta(minutes=300)
    assert [p.name for p in index.holding(None, border).paths()] == ["ingest-00000001-00000.parquet"]
    assert [p.name for p in index.holding(border, None).paths()] == ["ingest-00000002-00000.parquet"]
    assert len(index.holding(border - timedelta(minutes=1), border + timedelta(microseconds=1)).paths()) == 2
    earlier = EventsIndex.of(lake.table("events", first), lake.folder("events"))
    assert earlier.rows == 300


def test_the_index_leaves_out_files_of_other_account_groups(lake: Lake, lease: Lease, spread: pl.DataFrame) -> None:
    version = append(lake, lease, spread.filter(pl.col("account_hash") < 0))
    index = EventsIndex.of(lake.table("events", version), lake.folder("events"))
    assert len(index.holding(None, None, group_range(0, 2)).paths()) == 1
    assert index.holding(None, None, group_range(1, 2)).paths() == []


def test_compaction_makes_no_file_new(lake: Lake, lease: Lease, spread: pl.DataFrame) -> None:
    append(lake, lease, spread[:300])
    read = append(lake, lease, spread[300:])
    lake.table("events").optimize.compact()
    now = lake.table("events")
    assert now.version() > read
    index = EventsIndex.of(now, lake.folder("events"))
    assert index.rows == 600
    assert index.new_since(read).paths() == []


def test_the_index_of_a_new_lake_is_empty(lake: Lake) -> None:
    index = EventsIndex.of(lake.table("events"), lake.folder("events"))
    assert index.paths() == []
    assert index.rows == 0
    assert index.holding(START, None, (0, 5)).paths() == []


def test_a_lost_log_entry_between_two_versions_is_named(lake: Lake, lease: Lease, spread: pl.DataFrame) -> None:
    first = append(lake, lease, spread[:300])
    index = EventsIndex.of(lake.table("events", append(lake, lease, spread[300:])), lake.folder("events"))
    (lake.folder("events") / "_delta_log" / f"{index.version:020d}.json").unlink()
    with pytest.raises(LakeError, match="the log entry cannot be read"):
        index.new_since(first)
