"""The commands that judge stillwatch: simulate writes worlds, evaluate holds a lake against their truth."""

import csv
import gzip
import io
import json
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from xml.dom import minidom

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from pipelines.cli.main import main
from schemas.policy import Policy
from schemas.truth import TRUTH
from tiny_lake import CUSTOMER, NOON, QUIET, THIEF, WAITING, make_tiny_lake
from transforms.ingest.accounts_file import read_accounts
from transforms.ingest.key import FingerprintKey
from transforms.simulate import preset, simulate

Ran = tuple[int, str, str]
SMALL = ("--accounts", "8", "--lookalikes", "0", "--attackers", "1", "--words", "8", "--quiet")


@pytest.fixture
def stillwatch(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """Runs a command: exit code, stdout, stderr."""

    def run(*arguments: str) -> Ran:
        with pytest.raises(SystemExit) as left:
            main(arguments)
        written = capsys.readouterr()
        return int(left.value.code or 0), written.out, written.err

    return run


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_a_world_on_disk_is_logs_by_day_accounts_and_truth(stillwatch: Any, tmp_path: Path) -> None:
    code, out, err = stillwatch("simulate", "--out", str(tmp_path), "--days", "2", "--start", "2026-05-01", *SMALL)
    assert (code, err) == (0, "")
    assert set(files(tmp_path)) == {
        "accounts.csv",
        "logs/2026-05-01.jsonl",
        "logs/2026-05-02.jsonl",
        "truth.parquet",
        "attacks.parquet",
    }
    lines = sum(len(content.splitlines()) for name, content in files(tmp_path).items() if name.startswith("logs/"))
    truth = pl.read_parquet(tmp_path / "truth.parquet")
    assert out == f"{lines:,} calls of {truth.height:,} accounts in {tmp_path / 'logs'}\n"
    assert truth["calls"].sum() == lines


def test_equal_seeds_write_equal_bytes_compressed_or_not(stillwatch: Any, tmp_path: Path) -> None:
    for name in ("one", "two"):
        stillwatch("simulate", "--out", str(tmp_path / name), "--seed", "3", "--gzip", *SMALL)
    stillwatch("simulate", "--out", str(tmp_path / "plain"), "--seed", "3", *SMALL)
    assert files(tmp_path / "one") == files(tmp_path / "two")
    packed, plain = (
        files(tmp_path / "one")["logs/2026-03-02.jsonl.gz"],
        files(tmp_path / "plain")["logs/2026-03-02.jsonl"],
    )
    assert gzip.decompress(packed) == plain


def test_the_accounts_file_is_one_that_backfill_reads(stillwatch: Any, tmp_path: Path) -> None:
    stillwatch("simulate", "--out", str(tmp_path), *SMALL)
    registry = simulate(preset("small", accounts=8, lookalikes=0, words=8)).registry
    content = (tmp_path / "accounts.csv").read_bytes()
    read = read_accounts(content, "accounts.csv", FingerprintKey(bytes(32)), Policy())
    assert_frame_equal(read.frame.sort("account_id"), registry.drop("holds_from"), check_column_order=False)


def test_a_world_of_canonical_logs_without_text_has_no_text_fields(stillwatch: Any, tmp_path: Path) -> None:
    stillwatch("simulate", "--out", str(tmp_path), "--format", "canonical", *SMALL[:-3], "--words", "0", "--quiet")
    first = json.loads(files(tmp_path)["logs/2026-03-02.jsonl"].splitlines()[0])
    assert "prompt" not in first
    assert first["operation"] in ("chat", "completion", "embedding", "download")


def test_an_unknown_preset_is_refused_with_the_known_ones(stillwatch: Any, tmp_path: Path) -> None:
    code, _, err = stillwatch("simulate", "--preset", "huge", "--out", str(tmp_path))
    assert (code, err.count("use one of demo, small")) == (1, 1)


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """Arguments that name the tiny lake and a world of its accounts: one thief, three honest ones."""
    root = tmp_path_factory.mktemp("judged")
    make_tiny_lake(root / "lake")
    rows = [
        {"account_id": THIEF, "label": "extraction", "archetype": "T-BULK", "attack_start": NOON - timedelta(hours=4)},
        *({"account_id": name, "label": "benign", "archetype": "benign"} for name in (CUSTOMER, QUIET)),
        {"account_id": WAITING, "label": "benign", "archetype": "B-ETL"},
    ]
    counts = {"calls": pl.lit(10), "attack_calls": pl.lit(10)}
    truth = TRUTH.conform(pl.DataFrame(rows, infer_schema_length=None).with_columns(**counts))
    (root / "world").mkdir()
    truth.write_parquet(root / "world" / "truth.parquet")
    return ("--lake", str(root / "lake"), "--world", str(root / "world"))


def test_json_tells_rates_scores_thieves_and_others(stillwatch: Any, judged: tuple[str, ...]) -> None:
    code, out, _ = stillwatch("evaluate", *judged, "--format", "json")
    told = json.loads(out)
    assert code == 0
    assert told["rates"]["act: thieves acting alone found"]["hits"] == 1
    assert told["rates"]["review: benign account-days flagged"] == {
        "hits": 0,
        "trials": 2,
        "value": 0.0,
        "interval": [0.0, pytest.approx(0.6576, abs=1e-4)],
    }
    assert told["scores"][0] == {"measure": "average precision", "value": 1.0, "low": 1.0, "high": 1.0}
    assert (told["thieves"][0]["archetype"], told["thieves"][0]["hours_median"]) == (
        "T-BULK",
        pytest.approx(4.1667, abs=1e-3),
    )
    assert {row["archetype"] for row in told["others"]} == {"benign", "B-ETL"}


def test_json_tells_of_campaigns_and_what_they_were(stillwatch: Any, judged: tuple[str, ...]) -> None:
    told = json.loads(stillwatch("evaluate", *judged, "--format", "json")[1])["campaigns"]
    assert (told["flagged"], told["false"], told["recall"]["trials"]) == (1, 1, 0)
    assert told["false_per_account_week_upper"] > told["false_per_account_week"] > 0
    assert told["matches"][0]["accounts"] == 2


def test_json_tells_what_the_lake_costs(stillwatch: Any, judged: tuple[str, ...]) -> None:
    cost = json.loads(stillwatch("evaluate", *judged, "--format", "json")[1])["cost"]
    stored = sum(path.stat().st_size for path in (Path(judged[1]) / "events").glob("*.parquet"))
    assert (cost["events"], cost["accounts"], cost["tables"]["events"]) == (3, 3, stored)
    assert cost["bytes_per_event"] == sum(cost["tables"].values()) / 3


def test_a_world_without_attacks_counts_all_calls_of_thieves(stillwatch: Any, judged: tuple[str, ...]) -> None:
    assert json.loads(stillwatch("evaluate", *judged, "--format", "json")[1])["world"]["attacks_known"] is False


def test_the_page_needs_nothing_but_itself(stillwatch: Any, judged: tuple[str, ...], tmp_path: Path) -> None:
    code, _, err = stillwatch("evaluate", *judged, "--page", str(tmp_path / "page.html"))
    written = (tmp_path / "page.html").read_text()
    assert (code, "page.html" in err, "<script" in written) == (0, True, False)
    assert set(re.findall(r"https?://[^\s\"']+", written)) <= {"http://www.w3.org/2000/svg"}
    assert "T-BULK" in written
    for svg in re.findall(r"<svg.*?</svg>", written, re.DOTALL):
        minidom.parseString(svg)


def test_baselines_stand_beside_the_scores_with_thresholds_of_another_world(
    stillwatch: Any, judged: tuple[str, ...]
) -> None:
    _, lake, _, world = judged
    told = json.loads(stillwatch("evaluate", *judged, "--calibrate", lake, world, "--format", "json")[1])["baselines"]
    assert len(told["rows"]) == 8
    assert told["rows"][0]["method"].startswith("stillwatch")
    assert "another world" in told["said"]


def test_csv_has_a_row_an_account(stillwatch: Any, judged: tuple[str, ...]) -> None:
    rows = list(csv.DictReader(io.StringIO(stillwatch("evaluate", *judged, "--format", "csv")[1])))
    assert {row["account_id"]: row["tier"] for row in rows} == {THIEF: "act", CUSTOMER: "", QUIET: "", WAITING: ""}


def test_the_table_names_the_thieves_before_the_others(stillwatch: Any, judged: tuple[str, ...]) -> None:
    lines = stillwatch("evaluate", *judged)[1].splitlines()
    thieves, others = (
        next(n for n, line in enumerate(lines) if line.startswith(word)) for word in ("thieves  ", "others")
    )
    assert lines[thieves + 1].split()[:4] == ["T-BULK", "1", "1", "100.0%"]
    assert lines[others + 1].split()[:3] == ["benign", "benign", "2"]
    assert thieves < others


def test_a_world_without_truth_is_an_error(stillwatch: Any, judged: tuple[str, ...], tmp_path: Path) -> None:
    code, _, err = stillwatch("evaluate", *judged[:2], "--world", str(tmp_path))
    assert (code, "truth.parquet" in err) == (1, True)


def test_the_page_draws_the_grid(stillwatch: Any, judged: tuple[str, ...], tmp_path: Path) -> None:
    counts = dict.fromkeys(("calls", "campaigns", "heads", "alone", "honest_days"), 10)
    counts |= {f"{name}_found": 5 for name in ("campaigns", "heads", "alone")}
    counts |= {"campaigns_false": 0, "honest_days_flagged": 0, "taken_median": 7.0, "processor": 1.0}
    rows = [{"axis": "paraphrase", "value": v, "variant": "everything", "seed": 1, **counts} for v in (0.0, 0.2, 0.8)]
    (tmp_path / "grid.json").write_text(json.dumps(rows))
    page = tmp_path / "page.html"
    assert stillwatch("evaluate", *judged, "--grid", str(tmp_path / "grid.json"), "--page", str(page))[0] == 0
    assert "Found, by paraphrase" in page.read_text()
