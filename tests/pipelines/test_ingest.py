"""INGEST alone: every record is counted once, once only, whoever is killed, and no text reaches the lake's folder."""

import gzip
import io
import json
import os
import shutil
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from pipelines.cli.progress import Progress
from pipelines.estimating import estimate
from pipelines.ingest import execute_ingest, plan_ingest
from pipelines.ingest_worker import IngestJob, ReadRange
from pipelines.lake.commit import Write, commit_points
from pipelines.lake.lake import Lake
from pipelines.lake.lease import Lease
from pipelines.lake.plan import unfinished
from pipelines.lake.sources import read_register
from pipelines.lake.state import States
from pipelines.lake.watermark import watermark
from pipelines.request import Request, SourceCounts
from pipelines.runners import Engine
from pipelines.writer import Writer
from schemas.errors import SourceRefused
from schemas.policy import Policy, SourceRule
from transforms.ingest.key import FingerprintKey

KEY = FingerprintKey(bytes(range(32)))
CANARY = b"CANARY-9f31-quiet-harbour"
START = datetime(2026, 3, 2, tzinfo=UTC)
ALWAYS = datetime(2001, 1, 1, tzinfo=UTC)


class Killed(BaseException):
    """Stands for SIGKILL: nothing may catch it."""


class Told(Progress):
    """Remembers what was told."""

    def __init__(self) -> None:
        super().__init__(quiet=True)
        self.texts: list[str] = []
        self.done = self.total = self.records = 0

    def note(self, text: str) -> None:
        self.texts.append(text)

    def warn(self, text: str) -> None:
        self.texts.append(f"warning: {text}")

    def begin(self, phase: str, *, total: int = 0, files: int = 0) -> None:
        self.total = total

    def advance(self, done: int = 0, *, files: int = 0, records: int = 0, detail: str | None = None) -> None:
        self.done += done
        self.records += records


def line(number: int, *, time: datetime | None = None, account: str = "acme", **more: object) -> bytes:
    moment = START + timedelta(minutes=number) if time is None else time
    record = {
        "event_id": f"call-{number}",
        "time": moment.isoformat(),
        "account_id": account,
        "operation": "chat",
        "model_requested": "m",
        "prompt": f"{CANARY.decode()} {number}",
        **more,
    }
    return json.dumps(record).encode() + b"\n"


def write(path: Path, numbers: Sequence[int]) -> Path:
    path.write_bytes(b"".join(line(number) for number in numbers))
    return path


def ingest(
    root: Path,
    sources: Sequence[Path],
    *,
    after: Callable[[str], None] = lambda _: None,
    progress: Progress | None = None,
    holds_from: datetime = ALWAYS,
    **more: Any,
) -> list[SourceCounts] | None:
    """What one backfill does of INGEST: finishes what was begun, then takes in what is new."""
    request = Request(tuple(map(str, sources)), root, **more)
    told = Told() if progress is None else progress
    lake = Lake.create(root, KEY.id)
    with Lease.acquire(root, "test") as lease:
        left, writer = unfinished(lake), Writer(lake, lease, after)
        if left is not None:
            execute_ingest(writer, Engine(), left, KEY, told)
        plan = plan_ingest(writer, request, KEY, told, holds_from)
        return None if plan is None else execute_ingest(writer, Engine(), plan, KEY, told)


def rows(root: Path, table: str) -> pl.DataFrame:
    return Lake.open(root).read(table)


def files_with(root: Path, needle: bytes) -> list[Path]:
    return [path for path in sorted(root.rglob("*")) if path.is_file() and needle in path.read_bytes()]


@pytest.fixture
def fixtures(checkout: Path) -> list[Path]:
    return sorted((checkout / "tests" / "fixtures" / "ingest").glob("*/*.*"))


def test_every_fixture_is_recognised_and_each_of_its_records_is_counted_once(
    tmp_path: Path, fixtures: list[Path]
) -> None:
    root = tmp_path / "lake"
    told = Told()
    counts = ingest(root, fixtures, progress=told)
    assert counts is not None
    assert {source.name: source.format for source in counts} == {str(path): path.parent.name for path in fixtures}
    assert all(source.records == source.appended + source.ignored + source.rejects for source in counts)
    assert sum(source.appended for source in counts) == rows(root, "events").height
    assert sum(source.rejects for source in counts) == rows(root, "rejects").height
    for path in fixtures:
        (source,) = [source for source in counts if source.name == str(path)]
        stated = [each for each in path.read_bytes().split(b"\n") if each.strip()]
        elements = sum(len(json.loads(each)) - 1 for each in stated if each.startswith(b"["))
        assert source.records == len(stated) + elements
        assert any(text.startswith(f"{path}: {path.parent.name}") for text in told.texts)
    assert told.done == told.total > 0
    assert told.records == sum(source.records for source in counts)


