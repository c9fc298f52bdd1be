import json
from datetime import UTC, datetime
from typing import Any

import pytest

from ingest_blocks import decoded
from schemas.event import Presence
from schemas.policy import Ingest, Policy
from transforms.ingest.web import NOT_API, PRESENCE

NGINX: dict[str, Any] = {
    "msec": "1772442007.250",
    "remote_addr": "203.0.113.9",
    "request_method": "POST",
    "uri": "/v1/chat/completions",
    "status": "200",
    "body_bytes_sent": "14110",
    "request_time": "7.000",
    "http_user_agent": "python-requests/2.32",
    "request_id": "r-1",
    "account": "acct-7",
    "key_hash": "88dc28d0",
}
P = Presence


def combined(
    request: str = "POST /v1/chat/completions HTTP/1.1",
    *,
    time: str = "02/Mar/2026:09:00:00 +0000",
    address: str = "203.0.113.9",
    user: str = "-",
    status: str = "200",
    size: str = "512",
    agent: str = "curl/8.5",
    tail: str = "",
) -> bytes:
    return f'{address} - {user} [{time}] "{request}" {status} {size} "-" "{agent}"{tail}'.encode()


def web(adapter: str, line: bytes, **rule: Any) -> dict[str, Any]:
    result = decoded(adapter, line, **rule)
    assert result.events.height == 1, (result.rejects, result.ignored)
    return result.events.row(0, named=True)


