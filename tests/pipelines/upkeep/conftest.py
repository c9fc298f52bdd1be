"""A lake that grew by appends, so that it has many small files, and what is read from it."""

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from pipelines.backfill import backfill
from pipelines.cli.progress import Progress
from pipelines.lake.lake import Lake
from pipelines.request import Request, Summary
from schemas.catalogue import TABLES
from schemas.policy import Policy, Retention

START = datetime(2026, 3, 2, tzinfo=UTC)
EVENTS = 1_400  # 2.9 days, three minutes apart
SPARING = Policy(retention=Retention(events_days=1, traits_days=1, results_days=1, versions_days=1))
"""Keeps so little that two days suffice to see it; a policy file may not ask for it."""

Append = Callable[..., Summary]


def line(number: int) -> str:
    """One call of the log; account 1 sweeps the vocabulary and is flagged for it."""
    account, moment = number % 4, START + timedelta(minutes=3 * number)
    call = {
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
    }
    return json.dumps(call) + "\n"


def write(place: Path, until: int, since: int = 0, name: str = "log.jsonl") -> None:
    """Makes the log hold the calls up to number `until`."""
    (place / name).write_text("".join(line(n) for n in range(since, until)))


def append(place: Path, until: int, since: int = 0, policy: Policy | None = None, name: str = "log.jsonl") -> Summary:
    """Makes the log hold the calls up to number `until` and backfills it, or several by a glob that are there already."""
    if "*" not in name:
        write(place, until, since, name)
    if not (place / "key").exists():
        (place / "key").write_text("0f" * 32)
        (place / "key").chmod(0o600)
    request = Request((str(place / name),), place / "lake", key_file=place / "key", groups=2)
    if policy is not None:
        request = Request((str(place / name),), place / "lake", key_file=place / "key", groups=2, policy=policy)
    return backfill(request, Progress(quiet=True))


@pytest.fixture(scope="session")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `log.jsonl`, `key`, and the `lake` that read it in four steps; its last hours are still open."""
    folder = tmp_path_factory.mktemp("grown")
    for until in (300, 700, 1_000, EVENTS):
        append(folder, until)
    assert not Lake.open(folder / "lake").read("findings").is_empty()
    return folder


@pytest.fixture
def place(grown: Path, tmp_path: Path) -> Path:
    """A copy of that folder."""
    return shutil.copytree(grown, tmp_path / "place")


@pytest.fixture
def lake(place: Path) -> Lake:
    """The lake in it."""
    return Lake.open(place / "lake")


def rows(lake: Lake) -> dict[str, pl.DataFrame]:
    """All rows of all tables but `runs`, as readers see them."""
    return {name: lake.read(name) for name in TABLES if name != "runs"}


def differing(one: dict[str, pl.DataFrame], other: dict[str, pl.DataFrame]) -> list[str]:
    """Tables that are not the same to the last bit."""
    return [name for name, frame in one.items() if not _bits(frame).equals(_bits(other[name]))]


def _bits(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with floats as the integers that have their bits."""
    return frame.with_columns(pl.col(pl.Float64).reinterpret(dtype=pl.Int64))


def file_count(lake: Lake) -> dict[str, int]:
    """Data files by table."""
    versions = lake.versions()
    return {name: len(lake.files(name, versions[name])) for name in TABLES}
