"""The commands that ask the lake: accounts, explain, query."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from pipelines.cli.explanation import Sources, explain
from pipelines.cli.main import main
from schemas.policy import Policy
from tiny_lake import CUSTOMER, QUIET, THIEF, WAITING, make_tiny_lake

Ran = tuple[int, str, str]


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> str:
    root = tmp_path_factory.mktemp("tiny") / "lake"
    make_tiny_lake(root)
    return str(root)


@pytest.fixture
def stillwatch(lake: str, capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs a command on the tiny lake: exit code, stdout, stderr."""

    def run(*arguments: str) -> Ran:
        with pytest.raises(SystemExit) as left:
            main([*arguments, "--lake", lake])
        written = capsys.readouterr()
        return int(left.value.code or 0), written.out, written.err

    return run


def test_an_account_whose_finding_was_withdrawn_is_told_so() -> None:
    last = {"finding_uid": "f", "activity": "withdrawn", "reasons": ["Withdrawn: the log does not support it.", "old"]}
    told = explain(Sources("a", None, [{**last, "activity": "created"}, last], [], [], [], None), Policy())
    assert told["why_not"][-1] == "Its finding f was withdrawn. The log does not support it."


def test_the_review_list_is_a_table_of_what_matters_first(stillwatch: Any) -> None:
    code, out, err = stillwatch("accounts")
    header, _, row = out.splitlines()
    assert header.split() == ["account_id", "tier", "severity", "kind", "flagged_at", "score", "exchanges_before", "status", "strongest_reason"]  # fmt: skip
    assert row.split(maxsplit=8)[0:4] == [THIEF, "act", "high", "distillation"]
    assert (code, err) == (0, "1 of 1 flagged accounts\n")


def test_a_campaign_is_a_block_with_all_of_its_evidence(stillwatch: Any) -> None:
    code, out, err = stillwatch("campaigns")
    assert out.startswith("c-1: review, distillation, 2 accounts\n")
    assert "\n    1. One line in all calls.\n" in out
    assert (code, err) == (0, "1 of 1 campaigns\n")


def test_no_campaign_is_no_block(stillwatch: Any) -> None:
    assert stillwatch("campaigns", "--account", QUIET) == (0, "", "0 of 0 campaigns\n")


def test_wide_campaigns_are_listed_with_what_they_took(stillwatch: Any) -> None:
    code, out, err = stillwatch("campaigns", "--wide")
    header, _, row = out.splitlines()
    assert header.split()[:5] == ["campaign_id", "tier", "kind", "accounts", "exchanges"]
    assert row.split()[:5] == ["c-1", "review", "distillation", "2", "20000"]
    assert (code, err) == (0, "1 of 1 campaigns\n")


def test_campaigns_of_an_account_hold_it(stillwatch: Any) -> None:
    assert len(json.loads(stillwatch("campaigns", "--account", THIEF, "--format", "json")[1])) == 1
    assert json.loads(stillwatch("campaigns", "--account", QUIET, "--format", "json")[1]) == []


def test_a_campaign_says_how_far_its_calls_together_lie_from_those_of_everyone(stillwatch: Any) -> None:
    latest = json.loads(stillwatch("campaigns", "--format", "json")[1])[0]["latest_test"]
    assert (latest["calls"], latest["tail"], latest["abstained_because"]) == (900, 0.002, None)
    said = "its calls together lay as far from everyone's as those of 0.20% of honest groups"
    assert said in " ".join(stillwatch("explain", THIEF)[1].split())


def test_a_kind_of_campaign_that_is_none_is_an_error(stillwatch: Any) -> None:
    code, _, err = stillwatch("campaigns", "--kind", "pool")
    assert code == 2
    assert "'pool' is none of distillation" in err


def test_json_holds_every_column_of_the_review_list(stillwatch: Any) -> None:
    (row,) = json.loads(stillwatch("accounts", "--format", "json")[1])
    assert row["flagged_at"] == "2026-03-02T12:10:00Z"
    assert row["signals"][0]["signal"] == "logit_bias_sweep"


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (["--tier", "act"], 1),
        (["--tier", "review"], 0),
        (["--kind", "distillation", "--status", "new"], 1),
        (["--since", "2026-03-02T12:10:00Z"], 1),
        (["--since", "2026-03-02T12:10:01Z"], 0),
        (["--until", "2026-03-02T12:10:00Z"], 0),
        (["--until", "2026-03-02T13:11:00+01:00"], 1),
    ],
)
def test_the_list_is_narrowed_by_tier_kind_status_and_time(stillwatch: Any, options: list[str], found: int) -> None:
    assert len(json.loads(stillwatch("accounts", "--format", "json", *options)[1])) == found


@pytest.mark.parametrize(
    ("fail_on", "options", "code"), [("act", [], 4), ("review", [], 4), ("act", ["--tier", "review"], 0)]
)
def test_fail_on_ends_with_4_when_the_result_holds_such_an_account(
    stillwatch: Any, fail_on: str, options: list[str], code: int
) -> None:
    assert stillwatch("accounts", "--fail-on", fail_on, *options)[0] == code


def test_an_unknown_kind_is_answered_with_the_known_ones(stillwatch: Any) -> None:
    code, _, err = stillwatch("accounts", "--kind", "theft")
    assert code == 2
    assert "'theft' is none of distillation, bulk_download" in err


