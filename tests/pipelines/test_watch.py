"""Logs read while they are written: the same lake as one backfill, whatever the writer and the operator do meanwhile."""

import contextlib
import gc
import json
import os
import random
import signal
import subprocess
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import polars as pl
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from changes import changes_seen
from dying import COMMAND
from lake_proofs import assert_accounted, assert_equal_lakes, assert_no_text
from pipelines.backfill import backfill
from pipelines.cli.progress import Progress
from pipelines.lake.lake import Lake, creation_marker
from pipelines.lake.lease import who_holds
from pipelines.lake.plan import Plan, unfinished
from pipelines.lake.recent import RECENT, kept_recent
from pipelines.lake.state import States, manifest_of
from pipelines.request import Request, Summary
from pipelines.rounds import Rounds
from pipelines.sources.spool import Spool
from pipelines.watch import watch
from schemas.errors import SourceRefused
from schemas.policy import Policy, Watch
from warm import warm

START = datetime(2026, 3, 2, 20, tzinfo=UTC)
SECRET = "xyzzyplugh"
QUICK = replace(Policy(), watch=Watch(latency_seconds=0.05))
_LONGEST_SECONDS = 240
"""A process takes a quarter of a minute; one that hangs is killed, so that whoever waits for it fails."""


def _request(sources: tuple[str, ...], lake: Path, **more: object) -> Request:
    """Of two account groups: each costs a tiny lake as much as a large one."""
    return Request(sources, lake, groups=2, **more)  # type: ignore[arg-type]


def _line(number: int, rng: random.Random) -> bytes:
    account = number % 3
    moment = START + timedelta(seconds=number * 40)
    record = {
        "event_id": f"call-{number}",
        "time": moment.isoformat(),
        "account_id": f"acct-{account}",
        "operation": "chat",
        "input_tokens": 300,
        "output_tokens": rng.randrange(30, 900),
        "latency_ms": 1000,
        "logit_bias_tokens": [number * 5 + k for k in range(5)] if account == 1 else [],
        "max_tokens": 1 if account == 1 else 500,
        "prompt": f"{SECRET} {rng.randrange(50)}",
    }
    return json.dumps(record).encode() + b"\n"


@pytest.fixture(scope="module")
def lines() -> list[bytes]:
    rng = random.Random(5)
    return [_line(number, rng) for number in range(720)]  # eight hours over a midnight


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("key") / "key"
    path.write_text("0f" * 32)
    path.chmod(0o600)
    return path


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], key: Path) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    (folder / "app.log").write_bytes(b"".join(lines))
    backfill(_request((str(folder / "app.log"),), folder / "lake", key_file=key), Progress(quiet=True))
    return folder / "lake"


class Watching:
    """A watch in a thread of this process."""

    left: ClassVar[list["Watching"]] = []
    """Those that were begun and not yet seen to end."""

    def __init__(self, request: Request) -> None:
        self._stop = threading.Event()
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(request,), daemon=True)
        self._thread.start()
        self.left.append(self)

    def _run(self, request: Request) -> None:
        try:
            watch(request, Progress(quiet=True), self._stop)
        except BaseException as error:  # noqa: BLE001 - told by `end`
            self.error = error

    def until(self, holds: Callable[[], bool], seconds: float = 60) -> None:
        """Waits for something to become true of the lake."""
        limit = time.monotonic() + seconds
        while not holds():
            assert self._thread.is_alive(), self.error
            assert time.monotonic() < limit, "it did not come to it"
            time.sleep(0.05)

    def end(self) -> None:
        self.left.remove(self)
        self._stop.set()
        self._thread.join(60)
        assert not self._thread.is_alive(), "it does not stop"
        if self.error is not None:
            raise self.error


@pytest.fixture(autouse=True)
def nothing_goes_on_after_a_test() -> Iterator[None]:
    """A test that failed must not leave a watch that takes the processor from all that follow."""
    yield
    for watching in [*Watching.left]:
        with contextlib.suppress(BaseException):
            watching.end()
    while Program.left:
        Program.left.pop().kill()


def _events(lake: Path) -> int:
    return Lake.open(lake).read("events").height if (lake / "_stillwatch" / "lake.json").exists() else 0


def _closed(lake: Path) -> datetime | None:
    runs = Lake.open(lake).read("runs").filter(pl.col("pipeline") == "detect")
    return runs["closed_until"].max()


def _once(sources: tuple[Path, ...], lake: Path, key: Path, **more: object) -> Summary:
    request = _request(tuple(map(str, sources)), lake, key_file=key, policy=QUICK, **more)
    return watch(request, Progress(quiet=True), threading.Event(), is_once=True)


