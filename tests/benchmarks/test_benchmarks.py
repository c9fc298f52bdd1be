"""The benchmark itself: its contestants do the same work, its clock loses nothing, its page shows what was measured."""

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import growth, kernels, logs, page, peers, plot
from benchmarks.contest import Bench
from benchmarks.goals import NOT_MEASURED, goals
from benchmarks.measure import Cost, Failed, cost_of, module, ratios, told
from benchmarks.stages import EVENTS, REST, STAGES, START

HERE = Path(__file__).parent
SMALL = logs.Shape(records=1_500, accounts=12, days=2)
EVERY_STAGE = {stage for stage, _, _ in STAGES} | {EVENTS, START, REST}
Days = dict[tuple[str, str], int]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("bench"), repeats=1)


@pytest.fixture(scope="module")
def log(bench: Bench) -> Path:
    path = bench.folder / "canonical.jsonl"
    logs.write_log(path, "canonical", SMALL)
    return path


@pytest.fixture(scope="module")
def staged(bench: Bench, log: Path) -> dict[str, Any]:
    """One backfill with the clock of stages around it; its lake stays for the others."""
    return dict(told(module("stages", log, bench.new_lake(), bench.key()), bench.folder))


def days(path: Path) -> Days:
    with path.open(newline="") as rows:
        return {(row["account_id"], row["day"]): int(row["calls"]) for row in csv.DictReader(rows)}


@pytest.fixture(scope="module")
def counted(bench: Bench, staged: dict[str, Any]) -> Days:
    bench.facts(bench.folder / "days.csv")
    return days(bench.folder / "days.csv")


def test_stillwatch_counts_every_call_of_the_log(counted: Days) -> None:
    assert sum(counted.values()) == SMALL.records


@pytest.mark.parametrize("kind", ["canonical", "canonical_few"])
def test_the_polars_script_counts_the_same_calls(bench: Bench, log: Path, counted: Days, kind: str) -> None:
    target = bench.folder / "polars.csv"
    cost_of([sys.executable, str(HERE / "plain_polars.py"), kind, str(log), str(target)], bench.folder)
    assert days(target) == counted


def test_the_beam_pipeline_counts_the_same_calls(bench: Bench, log: Path, counted: Days) -> None:
    target = bench.folder / "beam.csv"
    cost_of([sys.executable, str(HERE / "plain_beam.py"), str(log), str(target)], bench.folder)
    assert days(target) == counted


@pytest.mark.parametrize("kind", ["canonical", "canonical_few"])
def test_duckdb_counts_the_same_calls(bench: Bench, log: Path, counted: Days, kind: str) -> None:
    if not peers.is_there():
        pytest.skip("DuckDB is installed by `make bench` only")
    target = bench.folder / "duckdb.csv"
    cost_of([str(peers.python()), str(HERE / "plain_duckdb.py"), kind, str(log), str(target)], bench.folder)
    assert days(target) == counted


def test_stages_add_up_to_the_whole_process(staged: dict[str, Any]) -> None:
    assert sum(staged["seconds"].values()) == pytest.approx(staged["whole"], rel=0.01)


def test_every_function_of_a_stage_is_called(staged: dict[str, Any]) -> None:
    # A stage that takes no time names a function that a backfill does not call any more.
    assert {stage for stage, seconds in staged["seconds"].items() if seconds > 0} == EVERY_STAGE


@pytest.mark.parametrize("kind", logs.KINDS)
def test_a_log_has_exactly_the_records_and_accounts_asked_for(tmp_path: Path, kind: str) -> None:
    logs.write_log(tmp_path / "log", kind, SMALL)
    records = [json.loads(line) for line in (tmp_path / "log").read_bytes().splitlines()]
    names = {record.get("account_id") or record["metadata"]["user_api_key_team_id"] for record in records}
    assert (len(records), len(names)) == (SMALL.records, SMALL.accounts)


def test_the_same_shape_gives_the_same_bytes(tmp_path: Path, log: Path) -> None:
    logs.write_log(tmp_path / "again", "canonical", SMALL)
    assert (tmp_path / "again").read_bytes() == log.read_bytes()


@pytest.mark.parametrize("kind", ["canonical", "litellm"])
def test_exactly_the_damaged_lines_are_refused(tmp_path: Path, kind: str) -> None:
    logs.write_log(tmp_path / "whole", kind, SMALL)
    lines = logs.damage(tmp_path / "whole", tmp_path / "broken", every=100)
    assert len(lines) == SMALL.records // 100
    assert kernels.rejected_lines(tmp_path / "broken", kind) == lines


def test_decoding_and_polars_read_the_same_payloads(tmp_path: Path) -> None:
    logs.write_log(tmp_path / "log", "litellm_real", logs.Shape(200, 10))
    measured = kernels.decoding(tmp_path / "log", "litellm", 1, against_polars=True)
    assert measured["records"] == 200
    assert all(measured[name]["median"] > 0 for name in ("decode", "with_fingerprints", "polars"))


def test_fingerprints_are_timed_at_both_lengths() -> None:
    assert all(each["median"] > 0 for each in kernels.fingerprints(100, 1).values())


def test_the_fit_finds_what_records_account_hours_and_days_cost() -> None:
    sizes = [(1e6, 3e5, 1), (2e6, 1e5, 1), (4e6, 2e6, 4), (2e6, 4e5, 9), (8e6, 3e6, 2)]
    made = [
        {"records": r, "account_hours": h, "days": d, "processor": 3 + 5e-6 * r + 2e-5 * h + 2 * d} for r, h, d in sizes
    ]
    found = growth.fit(made)
    assert found["start_seconds"] == pytest.approx(3)
    assert found["microseconds_a_record"] == pytest.approx(5)
    assert found["microseconds_an_account_hour"] == pytest.approx(20)
    assert found["seconds_a_day"] == pytest.approx(2)
    assert found["largest_error"] == pytest.approx(0, abs=1e-6)