def nginx(rule: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    record = {name: value for name, value in (NGINX | changes).items() if value is not None}
    return web("nginx_json", json.dumps(record).encode(), **({} if rule is None else rule))


def test_a_combined_line_is_read_in_full() -> None:
    row = web("combined", combined())
    assert row["account_id"].startswith("203.0.113.9 ")
    expected = {
        "time": datetime(2026, 3, 2, 9, tzinfo=UTC),
        "start_time": None,
        "latency_ms": None,
        "account_basis": "address_and_agent",
        "network_prefix": "203.0.113.0/24",
        "user_agent": "curl/8.5",
        "operation": "chat",
        "http_status": 200,
        "bytes_out": 512,
        "model_requested": None,
        "logprobs": None,
        "is_refused": None,
        "presence": PRESENCE.value,
    }
    assert {name: row[name] for name in expected} == expected


def test_caller_is_address_and_agent_together() -> None:
    one = web("combined", combined())["account_id"]
    assert one == web("combined", combined("POST /v1/messages HTTP/2.0"))["account_id"]
    assert one != web("combined", combined(agent="curl/8.6"))["account_id"]
    assert one != web("combined", combined(address="203.0.113.10"))["account_id"]
    assert web("combined", combined(agent="-"))["account_id"] == "203.0.113.9 -"


def test_a_rule_may_name_the_logged_user() -> None:
    named = web("combined", combined(user="alice smith"), account=["remote_user", "address_and_agent"])
    assert (named["account_id"], named["account_basis"]) == ("alice smith", "user")
    assert P(named["presence"]) & P.ACCOUNT
    nobody = web("combined", combined(), account=["remote_user", "address_and_agent"])
    assert nobody["account_basis"] == "address_and_agent"
    assert decoded("combined", combined(), account=["remote_user"]).rejects["reason"].to_list() == ["missing_account"]


@pytest.mark.parametrize(
    ("request_line", "operation", "fetched"),
    [
        ("POST /v1/embeddings HTTP/1.1", "embedding", None),
        ("GET /v1/files/file-19/content?token=x HTTP/1.1", "download", "/v1/files/file-19"),
        ("GET https://api.example.com/v1/files/file-19 HTTP/1.1", "download", "/v1/files/file-19"),
        ("GET /v1/chat/completions HTTP/1.1", "other", None),
        ("POST /v1/files/file-19 HTTP/1.1", "other", None),
        ("HEAD /v1/files/file-19 HTTP/1.1", "other", None),
        ("GET /v1/models", "other", None),
    ],
)
def test_method_and_path_tell_the_kind_of_call(request_line: str, operation: str, fetched: str | None) -> None:
    row = web("combined", combined(request_line))
    assert (row["operation"], row["object"]) == (operation, fetched)
    row = nginx(request=request_line, request_method=None, uri=None)
    assert (row["operation"], row["object"]) == (operation, fetched)


@pytest.mark.parametrize(
    "request_line",
    ["GET / HTTP/1.1", "GET /index.html HTTP/1.1", "-", "", r"\x16\x03", "GET /v1x HTTP/1.1", "CONNECT a:1"],
)
def test_what_is_no_api_path_is_ignored(request_line: str) -> None:
    assert decoded("combined", combined(request_line)).ignored == {NOT_API: 1}
    line = json.dumps({**NGINX, "uri": "", "request_method": "", "request": request_line}).encode()
    assert decoded("nginx_json", line).ignored == {NOT_API: 1}


def test_api_paths_come_from_the_policy() -> None:
    policy = Policy(ingest=Ingest(api_paths=["/index"]))
    result = decoded("combined", combined("GET /index.html HTTP/1.1") + b"\n" + combined(), policy=policy)
    assert result.events.height == 1
    assert result.ignored == {NOT_API: 1}


def test_a_dash_for_bytes_is_none_sent() -> None:
    assert web("combined", combined(size="-"))["bytes_out"] == 0


def test_fields_behind_the_agent_are_not_read() -> None:
    assert web("combined", combined(tail=' "0.005" "x y" -'))["user_agent"] == "curl/8.5"


def test_quotes_inside_an_agent_do_not_end_it() -> None:
    assert web("combined", combined(agent=r"a \"b\" c"))["user_agent"] == r"a \"b\" c"


@pytest.mark.parametrize(
    ("line", "reason", "column"),
    [
        (combined()[:-1], "no_match", None),
        (combined()[:-10], "no_match", None),
        (combined()[:40], "no_match", None),
        (b"\x00" * 50, "no_match", None),
        (combined(status="20"), "no_match", None),
        (combined(status="999"), "impossible_value", "http_status"),
        (combined(size="-5"), "no_match", None),
        (combined(time="yesterday"), "wrong_type", "time"),
        (combined(time="30/Feb/2026:09:00:00 +0000"), "wrong_type", "time"),
        (combined(time="02/Mar/2026:09:00:60 +0000"), "wrong_type", "time"),
        (combined(time="02/Mar/2026:09:00:00"), "wrong_type", "time"),
        (combined(time="02/Mar/1999:09:00:00 +0000"), "impossible_time", "time"),
        (combined(agent="ä").replace("ä".encode(), b"\xe4"), "not_utf8", None),
    ],
)
def test_damaged_combined_lines_are_refused(line: bytes, reason: str, column: str | None) -> None:
    result = decoded("combined", combined() + b"\n" + line + b"\n" + combined())
    assert result.events.height == 2
    assert result.rejects.select("line", "reason", "column").rows() == [(2, reason, column)]


def test_nginx_logs_the_end_of_a_request() -> None:
    row = nginx()
    assert row["time"] == datetime(2026, 3, 2, 9, 0, 7, 250_000, UTC)
    assert row["start_time"] == datetime(2026, 3, 2, 9, 0, 0, 250_000, UTC)
    assert (row["latency_ms"], row["bytes_out"], row["api_key_id"]) == (7000, 14110, "88dc28d0")
    assert P(row["presence"]) == PRESENCE | P.ACCOUNT | P.LATENCY


def test_nginx_values_may_be_numbers() -> None:
    row = nginx(msec=1772442007.25, request_time=7, status=200, body_bytes_sent=14110)
    assert row == nginx()


def test_nginx_without_account_is_address_and_agent() -> None:
    for nothing in ("", "-", None):
        row = nginx(account=nothing)
        assert row["account_basis"] == "address_and_agent"
        assert not P(row["presence"]) & P.ACCOUNT
    assert nginx(account=None, account_id="acct-8")["account_id"] == "acct-8"


def test_nginx_headers_are_variables() -> None:
    rule = {"account": ["header:X-Tenant"], "client_fingerprint": ["header:x-ja4"]}
    row = nginx(rule, http_x_tenant="t-9", http_x_ja4="t13")
    assert (row["account_id"], row["client_fingerprint"]) == ("t-9", "t13")
    assert nginx(http_x_client_fingerprint="t13")["client_fingerprint"] == "t13"
    assert decoded(
        "nginx_json", json.dumps(NGINX | {"http_x_tenant": "-"}).encode(), account=["header:x-tenant"]
    ).rejects["reason"].to_list() == ["missing_account"]


def test_forwarded_addresses_are_not_believed() -> None:
    assert nginx(http_x_forwarded_for="198.51.100.7", xff="198.51.100.7")["network_prefix"] == "203.0.113.0/24"


@pytest.mark.parametrize(
    ("changes", "reason", "column"),
    [
        ({"msec": "soon"}, "wrong_type", "msec"),
        ({"msec": None}, "missing_time", "msec"),
        ({"msec": None, "time_iso8601": "2026-03-02T09:00:07"}, "wrong_type", "time_iso8601"),
        ({"msec": None, "time_local": "02/Mar/2026:09:00:60 +0000"}, "wrong_type", "time_local"),
        ({"msec": "5"}, "impossible_time", "msec"),
        ({"status": "OK"}, "wrong_type", "status"),
        ({"status": "700"}, "impossible_value", "status"),
        ({"request_time": "-1"}, "wrong_type", "request_time"),
        ({"body_bytes_sent": "1e3"}, "wrong_type", "body_bytes_sent"),
        ({"account": {"a": 1}}, "wrong_type", "account"),
        ({"account": "-", "remote_addr": "-"}, "missing_account", "account"),
    ],
)
def test_damaged_nginx_lines_are_refused(changes: dict[str, Any], reason: str, column: str) -> None:
    record = {name: value for name, value in (NGINX | changes).items() if value is not None}
    rejects = decoded("nginx_json", json.dumps(record).encode()).rejects
    assert rejects.select("reason", "column").rows() == [(reason, column)]


def test_a_missing_status_is_no_status() -> None:
    assert nginx(status="-")["http_status"] is None
