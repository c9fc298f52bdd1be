"""Refused records are read again, exactly once; after a rebuild it is as if they had never been refused."""

import gzip
import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from given_lakes import DAY, START, Killed, assert_equal, assert_everything_adds_up, copy_of, record, run_backfill
from pipelines.cli.progress import Progress
from pipelines.lake.lake import Lake
from pipelines.rebuild import RebuildRequest, rebuild
from pipelines.replay import Replayed, ReplayRequest, preview, replay
from schemas.errors import SourceRefused
from schemas.policy import Policy

SHORT, LONG = Policy.parse("[ingest]\nrecord_bytes = 700\n"), Policy.parse("[ingest]\nrecord_bytes = 7000\n")


def _lines() -> list[str]:
    """A day and a half; one in ten is long, three are no records, a few lines hold several records."""
    rng = random.Random(5)
    rows = []
    for number in range(1440):
        row = record(number, rng)
        if number % 10 == 3:
            row["prompt"] = "please " * 100
        rows.append(json.dumps(row))
    for number in (100, 700, 1300):
        rows[number] = '{"event_id": "cut o'
    rows[200] = f"[{rows[200]}, {rows[201]}, {{}}]"
    del rows[201]
    return rows


@pytest.fixture(scope="module")
def refused(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake under a policy that refused the long ones, of a plain and of a compressed file."""
    folder, lines = tmp_path_factory.mktemp("refused"), _lines()
    (folder / "a.jsonl").write_text("\n".join(lines[:720]) + "\n")
    (folder / "b.jsonl.gz").write_bytes(gzip.compress("\r\n".join(lines[720:]).encode()))
    run_backfill(folder / "lake", [folder / "a.jsonl", folder / "b.jsonl.gz"], SHORT)
    assert set(Lake.open(folder / "lake").read("rejects")["reason"]) == {"too_long", "not_json"}
    return folder


@pytest.fixture(scope="module")
def clean(refused: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One backfill under the policy that takes them."""
    folder = tmp_path_factory.mktemp("clean")
    for name in ("a.jsonl", "b.jsonl.gz"):
        shutil.copy(refused / name, folder / name)
    run_backfill(folder / "lake", [folder / "a.jsonl", folder / "b.jsonl.gz"], LONG)
    return folder


def _replay(lake: Path, after: Callable[[str], None] = lambda _: None, **more: object) -> Replayed:
    named = (str(lake.parent / "a.jsonl"), str(lake.parent / "b.jsonl.gz"))
    asked = {"sources": named, "policy": LONG, "key_file": lake.parent / "key"} | more
    return replay(ReplayRequest(lake, **asked), Progress(quiet=True), after)  # type: ignore[arg-type]


def _events(lake: Path) -> pl.DataFrame:
    return Lake.open(lake).read("events").drop("source").sort("account_id", "time", "event_id")


@pytest.mark.slow
def test_replayed_and_rebuilt_it_is_as_if_nothing_had_been_refused(refused: Path, clean: Path, tmp_path: Path) -> None:
    lake = copy_of(refused, tmp_path)
    before = Lake.open(lake).read("rejects")
    done = _replay(lake)
    assert_everything_adds_up(lake)
    long = before.filter(pl.col("reason") == "too_long").height
    assert done.appended == done.too_late == long + 1 > 100  # one line holds two calls and something else
    assert (done.ignored, done.rejects, done.rebuild_since) == (0, before.height - long + 1, START)
    rebuild(RebuildRequest(lake, START), Progress(quiet=True))
    assert_equal(clean / "lake", lake, "findings")
    assert_everything_adds_up(lake)
    assert _events(lake).equals(_events(clean / "lake"))
    where = ["reason", "column", "digest", "length"]
    left, right = (Lake.open(each).read("rejects").select(where).sort(where) for each in (lake, clean / "lake"))
    assert left.equals(right)


def test_a_second_replay_finds_nothing_more_to_take(refused: Path, tmp_path: Path) -> None:
    lake = copy_of(refused, tmp_path)
    first = _replay(lake)
    again = _replay(lake)
    assert (again.appended, again.too_late, again.rejects) == (0, 0, first.rejects)
    assert_everything_adds_up(lake)


@pytest.mark.slow
def test_a_replay_killed_at_any_commit_point_and_repeated_takes_everything_once(
    refused: Path, clean: Path, tmp_path: Path
) -> None:
    points: list[str] = []
    _replay(copy_of(refused, tmp_path / "counted"), points.append)
    for number in range(0, len(points), 5):
        lake = copy_of(refused, tmp_path / f"killed-{number}")
        left = [number]

        def kill(_: str, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] < 0:
                raise Killed

        with pytest.raises(Killed):
            _replay(lake, kill)
        if number % 2:
            run_backfill(lake, [lake.parent / "a.jsonl"], LONG)
        else:
            _replay(lake)
        assert_everything_adds_up(lake)
        assert _events(lake).equals(_events(clean / "lake"))
        shutil.rmtree(lake.parent)


def test_a_source_is_chosen_by_its_name_and_found_where_it_was(refused: Path, tmp_path: Path) -> None:
    lake = copy_of(refused, tmp_path)
    done = _replay(lake, sources=(), match="*/a.jsonl")
    assert [Path(one.name).name for one in done.sources] == ["a.jsonl"]
    assert done.appended == done.sources[0].rejects - 2 + 1  # two are cut off, one line holds two calls
    assert_everything_adds_up(lake)


def test_records_before_the_time_asked_for_stay_refused(refused: Path, tmp_path: Path) -> None:
    lake = copy_of(refused, tmp_path)
    before = Lake.open(lake).read("rejects").height
    done = _replay(lake, since=START + DAY)
    assert done.rebuild_since == START + DAY
    assert done.appended == 48
    assert done.rejects == before - 48
    assert_everything_adds_up(lake)
    assert _replay(lake).rebuild_since == START


def test_a_source_that_moved_is_said_to_be_missing_and_nothing_happens(refused: Path, tmp_path: Path) -> None:
    shutil.copytree(refused, tmp_path / "there")
    (tmp_path / "there" / "a.jsonl").write_text('{"another": "log"}\n')
    seen = preview(ReplayRequest(tmp_path / "there" / "lake", (str(tmp_path / "there" / "a.jsonl"),), match="*a.jsonl"))
    assert [one.why_not is None for one in seen] == [True]  # where it was first, it still is
    moved = tmp_path / "moved"
    shutil.move(tmp_path / "there", moved)
    run_backfill(tmp_path / "lake", [moved / "b.jsonl.gz"], SHORT)
    (moved / "b.jsonl.gz").unlink()
    done = _replay(tmp_path / "lake", sources=(), key_file=tmp_path / "key")
    assert (done.appended, done.sources[0].why_not) == (0, "its file is not where it was; name it")


def test_a_record_whose_bytes_have_changed_is_not_taken(tmp_path: Path) -> None:
    rng = random.Random(5)
    rows = [json.dumps(record(number, rng)) for number in range(700)]
    rows[350] = rows[350].replace('"account_id"', '"accoant_id"')
    log = tmp_path / "log.jsonl"
    log.write_text("\n".join(rows) + "\n")
    run_backfill(tmp_path / "lake", [log])
    assert Lake.open(tmp_path / "lake").read("rejects").height == 1
    log.write_text(log.read_text().replace('"accoant_id"', '"account_id"'))
    done = _replay(tmp_path / "lake", sources=(), policy=None)
    assert (done.appended, done.rejects) == (0, 1)


def test_a_document_that_was_too_long_is_read_as_a_whole(tmp_path: Path) -> None:
    rng = random.Random(5)
    rows = [record(number, rng) for number in range(60)]
    rows[7] = {"event_id": "no account"}
    (tmp_path / "log.json").write_text(json.dumps(rows, indent=1))
    short = Policy.parse("[ingest]\nrecord_bytes = 1000\n")
    run_backfill(tmp_path / "lake", [tmp_path / "log.json"], short)
    assert Lake.open(tmp_path / "lake").read("rejects")["reason"].to_list() == ["too_long"]
    done = _replay(tmp_path / "lake", sources=())
    assert (done.appended, done.rejects) == (59, 1)
    _replay(tmp_path / "lake", sources=())
    run_backfill(tmp_path / "lake", [tmp_path / "log.json"], LONG, groups=None)  # of as many groups as the replay made
    assert_everything_adds_up(tmp_path / "lake")


def test_rows_of_parquet_are_found_by_their_number(tmp_path: Path) -> None:
    rng = random.Random(5)
    rows = [record(number, rng) | {"logit_bias_tokens": None} for number in range(100)]
    for number in (3, 50):
        rows[number]["time"] = rows[number]["end_time"] = "1999-03-02T00:00:00+00:00"
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "log.parquet")
    run_backfill(tmp_path / "lake", [tmp_path / "log.parquet"])
    assert Lake.open(tmp_path / "lake").read("rejects")["reason"].to_list() == ["impossible_time"] * 2
    done = _replay(tmp_path / "lake", sources=(), policy=Policy.parse('[time]\nearliest = "1990-01-01"\n'))
    assert (done.appended, done.rejects) == (2, 0)
    assert_everything_adds_up(tmp_path / "lake")


def test_a_format_nobody_knows_is_refused(refused: Path) -> None:
    with pytest.raises(SourceRefused, match="there is no format xml"):
        preview(ReplayRequest(refused / "lake", input_format="xml"))
