"""What the README shows is what happens."""

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from programs import Told

STARTING_COLD = str(Path(sys.executable).with_name("stillwatch"))
"""What `shell` finds as stillwatch has imported everything already (warm.py)."""

Shell = Callable[[str, Path], Told]
FENCED = re.compile(r"^```\w*\n(.*?)^```", re.MULTILINE | re.DOTALL)


def lines(checkout: Path, start: str) -> list[str]:
    """Lines of the README's code blocks that begin with a word, without their comments."""
    blocks = FENCED.findall((checkout / "README.md").read_text(encoding="utf-8"))
    found = [line.partition(" # ")[0].strip() for block in blocks for line in block.splitlines()]
    return [line for line in found if line.startswith(start)]


def test_every_make_target_it_names_exists(checkout: Path) -> None:
    text, makefile = ((checkout / name).read_text(encoding="utf-8") for name in ("README.md", "Makefile"))
    named = set(re.findall(r"make ([a-z][a-z-]+)\b(?= |`|,|;|\n)", text)) & set(re.findall(r"`?make ([a-z-]+)", text))
    assert named >= {"demo", "setup", "test", "test-all", "check", "bench"}
    assert named <= set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))


@pytest.mark.slow
def test_every_command_it_names_runs(checkout: Path, place: Path, shell: Shell) -> None:
    commands = lines(checkout, ".venv/bin/stillwatch")
    assert len(commands) >= 5
    (place / "new.toml").write_text("[rates]\nreview = 0.002\n")
    for command in commands:
        done = shell(command.replace(".venv/bin/stillwatch", STARTING_COLD), place)
        assert done.code == 0, f"{command}: {done.err}"


@pytest.mark.slow
def test_the_demo_finds_the_accounts_it_shows(checkout: Path, tmp_path: Path, shell: Shell) -> None:
    shown = [line.split(maxsplit=7)[:7] for line in lines(checkout, "acct-") if len(line.split()) > 7]
    assert len(shown) >= 3
    done = shell("stillwatch demo", tmp_path)
    assert done.code == 0, done.err
    found = json.loads(shell("stillwatch accounts --lake demo/lake --format json", tmp_path).out)
    rows = {row["account_id"]: row for row in found}
    for account, tier, severity, kind, flagged_at, score, exchanges in shown:
        row = rows[account]
        told = (tier, severity, kind, flagged_at, int(exchanges))
        assert told == (row["tier"], row["severity"], row["kind"], row["flagged_at"], row["exchanges_before"])
        assert float(score) == pytest.approx(row["score"], abs=0.05)
