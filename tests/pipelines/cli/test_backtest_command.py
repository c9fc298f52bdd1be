"""How `backtest` tells what it found, and what it refuses before it looks."""

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from pipelines.backtest import Backtested
from pipelines.cli.backtest import backtested_text, backtested_values
from pipelines.cli.main import main
from pipelines.cli.output import to_json
from schemas.policy import Policy
from tiny_lake import make_tiny_lake
from transforms.findings.comparing import COMPARED, COMPARED_CAMPAIGNS

DAY = datetime(2026, 3, 2, tzinfo=UTC)


def done(rows: list[dict[str, object]]) -> Backtested:
    changed = tuple(Policy().changes(Policy.parse("[rules]\nsweep_tokens = 150\n")))
    accounts = pl.DataFrame([{name: row.get(name) for name in COMPARED} for row in rows], schema=COMPARED)
    return Backtested(
        None, DAY, ("aaaa", "bbbb"), (), changed, accounts, pl.DataFrame(schema=COMPARED_CAMPAIGNS),
        {"review": (0, len(rows)), "act": (0, 0)}, 3, ((DAY, 0, len(rows)),) if rows else (), (), 2.0,
    )  # fmt: skip


def test_a_gained_account_is_told_with_its_reason_and_the_keys_that_bear_on_it() -> None:
    row = {
        "account_id": "acct-\x1b[31m7", "change": "gained", "tier_after": "review", "kind_after": "reverse_engineering",
        "flagged_at_after": DAY, "reasons": ["logit_sweep: 200 tokens"], "signals": ["logit_sweep"],
        "policy_keys": ["rules.sweep_tokens"],
    }  # fmt: skip
    text = backtested_text(done([row]))
    assert "rules.sweep_tokens: 300 -> 150" in text
    assert (
        "gained: 1 accounts\n  acct-\\x1b[31m7: not flagged -> review reverse_engineering at 2026-03-02T00:00:00Z"
        in text
    )
    assert "    logit_sweep: 200 tokens\n    by rules.sweep_tokens" in text
    assert "new findings a day: 0.0 -> 1.0 over 1 days" in text


def test_where_nothing_differs_that_is_said() -> None:
    text = backtested_text(done([]))
    assert "no difference: the same accounts and campaigns at the same times" in text
    assert '"flagged": {"review": {"before": 0, "after": 0}' in to_json(backtested_values(done([])))


def test_an_ingest_bound_key_is_refused_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_tiny_lake(tmp_path / "lake")
    (tmp_path / "new.toml").write_text("[ingest]\nrecord_bytes = 1000\n")
    with pytest.raises(SystemExit) as left:
        main(["backtest", "--lake", str(tmp_path / "lake"), "--policy", str(tmp_path / "new.toml")])
    assert left.value.code == 1
    assert "new.toml: ingest.record_bytes decide how records are read" in capsys.readouterr().err


def test_a_lake_in_which_nothing_is_closed_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_tiny_lake(tmp_path / "lake")
    (tmp_path / "new.toml").write_text("[rates]\nreview = 0.01\n")
    with pytest.raises(SystemExit) as left:
        main(["backtest", "--lake", str(tmp_path / "lake"), "--policy", str(tmp_path / "new.toml")])
    assert left.value.code == 1
    assert "nothing is closed yet" in capsys.readouterr().err
