"""Runs follow one another as they depend on each other, whatever is taken in between them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from polars.testing import assert_frame_equal

from pipelines.cli.progress import Progress
from pipelines.request import Request
from pipelines.rounds import Rounds, begun

START = datetime(2026, 3, 2, 22, tzinfo=UTC)
MIDNIGHT = datetime(2026, 3, 3, tzinfo=UTC)


def line(number: int, prefix: str = "call") -> bytes:
    record = {
        "event_id": f"{prefix}-{number}",
        "time": (START + timedelta(seconds=number * 60)).isoformat(),
        "account_id": f"acct-{number % 3}",
        "operation": "chat",
        "input_tokens": 300,
        "output_tokens": 40 + number % 7,
        "latency_ms": 1000,
    }
    return json.dumps(record).encode() + b"\n"


@contextmanager
def closed_to_midnight(folder: Path) -> Iterator[tuple[Rounds, Path]]:
    folder.mkdir()
    log, key = folder / "app.log", folder / "key"
    log.write_bytes(b"".join(line(number) for number in range(150)))
    key.write_text("0f" * 32)
    key.chmod(0o600)
    with begun(
        Request((str(log),), folder / "lake", key_file=key, groups=2), "backfill", Progress(quiet=True)
    ) as rounds:
        rounds.ingest()
        assert rounds.close_next(MIDNIGHT) == MIDNIGHT
        yield rounds, log


def pipelines(rounds: Rounds) -> list[str]:
    return rounds.lake.read("runs").sort("sequence")["pipeline"].to_list()


def test_a_day_is_learned_by_a_turn_of_its_own_so_that_records_can_be_taken_in_before_it(tmp_path: Path) -> None:
    with closed_to_midnight(tmp_path / "one") as (rounds, log):
        with log.open("ab") as more:
            more.write(line(150))
        rounds.ingest()
        assert rounds.close_next(MIDNIGHT + timedelta(minutes=5)) == MIDNIGHT
        assert pipelines(rounds) == ["ingest", "detect", "ingest", "learn"]
        assert rounds.close_next(MIDNIGHT + timedelta(minutes=5)) == MIDNIGHT + timedelta(minutes=5)
        assert pipelines(rounds)[-1] == "detect"
        assert rounds.close_next(MIDNIGHT + timedelta(minutes=5)) is None


def test_the_last_day_is_learned_though_no_tick_of_the_next_is_to_be_closed(tmp_path: Path) -> None:
    with closed_to_midnight(tmp_path / "one") as (rounds, _):
        rounds.close(MIDNIGHT)
        assert pipelines(rounds) == ["ingest", "detect", "learn"]


@pytest.mark.parametrize("table", ["quality", "models"])
def test_what_comes_for_a_closed_day_before_it_is_learned_is_late_and_changes_nothing_of_it(
    table: str, tmp_path: Path
) -> None:
    found = []
    for name, is_late in (("late", True), ("clean", False)):
        with closed_to_midnight(tmp_path / name) as (rounds, log):
            if is_late:
                with log.open("ab") as more:
                    more.writelines(line(number, "late") for number in range(60))
                rounds.ingest()
            rounds.close_next(MIDNIGHT)
            assert pipelines(rounds)[-1] == "learn"
            found.append(rounds.lake.read(table))
    assert not found[0].is_empty()
    assert_frame_equal(*found)