def test_a_flag_is_explained_as_data_with_names_units_and_history(stillwatch: Any) -> None:
    told = json.loads(stillwatch("explain", THIEF, "--format", "json")[1])
    assert told["is_flagged"]
    assert told["techniques"] == [{"id": "AML.T0024.002", "name": "Extract AI Model"}]
    assert [s["unit"] for s in told["signals"]] == [None, "share"]
    assert [r["activity"] for r in told["revisions"]] == ["created", "updated"]
    assert told["campaigns"][0]["account_ids"] == [THIEF, "acct-twin"]
    assert told["strongest_reason"] == told["reasons"][0]
    assert told["exchanges_before"] == 12_345
    assert told["latest"]["l0_score"] == 5.0


def test_an_account_below_the_line_is_explained_by_its_scores(stillwatch: Any) -> None:
    told = json.loads(stillwatch("explain", CUSTOMER, "--format", "json")[1])
    assert not told["is_flagged"]
    assert (told["latest"]["score"], told["highest"]["score"]) == (1.25, 2.5)
    assert told["why_not"][0] == "No rule held."
    assert (
        "for that it lacks two of structure, tokens and elicitation with 1 decade or more (it has structure 0.0,"
        in told["why_not"][1]
    )
    assert told["nearest"] == []


def test_it_says_with_whom_an_account_shares_what_few_others_hold(stillwatch: Any) -> None:
    (one,) = json.loads(stillwatch("explain", CUSTOMER, "--format", "json")[1])["shares"]
    assert (one["account_ids"], one["keys"], one["labels"]) == (["acct-a", "acct-b"], {"client": 1}, ["t13d1516h2"])
    assert (one["calls"], one["share"], one["exchanges"]) == (180, 0.75, 250)
    assert one["because"] == "it takes 5 accounts (campaigns.least_accounts)"


def test_who_shares_nothing_is_told_of_nothing(stillwatch: Any) -> None:
    assert json.loads(stillwatch("explain", QUIET, "--format", "json")[1])["shares"] == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"l1_score": None, "abstained_because": ["few calls"]}, "Its own features were not judged: few calls."),
        ({"p_value": 0.25, "reference_size": 2000}, "A share of 0.25 of 2,000 account-days of peers scored as high; the review tier takes 0.001."),
        ({"p_value": 0.0005, "reference_size": 2000}, "It is among the most unusual account-days (0.0005), but what is unusual lacks the shape"),
        ({"p_value": 0.01, "reference_size": 99}, "Its 99 account-days of peers give a rate of 0.01, but are too few for one as small as the review tier takes (0.001 takes 999)"),
        ({}, "Its 0 account-days of peers are too few for a rate (0.001 takes 999), so of its features only the pattern of a harvest flags."),
        ({"l0_score": None}, "No rule could look."),
        ({"score": None, "abstained_because": ["no tokens"]}, "Nothing could look at it: every layer abstained."),
    ],
)  # fmt: skip
def test_each_way_of_not_being_flagged_has_its_sentence(changes: dict[str, Any], reason: str) -> None:
    row = {
        "l0_score": 0.0, "l1_score": 1.0, "l3_score": None, "score": 1.0, "p_value": None, "reference_size": 0, "abstained_because": [],
        "signals": [], "account_id": "a", "account_hash": 1, **changes,
    }  # fmt: skip
    told = explain(Sources("a", None, [], [], [row], [], None), Policy())
    assert any(sentence.startswith(reason) for sentence in told["why_not"])


def test_an_account_that_nothing_could_judge_says_so(stillwatch: Any) -> None:
    told = json.loads(stillwatch("explain", QUIET, "--format", "json")[1])
    assert told["why_not"] == ["Nothing could look at it: every layer abstained.", "4 calls in 24 h, fewer than 20."]


def test_an_account_whose_hours_are_open_is_waiting_not_unknown(stillwatch: Any, lake: str) -> None:
    code, out, err = stillwatch("explain", WAITING)
    assert (code, out) == (1, "")
    assert err.startswith(f"error: {lake}: 3 calls of account {WAITING} are in, but no hour of it has closed. Fix: ")


def test_a_mistyped_account_is_answered_with_near_ones(stillwatch: Any, lake: str) -> None:
    code, _, err = stillwatch("explain", "Acct_Theif")
    assert (code, err) == (1, f"error: {lake}: there is no account Acct_Theif among 3. Fix: write {THIEF}.\n")


def test_sql_answers_in_every_form(stillwatch: Any) -> None:
    sql = "SELECT account_id, exchanges_before FROM flagged_accounts"
    assert (
        stillwatch("query", sql)[1] == f"account_id  exchanges_before\n----------  ----------------\n{THIEF}  12345\n"
    )
    assert json.loads(stillwatch("query", sql, "--format", "json")[1]) == [
        {"account_id": THIEF, "exchanges_before": 12345}
    ]
    assert list(csv.reader(io.StringIO(stillwatch("query", sql, "--format", "csv")[1])))[1] == [THIEF, "12345"]


def test_sql_can_come_from_stdin(stillwatch: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("SELECT count(*) AS n FROM events"))
    assert json.loads(stillwatch("query", "-", "--format", "json")[1]) == [{"n": 3}]


@pytest.mark.parametrize("sql", ["DELETE FROM events", "SELECT 1; SELECT 2", ""])
def test_sql_that_is_not_one_reading_statement_is_refused(stillwatch: Any, sql: str) -> None:
    code, out, err = stillwatch("query", sql)
    assert (code, out, err.startswith("error: query: ")) == (1, "", True)


def test_a_folder_that_is_no_lake_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="1"):
        main(["accounts", "--lake", str(tmp_path)])
    assert capsys.readouterr().err == (
        f"error: {tmp_path}: it is no lake. Fix: name a lake that `backfill` has made, or run `backfill` on it.\n"
    )
