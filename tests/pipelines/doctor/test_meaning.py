"""Each way in which what a lake says can be wrong is a symptom, although every file is whole."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipelines.doctor import Case, Symptom, examine
from pipelines.lake.commit import Write
from pipelines.lake.lake import Lake
from schemas.catalogue import TABLES
from schemas.policy import Doctor, Policy, Quality

from .conftest import EVENTS, START, Run, counts


def symptoms(root: Path, policy: Policy | None = None) -> list[tuple[str, Symptom]]:
    case = Case(root)
    case.policy = Policy() if policy is None else policy  # type: ignore[misc]
    return list(examine(case).symptoms)


def test_counts_of_a_source_that_do_not_add_up_are_a_symptom(lake: Lake, run: Run) -> None:
    run(sources=(counts(records=10, appended=7, ignored=2),))
    assert any("10 records are not the sum of 7 appended, 2 ignored" in s.problem for _, s in symptoms(lake.root))


def test_more_events_detected_than_appended_are_a_symptom(lake: Lake, run: Run) -> None:
    run("detect", sources=(counts(accepted=3),))
    ((check, found),) = symptoms(lake.root)
    assert check == "counts"
    assert "0 events were appended but 3 accepted" in found.problem


@pytest.mark.parametrize("table", ["events", "rejects"])
def test_rows_that_are_gone_are_a_symptom(lake: Lake, run: Run, table: str) -> None:
    run(**{table: Write(overwrite=True)})
    (found,) = (s for c, s in symptoms(lake.root) if c == "counts")
    assert "0 rows where the runs count" in found.problem
    assert found.where.endswith(table)


def test_rows_committed_twice_are_a_symptom(lake: Lake, run: Run) -> None:
    rows = lake.read("sessions").filter(~pl.col("provisional"))
    run("detect", sessions=Write(rows=rows))
    ((check, found),) = symptoms(lake.root)
    assert check == "rows"
    assert f"{rows.height:,} keys stand in several rows" in found.problem


def test_a_finding_without_its_first_revision_is_a_symptom(lake: Lake, run: Run) -> None:
    findings = lake.read("findings")
    uid = findings["finding_uid"][0]
    rows = findings.filter(pl.col("finding_uid") != uid)
    late = findings.filter(pl.col("finding_uid") == uid).tail(1).with_columns(pl.lit(2, pl.Int32).alias("revision"))
    run("detect", findings=Write(overwrite=True, rows=pl.concat([rows, late])))
    ((check, found),) = symptoms(lake.root)
    assert check == "findings"
    assert f"finding {uid} has 1 of the revisions 1 to 2" in found.problem


def test_an_account_on_the_review_list_without_an_open_finding_is_a_symptom(lake: Lake, run: Run) -> None:
    findings = lake.read("findings")
    closing = findings.tail(1).with_columns(pl.lit("closed").alias("activity"), (pl.col("revision") + 1))
    run("detect", findings=Write(rows=closing))
    ((check, found),) = symptoms(lake.root)
    assert check == "findings"
    assert closing["account_id"][0] in found.problem


def test_a_quarantined_day_is_a_symptom_with_its_reason_and_the_release(lake: Lake, run: Run) -> None:
    day = datetime(2026, 3, 5, tzinfo=UTC)
    model = (
        lake.read("models")
        .head(1)
        .with_columns(
            pl.lit("day-2026-03-05").alias("snapshot_id"),
            pl.lit(day).alias("day"),
            pl.lit(value=True).alias("quarantined"),
        )
    )
    audit = (
        lake.read("quality")
        .head(1)
        .with_columns(
            pl.lit(day).alias("day"), pl.lit(value=False).alias("passed"), pl.lit(value=True).alias("is_gate")
        )
    )
    run("learn", models=Write(rows=model), quality=Write(rows=audit))
    ((check, found),) = symptoms(lake.root)
    assert (check, found.where) == ("days", "day 2026-03-05")
    assert audit["expectation"][0] in found.problem
    assert "stillwatch release 2026-03-05" in found.mend


def test_a_source_refused_by_the_last_run_is_a_symptom_with_its_reason(lake: Lake, run: Run) -> None:
    run(sources=(counts("x", refused="its format is not known"),))
    ((check, found),) = symptoms(lake.root)
    assert (check, found.where, found.problem) == (
        "refused",
        "source x.jsonl",
        "it was refused: its format is not known",
    )
    run(sources=(counts("x"),))
    assert symptoms(lake.root) == []


SMALL = Doctor(least_calls=50, dominant_least_accounts=20)


def events(count: int, start: datetime = START, **columns: Any) -> pl.DataFrame:
    """EVENT rows of 25 accounts, a minute apart; a column given as a function is one of the number."""
    rows = [
        {
            "source": "s", "position": n, "event_id": f"x-{n}", "time": start + timedelta(minutes=n),
            "account_id": f"many-{n % 25}", "account_hash": n % 25, "account_basis": "team", "operation": "chat",
            "presence": 7,
            **{name: value(n) for name, value in columns.items()},
        }
        for n in range(count)
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=TABLES["events"].polars)


@pytest.mark.parametrize(
    ("column", "value", "where"),
    [
        ("network_prefix", "10.9.9.0/24", "address 10.9.9.0/24"),
        ("api_key_id", "key-1", "API key key-1"),
        ("user_agent", "nginx", "user agent nginx"),
        ("account_id", "gateway", "account gateway"),
    ],
)
def test_what_stands_for_most_traffic_is_a_symptom(lake: Lake, run: Run, column: str, value: str, where: str) -> None:
    def told(number: int) -> str:
        # Nearly all of them, still with every account.
        return value if number % 100 or column == "user_agent" else f"other-{number}"

    run(events=Write(rows=events(15_000, **{column: told})))
    found = [s for check, s in symptoms(lake.root, Policy(doctor=SMALL)) if check == "traffic"]
    assert [s.where for s in found] == [where]
    assert "policy" in found[0].mend or "log the" in found[0].mend


def test_one_large_customer_behind_its_own_address_and_key_is_no_symptom(lake: Lake, run: Run) -> None:
    def of_one(number: int) -> str:
        return "own" if number % 25 == 0 else f"other-{number}"

    run(events=Write(rows=events(5_000, network_prefix=of_one, api_key_id=of_one, user_agent=of_one)))
    assert [s for check, s in symptoms(lake.root, Policy(doctor=SMALL)) if check == "traffic"] == []


def test_a_source_with_many_late_events_is_a_symptom(lake: Lake, run: Run) -> None:
    rows = events(100).with_columns(pl.lit("s").alias("source"))
    run(
        "detect", (counts(records=100, appended=100, too_late=100),), events=Write(rows=rows), too_late=Write(rows=rows)
    )
    ((check, found),) = symptoms(lake.root, Policy(doctor=SMALL))
    assert (check, found.where) == ("clocks", "source s.jsonl")
    assert "100 of its 100 events" in found.problem
    assert "rebuild" in found.mend


def test_a_source_whose_clock_jumped_ahead_is_a_symptom(place: Path) -> None:
    import json

    from pipelines.backfill import backfill
    from pipelines.cli.progress import Progress
    from pipelines.request import Request

    from .conftest import record

    jumped = [record(EVENTS + n) | {"time": f"2026-06-01T00:00:0{n}+00:00"} for n in range(3)]
    with (place / "log.jsonl").open("a") as log:
        log.writelines(json.dumps(one) + "\n" for one in jumped)
    backfill(
        Request((str(place / "log.jsonl"),), place / "lake", groups=2, key_file=place / "key"), Progress(quiet=True)
    )
    found = [s for check, s in symptoms(place / "lake", Policy(doctor=SMALL)) if check == "clocks"]
    assert len(found) == 1
    assert "3 of its events lie more than 2 days after" in found[0].problem
    assert "log.jsonl" in found[0].where


def test_a_long_silence_between_busy_days_is_a_symptom(lake: Lake, run: Run) -> None:
    windows = lake.read("account_windows").filter(~pl.col("provisional")).tail(1)
    last = windows["window_end"][0]
    later = windows.with_columns(pl.lit(last + timedelta(hours=16)).alias("window_end"))
    run("detect", account_windows=Write(rows=later))
    policy = Policy(quality=Quality(gap_least_events=100))
    ((check, found),) = symptoms(lake.root, policy)
    assert check == "clocks"
    assert "no account called for 15 hours" in found.problem
    assert symptoms(lake.root) == [], "in a quiet lake a silence is nothing"