def test_a_failing_command_is_told_with_what_it_said_last(tmp_path: Path) -> None:
    with pytest.raises(Failed, match="ended with 3: no such log"):
        cost_of([sys.executable, "-c", "import sys; print('no such log'); sys.exit(3)"], tmp_path)


def test_a_child_is_charged_with_its_own_children(tmp_path: Path) -> None:
    burn = "import time\nwhile time.process_time() < 0.3: pass"
    outer = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {burn!r}], check=True)"
    assert cost_of([sys.executable, "-c", outer], tmp_path).processor >= 0.3


def test_a_slow_minute_that_hits_both_leaves_their_ratio() -> None:
    ours = [Cost(wall=4, processor=2, megabytes=1), Cost(wall=40, processor=20, megabytes=1)]
    theirs = [Cost(wall=1, processor=1, megabytes=1), Cost(wall=10, processor=10, megabytes=1)]
    assert ratios(ours, theirs) == {"processor": 0.5, "wall": 0.25}


def test_a_goal_that_was_not_measured_is_not_called_met() -> None:
    assert {(goal.measured, goal.verdict) for goal in goals({})} == {(NOT_MEASURED, "")}


def test_the_fit_leaves_out_a_term_that_never_varies() -> None:
    sizes = [(1e6, 3e5), (2e6, 1e5), (4e6, 2e6), (2e6, 4e5)]
    made = [{"records": r, "account_hours": h, "days": 1, "processor": 5 + 5e-6 * r + 2e-5 * h} for r, h in sizes]
    found = growth.fit(made)
    assert (found["start_seconds"] + found["seconds_a_day"], found["seconds_a_day"]) == pytest.approx((5, 0))
    assert found["microseconds_a_record"] == pytest.approx(5)


def test_no_term_of_the_fit_saves_time() -> None:
    sizes = [(1e6, 1e5, 1), (2e6, 1e5, 1), (8e6, 1e5, 1), (2e6, 4e6, 9), (2e6, 2e6, 4)]
    made = [
        {"records": r, "account_hours": h, "days": d, "processor": 5e-6 * r + 2e-5 * h + 2 * d - 4} for r, h, d in sizes
    ]
    assert min(growth.fit(made).values()) >= 0


@pytest.mark.parametrize(("error", "verdict"), [(0.1, "named"), (0.2, "**no**")])
def test_growth_is_named_only_where_its_terms_explain_it(error: float, verdict: str) -> None:
    points = [{"dimension": "days", "microseconds": each} for each in (10.0, 30.0)]
    results = {"growth": {"scale": 1, "measured": {"points": points, "fit": {"largest_error": error}}}}
    (days,) = [goal for goal in goals(results) if "days grow" in goal.what]
    assert (days.measured, days.verdict) == ("10.0 to 30.0 us, +200% from least to most days", verdict)


@pytest.mark.parametrize(("scale", "verdict"), [(1, "yes"), (0.5, "yes (not at the usual sizes)")])
def test_a_goal_says_when_its_own_part_had_other_sizes(scale: float, verdict: str) -> None:
    prints = {"200": {"median": 3.0}, "2000": {"median": 9.0}}
    other = {"scale": 0.1, "measured": {}}
    found = goals({"kernels": {"scale": scale, "measured": {"fingerprints": prints}}, "contest": other})
    assert [goal.verdict for goal in found if goal.what.startswith("fingerprints")] == [verdict, verdict]


def test_a_figure_is_well_formed(tmp_path: Path) -> None:
    from xml.etree import ElementTree

    drawn = plot.panels([("a < b", "records", [(1e6, 5.0), (2e6, 4.0)]), ("one", "days", [(1, 0.0)])])
    assert ElementTree.fromstring(drawn).tag.endswith("svg")
    assert ElementTree.fromstring(plot.bars("by stage", [("decode", 2.0)], "us")).tag.endswith("svg")


def test_the_page_shows_the_published_results(checkout: Path) -> None:
    results = json.loads((checkout / "docs" / "performance.json").read_text())
    assert (checkout / "docs" / "performance.md").read_text() == page.markdown(results), "run `make bench-page`"
    for name, drawn in page.figures(results).items():
        assert (checkout / "docs" / "figures" / name).read_text() == drawn, "run `make bench-page`"


@pytest.mark.soak
def test_every_part_runs_and_is_shown(tmp_path: Path) -> None:
    folder, results = tmp_path / "folder", tmp_path / "results.json"
    sizes = ["--scale", "0.0005", "--repeats", "1", "--most", "1000000", "--no-peers"]
    command = [*module("__main__", *sizes), "--folder", str(folder), "--results", str(results)]
    cost_of(command, tmp_path)
    text = page.markdown(json.loads(results.read_text()))
    assert set(json.loads(results.read_text())) == {
        "contest",
        "stages",
        "kernels",
        "damage",
        "growth",
        "latency",
        "links",
    }
    assert "{" not in text


def test_an_unknown_part_is_refused(tmp_path: Path) -> None:
    done = subprocess.run(
        module("__main__", "speed"), check=False, capture_output=True, text=True, env={"PYTHONPATH": str(HERE.parent)}
    )
    assert done.returncode == 2
    assert "no part speed; the parts are contest, stages" in done.stderr
