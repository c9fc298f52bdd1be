"""The live scenes themselves: what they feed, and how they read a delay, memory and sessions off what they see."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from benchmarks import feeding, lagging, sessionizing, soaking
from benchmarks.logs import START_MS, TICK_MS, Shape

SHAPE = Shape(3_000, 40, ticks=30, first_tick=100, first_number=500)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> feeding.Written:
    return feeding.write_with_thieves(tmp_path_factory.mktemp("fed") / "log", "canonical", SHAPE)


def test_a_fed_log_lies_in_its_ticks_in_order_with_ids_of_its_own(written: feeding.Written) -> None:
    lines = [json.loads(line) for line in written.path.read_bytes().splitlines()]
    assert len(lines) == len(written.ended) == 3_000 + feeding.THIEF_CALLS * written.thieves
    assert written.thieves == 2
    assert (np.diff(written.ended) >= 0).all()
    assert written.ended[0] >= START_MS + 100 * TICK_MS
    assert written.ended[-1] < START_MS + 130 * TICK_MS
    numbers = sorted(int(line["event_id"].removeprefix("chatcmpl-")) for line in lines if "chat" in line["event_id"])
    assert numbers == list(range(500, 3_500))


def test_a_tick_could_be_passed_when_the_last_partition_had_its_tenth_call_behind_end_and_lateness() -> None:
    ended = np.arange(0, 4 * TICK_MS, TICK_MS // 100) + 1  # a hundred calls a tick, of two partitions by turns
    log = feeding.Written(Path(), ended, 0)
    sent = np.arange(len(ended), dtype=float)
    found = feeding.passable(log, sent, partitions=2, needed=10, lateness_ms=TICK_MS)
    # The calls from 200 on end behind the end of the first tick and the lateness; the twentieth of them is 219.
    assert found == {TICK_MS: 219.0, 2 * TICK_MS: 319.0}


def test_a_tick_whose_passing_was_never_sent_is_not_counted() -> None:
    ended = np.arange(0, 4 * TICK_MS, TICK_MS // 100) + 1
    sent = np.where(np.arange(len(ended)) < 300, 1.0, np.nan)
    found = feeding.passable(feeding.Written(Path(), ended, 0), sent, partitions=2, needed=10, lateness_ms=TICK_MS)
    assert list(found) == [TICK_MS]


def test_the_delay_of_a_tick_is_that_of_the_first_detection_that_closed_it() -> None:
    runs = pl.DataFrame(
        {
            "sequence": [1, 2, 3, 4],
            "pipeline": ["ingest", "detect", "learn", "detect"],
            "closed_until_ms": [None, 200, 400, 400],
            "committed": [1.0, 12.0, 13.0, 25.0],
        }
    )
    assert lagging.delays(runs, {200: 10.0, 100: 9.0, 300: 11.0, 400: 24.0}) == [
        (100, 3.0),
        (200, 2.0),
        (300, 14.0),
        (400, 1.0),
    ]


def test_the_longest_pause_of_intake_lies_between_two_commits_while_records_came() -> None:
    runs = pl.DataFrame(
        {"pipeline": ["ingest", "detect", "ingest", "ingest", "ingest"], "committed": [1.0, 20.0, 21.0, 24.0, 99.0]}
    )
    assert lagging.longest_without(runs, "ingest", 1.0, 30.0) == 20.0


def test_memory_grows_from_the_second_quarter_to_the_last_whatever_the_first_was() -> None:
    assert soaking.quarter_medians([900, 1, 2, 2, 2, 2, 3, 3, 3]) == [450.5, 2, 2, 3]


@pytest.mark.skipif(sys.platform != "linux", reason="memory without page cache is read from /proc")
def test_memory_is_counted_with_that_of_children() -> None:
    program = "import sys; held = bytearray(b'x' * 80_000_000); print(len(held), flush=True); sys.stdin.read()"
    before = soaking.held(os.getpid())
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        with_child = soaking.held(os.getpid())
        child.kill()
    assert 75e6 < with_child - before < 120e6


def test_sessions_are_compared_by_account_and_calls(tmp_path: Path) -> None:
    (tmp_path / "lines").write_text("a,b,3\na,b,3\nc,1\n")
    assert sessionizing.sessions_of_lines(tmp_path / "lines") == {("a,b", 3): 2, ("c", 1): 1}