def test_what_the_run_did_is_in_the_table_of_runs(tmp_path: Path, fixtures: list[Path]) -> None:
    counts = ingest(tmp_path / "lake", fixtures)
    assert counts is not None
    told = rows(tmp_path / "lake", "runs").select(pl.col("sources").explode()).unnest("sources")
    for source in counts:
        row = told.row(by_predicate=pl.col("name") == source.name, named=True)
        assert all(row[name] == getattr(source, name) for name in ("records", "appended", "ignored", "rejects"))


def test_no_secret_is_anywhere_in_the_folder_of_the_lake(tmp_path: Path, fixtures: list[Path]) -> None:
    secrets = [path for path in fixtures if path.stem == "secrets"]
    assert all(CANARY in path.read_bytes() for path in secrets)
    root = tmp_path / "lake"
    ingest(root, [*secrets, write(tmp_path / "own.ndjson", range(20))])
    assert rows(root, "events").height > 20
    assert files_with(root, CANARY) == []
    for table in ("events", "rejects", "runs"):
        assert CANARY.decode() not in str(rows(root, table).to_dicts())
    assert files_with(root, KEY.secret) == files_with(root, KEY.secret.hex().encode()) == []


def test_running_again_over_the_same_files_adds_nothing(tmp_path: Path, fixtures: list[Path]) -> None:
    root = tmp_path / "lake"
    ingest(root, fixtures)
    before = Lake.open(root).versions()
    assert ingest(root, fixtures) is None
    assert Lake.open(root).versions() == before


def test_a_file_that_grew_is_continued(tmp_path: Path) -> None:
    root, log = tmp_path / "lake", tmp_path / "log.ndjson"
    ingest(root, [write(log, range(5))])
    counts = ingest(root, [write(log, range(12))])
    assert counts is not None
    assert [(source.records, source.appended) for source in counts] == [(7, 7)]
    assert sorted(rows(root, "events")["event_id"]) == sorted(f"call-{number}" for number in range(12))


def test_records_outside_the_times_asked_for_are_not_counted_and_come_when_they_are_asked_for(tmp_path: Path) -> None:
    root, log = tmp_path / "lake", write(tmp_path / "log.ndjson", range(10))
    log.write_bytes(log.read_bytes() + b"{broken\n")
    border = START + timedelta(minutes=4)
    first = ingest(root, [log], since=border)
    rest = ingest(root, [log])
    assert first is not None
    assert rest is not None
    assert (first[0].records, first[0].appended, first[0].rejects) == (7, 6, 1)
    assert (rest[0].records, rest[0].appended, rest[0].rejects) == (4, 4, 0)
    assert rows(root, "events")["event_id"].n_unique() == rows(root, "events").height == 10
    assert rows(root, "rejects").height == 1
    assert ingest(root, [log], until=border) is None


def test_many_ranges_give_the_same_events_as_one(tmp_path: Path) -> None:
    log = tmp_path / "log.ndjson"
    log.write_bytes(b"".join(line(number, note="x" * 900) for number in range(2500)))
    policy = Policy()
    small = replace(policy, ingest=replace(policy.ingest, range_megabytes=1))
    ingest(tmp_path / "one", [log])
    ingest(tmp_path / "many", [log], policy=small)
    assert len(Lake.open(tmp_path / "many").files("events")) > len(Lake.open(tmp_path / "one").files("events"))
    assert_frame_equal(rows(tmp_path / "many", "events"), rows(tmp_path / "one", "events"), check_exact=True)


def test_a_stray_clock_gets_no_file_to_itself_and_widens_no_file_of_a_day(tmp_path: Path) -> None:
    log = tmp_path / "log.ndjson"
    days = [START, START + timedelta(days=1)]
    lines = [line(number, time=day + timedelta(seconds=number)) for day in days for number in range(4096)]
    strays = [line(9001, time=datetime(2025, 1, 1, tzinfo=UTC)), line(9002, time=datetime(2026, 8, 1, tzinfo=UTC))]
    log.write_bytes(b"".join([*lines, *strays]))
    ingest(tmp_path / "lake", [log])
    spans = [
        (file.rows, file.most["time"] - file.least["time"] < 86_400_000_000)
        for file in Lake.open(tmp_path / "lake").files("events")
    ]
    assert sorted(spans) == [(2, False), (4096, True), (4096, True)]


