import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ingest_blocks import decoded
from schemas.event import Presence
from transforms.ingest.litellm import FAILED_AUTHENTICATION

FIRST = (Path(__file__).parents[2] / "fixtures" / "ingest" / "litellm" / "records.ndjson").read_bytes().split(b"\n")[0]
P = Presence
NOBODY = {"user_api_key_team_id": None, "user_api_key_org_id": None, "user_api_key_user_id": None}
UNSEEN = {"requester_metadata": None, "requester_custom_headers": None}
FAILED: dict[str, Any] = {"status": "failure", "response": {}, "model_parameters": {}}


def payload(metadata: dict[str, Any] | None = None, **changes: Any) -> bytes:
    record = json.loads(FIRST) | changes
    if metadata is not None:
        record["metadata"] = record["metadata"] | metadata
    return json.dumps(record).encode()


def event(metadata: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    result = decoded("litellm", payload(metadata, **changes))
    assert result.events.height == 1, (result.rejects, result.ignored)
    return result.events.row(0, named=True)


def error(code: Any, name: str = "RateLimitError") -> dict[str, Any]:
    return FAILED | {"error_information": {"error_code": code, "error_class": name}}


def test_a_payload_is_read_in_full() -> None:
    got = event()
    expected = {
        "event_id": "chatcmpl-1",
        "time": datetime(2026, 3, 2, 9, 0, 8, 250_000, UTC),
        "start_time": datetime(2026, 3, 2, 9, 0, 1, 250_000, UTC),
        "account_id": "team-7",
        "account_basis": "team",
        "org_id": "org-2",
        "network_prefix": "203.0.113.0/24",
        "user_agent": "OpenAI/Python 1.60.0",
        "client_fingerprint": "t13d1516h2",
        "operation": "chat",
        "provider": "openai",
        "model_requested": "gpt-4o",
        "model_served": "openai/gpt-4o",
        "http_status": 200,
        "finish_reason": "stop",
        "is_refused": False,
        "latency_ms": 7000,
        "ttft_ms": 410,
        "input_tokens": 412,
        "output_tokens": 733,
        "cached_input_tokens": 128,
        "reasoning_tokens": 64,
        "cost_micro_usd": 8340,
        "temperature": 0.7,
        "n_choices": 2,
        "max_tokens": 1024,
        "logprobs": True,
        "top_logprobs": 5,
        "logit_bias_size": 2,
        "logit_bias_keys": [198, 50256],
        "seed": 7,
        "response_format": "json_object",
        "stream": True,
        "tool_count": 1,
        "message_count": 2,
        "prompt_chars": 84,
        "response_chars": 56,
        "language": "en",
        "end_user": None,
        "conversation": None,
        "object": None,
    }
    assert {name: got[name] for name in expected} == expected
    unknown = P.BYTES
    assert P(got["presence"]) == ~unknown


@pytest.mark.parametrize(
    ("metadata", "account", "basis"),
    [
        ({}, "team-7", "team"),
        ({"user_api_key_team_id": ""}, "org-2", "organisation"),
        ({"user_api_key_team_id": None, "user_api_key_org_id": None}, "u-3", "user"),
        (NOBODY | {"user_api_key_hash": "88dc"}, "88dc", "key"),
    ],
)
def test_the_account_is_team_else_organisation_else_user_else_key(
    metadata: dict[str, Any], account: str, basis: str
) -> None:
    row = event(metadata)
    assert (row["account_id"], row["account_basis"]) == (account, basis)


def test_a_bare_key_is_no_account_name() -> None:
    assert event(NOBODY | {"user_api_key_hash": "sk-1234"})["account_id"].startswith("digest:")


@pytest.mark.parametrize(("code", "name"), [("400", "ProxyException"), ("403", "HTTPException"), ("401", "")])
def test_a_failed_authentication_is_ignored_and_counted(code: str, name: str) -> None:
    result = decoded("litellm", payload(NOBODY | UNSEEN, **error(code, name)))
    assert (result.events.height, result.rejects.height) == (0, 0)
    assert result.ignored == {FAILED_AUTHENTICATION: 1}


def test_a_key_that_the_proxy_itself_refuses_is_ignored_whatever_it_noted_of_the_requester() -> None:
    result = decoded("litellm", payload(NOBODY, **error("401", "ProxyException")))
    assert (result.events.height, result.ignored) == (0, {FAILED_AUTHENTICATION: 1})


def test_a_failed_call_of_a_known_account_is_an_event() -> None:
    assert event(UNSEEN, **error("403", "HTTPException"))["account_id"] == "team-7"
    assert event(NOBODY, **error("401", "AuthenticationError"))["account_basis"] == "key"
    assert event(NOBODY | UNSEEN, **error("429"))["account_basis"] == "key"


def test_a_failed_authentication_is_no_missing_account_under_a_rule() -> None:
    result = decoded("litellm", payload(NOBODY | UNSEEN, **error("403", "HTTPException")), account=["team_id"])
    assert result.ignored == {FAILED_AUTHENTICATION: 1}


@pytest.mark.parametrize(
    ("code", "status"),
    [("429", 429), (500, 500), ("", None), ("abc", None), ("99", None), (None, None), ("4290", None)],
)
def test_the_status_of_a_failure_is_its_error_code(code: Any, status: int | None) -> None:
    row = event(**error(code))
    assert (row["http_status"], row["is_refused"], row["model_served"]) == (status, None, None)


def test_a_failure_without_parameters_does_not_say_that_none_were_used() -> None:
    row = event(**error("429"))
    assert not P(row["presence"]) & (P.PARAMETERS | P.TOOLS)
    assert (row["logprobs"], row["tool_count"]) == (None, None)
    assert event(**error("429") | {"model_parameters": {"logprobs": True}})["logprobs"] is True


def test_a_success_without_parameters_says_that_none_were_used() -> None:
    row = event(model_parameters={})
    assert (row["logprobs"], row["logit_bias_size"], row["tool_count"], row["temperature"]) == (False, 0, 0, None)


def test_latency_is_not_the_response_time() -> None:
    assert event(response_time=99.0)["latency_ms"] == 7000


def test_only_a_stream_has_a_first_token() -> None:
    assert event(stream=None, model_parameters={})["ttft_ms"] is None
    assert event(completionStartTime=None)["ttft_ms"] is None


def test_times_may_be_text_without_zone() -> None:
    text = event(startTime="2026-03-02 09:00:01.250000", endTime="2026-03-02T09:00:08.250Z")
    assert text["time"] == event()["time"]
    assert text["start_time"] == event()["start_time"]


def test_empty_names_are_absent() -> None:
    row = event({"requester_ip_address": ""}, end_user="", session_id="", requester_ip_address="", model_group="")
    assert (row["end_user"], row["conversation"], row["network_prefix"]) == (None, None, None)
    assert row["model_requested"] == "openai/gpt-4o"


def test_the_conversation_is_the_session_the_client_named() -> None:
    named = event(session_id="s-1")["conversation"]
    assert named == event({"requester_metadata": {"session_id": "s-1"}})["conversation"] is not None
    assert event(session_id="call-1")["conversation"] is None


def test_address_and_agent_are_taken_from_either_place() -> None:
    row = event(
        {"requester_ip_address": "198.51.100.7", "user_agent": "curl"}, requester_ip_address=None, user_agent=None
    )
    assert (row["network_prefix"], row["user_agent"]) == ("198.51.100.0/24", "curl")


@pytest.mark.parametrize(
    ("route", "call_type", "operation", "fetched"),
    [
        ("/v1/chat/completions", "acompletion", "chat", None),
        ("/v1/embeddings", "aembedding", "embedding", None),
        (None, "aembedding", "embedding", None),
        (None, "atext_completion", "completion", None),
        (None, "anthropic_messages", "chat", None),
        ("/v1/files/file-19/content", "afile_content", "download", "file-19"),
        ("/v1/messages/batches/b-7/results", "pass_through_endpoint", "download", "b-7"),
        ("/v1/files", "alist_files", "other", None),
        ("/v1/batches/b-7", "aretrieve_batch", "other", None),
        ("/" + "x" * 100_000, "acompletion", "chat", None),
    ],
)
def test_the_route_tells_the_kind_of_call(
    route: str | None, call_type: str, operation: str, fetched: str | None
) -> None:
    row = event({"user_api_key_request_route": route}, call_type=call_type)
    assert (row["operation"], row["object"]) == (operation, fetched)


def test_the_last_user_message_with_text_is_the_prompt() -> None:
    messages = [
        {"role": "user", "content": "first"},
        {"role": "assistant", "content": None, "tool_calls": []},
        {"role": "user", "content": [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]},
        {"role": "tool", "content": "result"},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:"}}]},
    ]
    assert event(messages=messages)["prompt_digest"] == event(messages="one\ntwo")["prompt_digest"]
    assert event(messages=messages)["message_count"] == 5


def test_system_and_developer_messages_are_the_system_prompt() -> None:
    both = [{"role": "system", "content": "a"}, {"role": "developer", "content": "b"}, {"role": "user", "content": "c"}]
    one = [{"role": "system", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}]
    assert event(messages=both)["system_digest"] == event(messages=one)["system_digest"] is not None


def test_redacted_text_is_no_text() -> None:
    hidden = "redacted-by-litellm"
    for messages, response in (
        ([{"role": "user", "content": hidden}], {"choices": [{"message": {"content": hidden}}]}),
        (hidden, hidden),
        ([{"role": "user", "content": [{"text": hidden}]}], {"text": hidden}),
        (None, None),
    ):
        row = event(messages=messages, response=response)
        assert (row["prompt_digest"], row["response_digest"], row["language"]) == (None, None, None)
        assert not P(row["presence"]) & (P.PROMPT | P.RESPONSE | P.HANDLES)


@pytest.mark.parametrize(
    "response",
    [
        {"choices": [{"message": {"content": "Done."}, "finish_reason": "stop"}]},
        {"choices": [{"message": {"content": [{"type": "text", "text": "Done."}]}}]},
        {"choices": [{"text": "Done."}]},
        {"output": [{"type": "reasoning"}, {"type": "message", "content": [{"type": "output_text", "text": "Done."}]}]},
        {"content": [{"type": "text", "text": "Done."}], "stop_reason": "end_turn"},
        "Done.",
    ],
)
def test_an_answer_is_read_in_every_shape(response: Any) -> None:
    row = event(response=response)
    assert row["response_chars"] == 5
    assert row["is_refused"] is False


@pytest.mark.parametrize(
    "changes",
    [
        {"response": {"choices": [{"finish_reason": "content_filter", "message": {"content": ""}}]}},
        {"response": {"choices": [{"message": {"content": None, "refusal": "No."}}]}},
        {"response": {"output": [{"content": [{"type": "refusal", "refusal": "No."}]}]}},
        {"response": {"choices": [{"message": {"content": "I'm sorry, but I can't help with that request."}}]}},
        {"guardrail_information": [{"guardrail_status": "success"}, {"guardrail_status": "guardrail_intervened"}]},
        {"guardrail_information": {"guardrail_status": "blocked"}},
        {"status_fields": {"guardrail_status": "guardrail_intervened"}},
        error("400", "ContentPolicyViolationError"),
    ],
)
def test_a_refusal_shows_in_many_places(changes: dict[str, Any]) -> None:
    assert event(**changes)["is_refused"] is True


def test_reasoning_handles_are_issued_in_answers_and_used_in_requests() -> None:
    issued = event(response={"choices": [{"message": {"content": "a", "thinking_blocks": [{"signature": "h-1"}]}}]})
    beside = [{"role": "assistant", "content": "a", "thinking_blocks": [{"signature": "h-1"}, {"signature": None}]}]
    inside = [{"role": "assistant", "content": [{"type": "thinking", "signature": "h-1"}]}]
    faked = [{"role": "user", "content": [{"type": "thinking", "signature": "h-1"}]}]
    assert issued["handles_issued"] == event(messages=beside)["handles_used"] == event(messages=inside)["handles_used"]
    assert len(issued["handles_issued"]) == 1
    assert event(messages=faked)["handles_used"] is None


@pytest.mark.parametrize(
    "changes",
    [
        {"messages": {"x": 1}},
        {"messages": [5, {"role": 7, "content": {"a": 1}}]},
        {"response": ["a"]},
        {"response": {"choices": {"0": 1}}},
        {"model_parameters": {"temperature": "hot", "n": [1], "tools": {"a": 1}, "logit_bias": [1], "seed": 1e300}},
        {"guardrail_information": "none"},
        {"error_information": []},
        {"end_user": {"id": 7}},
        {"session_id": ["s"]},
        {"model_group": 7},
        {"metadata": {"user_api_key_team_id": "team-7", "requester_metadata": "x", "requester_custom_headers": [1]}},
        {"metadata": {"user_api_key_team_id": "team-7", "usage_object": {"prompt_tokens_details": 7}}},
    ],
)
def test_an_odd_request_hides_no_call(changes: dict[str, Any]) -> None:
    assert event(**changes)["account_id"] == "team-7"


def test_an_odd_message_hides_no_other() -> None:
    odd = [{"role": "user", "content": "a template"}, {"role": "user", "content": {"x": 1}}, 5]
    assert (
        event(messages=odd)["prompt_digest"]
        == event(messages=[{"role": "user", "content": "a template"}])["prompt_digest"]
    )


def test_headers_named_by_rules_are_read() -> None:
    headers = {"requester_custom_headers": {"x-account": "acct-1", "x-ja4": "t13"}}
    row = decoded(
        "litellm", payload(headers), account=["header:X-Account"], client_fingerprint=["header:x-ja4"]
    ).events.row(0, named=True)
    assert (row["account_id"], row["account_basis"], row["client_fingerprint"]) == ("acct-1", "account", "t13")
    other = decoded("litellm", payload({"requester_metadata": {"headers": {"host": "gw"}}}), account=["header:host"])
    assert other.events["account_id"].to_list() == ["gw"]


def test_fields_named_by_rules_are_read() -> None:
    plain = decoded("litellm", payload(), account=["user_api_key_user_id"]).events.row(0, named=True)
    assert (plain["account_id"], plain["account_basis"]) == ("u-3", "user")
    rule = {"account": ["metadata.tenant"], "api_key": ["metadata.user_api_key_alias"], "end_user": ["trace_id"]}
    row = decoded("litellm", payload({"tenant": "t-9", "user_api_key_alias": "prod"}), **rule).events.row(0, named=True)
    assert (row["account_id"], row["api_key_id"]) == ("t-9", "prod")
    assert row["end_user"] is not None


def test_the_id_is_the_answers_else_the_calls() -> None:
    assert event(id="")["event_id"] == "call-1"
    assert event(id=None, litellm_call_id=None)["event_id"].startswith("0123456789abcdef:0:")


@pytest.mark.parametrize("framing", ["lines", "document"])
def test_lines_arrays_and_documents_hold_the_same_calls(framing: Any) -> None:
    one, two = payload(), payload(id="chatcmpl-2")
    array = b"[" + one + b", " + two + b"]"
    spread = json.dumps(json.loads(array), indent=1).encode()
    expected = decoded("litellm", one + b"\n" + two).events.drop("position")
    for data in (array, spread) if framing == "document" else (array,):
        assert decoded("litellm", data, framing).events.drop("position").equals(expected)


def test_a_document_knows_the_place_of_its_elements() -> None:
    data = b'[\n {"startTime": 1},\n ' + payload() + b"\n]"
    result = decoded("litellm", data, "document")
    assert result.rejects.select("position", "line", "reason").rows() == [(3, 2, "missing_account")]
    assert data[result.events["position"][0] :].startswith(b'{"id"')
