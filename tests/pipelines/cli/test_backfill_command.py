"""The shell of `backfill`: what it asks for, what it shows, how it ends; the work itself is tested elsewhere."""

import dataclasses
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pipelines.cli.main import main
from pipelines.cli.progress import Progress
from pipelines.request import Estimate, Request, SourceCounts, SourceEstimate, Summary

DAY = datetime(2026, 3, 2, tzinfo=UTC)
COUNTS = SourceCounts("calls.jsonl", "litellm", 1200, 1190, 0, 10, 1150, 30, 5)
SUMMARY = Summary(
    sources=(COUNTS, SourceCounts("odd.bin", None, refused_because="no adapter is sure")),
    waiting=5,
    closed_until=DAY,
    days=2,
    accounts=40,
    account_days=75,
    flagged={"act": 1, "review": 2},
    newly_flagged={"act": 1, "review": 1},
    quarantined=(),
    scored_alike=440,
    least_alike={"review": 999, "act": 9999},
    seconds=2.0,
)


class Backfill:
    """Stands in for the work: keeps what it was asked for, gives what it is told to give."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.summary = SUMMARY

    def backfill(self, request: Request, progress: Progress) -> Summary:
        progress.begin("reading")
        self.requests.append(request)
        return self.summary

    def estimate(self, request: Request, progress: Progress) -> Estimate:
        self.requests.append(request)
        return Estimate((SourceEstimate("calls.jsonl", "litellm", 2_500_000, 1000, "first lines"),), 0.3, 100_000)


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Backfill:
    work, module = Backfill(), ModuleType("pipelines.backfill")
    vars(module).update(backfill=work.backfill, estimate=work.estimate)
    monkeypatch.setitem(sys.modules, "pipelines.backfill", module)
    return work


@pytest.fixture
def stillwatch(capsys: pytest.CaptureFixture[str]) -> Any:
    def run(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as left:
            main(["backfill", *arguments])
        written = capsys.readouterr()
        return int(left.value.code or 0), written.out, written.err

    return run


def test_every_option_reaches_the_request(work: Backfill, stillwatch: Any, tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text("[time]\ntick_minutes = 10\n")
    options = (
        "a.jsonl b/ --lake lake --format litellm --accounts a.csv --complete --since 2026-03-01 --until 2026-03-03 "
        f"--runner dask --scheduler tcp://h:1 --groups 8 --key-file k --policy {policy} -- --dask_scheduler=x --n"
    )
    assert stillwatch(*options.split())[0] == 0
    (request,) = work.requests
    assert request.policy.time.tick_minutes == 10
    assert dataclasses.replace(request, policy=Request((), Path()).policy) == Request(
        sources=("a.jsonl", "b/"),
        lake=Path("lake"),
        input_format="litellm",
        accounts=Path("a.csv"),
        since=datetime(2026, 3, 1, tzinfo=UTC),
        until=datetime(2026, 3, 3, tzinfo=UTC),
        is_complete=True,
        runner="dask",
        beam_options=("--dask_client_address=tcp://h:1", "--dask_scheduler=x", "--n"),
        groups=8,
        key_file=Path("k"),
    )


@pytest.mark.parametrize("options", ["--runner dask", "--scheduler tcp://h:1"])
def test_dask_and_its_scheduler_are_asked_for_together(work: Backfill, stillwatch: Any, options: str) -> None:
    code, _, err = stillwatch("x", "--lake", "lake", *options.split())
    assert code == 2
    assert "--runner dask" in err
    assert "--scheduler tcp://h" in err.lower()
    assert work.requests == []


def test_stdin_is_a_source_and_defaults_are_those_of_the_request(work: Backfill, stillwatch: Any) -> None:
    assert stillwatch("-", "--lake", "lake")[0] == 0
    assert work.requests == [Request(("-",), Path("lake"))]


def test_the_summary_counts_every_record_and_says_what_was_found(work: Backfill, stillwatch: Any) -> None:
    code, out, err = stillwatch("x", "--lake", "lake")
    assert code == 0
    assert out.splitlines() == [
        "source       format   records  appended  ignored  rejects  accepted  duplicates  too late  refused because",
        "calls.jsonl  litellm    1,200     1,190        0       10     1,150          30         5",
        "odd.bin                     0         0        0        0         0           0         0  no adapter is sure",
        "total                   1,200     1,190        0       10     1,150          30         5",
        "",
        "40 accounts, 2 days, closed until 2026-03-02T00:00:00Z; 5 events wait",
        "flagged: 1 act, 2 review; 2 of them by this backfill, which closed 75 days of 40 accounts",
        "rates by models: none yet: 440 account-days scored alike, review takes 999; rules, shapes and campaigns flag without them",
        "took 2.0 s, 595 events/s",
    ]
    assert err.startswith("reading: ")


def test_many_sources_are_shown_only_where_something_is_wrong(work: Backfill, stillwatch: Any) -> None:
    clean = dataclasses.replace(COUNTS, rejects=0, too_late=0)
    work.summary = dataclasses.replace(SUMMARY, sources=(*[clean] * 40, COUNTS))
    out = stillwatch("x", "--lake", "lake")[1]
    assert out.count("calls.jsonl") == 1
    assert "40 sources without rejects are not shown" in out


def test_the_summary_is_also_data(work: Backfill, stillwatch: Any) -> None:
    told = json.loads(stillwatch("x", "--lake", "lake", "--output-format", "json")[1])
    assert told["sources"][0] == dataclasses.asdict(COUNTS)
    assert told["closed_until"] == "2026-03-02T00:00:00Z"
    rows = stillwatch("x", "--lake", "lake", "--output-format", "csv")[1].splitlines()
    assert rows[1] == "calls.jsonl,litellm,1200,1190,0,10,1150,30,5,"


@pytest.mark.parametrize(
    ("changes", "options", "code"),
    [
        ({}, [], 0),
        ({}, ["--fail-on", "act"], 4),
        ({"flagged": {"review": 2}}, ["--fail-on", "act"], 0),
        ({"flagged": {"review": 2}}, ["--fail-on", "review"], 4),
        ({"flagged": {}}, ["--fail-on", "review"], 0),
        ({"quarantined": (DAY,)}, ["--fail-on", "act"], 3),
        ({"sources": SUMMARY.sources[1:]}, [], 1),
        ({"sources": ()}, [], 0),
    ],
)
def test_the_exit_code_says_how_it_ended(
    work: Backfill, stillwatch: Any, changes: dict[str, Any], options: list[str], code: int
) -> None:
    work.summary = dataclasses.replace(SUMMARY, **changes)
    assert stillwatch("x", "--lake", "lake", *options)[0] == code


def test_a_quarantined_day_is_named(work: Backfill, stillwatch: Any) -> None:
    work.summary = dataclasses.replace(SUMMARY, quarantined=(DAY,), flagged={})
    out = stillwatch("x", "--lake", "lake")[1]
    assert "not learned, because the audit failed: 2026-03-02" in out
    assert "flagged: none" in out


def test_a_dry_run_only_estimates(work: Backfill, stillwatch: Any) -> None:
    code, out, _ = stillwatch("x", "--lake", "lake", "--dry-run")
    assert code == 0
    assert out.splitlines() == [
        "source       format   size    records  why",
        "calls.jsonl  litellm  2.5 MB    1,000  first lines",
        "",
        "about 1,000 records in 2.5 MB; about 0.3 s and 100.0 KB of disk; nothing was written",
    ]


def test_no_source_and_a_broken_policy_end_before_any_work(work: Backfill, stillwatch: Any, tmp_path: Path) -> None:
    assert stillwatch("--lake", "lake")[0] == 2
    broken = tmp_path / "p.toml"
    broken.write_text("[tiem]")
    code, _, err = stillwatch("x", "--lake", "lake", "--policy", str(broken))
    assert (code, err) == (1, f"error: {broken}: unknown key tiem. Fix: write time.\n")
    assert work.requests == []
