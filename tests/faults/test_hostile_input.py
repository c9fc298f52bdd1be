"""Hostile input through the whole program: bombs that expand, and values that want to reach a terminal or a spreadsheet."""

import csv
import io
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import zstandard

from dying import FAILED, Children
from pipelines.cli.main import main

START = datetime(2026, 3, 2, tzinfo=UTC)
HOSTILE_IDS = (
    "\x1b]0;pwned\x07\x1b[2Jx", "=cmd|' /C calc'!A0", "@SUM(1+1)", "<script>alert(1)</script>", "../../../etc/passwd",
    "nul\0inside", "\u202egnp.exe", "[bold red]x[/]", "two\nlines\ttab", "\u2028line\ufeff", "'; DROP TABLE events; --",
)  # fmt: skip
OBEYED = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
"""What a terminal obeys or a reader does not see; only line feeds are allowed out."""

CELLS = re.compile(r"^[=+\-@\t\r]")


def sweep(account: str, number: int) -> Iterator[str]:
    """120 calls of an account that biases eight new tokens in each: enough to be flagged."""
    for call in range(120):
        moment = START + timedelta(minutes=7 * call, seconds=number)
        yield json.dumps(
            {
                "event_id": f"{account}-{call}",
                "time": moment.isoformat(),
                "account_id": account,
                "operation": "chat",
                "http_status": 200,
                "output_tokens": 1,
                "max_tokens": 1,
                "logit_bias_tokens": [8 * call + k for k in range(8)],
                "model_requested": account,
                "user_agent": account,
                "country": account[:2],
            }
        )


@pytest.fixture(scope="module")
def lake(children: Children, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    log = folder / "lo\x1b[2Jg\u202e.jsonl"
    log.write_text("\n".join(line for n, account in enumerate(HOSTILE_IDS) for line in sweep(account, n)) + "\n")
    with (folder / "accounts.csv").open("w", newline="") as file:
        rows = [[account, account[:9]] for account in HOSTILE_IDS]
        csv.writer(file).writerows([["account_id", "plan"], *rows, *rows[:3], ["", "nobody"], ["too", "many", "cells"]])
    (folder / "key").write_text("0f" * 32)
    (folder / "key").chmod(0o600)
    lake = folder / "lake"
    options = [
        "--lake",
        lake,
        "--key-file",
        folder / "key",
        "--accounts",
        folder / "accounts.csv",
        "--complete",
        "--groups",
        2,
    ]
    ended = children.run(["backfill", log, *options], lake)
    assert ended.code == 0, ended.err
    assert OBEYED.search(ended.out + ended.err) is None
    return lake


def ask(lake: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[str, str]:
    with pytest.raises(SystemExit):
        main([*arguments, "--lake", str(lake)])
    written = capsys.readouterr()
    return written.out, written.err


@pytest.mark.parametrize("form", ["table", "json", "csv"])
@pytest.mark.parametrize("question", [("accounts",), ("query", "SELECT * FROM flagged_accounts"), ("query", "SELECT * FROM registry"), ("query", "SELECT DISTINCT account_id, model_requested, source FROM events")])  # fmt: skip
def test_no_hostile_value_reaches_a_terminal_or_a_spreadsheet_alive(
    lake: Path, capsys: pytest.CaptureFixture[str], question: tuple[str, ...], form: str
) -> None:
    out, err = ask(lake, capsys, *question, "--format", form)
    assert "passwd" in out
    assert OBEYED.search(out + err) is None
    if form == "csv":
        assert not [
            cell for row in csv.reader(io.StringIO(out)) for cell in row if CELLS.match(cell) and not _is_number(cell)
        ]


def test_every_hostile_account_is_flagged_under_its_own_name_and_no_other(
    lake: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, _ = ask(lake, capsys, "accounts", "--format", "json")
    assert sorted(row["account_id"] for row in json.loads(out)) == sorted(HOSTILE_IDS)


@pytest.mark.parametrize("account", [account for account in HOSTILE_IDS if "\0" not in account], ids=repr)
def test_an_explanation_of_a_hostile_account_is_disarmed(
    lake: Path, capsys: pytest.CaptureFixture[str], account: str
) -> None:
    out, err = ask(lake, capsys, "explain", account)
    assert "logit bias" in out
    assert OBEYED.search(out + err) is None


@pytest.mark.parametrize("name", HOSTILE_IDS, ids=repr)
def test_an_error_about_a_hostile_name_is_disarmed(lake: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    out, err = ask(lake, capsys, "explain", "no" + name)
    quoted = name.replace('"', '""')
    more, told = ask(lake, capsys, "query", f'SELECT "{quoted}" FROM events')
    assert out + more == ""
    assert err.startswith("error: ")
    assert told.startswith("error: ")
    assert OBEYED.search(err + told) is None


def _is_number(cell: str) -> bool:
    return re.fullmatch(r"-?\d+(\.\d+)?(e-?\d+)?", cell) is not None


def test_a_bomb_is_read_in_bounded_memory_and_counted_as_one_reject(children: Children, tmp_path: Path) -> None:
    """1.5 GB of one line behind ten records, in a file of less than 200 kB."""
    (tmp_path / "key").write_text("0f" * 32)
    (tmp_path / "key").chmod(0o600)
    records = "\n".join(list(sweep("acme", 0))[:10]).encode() + b"\n"
    (tmp_path / "plain.jsonl").write_bytes(records)
    options = ["--key-file", tmp_path / "key", "--format", "canonical", "--output-format", "json", "--groups", 2]
    usual = children.run(
        ["backfill", tmp_path / "plain.jsonl", "--lake", tmp_path / "usual", *options], tmp_path / "usual"
    )
    assert usual.code == 0, usual.err
    compressor = zstandard.ZstdCompressor().compressobj()
    with (tmp_path / "bomb.jsonl.zst").open("wb") as file:
        file.write(compressor.compress(records))
        for _ in range(1_500):
            file.write(compressor.compress(bytes(1_000_000)))
        file.write(compressor.flush())
    assert (tmp_path / "bomb.jsonl.zst").stat().st_size < 200_000
    ended = children.run(
        ["backfill", tmp_path / "bomb.jsonl.zst", "--lake", tmp_path / "lake", *options], tmp_path / "lake"
    )
    assert ended.code == 0, ended.err
    assert ended.peak_bytes < usual.peak_bytes + 200_000_000
    (source,) = json.loads(ended.out)["sources"]
    assert (source["records"], source["appended"], source["rejects"]) == (11, 10, 1)


def test_a_log_that_is_no_log_is_refused_with_a_reason(children: Children, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("0f" * 32)
    (tmp_path / "key").chmod(0o600)
    (tmp_path / "noise").write_bytes(bytes(range(256)) * 1000)
    ended = children.run(
        ["backfill", tmp_path / "noise", "--lake", tmp_path / "lake", "--key-file", tmp_path / "key"], tmp_path / "lake"
    )
    assert ended.code == FAILED
    assert "noise is refused: " in ended.err
    assert "Traceback" not in ended.err
