import io
from datetime import UTC, datetime
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest_blocks import KEY, decoded
from schemas.errors import SourceRefused
from schemas.policy import Policy
from schemas.registry import REGISTRY
from transforms.ingest import Accounts, read_accounts


def read(data: bytes | str) -> Accounts:
    return read_accounts(data.encode() if isinstance(data, str) else data, "accounts.csv", KEY, Policy())


def parquet(**columns: Any) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


def test_a_file_is_registry_rows_without_a_border() -> None:
    frame = read("account_id,plan\nacme,pro\n").frame
    expected = {name: kind for name, kind in REGISTRY.polars.items() if name != "holds_from"}
    assert dict(frame.schema) == expected
    assert frame.row(0) == ("acme", "pro", None, None, None, None, None)


def test_columns_are_known_by_other_names_in_any_order() -> None:
    data = "Contract Type;Country-Code;Card Fingerprint;Created;signup.channel;TIER;Team ID;Notes\n"
    data += "research;NO;card-7;2025-11-05;web;pro;acme;hello\n"
    accounts = read(data)
    assert accounts.frame.row(0, named=True) == {
        "account_id": "acme",
        "plan": "pro",
        "created_at": datetime(2025, 11, 5, tzinfo=UTC),
        "signup_path": "web",
        "payment_id": "card-7",
        "country": "NO",
        "contract": "research",
    }
    assert accounts.unknown_columns == ["Notes"]


def test_the_best_name_wins() -> None:
    accounts = read("id,account_id\n1,acme\n")
    assert accounts.frame["account_id"].to_list() == ["acme"]
    assert accounts.unknown_columns == ["id"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_header_tells_the_delimiter(delimiter: str) -> None:
    assert read(f"account{delimiter}plan\nacme{delimiter}pro\n").frame["plan"].to_list() == ["pro"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2025-11-05T08:00:00Z", datetime(2025, 11, 5, 8, tzinfo=UTC)),
        ("2025-11-05T08:00:00+02:00", datetime(2025, 11, 5, 6, tzinfo=UTC)),
        ("2025-11-05 08:00:00", datetime(2025, 11, 5, 8, tzinfo=UTC)),
        ("2025-11-05", datetime(2025, 11, 5, tzinfo=UTC)),
        ("1762329600", datetime(2025, 11, 5, 8, tzinfo=UTC)),
        ("1762329600000", datetime(2025, 11, 5, 8, tzinfo=UTC)),
    ],
)
def test_creation_times_are_read(text: str, expected: datetime) -> None:
    assert read(f"account,created_at\nacme,{text}\n").frame["created_at"].to_list() == [expected]


@pytest.mark.parametrize("text", ["05/11/2025", "long ago", "1999-01-01", "2200-01-01", "99999999999999999999", "0"])
def test_an_impossible_creation_time_is_blank_and_counted(text: str) -> None:
    accounts = read(f"account,created_at,plan\nacme,{text},pro\n")
    assert accounts.frame.select("created_at", "plan").row(0) == (None, "pro")
    assert accounts.blanked == {"created_at": 1}


def test_of_two_rows_about_an_account_the_last_counts() -> None:
    accounts = read("account,plan\nacme,free\nbeta,pro\nacme,pro\n")
    assert accounts.frame.select("account_id", "plan").rows() == [("acme", "pro"), ("beta", "pro")]
    assert accounts.rejected == {"superseded by a later row": 1}


def test_damaged_rows_are_counted() -> None:
    data = b"account,plan\nacme,pro\n,free\n  ,free\nbeta,pro,x\n\xff\xfe,pro\nga\x00mma,pro\n\ndelta\n"
    accounts = read(data)
    assert accounts.frame["account_id"].to_list() == ["acme", "delta"]
    assert accounts.rejected == {"no account": 2, "too many cells": 1, "not UTF-8, or not text": 2}


def test_quoted_cells_may_hold_anything() -> None:
    accounts = read('account,contract\n"a, b","two\nlines"\n')
    assert accounts.frame.select("account_id", "contract").rows() == [("a, b", "two\nlines")]


def test_a_byte_order_mark_and_other_line_ends_are_read() -> None:
    assert read(b"\xef\xbb\xbfaccount,plan\r\nacme,pro\r\n").frame["plan"].to_list() == ["pro"]


def test_long_ids_are_replaced_as_in_events() -> None:
    long = "a" * 300
    line = f'{{"time": 1772442000, "account_id": "{long}"}}'.encode()
    assert read(f"account\n{long}\n").frame["account_id"][0] == decoded("canonical", line).events["account_id"][0]


def test_long_labels_are_cut() -> None:
    assert len(read(f"account,plan\nacme,{'p' * 5000}\n").frame["plan"][0]) == 256


def test_parquet_is_read() -> None:
    created = pa.array([datetime(2025, 11, 5, 8, tzinfo=UTC), None], pa.timestamp("us", "UTC"))
    accounts = read(parquet(team_id=[7, 8], created=created, plan=["pro", None], flag=[True, False]))
    assert accounts.frame.select("account_id", "plan", "created_at").rows() == [
        ("7", "pro", datetime(2025, 11, 5, 8, tzinfo=UTC)),
        ("8", None, None),
    ]
    assert accounts.unknown_columns == ["flag"]


@pytest.mark.parametrize(
    "data", [b"", b"\n\n", b"plan,country\npro,NO\n", b"PAR1 but no Parquet", b"\x00\x01\x02", parquet(plan=["pro"])]
)
def test_a_file_that_names_no_accounts_is_refused(data: bytes) -> None:
    with pytest.raises(SourceRefused):
        read(data)


def test_a_file_with_a_header_only_has_no_accounts() -> None:
    assert read("account,plan\n").frame.is_empty()


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_else(tail: bytes) -> None:
    rows = [("acme", "pro")]
    accounts = read(b"account,plan\nacme,pro\n" + tail)
    kept = accounts.frame.filter(pl.col("account_id") == "acme").select("account_id", "plan").rows()
    assert kept == rows or "superseded by a later row" in accounts.rejected or b"acme" in tail
