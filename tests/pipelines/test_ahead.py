"""Work that is done before the watermark passes a tick's end: taken if nothing came for the tick since, and never seen in a result."""

import json
import random
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from lake_proofs import assert_accounted, assert_equal_lakes
from pipelines.ahead import Ahead
from pipelines.backfill import backfill
from pipelines.cli.progress import Progress
from pipelines.detect_job import events_at
from pipelines.lake.closed import closed_until
from pipelines.lake.lake import Lake
from pipelines.lake.recent import kept_recent
from pipelines.lake.sources import register_of
from pipelines.lake.state import States
from pipelines.lake.watermark import live_watermark_of
from pipelines.request import Request
from pipelines.rounds import Rounds, begun
from pipelines.runners import Engine
from pipelines.upkeep import upkeep
from pipelines.watch import watch
from schemas.policy import Policy, PolicyError, Time, Watch

START = datetime(2026, 3, 2, 23, 20, tzinfo=UTC)
AHEAD = timedelta(minutes=2)


def _line(number: int, seconds: int) -> bytes:
    rng = random.Random(number)
    sweeps = number % 3 == 1
    record = {
        "event_id": f"call-{number}",
        "time": (START + timedelta(seconds=seconds)).isoformat(),
        "account_id": f"acct-{number % 3}",
        "operation": "chat",
        "input_tokens": 300,
        "output_tokens": rng.randrange(30, 900),
        "latency_ms": 1000,
        "logit_bias_tokens": [number * 5 + k for k in range(5)] if sweeps else [],
        "max_tokens": 1 if sweeps else 500,
        "prompt": f"say word {rng.randrange(20)}",
    }
    return json.dumps(record).encode() + b"\n"


LINES = [_line(number, number * 20) for number in range(300)]
"""A hundred minutes over a midnight, fifteen calls a tick."""


FIRST = 40
"""Lines that are taken in before the first turn of `working_ahead`."""


class Live:
    """A log that grows, and a lake that follows it."""

    def __init__(self, folder: Path) -> None:
        self.log, self.lake, self.key = folder / "app.log", folder / "lake", folder / "key"
        self.key.write_text("0f" * 32)
        self.key.chmod(0o600)
        self.log.touch()
        self.request = Request((str(self.log),), self.lake, groups=2, key_file=self.key)

    @contextmanager
    def rounds(self, after: Callable[[str], None] = lambda _: None) -> Iterator[Rounds]:
        with kept_recent(), begun(self.request, "watch", Progress(quiet=True), after) as rounds:
            yield rounds

    def take(self, rounds: Rounds, lines: list[bytes]) -> None:
        """Appends lines and takes them in."""
        with self.log.open("ab") as log:
            log.write(b"".join(lines))
        rounds.ingest()

    def turn(self, rounds: Rounds, lines: list[bytes]) -> bool:
        """Takes lines in, closes what may be closed, and works ahead; whether it did."""
        self.take(rounds, lines)
        mark = self.mark(rounds)
        while mark is not None and rounds.close_next(mark) is not None:
            pass
        soon = self.mark(rounds, AHEAD)
        return soon is not None and rounds.work_ahead(soon)

    def mark(self, rounds: Rounds, ahead: timedelta = timedelta()) -> datetime | None:
        return live_watermark_of(rounds.lake, register_of(rounds.lake), Policy(), {}, ahead)

    def working_ahead(self, rounds: Rounds) -> int:
        """Takes lines until work was done ahead; how many those were."""
        for end in range(FIRST, FIRST + 60, 5):
            if self.turn(rounds, LINES[0 if end == FIRST else end - 5 : end]):
                return end
        raise AssertionError("nothing was done ahead")

    def took(self) -> list[str]:
        """Works that runs have taken, by what the names of their files begin with."""
        names = [entry.path for entry in Lake.open(self.lake).files("traits")]
        return sorted({name.rpartition("-group-")[0] for name in names if name.startswith("ahead-")})

    def lying(self) -> list[Path]:
        """Files of works, whether a run has taken them or not."""
        return sorted(self.lake.glob("*/ahead-*.parquet"))

    def whole(self) -> Path:
        """The lake that a backfill of the log makes."""
        other = self.lake.with_name("other")
        backfill(replace(self.request, lake=other), Progress(quiet=True))
        return other