def test_once_gives_what_a_backfill_gives(tmp_path: Path, lines: list[bytes], key: Path, whole: Path) -> None:
    (tmp_path / "app.log").write_bytes(b"".join(lines))
    _once((tmp_path / "app.log",), tmp_path / "lake", key)
    assert_equal_lakes(tmp_path / "lake", whole)
    assert_accounted(tmp_path / "lake", len(lines))


def test_once_closes_what_is_there_in_as_few_runs_as_a_backfill_although_a_source_is_behind_the_others(
    tmp_path: Path, lines: list[bytes], key: Path
) -> None:
    """Nobody goes on to write the one that is behind: its time is not waited for, and then passed."""
    ahead, behind, lake = tmp_path / "a.log", tmp_path / "b.log", tmp_path / "lake"
    ahead.write_bytes(b"".join(lines[::2]))
    behind.write_bytes(b"".join(lines[1:601:2]))
    _once((ahead, behind), lake, key)
    sources = (str(ahead), str(behind))
    backfill(_request(sources, tmp_path / "other", key_file=key), Progress(quiet=True))
    assert _detected(lake) == _detected(tmp_path / "other")


def _detected(lake: Path) -> list[datetime]:
    """Until where each DETECT run closed."""
    runs = Lake.open(lake).read("runs").filter(pl.col("pipeline") == "detect").sort("sequence")
    return runs["closed_until"].to_list()


