"""Whatever the commands did to a lake, they leave it healthy."""

import json
import random
from pathlib import Path

import pytest

from given_lakes import record, run_backfill
from pipelines.cli.progress import Progress
from pipelines.doctor import Case, examine
from pipelines.lake.lake import Lake
from pipelines.rebuild import RebuildRequest, rebuild
from pipelines.replay import ReplayRequest, replay
from pipelines.upkeep import upkeep
from schemas.policy import Policy

from .conftest import START

SHORT, LONG = Policy.parse("[ingest]\nrecord_bytes = 700\n"), Policy.parse("[ingest]\nrecord_bytes = 7000\n")


@pytest.mark.slow
def test_a_lake_is_healthy_after_late_events_a_replay_a_rebuild_and_an_upkeep(tmp_path: Path) -> None:
    rng, lines = random.Random(5), []
    for number in range(1_200):  # a day and a quarter
        row = record(number, rng)
        if number % 10 == 3:
            row["prompt"] = "please " * 100
        lines.append(json.dumps(row) + "\n")
    root = tmp_path / "lake"

    def symptoms() -> list[str]:
        return [f"{check}: {symptom.mend}" for check, symptom in examine(Case(root)).symptoms]

    (tmp_path / "a.jsonl").write_text("".join(lines[:500] + lines[540:]))
    run_backfill(root, [tmp_path / "a.jsonl"], SHORT, complete=False)
    assert symptoms() == []
    (tmp_path / "late.jsonl").write_text("".join(lines[500:540]))
    run_backfill(root, [tmp_path / "late.jsonl"], SHORT, complete=False)
    assert Lake.open(root).read("too_late").height == 36
    upkeep(root)
    assert symptoms() == []
    replay(ReplayRequest(root, policy=LONG, key_file=tmp_path / "key"), Progress(quiet=True))
    assert Lake.open(root).read("rejects").is_empty()
    (told,) = symptoms()
    assert told.startswith("clocks"), "what was replayed is late until a rebuild takes it in"
    assert "stillwatch rebuild" in told
    rebuild(RebuildRequest(root, START, LONG), Progress(quiet=True))
    assert Lake.open(root).read("too_late").is_empty()
    assert symptoms() == []
    upkeep(root)
    assert symptoms() == []
