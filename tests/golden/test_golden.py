"""Texts that people read, letter by letter; `make golden` writes them anew."""

from collections.abc import Callable
from pathlib import Path

import pytest

from generated_docs import help_text
from pipelines.cli.main import cli, main
from tiny_lake import CUSTOMER, QUIET, THIEF, make_tiny_lake

EXPECTED = Path(__file__).parent / "expected"
Golden = Callable[[str, str], None]


@pytest.fixture
def golden(write_golden: bool) -> Golden:
    """Compares a text with the file of that name, or writes it."""

    def hold(name: str, text: str) -> None:
        path = EXPECTED / name
        if write_golden:
            path.write_text(text, encoding="utf-8")
        assert path.exists(), f"no expected {name}: run `make golden`"
        assert text == path.read_text(encoding="utf-8")

    return hold


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> str:
    root = tmp_path_factory.mktemp("golden") / "lake"
    make_tiny_lake(root)
    return str(root)


def test_help_of_the_whole(golden: Golden) -> None:
    golden("help.txt", help_text("stillwatch", cli) + "\n")


@pytest.mark.parametrize("account", [THIEF, CUSTOMER, QUIET])
def test_explanation(account: str, lake: str, golden: Golden, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["explain", account, "--lake", lake])
    golden(f"explain-{account}.txt", capsys.readouterr().out)


def test_review_list(lake: str, golden: Golden, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["accounts", "--lake", lake])
    golden("accounts.txt", capsys.readouterr().out)


def test_campaign_list(
    lake: str, golden: Golden, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    with pytest.raises(SystemExit, match="0"):
        main(["campaigns", "--lake", lake])
    golden("campaigns.txt", capsys.readouterr().out)


def test_no_golden_file_is_without_its_test() -> None:
    named = {"help.txt", "accounts.txt", "campaigns.txt", *(f"explain-{name}.txt" for name in (THIEF, CUSTOMER, QUIET))}
    assert {path.name for path in EXPECTED.iterdir()} == named
