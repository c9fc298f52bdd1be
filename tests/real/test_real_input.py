"""Real input: traces, prompts and a web log that exist, as logs, backfilled by the command; the benign flag nothing."""

import json
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

import real_worlds as worlds
from real_logs import Call, write_canonical, write_litellm
from warm import warm


@dataclass(frozen=True)
class Backfilled:
    """A lake, and what was put into it."""

    lake: Path
    records: int
    accounts: int
    thieves: tuple[str, ...] = ()
    damaged_lines: tuple[int, ...] = ()

    def query(self, sql: str) -> list[dict[str, Any]]:
        """The rows of a statement, through the command."""
        rows = json.loads(_stillwatch("query", sql, "--lake", str(self.lake), "--format", "json"))
        assert isinstance(rows, list)
        return rows


def _stillwatch(*arguments: str) -> str:
    done = subprocess.run([warm(), *arguments], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout


def _backfill(folder: Path, *files: Path) -> Path:
    key = folder / "key"
    key.write_text(bytes(range(32)).hex())
    key.chmod(0o600)
    lake = folder / "lake"
    _stillwatch("backfill", *map(str, files), "--lake", str(lake), "--complete", "--key-file", str(key), "--quiet")
    return lake


def _azure(shared_data: Path, folder: Path) -> Backfilled:
    chats, code = worlds.azure_chats(shared_data), worlds.azure_code(shared_data)
    files = [write_canonical(chats, folder / "chat.jsonl"), write_canonical(code, folder / "code.jsonl")]
    return _backfilled(folder, files, chats + code)


def _azure_and_a_harvester(shared_data: Path, folder: Path) -> Backfilled:
    chats, stolen = worlds.azure_chats(shared_data), worlds.harvest(shared_data)
    files = [write_litellm(chats, folder / "chat.jsonl", a_post=50), write_litellm(stolen, folder / "more.jsonl")]
    return replace(_backfilled(folder, files, chats + stolen), thieves=("harvester",))


def _mooncake(shared_data: Path, folder: Path) -> Backfilled:
    calls = worlds.mooncake_conversations(shared_data)
    return _backfilled(folder, [write_litellm(calls, folder / "posts.jsonl", a_post=100)], calls)


def _evaluations(shared_data: Path, folder: Path) -> Backfilled:
    runs, chats = worlds.evaluation_runs(shared_data), worlds.chats(shared_data)
    files = [write_litellm(runs, folder / "runs.jsonl"), write_canonical(chats, folder / "chats.jsonl")]
    return _backfilled(folder, files, runs + chats)


def _web(shared_data: Path, folder: Path) -> Backfilled:
    log = shared_data / "access_logs" / "apache_combined_2015.log"
    return Backfilled(_backfill(folder, log), 10_000, 0, damaged_lines=(8_899,))  # a line without its last quote


def _backfilled(folder: Path, files: list[Path], calls: list[Call]) -> Backfilled:
    return Backfilled(_backfill(folder, *files), len(calls), len({call.account.account_id for call in calls}))


WORLDS = {
    "azure": _azure,
    "azure-and-a-harvester": _azure_and_a_harvester,
    "mooncake": _mooncake,
    "evaluations": _evaluations,
    "web": _web,
}


_ALSO_WITH_A_THIEF = "azure"


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=pytest.mark.slow) if name == _ALSO_WITH_A_THIEF else name for name in WORLDS],
)
def world(request: pytest.FixtureRequest, shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Backfilled:
    """Each world, backfilled once for all tests."""
    build = WORLDS[request.param]
    return build(shared_data, tmp_path_factory.mktemp(request.param))


def test_thieves_are_flagged_and_nobody_else(world: Backfilled) -> None:
    flagged = world.query("SELECT account_id, reasons FROM flagged_accounts ORDER BY account_id")
    assert [row["account_id"] for row in flagged] == list(world.thieves), flagged


def test_every_record_is_accounted_for(world: Backfilled) -> None:
    runs = world.query("SELECT sources FROM runs")
    total = dict.fromkeys(("records", "appended", "ignored", "rejects", "accepted", "duplicates", "too_late"), 0)
    for source in (source for run in runs for source in run["sources"]):
        assert source["refused_because"] is None
        for name in total:
            total[name] += source[name]
    assert total["records"] == world.records
    assert total["records"] == total["appended"] + total["ignored"] + total["rejects"]
    rejected = world.query("SELECT line FROM rejects ORDER BY line")
    assert [row["line"] for row in rejected] == list(world.damaged_lines)
    assert total["rejects"] == len(world.damaged_lines)
    assert total["appended"] == total["accepted"] + total["duplicates"] + total["too_late"]
    assert total["duplicates"] == 0
    assert world.query("SELECT count(*) AS n FROM events") == [{"n": total["appended"]}]


def test_every_account_has_windows(world: Backfilled) -> None:
    counted = world.query("SELECT count(DISTINCT account_id) AS n FROM account_windows")
    known = world.query("SELECT count(DISTINCT account_id) AS n FROM events")
    assert counted == known
    assert counted[0]["n"] >= world.accounts
