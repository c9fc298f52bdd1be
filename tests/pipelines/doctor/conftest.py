"""A real lake of two days, to be copied and broken."""

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipelines.backfill import backfill
from pipelines.cli.progress import Progress
from pipelines.lake.commit import Committer, Outcome, Write
from pipelines.lake.lake import Lake
from pipelines.lake.lease import Lease
from pipelines.lake.plan import Plan, next_sequence, write_plan
from pipelines.lake.state import States
from pipelines.request import Request
from schemas.policy import Policy

START = datetime(2026, 3, 2, tzinfo=UTC)
EVENTS = 1_100
Run = Callable[..., Plan]


def record(number: int) -> dict[str, object]:
    """One call; account 1 sweeps the vocabulary and is flagged for it."""
    account, moment = number % 4, START + timedelta(seconds=number * 150)
    return {
        "event_id": f"call-{number}",
        "time": moment.isoformat(),
        "account_id": f"acct-{account}",
        "operation": "chat",
        "http_status": 200,
        "input_tokens": 300,
        "output_tokens": 30,
        "logit_bias_tokens": [number * 5 + k for k in range(5)] if account == 1 else [],
        "max_tokens": 1 if account == 1 else 500,
        "prompt": f"question {number} of my list",
        "source_ip": f"10.0.{account}.{number % 9}",
        "user_agent": f"agent-{account}",
    }


@pytest.fixture(scope="session")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `log.jsonl`, `key`, and the `lake` made of it: two days, the second one still open."""
    folder = tmp_path_factory.mktemp("healthy")
    (folder / "log.jsonl").write_text("".join(json.dumps(record(n)) + "\n" for n in range(EVENTS)) + "{broken\n")
    (folder / "key").write_text("0f" * 32)
    (folder / "key").chmod(0o600)
    request = Request((str(folder / "log.jsonl"),), folder / "lake", key_file=folder / "key", groups=2)
    backfill(request, Progress(quiet=True))
    assert not Lake.open(folder / "lake").read("findings").is_empty()
    return folder


@pytest.fixture
def place(healthy: Path, tmp_path: Path) -> Path:
    """A copy of that folder."""
    shutil.copytree(healthy, tmp_path / "place")
    return tmp_path / "place"


@pytest.fixture
def lake(place: Path) -> Lake:
    """The lake in it."""
    return Lake.open(place / "lake")


@pytest.fixture
def run(lake: Lake) -> Run:
    """Commits one more run with these writes and counts of sources; states stay as they are."""

    def commit(pipeline: str = "ingest", sources: tuple[dict[str, Any], ...] = (), **writes: Write) -> Plan:
        last = lake.last_run()
        assert last is not None
        with Lease.acquire(lake.root, "test") as lease:
            plan = Plan(next_sequence(lake), pipeline, START, Policy().to_json(), {})
            write_plan(lake, lease, plan)
            manifest = States(lake.root).read_manifest(last["run_id"])
            Committer(lake, lease).commit(plan, writes, Outcome(0, 0, 0, "x", sources=sources), manifest)
        return plan

    return commit


def counts(source: str = "s", refused: str | None = None, **given: int) -> dict[str, Any]:
    """Counts of one source, as `runs` holds them."""
    names = ("records", "appended", "ignored", "rejects", "accepted", "duplicates", "too_late")
    zeros = dict.fromkeys(names, 0)
    return {"source": source, "name": f"{source}.jsonl", "format": None, **zeros, **given, "refused_because": refused}