@pytest.fixture
def live(tmp_path: Path) -> Live:
    return Live(tmp_path)


@pytest.mark.slow
def test_a_log_whose_ticks_are_all_worked_at_ahead_gives_the_lake_that_a_backfill_gives(live: Live) -> None:
    with live.rounds() as rounds:
        worked = [live.turn(rounds, LINES[at : at + 6]) for at in range(0, len(LINES), 6)]
        rounds.show_open()
    assert sum(worked) > 15
    assert len(live.took()) == sum(worked) - 1  # the last is of a tick that is open still
    assert_equal_lakes(live.lake, live.whole())
    assert_accounted(live.lake, len(LINES))


def test_a_tick_that_a_call_came_for_since_is_worked_at_again(live: Live) -> None:
    with live.rounds() as rounds:
        end = live.working_ahead(rounds)
        closed = closed_until(rounds.lake)
        assert closed is not None
        straggler = _line(1000, int((closed - START).total_seconds()) + 30)
        live.turn(rounds, [straggler, *LINES[end : end + 20]])
        rounds.show_open()
    assert live.took() == []
    assert_equal_lakes(live.lake, live.whole())


def test_work_that_was_in_vain_leaves_no_file(live: Live) -> None:
    with live.rounds() as rounds:
        live.working_ahead(rounds)
        assert live.lying()
        closed = closed_until(rounds.lake)
        assert closed is not None
        live.take(rounds, [_line(1000, int((closed - START).total_seconds()) + 30)])
        rounds.close_next(closed + timedelta(minutes=5))
    assert live.lying() == []
    assert not [*live.lake.glob("_stillwatch/state/*/*/ahead-*"), *live.lake.glob("_stillwatch/staging/*")]


def test_a_call_of_a_tick_closed_before_is_counted_as_too_late_and_the_work_is_taken(live: Live) -> None:
    with live.rounds() as rounds:
        end = live.working_ahead(rounds)
        live.turn(rounds, [_line(1000, 60), *LINES[end : end + 20]])
    assert len(live.took()) == 1
    assert Lake.open(live.lake).read("too_late")["event_id"].to_list() == ["call-1000"]
    assert_accounted(live.lake, end + 21)


def test_after_work_in_vain_ticks_are_passed_over_twice_as_many_each_time(tmp_path: Path) -> None:
    live = Live(tmp_path)
    with live.rounds() as rounds:
        live.working_ahead(rounds)
        ahead = rounds.ahead
        work = ahead._work
        assert work is not None
        events = events_at(rounds.lake, work.events_version)
        passed = []
        for _ in range(3):
            ahead._work = work
            assert ahead.fitting(replace(work.job, registry_version=99), events) is None
            ticks = (START + timedelta(minutes=5 * n) for n in range(10_000))
            passed.append(next(n for n, tick in enumerate(ticks) if ahead.is_worth(tick)))
    assert passed == [1, 3, 7]


