"""The story on stderr: what is shown, how often, and when nothing is."""

import io

import pytest

from pipelines.cli.progress import Progress


class Terminal(io.StringIO):
    """A text stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_phase_leaves_one_line_with_its_counts_rate_and_time(clock: Clock) -> None:
    stream = io.StringIO()
    progress = Progress(stream=stream, clock=clock)
    progress.begin("reading", total=1000, files=2)
    progress.advance(500, files=1, records=4000)
    clock.now += 2
    progress.end()
    assert stream.getvalue() == "reading: 1 of 2 files, 4,000 records, 2,000/s, 2.0 s\n"


def test_without_a_terminal_a_line_comes_every_five_seconds_with_the_time_left(clock: Clock) -> None:
    stream = io.StringIO()
    progress = Progress(stream=stream, clock=clock)
    progress.begin("reading", total=1000)
    for _ in range(11):
        clock.now += 1
        progress.advance(50, records=10, detail="a.jsonl")
    assert stream.getvalue().splitlines() == [
        "reading: 50 records, 10/s, 25%, 15 s left, a.jsonl",
        "reading: 100 records, 10/s, 50%, 10 s left, a.jsonl",
    ]


def test_on_a_terminal_the_line_is_rewritten_and_cut_to_the_width(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    stream = Terminal()
    progress = Progress(stream=stream, clock=clock)
    progress.begin("reading a very long phase name")
    clock.now += 1
    progress.advance(records=5)
    progress.end()
    pieces = stream.getvalue().split("\r\x1b[2K")
    assert pieces[1] == "reading a very long"
    assert pieces[-1] == "reading a very long phase name: 5 records, 5/s, 1.0 s\n"


def test_quiet_tells_warnings_only(clock: Clock) -> None:
    stream = io.StringIO()
    progress = Progress(quiet=True, stream=stream, clock=clock)
    progress.begin("reading", total=10)
    clock.now += 60
    progress.advance(5)
    progress.note("chose litellm")
    progress.warn("a.gz is damaged")
    progress.end()
    assert stream.getvalue() == "warning: a.gz is damaged\n"


def test_a_name_in_the_story_cannot_move_the_cursor(clock: Clock) -> None:
    stream = io.StringIO()
    progress = Progress(stream=stream, clock=clock)
    progress.note("reading \x1b[2Jx.jsonl")
    assert stream.getvalue() == "reading \\x1b[2Jx.jsonl\n"


def test_the_next_phase_ends_the_one_before(clock: Clock) -> None:
    stream = io.StringIO()
    progress = Progress(stream=stream, clock=clock)
    progress.begin("reading")
    progress.begin("detecting")
    progress.end()
    progress.end()
    assert stream.getvalue() == "reading: 0.0 s\ndetecting: 0.0 s\n"
