"""The story of a watch: a line on a terminal, or one JSON object a line for what gathers logs."""

import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from click.testing import CliRunner

from pipelines.cli.live import LiveProgress, LoggedProgress
from pipelines.cli.main import cli
from pipelines.lake.lake import Lake

NOW = datetime(2026, 3, 2, 20, tzinfo=UTC)
ALERT = {
    "kind": "source_silent", "subject": "a", "name": "a.log\x1b[31m", "since": NOW, "raised_at": NOW, "last_seen_at": NOW,
    "cleared_at": None, "message": "nothing was written", "fix": "look",
}  # fmt: skip
RUN = {
    "run_id": "ingest-00000007", "sequence": 7, "pipeline": "ingest", "started_at": NOW, "finished_at": NOW + timedelta(seconds=3),
    "closed_until": None, "accounts": 0, "windows": 0, "findings": 0,
    "sources": [{"records": 5, "appended": 4, "ignored": 0, "rejects": 1, "accepted": 0, "duplicates": 0, "too_late": 0}] * 2,
}  # fmt: skip


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_every_line_of_a_json_log_is_an_object_with_the_same_first_keys() -> None:
    stream = io.StringIO()
    progress = LoggedProgress(stream=stream)
    progress.note("nothing to read yet")
    progress.note("nothing to read yet")
    progress.warn("a.log is refused: it is\nempty")
    progress.ran(RUN)
    progress.alerted(ALERT)
    progress.alerted(ALERT | {"cleared_at": NOW})
    progress.turned("a line for terminals")
    progress.end()
    told = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["event"] for line in told] == ["note", "warning", "run", "alert_raised", "alert_cleared"]
    assert all(list(line)[:4] == ["time", "level", "event", "message"] for line in told)
    assert told[2]["records"] == 10
    assert told[2]["seconds"] == 3
    assert "\x1b" not in stream.getvalue()


def test_a_quiet_log_holds_what_matters_only() -> None:
    stream = io.StringIO()
    progress = LoggedProgress(quiet=True, stream=stream)
    progress.note("nothing to read yet")
    progress.ran(RUN)
    progress.alerted(ALERT)
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["alert_raised"]


def test_an_alert_that_was_over_when_it_was_seen_is_told_with_its_message() -> None:
    stream = io.StringIO()
    progress = LiveProgress(stream=stream)
    progress.alerted(ALERT | {"cleared_at": NOW})
    progress.alerted(ALERT | {"cleared_at": NOW + timedelta(hours=1)})
    first, second = stream.getvalue().splitlines()
    assert "over by now" in first
    assert "nothing was written. look" in first
    assert "alert is over" in second


def test_the_line_on_a_terminal_is_written_over_and_comes_back_under_what_stays() -> None:
    stream = Terminal()
    progress = LiveProgress(stream=stream)
    progress.turned("10 records")
    progress.turned("20 records")
    progress.alerted(ALERT)
    shown = stream.getvalue().split("\r\x1b[2K")
    assert shown[1:3] == ["10 records", "20 records"]
    assert shown[3].startswith("warning: alert: a.log\\x1b[31m: nothing was written. look")
    assert shown[4] == "20 records"


def test_without_a_terminal_no_line_is_shown() -> None:
    stream = io.StringIO()
    LiveProgress(stream=stream).turned("10 records")
    assert stream.getvalue() == ""


def test_status_of_a_lake_that_nobody_has_written_yet(tmp_path: Path) -> None:
    Lake.create(tmp_path / "lake", "0" * 16)
    table = CliRunner().invoke(cli, ["status", "--lake", str(tmp_path / "lake")], standalone_mode=False)
    assert table.exit_code == 0, table.exception
    assert "nothing" in table.stdout
    done = CliRunner().invoke(
        cli, ["status", "--lake", str(tmp_path / "lake"), "--format", "json"], standalone_mode=False
    )
    told = json.loads(done.stdout)
    assert told["closed_until"] is None
    assert (told["scored_alike"], told["least_alike"]) == (0, {"review": 999, "act": 9999})
    assert told["sources"] == []