def test_what_arrives_on_standard_input_while_a_run_works_is_taken_in_before_the_end(
    tmp_path: Path, lines: list[bytes], key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stream ends within the run that has read its first part, as a short one mostly does."""
    reader, writer = os.pipe()
    few, spools = lines[:40], list[Spool]()
    os.write(writer, b"".join(few[:20]))
    ingest = Rounds.ingest

    def taken_in(rounds: Rounds, *asked: Any) -> Plan | None:
        plan = ingest(rounds, *asked)
        if not spools[0].has_ended:
            os.write(writer, b"".join(few[20:]))
            os.close(writer)
            while not spools[0].has_ended:
                time.sleep(0.01)
        return plan

    monkeypatch.setattr(Rounds, "ingest", taken_in)
    monkeypatch.setattr("pipelines.watch.Spool", lambda *asked: spools.append(Spool(*asked)) or spools[0])
    with open(reader, "rb") as stream:  # noqa: PTH123 - a descriptor
        monkeypatch.setattr("sys.stdin", stream)
        request = _request(("-",), tmp_path / "lake", key_file=key, is_complete=True, policy=QUICK)
        watch(request, Progress(quiet=True), threading.Event())
    assert_accounted(tmp_path / "lake", len(few))
    assert _events(tmp_path / "lake") == len(few)
    assert Lake.open(tmp_path / "lake").read("too_late").is_empty()


def test_what_it_keeps_of_its_states_is_what_their_files_say_after_runs_have_worked_with_it(
    tmp_path: Path, lines: list[bytes], key: Path
) -> None:
    log, lake, seen = tmp_path / "app.log", tmp_path / "lake", []
    log.write_bytes(b"".join(lines[:200]))

    def compare(point: str) -> None:
        if point == "runs: commit" and RECENT.states():
            states = {path: States(lake).read("/".join(path.parts[-3:])) for path in RECENT.states() if path.exists()}
            seen.append({*states})
            assert all(RECENT.states()[path].to_bytes() == data for path, data in states.items())

    request = _request((str(log),), lake, key_file=key, policy=QUICK)
    with kept_recent():
        for end in (200, 400, len(lines)):
            log.write_bytes(b"".join(lines[:end]))
            watch(request, Progress(quiet=True), threading.Event(), is_once=True, after=compare)
        kept = {"/".join(path.parts[-3:]) for path in RECENT.states()}
    assert {name for name in kept if name.startswith("segments/")} <= {*manifest_of(Lake.open(lake)).values()}
    assert set.intersection(*seen[-2:])  # of a run before, too
    assert_equal_lakes(lake, backfilled(log, tmp_path, key))


def backfilled(log: Path, folder: Path, key: Path) -> Path:
    backfill(_request((str(log),), folder / "other", key_file=key), Progress(quiet=True))
    return folder / "other"


@pytest.mark.parametrize(("most", "is_waited_for"), [(10**6, False), (1, True)])
def test_the_lake_is_kept_small_while_nothing_waits_or_else_after_three_times_as_many_runs(
    most: int, is_waited_for: bool, tmp_path: Path, lines: list[bytes], key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, closing = tmp_path / "app.log", []
    log.write_bytes(b"".join(lines[:200]))
    close = Rounds.close_next

    def closed(rounds: Rounds, *asked: Any) -> datetime | None:
        closing.append(close(rounds, *asked) is not None)
        return asked[0] if closing[-1] else None

    tended: list[bool] = []
    monkeypatch.setattr(Rounds, "close_next", closed)
    monkeypatch.setattr("pipelines.watch._TENDED_RUNS", 1)
    monkeypatch.setattr("pipelines.watch._MOST_UNTENDED_RUNS", most)
    monkeypatch.setattr("pipelines.watch.tend", lambda *_: tended.append(closing[-1]))
    _once((log,), tmp_path / "lake", key)
    assert tended[0] is is_waited_for


def test_the_first_time_it_waits_it_loads_what_a_day_s_end_needs(
    tmp_path: Path, lines: list[bytes], key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "app.log").write_bytes(b"".join(lines[:50]))
    loaded = threading.Event()
    monkeypatch.setattr("pipelines.watch.prepare", loaded.set)
    watching = Watching(_request((str(tmp_path / "app.log"),), tmp_path / "lake", key_file=key, policy=QUICK))
    watching.until(loaded.is_set)
    watching.end()


def test_a_run_takes_no_more_than_it_is_allowed(tmp_path: Path, lines: list[bytes], key: Path) -> None:
    for number in range(3):
        (tmp_path / f"app-{number}.log").write_bytes(b"".join(lines[number::3]))
    request = _request((str(tmp_path / "app-*.log"),), tmp_path / "lake", key_file=key)
    backfill(replace(request, lake=tmp_path / "other"), Progress(quiet=True))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipelines.watch._MEGABYTE", 200)  # of 256: one file at least, and no second
        watch(request, Progress(quiet=True), threading.Event(), is_once=True)
    runs = Lake.open(tmp_path / "lake").read("runs").filter(pl.col("pipeline") == "ingest")
    assert runs.height > 1
    assert_equal_lakes(tmp_path / "lake", tmp_path / "other")


@pytest.mark.slow
@given(cuts=st.lists(st.integers(0, 10**9), min_size=1, max_size=4), rotated=st.booleans())
@settings(max_examples=4, deadline=None, phases=[Phase.explicit, Phase.generate])  # to shrink one would take an hour
def test_a_file_that_grows_at_any_byte_gives_what_one_backfill_gives(
    cuts: list[int], rotated: bool, lines: list[bytes], key: Path, whole: Path, tmp_path_factory
) -> None:
    folder = tmp_path_factory.mktemp("grows")
    data, lake, log = b"".join(lines), folder / "lake", folder / "app.log"
    log.touch()
    watching = Watching(_request((str(folder / "app.log*"),), lake, key_file=key, policy=QUICK))
    written = 0
    for cut in [*sorted({cut % len(data) for cut in cuts}), len(data)]:
        with log.open("ab") as file:
            file.write(data[written:cut])
        written = cut
        watching.until(lambda cut=cut: _events(lake) == data[:cut].count(b"\n"))
        if rotated and data[cut - 1 : cut] == b"\n" and cut < len(data):
            log.rename(folder / f"app.log.{cut}")
            log.touch()
    watching.end()
    _once((folder / "app.log*",), lake, key)
    assert_equal_lakes(lake, whole)
    assert_accounted(lake, len(lines))
    assert_no_text([lake], [SECRET])


@pytest.mark.slow
def test_a_lake_goes_to_and_fro_between_backfill_and_watch(
    tmp_path: Path, lines: list[bytes], key: Path, whole: Path
) -> None:
    log, lake = tmp_path / "app.log", tmp_path / "lake"
    for count, is_live in ((100, False), (300, True), (500, False), (len(lines), True)):
        log.write_bytes(b"".join(lines[:count]))
        if is_live:
            _once((log,), lake, key)
        else:
            backfill(_request((str(log),), lake, key_file=key), Progress(quiet=True))
    assert_equal_lakes(lake, whole)


def test_ticks_close_while_the_log_goes_on(tmp_path: Path, lines: list[bytes], key: Path) -> None:
    log, lake = tmp_path / "app.log", tmp_path / "lake"
    log.write_bytes(b"".join(lines[:360]))
    watching = Watching(_request((str(log),), lake, key_file=key, policy=QUICK))
    watching.until(lambda: _events(lake) == 360 and (_closed(lake) or START) > START + timedelta(hours=3))
    watching.end()


def test_time_does_not_come_on_before_this_machine_s_clock_however_many_calls_say_so(tmp_path: Path, key: Path) -> None:
    log, lake = tmp_path / "app.log", tmp_path / "lake"
    ahead = datetime.now(UTC) + timedelta(days=3)
    calls = [
        {"event_id": f"call-{n}", "account_id": "a", "time": (ahead + timedelta(minutes=n)).isoformat()}
        for n in range(60)
    ]
    log.write_text("".join(json.dumps(call | {"operation": "chat"}) + "\n" for call in calls))
    watching = Watching(_request((str(log),), lake, key_file=key, policy=QUICK))
    watching.until(lambda: _events(lake) == 60)
    time.sleep(0.5)
    watching.end()
    assert (_closed(lake) or ahead) <= ahead
    _once((log,), lake, key)
    assert (_closed(lake) or ahead) > ahead + timedelta(minutes=40)


class Program:
    """The command line in a process of its own, which does not outlive its deadline."""

    left: ClassVar[list["Program"]] = []
    """Those that were begun."""

    def __init__(
        self, *arguments: object, stdin: int | None = subprocess.DEVNULL, command: Sequence[object] = COMMAND
    ) -> None:
        self.process = subprocess.Popen(
            [*map(str, command), "watch", *map(str, arguments), "--groups", "2"],
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=os.environ | {"POLARS_MAX_THREADS": "1"},
        )
        self._deadline = threading.Timer(_LONGEST_SECONDS, self.process.kill)
        self._deadline.daemon = True
        self._deadline.start()
        self.left.append(self)

    def kill(self) -> None:
        """Ends it at once, unless it has ended."""
        self._deadline.cancel()
        self.process.kill()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe is not None:
                with contextlib.suppress(OSError):  # what was written and not read
                    pipe.close()
        self.process.wait(30)

    def until(self, holds: Callable[[], bool], seconds: float = 90) -> None:
        limit = time.monotonic() + seconds
        while not holds():
            assert self.process.poll() is None, self.process.communicate()
            assert time.monotonic() < limit, "it did not come to it"
            time.sleep(0.1)

    def end(self, number: int = signal.SIGTERM) -> tuple[int, bytes, bytes]:
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=90)
        return self.process.returncode, out, err


def test_a_stopped_watch_ends_well_and_the_next_goes_on(
    tmp_path: Path, lines: list[bytes], key: Path, whole: Path
) -> None:
    log, lake = tmp_path / "app.log", tmp_path / "lake"
    log.write_bytes(b"".join(lines[:200]))
    program = Program(log, "--lake", lake, "--key-file", key, "--latency", "0.1", command=[warm()])
    program.until(lambda: _events(lake) == 200)
    code, _, err = program.end()
    assert code == 0, err
    assert b"Traceback" not in err
    log.write_bytes(b"".join(lines))
    _once((log,), lake, key)
    assert_equal_lakes(lake, whole)


def test_standard_input_is_read_as_it_comes_and_its_end_is_the_end(
    tmp_path: Path, lines: list[bytes], key: Path, whole: Path
) -> None:
    lake = tmp_path / "lake"
    arguments = ("-", "--lake", lake, "--key-file", key, "--latency", "0.1")
    program = Program(*arguments, stdin=subprocess.PIPE, command=[warm()])
    pipe = program.process.stdin
    assert pipe is not None
    pipe.write(b"".join(lines[:200]) + lines[200][:30])
    pipe.flush()
    program.until(lambda: _events(lake) == 200)
    pipe.write(lines[200][30:] + b"".join(lines[201:]))
    pipe.flush()
    _out, err = program.process.communicate(timeout=120)
    assert program.process.returncode == 0, err
    assert_equal_lakes(lake, whole)
    assert_accounted(lake, len(lines))
    assert_no_text([lake], [SECRET])
    assert not list((lake / "_stillwatch").glob("stdin/*"))


def test_what_a_killed_watch_had_of_standard_input_is_taken_in_by_the_next(
    tmp_path: Path, lines: list[bytes], key: Path, whole: Path
) -> None:
    lake = tmp_path / "lake"
    program = Program("-", "--lake", lake, "--key-file", key, "--latency", "30", stdin=subprocess.PIPE)
    pipe = program.process.stdin
    assert pipe is not None
    pipe.write(b"".join(lines[:100]))
    pipe.flush()
    program.until(lambda: _events(lake) == 100)  # the next run is a quarter of a minute away
    pipe.write(b"".join(lines[100:300]))
    pipe.flush()
    spool = lake / "_stillwatch" / "stdin"
    program.until(lambda: sum(p.stat().st_size for p in spool.glob("*")) == sum(map(len, lines[:300])))
    program.end(signal.SIGKILL)
    assert _events(lake) == 100
    (tmp_path / "rest.log").write_bytes(b"".join(lines[300:]))
    _once((tmp_path / "rest.log",), lake, key)
    assert_equal_lakes(lake, whole)
    assert_accounted(lake, len(lines))


def test_what_a_run_left_in_cycles_is_freed_before_the_next_however_seldom_the_collector_looks(
    tmp_path: Path, lines: list[bytes], key: Path
) -> None:
    class Left:
        """Something in a cycle with itself."""

        def __init__(self) -> None:
            self.itself = self

    (tmp_path / "app.log").write_bytes(b"".join(lines[:60]))
    left: list[weakref.ref[Left]] = []
    request = _request((str(tmp_path / "app.log"),), tmp_path / "lake", key_file=key, policy=QUICK)
    gc.disable()
    try:
        watch(
            request,
            Progress(quiet=True),
            threading.Event(),
            is_once=True,
            after=lambda point: left.append(weakref.ref(Left())) if point == "manifest" else None,
        )
    finally:
        gc.enable()
    assert len(left) >= 2
    assert left[0]() is None


_CHANGES_OF_A_RUN = 30
"""Of the lake's folders, as far as they are seen one by one; a run over a sixtieth of these records has some more."""


@pytest.fixture
def killings() -> random.Random:
    return random.Random(11)


@pytest.mark.parametrize("times", [pytest.param(12, marks=pytest.mark.slow), pytest.param(100, marks=pytest.mark.soak)])
def test_killed_again_and_again_it_gives_what_one_backfill_gives(
    tmp_path: Path, lines: list[bytes], key: Path, whole: Path, killings: random.Random, times: int
) -> None:
    log, lake, interrupted, more = tmp_path / "app.log", tmp_path / "lake", 0, len(lines) // times
    for number in range(times):
        with log.open("ab") as file:
            file.write(b"".join(lines[number * more : (number + 1) * more]))
        program = Program(log, "--lake", lake, "--key-file", key, "--latency", "0.1")
        program.until(lambda: who_holds(lake) is not None)
        changes_seen(lake, killings.randint(1, _CHANGES_OF_A_RUN), seconds=5)
        program.end(signal.SIGKILL)
        interrupted += creation_marker(lake).exists() or unfinished(Lake.open(lake)) is not None
    assert interrupted >= times // 4, "it was killed between its runs only"
    with log.open("ab") as file:
        file.write(b"".join(lines[times * more :]))
    _once((log,), lake, key)
    assert_equal_lakes(lake, whole)
    assert_accounted(lake, len(lines))


def test_what_is_left_of_the_index_alone_is_kept(tmp_path: Path, key: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log, lake, let_go, leave = tmp_path / "app.log", tmp_path / "lake", [], States.let_go
    monkeypatch.setattr(States, "let_go", lambda states, name: (let_go.append(name), leave(states, name)))
    begin, made = datetime(2026, 3, 2, 22, tzinfo=UTC), 0
    request = _request((str(log),), lake, key_file=key)
    with kept_recent(), log.open("a") as written:
        for minutes, accounts in (
            (0, 60),
            (30, 20),
            (60, 6),
            (150, 9),
            (180, 1),
            (210, 1),
            (240, 30),
        ):  # over a midnight
            for number in range(made, made + accounts):
                moment = (begin + timedelta(minutes=minutes)).isoformat()
                told = {"time": moment, "account_id": f"acct-{number}", "api_key_id": f"key-{number}"}
                written.write(json.dumps(told) + "\n")
            made += accounts
            written.flush()
            backfill(request, Progress(quiet=True))
        pieces = {*manifest_of(Lake.open(lake)).values()}
        kept = {"/".join(path.parts[-3:]) for path in RECENT.states() if path.parts[-3] == "segments"}
    assert any(name.startswith("segments/") for name in let_go)
    assert kept <= pieces


def test_standard_input_that_cannot_be_taken_in_stays_for_the_next_command(
    tmp_path: Path, lines: list[bytes], key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An accounts file that is not there is refused with an error, and the stream is not thrown away."""
    (tmp_path / "app.log").write_bytes(b"".join(lines[:40]))
    with (tmp_path / "app.log").open("rb") as stream:
        monkeypatch.setattr("sys.stdin", stream)
        request = _request(("-",), tmp_path / "lake", key_file=key, is_complete=True, policy=QUICK)
        with pytest.raises(SourceRefused):
            watch(replace(request, accounts=tmp_path / "typo.csv"), Progress(quiet=True), threading.Event())
    _once((tmp_path / "app.log",), tmp_path / "lake", key)
    assert _events(tmp_path / "lake") == 40