@pytest.mark.parametrize("point", ["planned", "manifest", "traits: commit", "runs: files"])
def test_a_run_that_takes_work_is_finished_after_a_crash_at(
    point: str, live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_due = False

    def crash(at: str) -> None:
        if is_due and at == point:
            raise KeyboardInterrupt

    with live.rounds(crash) as rounds:
        end = live.working_ahead(rounds)
        live.take(rounds, LINES[end : end + 20])
        is_due = True
        if point == "planned":
            monkeypatch.setattr(Ahead, "hand_over", lambda *_: crash("planned"))
        with pytest.raises(KeyboardInterrupt):
            rounds.close_next(live.mark(rounds) or START)
    is_due = False
    monkeypatch.undo()
    with live.rounds() as rounds:
        assert len(live.took()) == 1
        live.turn(rounds, [])
        rounds.show_open()
    assert_equal_lakes(live.lake, live.whole())


def test_work_that_was_killed_is_done_again_whatever_it_left(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    execute = Engine.execute

    def killed(engine: Engine, build: Callable[..., object]) -> None:
        execute(engine, build)
        if live.lying():
            raise KeyboardInterrupt

    monkeypatch.setattr(Engine, "execute", killed)
    with pytest.raises(KeyboardInterrupt), live.rounds() as rounds:
        live.working_ahead(rounds)
    monkeypatch.undo()
    assert live.lying()
    for path in live.lying():
        pl.DataFrame({"account_id": ["other"]}).write_parquet(path)
    with live.rounds() as rounds:
        end = len(live.log.read_bytes().splitlines())
        assert live.turn(rounds, [])
        live.turn(rounds, LINES[end : end + 20])
        rounds.show_open()
    assert len(live.took()) == 1
    assert_equal_lakes(live.lake, live.whole())


@pytest.mark.parametrize("gone", ["states", "files"])
def test_work_of_which_something_is_gone_is_done_again(gone: str, live: Live) -> None:
    with live.rounds() as rounds:
        end = live.working_ahead(rounds)
        live.take(rounds, LINES[end : end + 20])
        there = live.lying() if gone == "files" else sorted(live.lake.glob("_stillwatch/state/*/*/ahead-*"))
        there[0].unlink()
        live.turn(rounds, [])
        rounds.show_open()
    assert live.took() == []
    assert_equal_lakes(live.lake, live.whole())


def test_states_of_work_outlive_other_runs(live: Live) -> None:
    with live.rounds() as rounds:
        live.working_ahead(rounds)
        names = rounds.ahead.states
        rounds.show_open()  # a run that clears away what no run names
        assert names
        assert States(live.lake).has(names)


def test_an_upkeep_removes_what_a_killed_work_left(live: Live) -> None:
    with live.rounds() as rounds:
        live.working_ahead(rounds)
    assert live.lying()
    upkeep(live.lake)
    assert live.lying() == []
    assert not [*live.lake.glob("_stillwatch/state/*/*/ahead-*")]


def test_nothing_is_done_ahead_where_no_lateness_is_allowed(live: Live) -> None:
    policy = replace(Policy(), time=Time(lateness_minutes=0))
    live.request = replace(live.request, policy=policy)
    with live.rounds() as rounds:
        live.take(rounds, LINES[:FIRST])
        mark = live_watermark_of(rounds.lake, register_of(rounds.lake), policy, {})
        assert mark is not None
        while rounds.close_next(mark) is not None:
            pass
        soon = live_watermark_of(rounds.lake, register_of(rounds.lake), policy, {}, AHEAD)
        assert soon == mark
        assert not rounds.work_ahead(soon)


def test_time_ahead_below_none_is_refused() -> None:
    with pytest.raises(PolicyError, match=r"watch\.ahead_minutes"):
        Watch(ahead_minutes=-1).must_fit("policy")


def test_a_run_tells_which_work_it_took(live: Live) -> None:
    with live.rounds() as rounds:
        end = live.working_ahead(rounds)
        live.turn(rounds, LINES[end : end + 20])
    plans = [path.read_bytes() for path in live.lake.glob("_stillwatch/plans/*-detect.plan")]
    assert sum(live.took()[0].encode() in plan for plan in plans) == 1


def test_a_watch_that_has_nothing_else_to_do_works_ahead_and_leaves_none_of_it_when_it_is_stopped(live: Live) -> None:
    with live.rounds() as rounds:
        live.log.write_bytes(b"".join(LINES[: live.working_ahead(rounds)]))
    shutil.rmtree(live.lake)
    stop = threading.Event()
    quick = replace(live.request, policy=replace(Policy(), watch=Watch(latency_seconds=0.05)))
    watching = threading.Thread(target=watch, args=(quick, Progress(quiet=True), stop), daemon=True)
    watching.start()
    limit = time.monotonic() + 120
    while not (seen := live.lying()) and watching.is_alive() and time.monotonic() < limit:
        time.sleep(0.05)
    stop.set()
    watching.join(60)
    assert seen
    assert live.lying() == []