def test_a_storm_of_one_repeated_record_moves_the_watermark_no_more_than_the_record_once(tmp_path: Path) -> None:
    stray = line(5000, time=START + timedelta(days=20))
    usual = [line(number) for number in range(50)]
    marks = []
    for name, lines in (("once", [*usual, stray]), ("storm", [*usual, *[stray] * 2000])):
        log = tmp_path / f"{name}.ndjson"
        log.write_bytes(b"".join(lines))
        ingest(tmp_path / name, [log])
        lake = Lake.open(tmp_path / name)
        last = lake.last_run()
        assert last is not None
        register = read_register(States(lake.root), States(lake.root).read_manifest(last["run_id"]))
        marks.append(watermark(register.values(), Policy()))
    assert marks[0] is not None
    assert marks[0] == marks[1]
    assert marks[0] < START + timedelta(days=1)


def _kill_at(point: int) -> Callable[[str], None]:
    left = [point]

    def after(_: str) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise Killed

    return after


def test_a_run_killed_at_any_commit_point_and_executed_again_equals_a_clean_one(
    tmp_path: Path, fixtures: list[Path]
) -> None:
    accounts = tmp_path / "accounts.csv"
    accounts.write_text("account_id,plan\nacme,pro\n")
    points: list[str] = []
    clean = tmp_path / "clean"
    ingest(clean, fixtures, after=points.append, accounts=accounts)
    assert points == commit_points(dict.fromkeys(("registry", "events", "rejects"), Write()))
    for point in range(len(points)):
        root = tmp_path / f"killed-{point}"
        with pytest.raises(Killed):
            ingest(root, fixtures, after=_kill_at(point), accounts=accounts)
        ingest(root, fixtures, accounts=accounts)
        assert rows(root, "runs").height == 1
        for table in ("events", "rejects", "registry"):
            assert_frame_equal(rows(root, table), rows(clean, table), check_exact=True)
            assert [file.path for file in Lake.open(root).files(table)] == [
                file.path for file in Lake.open(clean).files(table)
            ]
        told, expected = (rows(each, "runs").select("run_id", "sequence", "sources") for each in (root, clean))
        assert_frame_equal(told, expected)
        shutil.rmtree(root)


def test_a_worker_killed_between_its_files_leaves_a_plan_that_gives_what_a_clean_run_gives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs = [write(tmp_path / f"log-{number}.ndjson", range(number * 100, number * 100 + 50)) for number in range(2)]
    ingest(tmp_path / "clean", logs)
    with monkeypatch.context() as patch:
        patch.setattr(ReadRange, "process", _then_killed(ReadRange.process))
        with pytest.raises(RuntimeError, match="Killed"):  # as the engine passes it on
            ingest(tmp_path / "lake", logs)
    assert list((tmp_path / "lake" / "events").glob("*.parquet"))
    ingest(tmp_path / "lake", logs)
    assert_frame_equal(rows(tmp_path / "lake", "events"), rows(tmp_path / "clean", "events"), check_exact=True)


def _then_killed(process: Callable[[ReadRange, str], Any]) -> Callable[[ReadRange, str], Any]:
    def killed(self: ReadRange, element: str) -> Any:
        list(process(self, element))
        raise Killed

    return killed


def test_a_source_that_vanished_before_the_plan_was_executed_again_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, log = tmp_path / "lake", write(tmp_path / "log.ndjson", range(5))
    kept = log.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(ReadRange, "process", _then_killed(ReadRange.process))
        with pytest.raises(RuntimeError, match="Killed"):
            ingest(root, [log])
    log.unlink()
    with pytest.raises(SourceRefused, match=r"log\.ndjson.*--abandon 1"):
        ingest(root, [write(tmp_path / "other.ndjson", range(5, 8))])
    log.write_bytes(kept)
    ingest(root, [log])
    assert rows(root, "events").height == 5


