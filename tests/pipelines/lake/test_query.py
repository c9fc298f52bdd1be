"""SQL over the lake reads, and does nothing else."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.lake.commit import Committer, Outcome, Write
from pipelines.lake.lake import Lake
from pipelines.lake.lease import Lease
from pipelines.lake.plan import Plan, next_sequence
from pipelines.lake.query import query
from pipelines.lake.sql import CHANGING, words_of
from schemas.catalogue import TABLES
from schemas.errors import LakeError, QueryRefused


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, make_rows: Callable[..., pl.DataFrame]) -> Lake:
    lake = Lake.create(tmp_path_factory.mktemp("query") / "lake", "k" * 16)
    with Lease.acquire(lake.root, "test") as lease:
        for number in range(2):
            plan = Plan(next_sequence(lake), "detect", datetime(2026, 1, 1, tzinfo=UTC), "{}", {})
            rows = make_rows(TABLES["sessions"], 3, account_id=[f"{number}-{n}" for n in range(3)], calls=number + 1)
            source = {"source": "s", "name": "n", "format": "canonical", "records": 9, "appended": 9, "ignored": 0}
            source |= {"rejects": 0, "accepted": 0, "duplicates": 0, "too_late": 0, "refused_because": None}
            outcome = Outcome(3, 0, 0, "x", sources=(source,))
            Committer(lake, lease).commit(plan, {"sessions": Write(rows=rows)}, outcome, {})
    return lake


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT sum(calls) AS n FROM sessions", [(9,)]),
        ("select count(*) from sessions where calls = 2;", [(3,)]),
        ("WITH a AS (SELECT calls FROM sessions) SELECT max(calls) FROM a", [(2,)]),
        ("(SELECT 1)", [(1,)]),
        ("/* one /* two; */ */ select 'drop; -- ' -- ; delete\n", [("drop; -- ",)]),
        ("select 'it''s' as \"select\"", [("it's",)]),
        ('select count(*) from SESSIONS s join "sessions" t on s.account_id = t.account_id', [(6,)]),
        ("select unnest(sources)['records'] from runs where sequence = 2", [(9,)]),
        ("select count(*) from events", [(0,)]),
    ],
)
def test_reading_statements_are_answered(filled: Lake, sql: str, expected: list[tuple[object, ...]]) -> None:
    assert query(filled, sql).rows() == expected


@pytest.mark.parametrize(
    "sql", ["SHOW TABLES", "DESCRIBE sessions", "EXPLAIN SELECT * FROM sessions", "EXPLAIN ANALYZE SELECT 1"]
)
def test_looking_around_is_reading(filled: Lake, sql: str) -> None:
    assert query(filled, sql).height > 0


def test_every_table_is_listed_and_described(filled: Lake) -> None:
    shown = query(filled, "SHOW TABLES")["table_name"].to_list()
    assert set(TABLES) <= set(shown)
    for name, contract in TABLES.items():
        assert query(filled, f"DESCRIBE {name}")["column_name"].to_list() == contract.columns


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO sessions SELECT * FROM sessions",
        "DELETE FROM sessions",
        "UPDATE sessions SET calls = 0",
        "DROP TABLE sessions",
        "CREATE TABLE x AS SELECT 1",
        "CREATE EXTERNAL TABLE x STORED AS CSV LOCATION '/etc/passwd'",
        "COPY sessions TO 'OUT'",
        "EXPLAIN ANALYZE COPY sessions TO 'OUT'",
        "explain verbose\ncopy sessions to 'OUT'",
        "EXPLAIN /* x */ ANALYZE COPY (SELECT 1) TO 'OUT'",
        "WITH x AS (SELECT 1) INSERT INTO sessions SELECT * FROM x",
        "SELECT 1 INTO x",
        "SET datafusion.execution.batch_size = 1",
        "PREPARE p AS SELECT 1",
        "SELECT 1; SELECT 2",
        "SELECT 1; DROP TABLE sessions",
        "SELECT 1;\n;COPY sessions TO 'OUT'",
        "SELECT E'\\'; COPY sessions TO ''OUT'' --'",
        "SELECT $$ ' $$; COPY sessions TO 'OUT' --'",
        "SELECT $a$ ' $a$; COPY sessions TO 'OUT' --'",
        "VALUES (1)",
        "TABLE sessions",
        "",
        "  ;",
        "-- nothing",
        "SELECT 'open",
        'SELECT "open',
        "SELECT 1 /* open",
        "SELECT '\0'",
    ],
)
def test_everything_else_is_refused_and_does_nothing(filled: Lake, sql: str, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    with pytest.raises(QueryRefused):
        query(filled, sql.replace("OUT", str(out)))
    assert not out.exists()
    assert filled.read("sessions").height == 6


def test_a_misspelt_table_is_answered_with_the_nearest_and_all(filled: Lake) -> None:
    with pytest.raises(
        QueryRefused,
        match=r"no table sesions. Fix: write sessions; the tables are account_embeddings, account_scores, ",
    ):
        query(filled, "select * from sesions")


def test_a_misspelt_column_is_answered_with_the_nearest_and_all(filled: Lake) -> None:
    with pytest.raises(QueryRefused, match=r"no column acount_id. Fix: write account_id; the columns are account_id, "):
        query(filled, "select acount_id from sessions")


def test_an_error_while_executing_is_one_sentence(filled: Lake) -> None:
    with pytest.raises(QueryRefused, match="Divide by zero"):
        query(filled, "select 1 / (calls - calls) from sessions")


def test_a_run_that_is_half_committed_is_not_seen(filled: Lake, make_rows: Callable[..., pl.DataFrame]) -> None:
    def stop(point: str) -> None:
        if point == "sessions: commit":
            raise KeyboardInterrupt

    with Lease.acquire(filled.root, "test") as lease:
        plan = Plan(next_sequence(filled), "detect", datetime(2026, 1, 1, tzinfo=UTC), "{}", {})
        rows = make_rows(TABLES["sessions"], 1, account_id="half")
        with pytest.raises(KeyboardInterrupt):
            Committer(filled, lease, stop).commit(plan, {"sessions": Write(rows=rows)}, Outcome(0, 0, 0, "x"), {})
    assert query(filled, "select count(*) from sessions").item() == 6


def test_a_new_lake_answers_with_no_rows(lake: Lake) -> None:
    assert query(lake, "select * from flagged_accounts").height == 0


@pytest.mark.parametrize("damage", [b"", b"PAR1 torn"])
def test_a_damaged_data_file_is_named_and_not_blamed_on_the_statement(
    lake: Lake, lease: Lease, make_rows: Callable[..., pl.DataFrame], damage: bytes
) -> None:
    plan = Plan(1, "detect", datetime(2026, 1, 1, tzinfo=UTC), "{}", {})
    rows = Write(rows=make_rows(TABLES["sessions"], 3))
    Committer(lake, lease).commit(plan, {"sessions": rows}, Outcome(0, 0, 0, "x"), {})
    path = next((lake.root / "sessions").glob("*.parquet"))
    path.unlink()
    if damage:
        path.write_bytes(damage)
    with pytest.raises(LakeError, match=rf"{path.name}: the data file is (damaged|missing)"):
        query(lake, "select max(calls) from sessions where calls > 1")


def test_no_column_of_ours_is_a_word_that_queries_may_not_hold() -> None:
    for contract in TABLES.values():
        assert not {name.upper() for name in [contract.name, *contract.columns]} & CHANGING


@given(st.lists(st.sampled_from([*sorted(CHANGING), "select", ";", "--", "/*", "*/", "\\", "$", '"', "x"]), max_size=8))
def test_what_stands_inside_a_string_never_counts(inside: list[str]) -> None:
    text = " ".join(inside).replace("\\", "").replace("$", "")
    assert words_of(f"select '{text}' from t") == ["SELECT", "FROM", "T"]


@given(
    st.sampled_from(sorted(CHANGING)),
    st.sampled_from(["{} x", "explain {}", "select 1 {} x", "with a as ({}) select 1"]),
)
def test_a_changing_word_outside_strings_is_always_refused(word: str, shape: str) -> None:
    with pytest.raises(QueryRefused):
        words_of(shape.format(word.lower()))