def test_what_workers_had_reported_before_a_kill_is_committed_though_its_source_vanished(tmp_path: Path) -> None:
    root, log = tmp_path / "lake", write(tmp_path / "log.ndjson", range(5))
    with pytest.raises(Killed):
        ingest(root, [log], after=_kill_at(0))
    log.unlink()
    ingest(root, [write(tmp_path / "other.ndjson", range(5, 8))])
    assert rows(root, "events").height == 8


def test_refused_sources_are_counted_with_their_reason_and_the_others_are_read(tmp_path: Path) -> None:
    (tmp_path / "odd.bin").write_bytes(b"PK\x03\x04 no log at all")
    (tmp_path / "odd.txt").write_text("once upon a time\nthere was no log\n")
    log = write(tmp_path / "log.ndjson", range(5))
    counts = ingest(tmp_path / "lake", [tmp_path / "odd.bin", tmp_path / "odd.txt", log])
    assert counts is not None
    told = {Path(source.name).name: source for source in counts}
    assert told["log.ndjson"].appended == 5
    assert "zip archive" in (told["odd.bin"].refused_because or "")
    assert "format is not clear" in (told["odd.txt"].refused_because or "")


def test_a_format_named_on_the_command_line_or_in_a_rule_is_used(tmp_path: Path) -> None:
    log = write(tmp_path / "log.ndjson", range(5))
    policy = Policy()
    named = ingest(tmp_path / "named", [log], input_format="litellm")
    assert named is not None
    assert [source.format for source in named] == ["litellm"]
    ruled = replace(policy, source={"odd": SourceRule(match="*.ndjson", format="nginx_json")})
    by_rule = ingest(tmp_path / "ruled", [log], policy=ruled)
    assert by_rule is not None
    assert [source.format for source in by_rule] == ["nginx_json"]


def _pipe(path: Path, data: bytes) -> threading.Thread:
    os.mkfifo(path)
    thread = threading.Thread(target=path.write_bytes, args=(data,), daemon=True)
    thread.start()
    return thread


def test_the_copy_of_a_stream_is_gone_when_its_records_are_in_and_when_there_was_nothing_new(tmp_path: Path) -> None:
    root, data = tmp_path / "lake", b"".join(line(number) for number in range(5))
    for turn in range(2):
        writer = _pipe(tmp_path / f"pipe-{turn}", data)
        counts = ingest(root, [tmp_path / f"pipe-{turn}"])
        writer.join(60)
        assert (counts is None) == (turn == 1)
        assert files_with(root, CANARY) == []


def test_the_copy_of_a_stream_survives_a_kill_and_is_read_again(tmp_path: Path) -> None:
    root = tmp_path / "lake"
    writer = _pipe(tmp_path / "pipe", b"".join(line(number) for number in range(5)))
    with pytest.raises(Killed):
        ingest(root, [tmp_path / "pipe"], after=_kill_at(0))
    writer.join(60)
    ingest(root, [write(tmp_path / "other.ndjson", range(100, 103))])
    assert rows(root, "events").height == 8
    assert files_with(root, CANARY) == []


def test_the_copy_of_a_stream_is_gone_when_planning_fails(tmp_path: Path) -> None:
    root = tmp_path / "lake"
    writer = _pipe(tmp_path / "pipe", line(1))
    with pytest.raises(SourceRefused, match="cannot be read"):
        ingest(root, [tmp_path / "pipe"], accounts=tmp_path / "missing.csv")
    writer.join(60)
    assert files_with(root, CANARY) == []


def test_accounts_enter_the_registry_and_only_what_differs_enters_again(tmp_path: Path) -> None:
    root, log, accounts = tmp_path / "lake", write(tmp_path / "log.ndjson", range(5)), tmp_path / "accounts.csv"
    accounts.write_text("account_id,plan,created_at\nacme,pro,2025-01-01T00:00:00Z\nother,free,\n")
    ingest(root, [log], accounts=accounts)
    assert ingest(root, [log], accounts=accounts, holds_from=START) is None
    accounts.write_text("account_id,plan,created_at\nacme,max,2025-01-01T00:00:00Z\nother,free,\n")
    ingest(root, [log], accounts=accounts, holds_from=START)
    told = rows(root, "registry").select("account_id", "holds_from", "plan", "created_at").rows()
    created = datetime(2025, 1, 1, tzinfo=UTC)
    assert told == [
        ("acme", ALWAYS, "pro", created),
        ("acme", START, "max", created),
        ("other", ALWAYS, "free", None),
    ]


def test_what_an_accounts_file_says_and_nobody_can_read_is_told_once(tmp_path: Path) -> None:
    root, log, accounts = tmp_path / "lake", write(tmp_path / "log.ndjson", range(5)), tmp_path / "accounts.csv"
    accounts.write_text("account_id,plna,created_at\nacme,pro,yesterday\n,free,\n")
    told = io.StringIO()
    for _ in range(2):
        ingest(root, [log], accounts=accounts, progress=Progress(quiet=True, stream=told))
    first, second, third = told.getvalue().splitlines()
    assert first.endswith("1 rows left out: no account")
    assert second.endswith("1 values of created_at cannot be read and count as not known")
    assert "1 columns are not read (plna); read are account_id, plan," in third


def test_of_two_statements_about_an_account_for_the_same_border_the_later_one_holds(tmp_path: Path) -> None:
    root, log, accounts = tmp_path / "lake", write(tmp_path / "log.ndjson", range(5)), tmp_path / "accounts.csv"
    for plan in ("pro", "max", "pro", "free"):
        accounts.write_text(f"account_id,plan\nacme,{plan}\nother,free\n")
        ingest(root, [log], accounts=accounts)
        told = rows(root, "registry").select("account_id", "plan").rows()
        assert told == [("acme", plan), ("other", "free")]


def test_a_dry_run_estimates_and_writes_nothing(tmp_path: Path, fixtures: list[Path]) -> None:
    log = write(tmp_path / "log.ndjson", range(1000))
    (tmp_path / "odd.txt").write_text("once upon a time\n")
    before = sorted(tmp_path.rglob("*"))
    told = estimate(Request((str(log), str(tmp_path / "odd.txt")), tmp_path / "lake"), Told())
    assert sorted(tmp_path.rglob("*")) == before
    by_name = {Path(source.name).name: source for source in told.sources}
    assert by_name["log.ndjson"].format == "canonical"
    assert by_name["log.ndjson"].bytes == log.stat().st_size
    assert abs(by_name["log.ndjson"].records - 1000) < 30
    assert by_name["odd.txt"].format is None
    assert told.seconds > 0
    assert told.disk_bytes > 0


@pytest.mark.parametrize("noise", [0, 400], ids=["repeats itself", "hardly compresses"])
def test_a_dry_run_tells_the_records_of_a_compressed_log_by_how_far_it_expands(tmp_path: Path, noise: int) -> None:
    random = Random(1)
    log = write(tmp_path / "log.ndjson", range(2000))
    lines = [line[:-1] + f', "note": "{random.randbytes(noise).hex()}"}}' for line in log.read_text().splitlines()]
    packed = tmp_path / "packed.ndjson.gz"
    packed.write_bytes(gzip.compress("\n".join(lines).encode()))
    (told,) = estimate(Request((str(packed),), tmp_path / "lake"), Told()).sources
    assert abs(told.records - 2000) < 200


def test_a_dry_run_over_a_lake_counts_only_what_is_new(tmp_path: Path) -> None:
    root, log = tmp_path / "lake", tmp_path / "log.ndjson"
    ingest(root, [write(log, range(1000))])
    request = Request((str(log),), root)
    assert [source.records for source in estimate(request, Told()).sources] == [0]
    write(log, range(1500))
    before = sorted(root.rglob("*"))
    assert abs(estimate(request, Told()).sources[0].records - 500) < 20
    assert sorted(root.rglob("*")) == before


def test_a_dry_run_leaves_pipes_unread(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name in (str(tmp_path / "pipe"), str(tmp_path / "p*"), "-"):
        with pytest.raises(SourceRefused, match="cannot be estimated"):
            estimate(Request((name,), tmp_path / "lake"), Told())
    assert not (tmp_path / "lake").exists()


def test_a_dry_run_counts_the_rows_of_a_parquet_file(tmp_path: Path) -> None:
    pl.DataFrame({"time": [START] * 7, "account_id": ["acme"] * 7}).write_parquet(tmp_path / "log.parquet")
    told = estimate(Request((str(tmp_path / "log.parquet"),), tmp_path / "lake"), Told())
    assert [source.records for source in told.sources] == [7]


def test_the_key_shows_in_no_text_of_a_job(tmp_path: Path) -> None:
    text = repr(IngestJob(str(tmp_path), "ingest-00000001", "{}", KEY))
    assert KEY.secret.hex() not in text
    assert repr(KEY.secret) not in text
